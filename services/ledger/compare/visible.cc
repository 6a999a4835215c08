#include "services/ledger/compare/visible.h"

#include <algorithm>

#include "storage/posting_codec.h"
#include "storage/record_codec.h"

namespace fiscal::services {
namespace {

using authority::Asked;
using domain::CatalogList;
using domain::EventKind;

bool ServesBelow(CatalogList list) {
  return list != CatalogList::kNone && list != CatalogList::kAgency;
}

}  // namespace

EventPart AboutEvent(const domain::EventHeader& header, absl::string_view payload) {
  EventPart out;
  if (header.kind == EventKind::kCatalog) {
    const absl::StatusOr<domain::CatalogEvent> event = storage::DecodeCatalog(payload);
    if (!event.ok()) return out;
    out.part = {event->division, event->list == CatalogList::kAgency, "", "", event->year};
    out.list = event->list;
  } else if (header.kind == EventKind::kStatement) {
    const absl::StatusOr<storage::StatementParts> parts = storage::SplitStatement(payload);
    if (!parts.ok()) return out;
    const absl::StatusOr<domain::StatementMeta> meta = storage::DecodeMeta(parts->meta);
    if (meta.ok()) out.part = authority::AskedOf(meta->key, meta->department_code);
  } else if (header.kind == EventKind::kUpstream) {
    const absl::StatusOr<domain::Posting> posting = storage::ReadPosting(header, payload, nullptr);
    if (posting.ok()) out.part = authority::AskedOf(posting->key, posting->department);
  }
  return out;
}

bool MaySee(const Rights& rights, authority::Verb verb, const EventPart& event,
            const domain::Catalog& catalog) {
  if (rights.Covers(verb, event.part, catalog)) return true;
  if (!ServesBelow(event.list)) return false;
  return std::any_of(
      rights.grants().begin(), rights.grants().end(), [&](const authority::Grant& grant) {
        if (!authority::FindRole(grant.event.role)->verbs.Has(verb)) return false;
        // Of the list of divisions there is one for all.
        if (event.list == CatalogList::kDivision) return true;
        const std::vector<domain::Code> chain =
            catalog.ChainOf(grant.event.extent.division, event.part.year);
        return std::find(chain.begin(), chain.end(), event.part.division) != chain.end();
      });
}

}  // namespace fiscal::services
