// Decides a security administrator's orders: grants, approvals and revocations become events,
// unless they are in force already.
//
//   GrantOrder, ApprovalOrder, RevocationOrder, Standing --> Decide --> OrderDecision
//     --> Group::Keep
//
// That the caller may give orders was checked before; here is what holds among the orders: nobody
// grants to himself, and what takes two persons takes two.
#ifndef FISCAL_SERVICES_LEDGER_DECIDE_GRANT_ORDERS_H_
#define FISCAL_SERVICES_LEDGER_DECIDE_GRANT_ORDERS_H_

#include "absl/status/statusor.h"
#include "domain/requests.h"
#include "services/ledger/decide/operator_orders.h"
#include "services/ledger/decide/standing.h"

namespace fiscal::services {

// PRINCIPAL_MALFORMED, ROLE_UNKNOWN, CODE_MALFORMED, QUERY_INVALID, TEXT_INVALID: of the event.
// SECOND_PERSON_NEEDED: it is to the caller himself. A grant that is active or pending already is
// in force.
absl::StatusOr<OrderDecision> Decide(const domain::GrantOrder& order, const Standing& standing);
// GRANT_NOT_FOUND, GRANT_NOT_PENDING; SECOND_PERSON_NEEDED: the caller made the grant or gets it.
absl::StatusOr<OrderDecision> Decide(const domain::ApprovalOrder& order, const Standing& standing);
// GRANT_NOT_FOUND. A revoked one is in force.
absl::StatusOr<OrderDecision> Decide(const domain::RevocationOrder& order,
                                     const Standing& standing);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_DECIDE_GRANT_ORDERS_H_
