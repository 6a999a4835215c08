// Which statements stand at a position, and what that says of who reported.
//
//   TotalsStore (statuses at strides) + Projector::ReadPostings (what came since) --> StatusesAt --> coverage,
//   explanations, digests
#ifndef FISCAL_SERVICES_LEDGER_ANSWER_STATUSES_H_
#define FISCAL_SERVICES_LEDGER_ANSWER_STATUSES_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "services/ledger/answer/totals_question.h"
#include "services/ledger/fold/projector.h"

namespace fiscal::services {

using Statuses = std::map<domain::BudgetKey, domain::StatementStatus>;

// Of every budget of a year and stage that was ever stated in `divisions`, in all where there are none. Year 0:
// every year and stage.
absl::StatusOr<Statuses> StatusesAt(const Projector& projector, uint16_t year, domain::Stage stage,
                                    const std::vector<domain::Code>& divisions,
                                    domain::Position position, Work& work);

// Numbers of fiscal.aggregation.v1.CoverageState.
enum class CoverageState : uint8_t { kNone, kUnreported, kReceived, kCertified };

struct AgencyCoverage {
  domain::Code division = 0;
  std::string department;
  std::string agency;
  std::string name;
  bool must_report = false;
  CoverageState state = CoverageState::kUnreported;
  bool by_department = false;
  domain::StatementStatus status;
};

struct Coverage {
  int64_t expected = 0;
  int64_t received = 0;
  int64_t certified = 0;
  // Of the statements counted; 0 where there are none.
  domain::Position oldest = 0;
};

// The agencies that must report, and those that did without having to, of the filter's division, own level or
// department, ordered by division and code. CURRENT is asked as APPROVED.
absl::StatusOr<std::vector<AgencyCoverage>> CoverageAt(const Projector& projector,
                                                       const TotalFilter& filter,
                                                       domain::Position position, Work& work);
Coverage Sum(const std::vector<AgencyCoverage>& agencies);

// What CoverageAt would say of each division and department below `filter`, from what it said of all.
class RowCoverages {
 public:
  RowCoverages(const domain::Catalog& catalog, const TotalFilter& filter,
               const std::vector<AgencyCoverage>& agencies);
  // Of a division with all below it, or of its own level.
  Coverage OfDivision(domain::Code division, bool own_level) const;
  Coverage OfDepartment(domain::Code division, const std::string& department) const;

 private:
  std::map<std::pair<domain::Code, bool>, Coverage> divisions_;
  std::map<std::pair<domain::Code, std::string>, Coverage> departments_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_ANSWER_STATUSES_H_
