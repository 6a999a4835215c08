// Decides an operator's orders: they become events, unless they are in force already.
//
//   QuarantineOrder, KeyOrder, ClockOrder, Standing --> Decide --> OrderDecision --> Group::Keep
#ifndef FISCAL_SERVICES_LEDGER_DECIDE_OPERATOR_ORDERS_H_
#define FISCAL_SERVICES_LEDGER_DECIDE_OPERATOR_ORDERS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "domain/event.h"
#include "domain/requests.h"
#include "services/ledger/decide/standing.h"

namespace fiscal::services {

struct OrderDecision {
  // The position of the event that asked for the same before; 0 for none: `payload` becomes an
  // event.
  domain::Position in_force_at;
  domain::EventKind kind = domain::EventKind::kQuarantine;
  std::string payload;
  // The commit time that the event has, and from which commit times go on; none for the group's. An
  // event with one has a group of its own.
  std::optional<int64_t> commit_time_us;
};

absl::StatusOr<OrderDecision> Decide(const domain::QuarantineOrder& order,
                                     const Standing& standing);
absl::StatusOr<OrderDecision> Decide(const domain::KeyOrder& order, const Standing& standing);
// In force already when commits are taken and the clock is not behind the log's last event, which
// is then the event of the decision.
absl::StatusOr<OrderDecision> Decide(const domain::ClockOrder& order, const Standing& standing);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_DECIDE_OPERATOR_ORDERS_H_
