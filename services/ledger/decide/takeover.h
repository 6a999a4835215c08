// Decides events of upstreams: each becomes an event of this log, once (docs/adr/0008).
//
//   UpstreamRecords --(record by record)--> Decide --> RecordDecision --> Group::Keep
//
// Events that an upstream committed at once are taken over at once, or not at all.
#ifndef FISCAL_SERVICES_LEDGER_DECIDE_TAKEOVER_H_
#define FISCAL_SERVICES_LEDGER_DECIDE_TAKEOVER_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "domain/fold.h"
#include "domain/receipt.h"
#include "domain/requests.h"
#include "services/ledger/decide/standing.h"
#include "storage/posting_codec.h"

namespace fiscal::services {

class Group;

struct RecordDecision {
  // How far the upstream is taken over with this record; Group::Keep sets local_position where it
  // becomes an event.
  storage::UpstreamState state;
  // True when the next record was committed with this one.
  bool more = false;
  // The division that this record makes the upstream's; 0 for none.
  domain::Code claims = 0;
  // The event it becomes: a posting, with its bytes, or entries of a catalog list, or none.
  std::optional<domain::Posting> posting;
  std::string posting_bytes;
  domain::CatalogEvent catalog;
};

// `ends_group`: the record after this one changes no cells, so that what this one is committed with
// ends here. UPSTREAM_EVENT_INVALID for what no system of ours would post; HISTORY_DIFFERS for what
// does not continue `state`.
absl::StatusOr<RecordDecision> Decide(const std::string& upstream,
                                      const domain::UpstreamRecords::Record& record,
                                      bool ends_group, const storage::UpstreamState& state,
                                      const Standing& standing);

// Decides and keeps record by record; keeps those before one that is refused.
absl::StatusOr<domain::RequestReceipt> Apply(const domain::UpstreamRecords& records, Group& group);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_DECIDE_TAKEOVER_H_
