// Prepares a request on its caller's thread, before it waits for the writer: checks, encodes and
// hashes it.
//
//   services/wire (what was read) --> Prepare --> Committer --> Intake
//
// Everything wrong is added to the request's violations, so that one answer names it all; the
// request is always answered through the intake. Functions without state, for any thread.
#ifndef FISCAL_SERVICES_LEDGER_DECIDE_PREPARE_H_
#define FISCAL_SERVICES_LEDGER_DECIDE_PREPARE_H_

#include "domain/catalog.h"
#include "domain/requests.h"
#include "domain/submission.h"

namespace fiscal::services {

// A statement or a withdrawal: checks the message, then against `catalog`; orders, encodes and
// hashes its lines; runs the articulation rules over a REPLACE in which nothing is wrong.
void Prepare(const domain::Catalog& catalog, domain::Submission* submission);

// Each statement of it, and what they may not be together. Gives each its own request_id.
void Prepare(const domain::Catalog& catalog, domain::Reallocation* reallocation);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_DECIDE_PREPARE_H_
