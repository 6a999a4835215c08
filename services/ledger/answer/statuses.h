// The statements that stand at a position, and the agencies that reported by then.
//
//   TotalsStore (what is written) + Projector::ReadPostings (what came since) --> StatusesAt
//   StatusesAt --> coverage, explanations, digests
#ifndef FISCAL_SERVICES_LEDGER_ANSWER_STATUSES_H_
#define FISCAL_SERVICES_LEDGER_ANSWER_STATUSES_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "domain/coverage.h"
#include "domain/totals.h"
#include "services/ledger/fold/projector.h"
#include "services/ledger/work.h"

namespace fiscal::services {

using Statuses = std::map<domain::BudgetKey, domain::StatementStatus>;

// The status of every budget of a year and stage that was ever stated in `divisions`; in all
// divisions where none is named. Year 0: every year and stage.
absl::StatusOr<Statuses> StatusesAt(const Projector& projector, uint16_t year, domain::Stage stage,
                                    const std::vector<domain::Code>& divisions,
                                    domain::Position position, Work& work);

// The agencies that must report, and those that reported without having to, of the filter's
// division, own level or department, ordered by division and code. For CURRENT those of APPROVED.
absl::StatusOr<std::vector<domain::AgencyCoverage>> CoverageAt(const Projector& projector,
                                                               const domain::TotalFilter& filter,
                                                               domain::Position position,
                                                               Work& work);
domain::Coverage Sum(const std::vector<domain::AgencyCoverage>& agencies);

// The coverage of each division and department below a filter, from CoverageAt of the whole.
class RowCoverages {
 public:
  RowCoverages(const domain::Catalog& catalog, const domain::TotalFilter& filter,
               const std::vector<domain::AgencyCoverage>& agencies);
  // Of a division with all below it, or of its own level.
  domain::Coverage OfDivision(domain::Code division, bool own_level) const;
  domain::Coverage OfDepartment(domain::Code division, const std::string& department) const;

 private:
  std::map<std::pair<domain::Code, bool>, domain::Coverage> divisions_;
  std::map<std::pair<domain::Code, std::string>, domain::Coverage> departments_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_ANSWER_STATUSES_H_
