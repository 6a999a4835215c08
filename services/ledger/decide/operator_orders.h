// Decides an operator's orders: they become events, unless they are in force already.
//
//   QuarantineOrder, KeyOrder, Standing --> Decide --> OrderDecision --> Group::Keep
#ifndef FISCAL_SERVICES_LEDGER_DECIDE_OPERATOR_ORDERS_H_
#define FISCAL_SERVICES_LEDGER_DECIDE_OPERATOR_ORDERS_H_

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
};

absl::StatusOr<OrderDecision> Decide(const domain::QuarantineOrder& order,
                                     const Standing& standing);
absl::StatusOr<OrderDecision> Decide(const domain::KeyOrder& order, const Standing& standing);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_DECIDE_OPERATOR_ORDERS_H_
