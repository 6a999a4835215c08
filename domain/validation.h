// Checks of a statement. They add to its violations and findings, so that one answer names
// everything that is wrong.
//
//   Prepare (services/ledger/decide) --> CheckMessage, CheckCatalog
//   Intake, where the catalog changed meanwhile --> CheckCatalog
#ifndef FISCAL_DOMAIN_VALIDATION_H_
#define FISCAL_DOMAIN_VALIDATION_H_

#include <string>
#include <vector>

#include "domain/catalog.h"
#include "domain/submission.h"

namespace fiscal::domain {

// Checks the message alone, then puts lines in the order of line_id. Field paths use the order
// sent.
void CheckMessage(Submission* submission);

// Checks against the catalog: division, agency, department, codes.
void CheckCatalog(const Catalog& catalog, Submission* submission);

// The department of a statement: the catalog's for the agency, or the one named for Scope
// DEPARTMENT.
std::string DepartmentOf(const Catalog& catalog, const Submission& submission);

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_VALIDATION_H_
