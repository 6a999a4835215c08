// Whether who sends a request may do all that it would do. Asked before anything else of it is
// looked at.
//
//   Intake --(Submission, CatalogImport, Reallocation, orders)--> Permitted --> Authority
//
// Requests that are malformed are permitted: they are refused for that, and nothing of what stands
// is told.
#ifndef FISCAL_SERVICES_LEDGER_DECIDE_PERMITTED_H_
#define FISCAL_SERVICES_LEDGER_DECIDE_PERMITTED_H_

#include "absl/status/status.h"
#include "domain/requests.h"
#include "domain/submission.h"
#include "services/ledger/authority.h"
#include "services/ledger/decide/standing.h"

namespace fiscal::services {

// PERMISSION_DENIED with RIGHT_NOT_GRANTED. A statement needs WRITE, or VALIDATE when it only
// validates, and CERTIFY and CONTROL when it says so.
absl::Status Permitted(const Authority& authority, const domain::Submission& s,
                       const Standing& standing);
// All its parts or none.
absl::Status Permitted(const Authority& authority, const domain::Reallocation& r,
                       const Standing& standing);
// WRITE_CATALOG of the list's division. An import of divisions is about each that it names, where
// that stands and where it would: a list moves whole subtrees.
absl::Status Permitted(const Authority& authority, const domain::CatalogImport& import,
                       const Standing& standing);
// Orders about grants need GRANT; an operator's OPERATE. The process itself needs no right.
absl::Status Permitted(const Authority& authority, const domain::GrantOrder& order,
                       const Standing& standing);
absl::Status Permitted(const Authority& authority, const domain::ApprovalOrder& order,
                       const Standing& standing);
absl::Status Permitted(const Authority& authority, const domain::RevocationOrder& order,
                       const Standing& standing);
absl::Status Permitted(const Authority& authority, const domain::QuarantineOrder& order,
                       const Standing& standing);
absl::Status Permitted(const Authority& authority, const domain::KeyOrder& order,
                       const Standing& standing);
absl::Status Permitted(const Authority& authority, const domain::ClockOrder& order,
                       const Standing& standing);
absl::Status Permitted(const Authority& authority, const domain::UpstreamRecords& records,
                       const Standing& standing);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_DECIDE_PERMITTED_H_
