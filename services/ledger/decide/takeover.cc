#include "services/ledger/decide/takeover.h"

#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/posting_check.h"
#include "domain/reason.h"
#include "services/ledger/decide/group.h"
#include "storage/record_codec.h"

namespace fiscal::services {
namespace {

using domain::CatalogEntry;
using domain::CatalogEvent;
using domain::Reason;
using domain::Refuse;
using domain::UpstreamRecords;

// How far an upstream's clock may be ahead of ours; what is later waits until it is not.
constexpr int64_t kAheadMaxUs = int64_t{24} * 3600 * 1000000;

absl::Status Unsound(absl::string_view upstream, const UpstreamRecords::Record& record,
                     absl::string_view fault) {
  return Refuse(Reason::kUpstreamEventInvalid,
                absl::StrCat("event ", record.position.value(), " of upstream ", upstream,
                             " is refused: ", fault));
}

// The posting of a record, when it is one that a system of ours makes of a statement it took.
absl::StatusOr<domain::Posting> SoundPosting(absl::string_view upstream,
                                             const UpstreamRecords::Record& record) {
  if (record.posting.size() > domain::kPostingBytesMax)
    return Unsound(upstream, record, absl::StrCat(record.posting.size(), " bytes are too many"));
  absl::StatusOr<domain::Posting> posting =
      storage::DecodeWholePosting(record.position, record.posting, nullptr);
  if (!posting.ok()) return Unsound(upstream, record, posting.status().message());
  const std::string fault = domain::PostingFault(*posting);
  if (!fault.empty()) return Unsound(upstream, record, fault);
  // Equal postings have equal bytes: no system of ours writes other bytes that say the same.
  if (storage::EncodePosting(*posting) != record.posting)
    return Unsound(upstream, record, "its bytes are not as a posting is written");
  return posting;
}

absl::StatusOr<CatalogEvent> SoundCatalog(absl::string_view upstream,
                                          const UpstreamRecords::Record& record) {
  if (record.catalog.size() > domain::kCatalogBytesMax)
    return Unsound(upstream, record, absl::StrCat(record.catalog.size(), " bytes are too many"));
  absl::StatusOr<CatalogEvent> event = storage::DecodeCatalog(record.catalog);
  if (!event.ok()) return Unsound(upstream, record, event.status().message());
  const std::string fault = domain::CatalogFault(*event);
  if (!fault.empty()) return Unsound(upstream, record, fault);
  return event;
}

// That the record is the next one of the log that was taken over up to `state`.
absl::Status CheckContinues(const std::string& upstream, const UpstreamRecords::Record& record,
                            const storage::UpstreamState& state, int64_t now_us) {
  if (record.position != state.position.Next()) {
    return Refuse(Reason::kHistoryDiffers,
                  absl::StrCat("upstream ", upstream, " left out events between ",
                               state.position.value(), " and ", record.position.value()));
  }
  if (storage::ChainHash(state.chain_hash, record.leaf_hash) != record.chain_hash) {
    return Refuse(Reason::kHistoryDiffers,
                  absl::StrCat("event ", record.position.value(), " of upstream ", upstream,
                               " does not continue what was taken over"));
  }
  if (record.commit_time_us > now_us + kAheadMaxUs)
    return Unsound(upstream, record, "it was committed more than a day from now");
  return absl::OkStatus();
}

absl::Status CheckDivisionKnown(domain::Code division, uint16_t year, const Standing& standing) {
  if (standing.catalog.FindDivision(division, year) != nullptr) return absl::OkStatus();
  return Refuse(Reason::kDivisionUnknown,
                absl::StrCat("division ", division, " is not in the catalog of ", year,
                             ": import it here first"));
}

absl::Status DecidePosting(const std::string& upstream, const UpstreamRecords::Record& record,
                           bool ends_group, const Standing& standing, RecordDecision* d) {
  FISCAL_ASSIGN_OR_RETURN(domain::Posting posting, SoundPosting(upstream, record));
  const bool ends = posting.more && ends_group;
  if (ends) posting.more = false;
  const domain::BudgetKey& budget = posting.key;
  FISCAL_RETURN_IF_ERROR(CheckDivisionKnown(budget.division, budget.year, standing));
  const absl::string_view owner = standing.OwnerOf(budget.division);
  if (owner.empty()) {
    FISCAL_ASSIGN_OR_RETURN(const bool stated_here, standing.ledger.HasStatements(budget.division));
    if (stated_here) {
      return Refuse(Reason::kDivisionFromUpstream,
                    absl::StrCat("division ", budget.division,
                                 " has statements of its own here: it can't come from upstream ",
                                 upstream, " too"));
    }
    d->claims = budget.division;
  } else if (owner != upstream) {
    return Refuse(Reason::kDivisionFromUpstream,
                  absl::StrCat("division ", budget.division, " comes from upstream ", owner));
  }
  // Revisions have no gaps: the totals store takes revision 1 for a budget's first posting.
  FISCAL_ASSIGN_OR_RETURN(const bool before,
                          standing.ledger.HasRevision(budget, posting.revision - 1));
  FISCAL_ASSIGN_OR_RETURN(const bool known, standing.ledger.HasRevision(budget, posting.revision));
  if (posting.revision == 0 || known || before == (posting.revision == 1)) {
    return Unsound(upstream, record,
                   absl::StrCat("revision ", posting.revision, " of agency ", budget.agency,
                                " does not follow the one before"));
  }
  d->more = posting.more;
  d->posting_bytes = ends ? storage::EncodePosting(posting) : record.posting;
  d->posting = std::move(posting);
  return absl::OkStatus();
}

// Of a list of divisions, those that hang below one that is known here, or below one of the list
// that does.
std::vector<CatalogEntry> Placed(std::vector<CatalogEntry> entries, uint16_t year,
                                 const domain::Catalog& catalog) {
  std::set<std::string> placed;
  std::vector<CatalogEntry> kept;
  for (bool found = true; found;) {
    found = false;
    for (CatalogEntry& e : entries) {
      if (e.code.empty() || e.parent_code.empty()) continue;
      if (placed.count(e.parent_code) == 0 &&
          catalog.FindDivision(domain::ParseCode(e.parent_code), year) == nullptr)
        continue;
      placed.insert(e.code);
      kept.push_back(std::move(e));
      e.code.clear();
      found = true;
    }
  }
  return kept;
}

// An upstream says who the agencies of its divisions are, and adds entries that no other system has
// said; it changes nothing that others said.
absl::Status DecideCatalog(const std::string& upstream, const UpstreamRecords::Record& record,
                           const Standing& standing, RecordDecision* d) {
  FISCAL_ASSIGN_OR_RETURN(CatalogEvent event, SoundCatalog(upstream, record));
  const domain::Catalog& catalog = standing.catalog;
  const bool division_list = event.list == domain::CatalogList::kDivision;
  const auto existing =
      catalog.lists().find({division_list ? 0 : event.division, event.year, event.list});
  const bool loaded = existing != catalog.lists().end();
  bool own = false;
  if (event.list == domain::CatalogList::kAgency) {
    FISCAL_RETURN_IF_ERROR(CheckDivisionKnown(event.division, event.year, standing));
    const absl::string_view owner = standing.OwnerOf(event.division);
    if (!owner.empty() && owner != upstream) return absl::OkStatus();
    FISCAL_ASSIGN_OR_RETURN(const bool stated_here, standing.ledger.HasStatements(event.division));
    if (owner.empty() && !loaded && !stated_here) d->claims = event.division;
    own = owner == upstream || d->claims != 0;
  }
  std::vector<CatalogEntry> entries;
  for (CatalogEntry& e : event.entries) {
    const bool known = loaded && existing->second->find(e.code) != existing->second->end();
    if (own || !known) entries.push_back(std::move(e));
  }
  if (division_list) entries = Placed(std::move(entries), event.year, catalog);
  event.entries = std::move(entries);
  catalog.Diff(event, &d->catalog);
  if (d->catalog.entries.empty()) return absl::OkStatus();
  const std::vector<domain::Violation> violations = catalog.Check(d->catalog);
  if (violations.empty()) return absl::OkStatus();
  const domain::Violation& v = violations.front();
  return Unsound(upstream, record, absl::StrCat(v.field, ": ", v.message));
}

}  // namespace

absl::StatusOr<RecordDecision> Decide(const std::string& upstream,
                                      const UpstreamRecords::Record& record, bool ends_group,
                                      const storage::UpstreamState& state,
                                      const Standing& standing) {
  RecordDecision d;
  d.state = state;
  if (record.position <= state.position) return d;
  FISCAL_RETURN_IF_ERROR(CheckContinues(upstream, record, state, standing.now_us));
  d.state.position = record.position;
  d.state.chain_hash = record.chain_hash;
  d.state.commit_time_us = record.commit_time_us;
  if (!record.catalog.empty()) {
    FISCAL_RETURN_IF_ERROR(DecideCatalog(upstream, record, standing, &d));
  } else if (!record.posting.empty()) {
    FISCAL_RETURN_IF_ERROR(DecidePosting(upstream, record, ends_group, standing, &d));
  }
  return d;
}

absl::StatusOr<domain::RequestReceipt> Apply(const UpstreamRecords& u, Group& group) {
  FISCAL_ASSIGN_OR_RETURN(storage::UpstreamState state,
                          group.standing().ledger.Upstream(u.upstream));
  if (!state.position.zero() && state.log_id != u.log_id) {
    return Refuse(Reason::kHistoryDiffers,
                  absl::StrCat("upstream ", u.upstream, " serves another log than before"));
  }
  state.log_id = u.log_id;
  absl::Status status;
  // Takes over what was committed with record `i` and sets `i` behind it.
  auto take_over = [&](size_t* i) -> absl::Status {
    Group::Savepoint savepoint(group);
    storage::UpstreamState after = state;
    const size_t first = *i;
    size_t next = first;
    for (bool more = true; more; ++next) {
      if (next == u.records.size() || next - first == domain::kGroupPostingsMax)
        return Unsound(u.upstream, u.records[next - 1], "what was committed with it is cut");
      const bool ends_group = next + 1 < u.records.size() && u.records[next + 1].posting.empty();
      FISCAL_ASSIGN_OR_RETURN(RecordDecision d, Decide(u.upstream, u.records[next], ends_group,
                                                       after, group.standing()));
      more = d.more;
      FISCAL_ASSIGN_OR_RETURN(after, group.Keep(u.upstream, std::move(d)));
    }
    savepoint.Keep();
    state = after;
    *i = next;
    return absl::OkStatus();
  };
  for (size_t i = 0; i < u.records.size() && status.ok();) status = take_over(&i);
  group.SetUpstream(u.upstream, state);
  FISCAL_RETURN_IF_ERROR(status);
  domain::RequestReceipt receipt;
  receipt.receipt.position = state.local_position;
  return receipt;
}

}  // namespace fiscal::services
