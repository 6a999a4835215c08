// What the intake does with events of upstreams: it makes them events of this log, once
// (docs/adr/0008).
#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "domain/posting_check.h"
#include "domain/submission.h"
#include "services/ledger/decide/intake_group.h"
#include "storage/schema.h"

namespace fiscal::services {

using domain::Reason;
using domain::Refuse;
using domain::UpstreamRecords;

namespace {

// How far an upstream's clock may be ahead of ours; what is later waits until it is not.
constexpr int64_t kAheadMaxUs = int64_t{24} * 3600 * 1000000;

absl::Status Unsound(absl::string_view upstream, const UpstreamRecords::Record& record,
                     absl::string_view fault) {
  return Refuse(
      Reason::kUpstreamEventInvalid,
      absl::StrCat("event ", record.position, " of upstream ", upstream, " is refused: ", fault));
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
  // Bytes that say the same in another way are nobody's: equal postings have equal bytes.
  if (storage::EncodePosting(*posting) != record.posting)
    return Unsound(upstream, record, "its bytes are not as a posting is written");
  return posting;
}

}  // namespace

std::string Intake::OwnerOf(domain::Code division, const Group& g) const {
  auto claimed = g.claimed.find(division);
  if (claimed != g.claimed.end()) return claimed->second;
  absl::MutexLock lock(&mu_);
  auto it = owners_.find(division);
  return it == owners_.end() ? std::string() : it->second;
}

absl::StatusOr<bool> Intake::HasOwnStatements(domain::Code division, const Group& g) const {
  const std::string lower = storage::HeadPrefix(division);
  FISCAL_ASSIGN_OR_RETURN(const std::optional<storage::Staged::Item> head,
                          g.ledger.staged().FindFirst(lower, storage::AfterPrefix(lower)));
  return head.has_value();
}

absl::StatusOr<storage::UpstreamState> Intake::ReadUpstream(absl::string_view name) const {
  return storage::ReadUpstreamState(kv_, name);
}

std::map<domain::Code, std::string> Intake::UpstreamDivisions() const {
  absl::MutexLock lock(&mu_);
  return owners_;
}

absl::StatusOr<domain::RequestReceipt> Intake::Apply(UpstreamRecords& u, Group& g) {
  FISCAL_ASSIGN_OR_RETURN(storage::UpstreamState state, g.ledger.Upstream(u.upstream));
  if (state.position > 0 && state.log_id != u.log_id) {
    return Refuse(Reason::kHistoryDiffers,
                  absl::StrCat("upstream ", u.upstream, " serves another log than before"));
  }
  state.log_id = u.log_id;
  domain::RequestReceipt out;
  absl::Status status;
  for (size_t i = 0; i < u.records.size() && status.ok();) {
    // A group that was committed at once is taken over at once.
    const size_t first = i;
    const storage::UpstreamState before = state;
    const storage::EventLog::Head head = g.head;
    const size_t entries = g.entries.size();
    const std::map<domain::Code, std::string> claimed = g.claimed;
    const std::shared_ptr<const domain::Catalog> catalog = g.catalog;
    g.ledger.Begin();
    bool more = true;
    while (more && status.ok()) {
      if (i == u.records.size() || i - first == domain::kGroupPostingsMax) {
        status = Unsound(u.upstream, u.records[i - 1], "what was committed with it is cut");
        break;
      }
      const bool last = i + 1 < u.records.size() && u.records[i + 1].posting.empty();
      status = TakeOver(u.upstream, u.records[i], last, &state, &more, g);
      if (status.ok()) ++i;
    }
    if (status.ok()) {
      g.ledger.Keep();
      continue;
    }
    g.ledger.Rollback();
    state = before;
    g.head = head;
    g.entries.resize(entries);
    g.claimed = claimed;
    g.catalog = catalog;
  }
  g.ledger.SetUpstream(u.upstream, state);
  FISCAL_RETURN_IF_ERROR(status);
  out.receipt.position = state.local_position;
  return out;
}

absl::Status Intake::TakeOver(const std::string& upstream, const UpstreamRecords::Record& record,
                              bool last, storage::UpstreamState* state, bool* more, Group& g) {
  *more = false;
  if (record.position <= state->position) return absl::OkStatus();
  if (record.position != state->position + 1) {
    return Refuse(Reason::kHistoryDiffers,
                  absl::StrCat("upstream ", upstream, " left out events between ", state->position,
                               " and ", record.position));
  }
  if (storage::ChainHash(state->chain_hash, record.leaf_hash) != record.chain_hash) {
    return Refuse(Reason::kHistoryDiffers,
                  absl::StrCat("event ", record.position, " of upstream ", upstream,
                               " does not continue what was taken over"));
  }
  if (record.commit_time_us < state->commit_time_us)
    return Unsound(upstream, record, "it was committed before the event before it");
  if (record.commit_time_us > g.now_us + kAheadMaxUs)
    return Unsound(upstream, record, "it was committed more than a day from now");
  state->position = record.position;
  state->chain_hash = record.chain_hash;
  state->commit_time_us = record.commit_time_us;
  if (!record.catalog.empty()) return TakeOverCatalog(upstream, record, state, g);
  if (record.posting.empty()) return absl::OkStatus();

  FISCAL_ASSIGN_OR_RETURN(domain::Posting posting, SoundPosting(upstream, record));
  // A group whose next event changes no cells ends here.
  const bool ends = posting.more && last;
  if (ends) posting.more = false;
  *more = posting.more;
  const domain::BudgetKey& budget = posting.key;
  if (g.catalog->FindDivision(budget.division, budget.year) == nullptr) {
    return Refuse(Reason::kDivisionUnknown,
                  absl::StrCat("division ", budget.division, " is not in the catalog of ",
                               budget.year, ": import it here first"));
  }
  const std::string owner = OwnerOf(budget.division, g);
  if (owner.empty()) {
    FISCAL_ASSIGN_OR_RETURN(const bool stated_here, HasOwnStatements(budget.division, g));
    if (stated_here) {
      return Refuse(Reason::kDivisionFromUpstream,
                    absl::StrCat("division ", budget.division,
                                 " has statements of its own here: it can't come from upstream ",
                                 upstream, " too"));
    }
    g.claimed[budget.division] = upstream;
    g.ledger.SetOwner(budget.division, upstream);
  } else if (owner != upstream) {
    return Refuse(Reason::kDivisionFromUpstream,
                  absl::StrCat("division ", budget.division, " comes from upstream ", owner));
  }
  // Revisions without gaps: what the totals store takes for a first posting is one.
  FISCAL_ASSIGN_OR_RETURN(const bool before, g.ledger.HasRevision(budget, posting.revision - 1));
  FISCAL_ASSIGN_OR_RETURN(const bool known, g.ledger.HasRevision(budget, posting.revision));
  if (posting.revision == 0 || known || before == (posting.revision == 1)) {
    return Unsound(upstream, record,
                   absl::StrCat("revision ", posting.revision, " of agency ", budget.agency,
                                " does not follow the one before"));
  }

  state->local_position = g.head.position + 1;
  const std::string ended = ends ? storage::EncodePosting(posting) : std::string();
  const std::string payload =
      storage::EncodeUpstream({upstream, *state, ends ? ended : record.posting});
  domain::EventHeader header;
  header.kind = domain::EventKind::kUpstream;
  header.principal = absl::StrCat("upstream:", upstream);
  header.payload_digest = Sha256({payload});
  domain::Receipt receipt;
  Append(std::move(header), payload, g, &receipt);
  return g.ledger.ApplyPosting(posting, receipt.position);
}

absl::Status Intake::TakeOverCatalog(const std::string& upstream,
                                     const UpstreamRecords::Record& record,
                                     storage::UpstreamState* state, Group& g) {
  if (record.catalog.size() > domain::kCatalogBytesMax)
    return Unsound(upstream, record, absl::StrCat(record.catalog.size(), " bytes are too many"));
  absl::StatusOr<domain::CatalogEvent> decoded = storage::DecodeCatalog(record.catalog);
  if (!decoded.ok()) return Unsound(upstream, record, decoded.status().message());
  const std::string fault = domain::CatalogFault(*decoded);
  if (!fault.empty()) return Unsound(upstream, record, fault);
  domain::CatalogEvent event = *std::move(decoded);
  // An upstream says who the agencies of its divisions are, and adds what nobody else has said; it
  // changes nothing that others said.
  const bool division_list = event.list == domain::CatalogList::kDivision;
  auto existing =
      g.catalog->lists().find({division_list ? 0 : event.division, event.year, event.list});
  bool own = false;
  if (event.list == domain::CatalogList::kAgency) {
    if (g.catalog->FindDivision(event.division, event.year) == nullptr) {
      return Refuse(Reason::kDivisionUnknown,
                    absl::StrCat("division ", event.division, " is not in the catalog of ",
                                 event.year, ": import it here first"));
    }
    const std::string owner = OwnerOf(event.division, g);
    if (!owner.empty() && owner != upstream) return absl::OkStatus();
    FISCAL_ASSIGN_OR_RETURN(const bool stated_here, HasOwnStatements(event.division, g));
    if (owner.empty() && existing == g.catalog->lists().end() && !stated_here) {
      g.claimed[event.division] = upstream;
      g.ledger.SetOwner(event.division, upstream);
    }
    own = OwnerOf(event.division, g) == upstream;
  }
  std::vector<domain::CatalogEntry> entries;
  for (domain::CatalogEntry& e : event.entries) {
    const bool known = existing != g.catalog->lists().end() &&
                       existing->second->find(e.code) != existing->second->end();
    if (known && !own) continue;
    entries.push_back(std::move(e));
  }
  event.entries = std::move(entries);
  if (division_list) {
    // A division hangs below one that is known here, or below one of this list that does.
    std::set<std::string> placed;
    std::vector<domain::CatalogEntry> kept;
    for (bool found = true; found;) {
      found = false;
      for (domain::CatalogEntry& e : event.entries) {
        if (e.code.empty() || e.parent_code.empty()) continue;
        if (placed.count(e.parent_code) == 0 &&
            g.catalog->FindDivision(domain::ParseCode(e.parent_code), event.year) == nullptr)
          continue;
        placed.insert(e.code);
        kept.push_back(std::move(e));
        e.code.clear();
        found = true;
      }
    }
    event.entries = std::move(kept);
  }
  domain::CatalogEvent changed;
  g.catalog->Diff(event, &changed);
  if (changed.entries.empty()) return absl::OkStatus();
  const std::vector<domain::Violation> violations = g.catalog->Check(changed);
  if (!violations.empty()) {
    const domain::Violation& v = violations.front();
    return Unsound(upstream, record, absl::StrCat(v.field, ": ", v.message));
  }
  const std::string payload = storage::EncodeCatalog(changed);
  domain::EventHeader header;
  header.kind = domain::EventKind::kCatalog;
  header.principal = absl::StrCat("upstream:", upstream);
  header.payload_digest = Sha256({payload});
  domain::Receipt receipt;
  Append(std::move(header), payload, g, &receipt);
  g.catalog = g.catalog->With(changed, receipt.position);
  return absl::OkStatus();
}

}  // namespace fiscal::services
