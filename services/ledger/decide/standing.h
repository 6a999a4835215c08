// The state a request is decided against: the log, and all decisions before it in its group.
//
//   Group --(Standing)--> Decide (statement.h, catalog_import.h, takeover.h, operator_orders.h)
//
// Only read: a decision changes nothing until its group keeps it.
#ifndef FISCAL_SERVICES_LEDGER_DECIDE_STANDING_H_
#define FISCAL_SERVICES_LEDGER_DECIDE_STANDING_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/sha256.h"
#include "domain/catalog.h"
#include "domain/receipt.h"
#include "services/ledger/decide/rules_check.h"
#include "storage/event_log.h"
#include "storage/ledger.h"

namespace fiscal::services {

// The upstream that a division's money comes from.
using Owners = std::map<domain::Code, std::string>;

struct Standing {
  // The log without the group's events.
  const storage::EventLog& log;
  // These include what the group keeps so far.
  const storage::Ledger& ledger;
  const domain::Catalog& catalog;
  storage::EventLog::Head head;
  // Owners before the group, and those that the group's first statements of upstreams claim.
  const Owners& owners;
  const Owners& claimed;
  // The commit time of the group.
  int64_t now_us = 0;
  RulesCheck check = nullptr;

  // Empty for a division whose statements are made here.
  absl::string_view OwnerOf(domain::Code division) const;
};

// The answer to an earlier request with this id; none when it is new. REQUEST_ID_REUSED when its
// body was none of `bodies`.
absl::StatusOr<std::optional<domain::Receipt>> FindEarlier(const storage::Ledger& ledger,
                                                           absl::string_view principal,
                                                           absl::string_view request_id,
                                                           absl::Span<const Digest> bodies);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_DECIDE_STANDING_H_
