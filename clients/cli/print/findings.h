// The result of checking a disclosure, as text and as JSON.
#ifndef FISCAL_CLIENTS_CLI_PRINT_FINDINGS_H_
#define FISCAL_CLIENTS_CLI_PRINT_FINDINGS_H_

#include <ostream>

#include "domain/articulation/report.h"

namespace fiscal::cli {

// Prints in Chinese what failed and what is within rounding, then a count of the rest.
void PrintReport(const articulation::Report& report, std::ostream& out);
// {"verdict": ..., "rules_sha256": ..., "outcomes": [...], "conflicts": [...]}
void PrintReportJson(const articulation::Report& report, std::ostream& out);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_PRINT_FINDINGS_H_
