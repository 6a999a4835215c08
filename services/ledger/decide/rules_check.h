// The articulation rules over a statement's own lines.
//
//   Prepare (REPLACE), Decide (certified PATCH; REPLACE again when the catalog changed meanwhile)
//   --> CheckRules --> findings, and violations of a certified statement
#ifndef FISCAL_SERVICES_LEDGER_DECIDE_RULES_CHECK_H_
#define FISCAL_SERVICES_LEDGER_DECIDE_RULES_CHECK_H_

#include <vector>

#include "domain/catalog.h"
#include "domain/submission.h"

namespace fiscal::services {

// Adds to `s` what failed, or holds within rounding only, of the tables that `lines` and `projects`
// make, and lines that are subtotals of others; where `s` is to be certified, a failed ERROR rule
// or a row of subtotals is a violation. Lines of one direction only, without memo lines, have no
// tables to compare.
void CheckRules(const domain::Catalog& catalog, const std::vector<domain::Line>& lines,
                const std::vector<domain::ProjectEntry>& projects, domain::Submission* s);

// Hook for Intake. Simulations pass a no-op: their random lines satisfy no rule.
using RulesCheck = void (*)(const domain::Catalog&, const std::vector<domain::Line>&,
                            const std::vector<domain::ProjectEntry>&, domain::Submission*);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_DECIDE_RULES_CHECK_H_
