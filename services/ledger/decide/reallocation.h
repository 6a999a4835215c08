// Several statements of the stage REALLOCATION that are kept at once, or none of them.
//
//   Reallocation --(part by part: Decide, Group::Keep, under one Savepoint)--> RequestReceipt
#ifndef FISCAL_SERVICES_LEDGER_DECIDE_REALLOCATION_H_
#define FISCAL_SERVICES_LEDGER_DECIDE_REALLOCATION_H_

#include "absl/status/statusor.h"
#include "domain/receipt.h"
#include "domain/requests.h"
#include "services/ledger/decide/group.h"

namespace fiscal::services {

// Each part is decided against those before it. Together they must change something each, and add
// up to nothing in each direction and fund.
absl::StatusOr<domain::RequestReceipt> Apply(domain::Reallocation& reallocation, Group& group);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_DECIDE_REALLOCATION_H_
