// What a total is made of, and why two totals differ.
//
//   AggregationService.ExplainTotal --> ExplainTotal: List by the next level down, at last the lines of statements
//   AggregationService.ExplainChange --> ExplainChange: two Lists by agency, and the statuses of their statements
//
// Parts always add up to the whole, exactly; a difference is never spread by guess. Thread-safe: functions of what they
// are handed.
#ifndef FISCAL_SERVICES_LEDGER_ANSWER_EXPLAIN_H_
#define FISCAL_SERVICES_LEDGER_ANSWER_EXPLAIN_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/ledger/answer/statuses.h"
#include "services/ledger/answer/totals_reader.h"
#include "storage/heads.h"

namespace fiscal::services {

// Numbers of fiscal.aggregation.v1.ContributionKind.
enum class ContributionKind : uint8_t {
  kNone,
  kDivision,
  kOwnLevel,
  kDepartment,
  kStatement,
  kLineItem
};

struct Contribution {
  ContributionKind kind = ContributionKind::kNone;
  // What to ask for its own parts; of a line item, for the statement.
  TotalFilter filter;
  std::string name;
  domain::Fen amount_fen = 0;
  int64_t line_count = 0;
  // Of a statement and a line item.
  domain::BudgetKey budget;
  domain::StatementStatus status;
  // Of a line item; its views live as long as the explanation.
  domain::Line line;
};

struct Explanation {
  domain::CellValue total;
  std::vector<Contribution> contributions;
  // Contributions after `limit` are there.
  bool more = false;
  std::vector<std::shared_ptr<const void>> owners;
};

// The parts from number `skip` on, at most `limit`; `lines` goes straight to line items. The lines of a statement that
// came from an upstream are not here: the statement stands for them. DATA_LOSS when the lines of a statement don't add up to
// what is totalled of it.
absl::StatusOr<Explanation> ExplainTotal(const Projector& projector, const TotalsReader& reader,
                                         const storage::HeadReader& statements,
                                         const TotalFilter& filter, bool lines, size_t skip,
                                         size_t limit, domain::Position position, Work& work);

// Numbers of fiscal.aggregation.v1.ChangeReason.
enum class ChangeReason : uint8_t {
  kNone,
  kNew,
  kAmended,
  kWithdrawn,
  kMovedIn,
  kMovedOut,
  kReclassified
};

struct ChangePart {
  ChangeReason reason = ChangeReason::kNone;
  domain::Code division = 0;
  std::string agency;
  std::string name;
  std::string left_department, right_department;
  domain::Fen left_fen = 0;
  domain::Fen right_fen = 0;
  domain::Fen change_fen = 0;
  domain::StatementStatus left_status, right_status;
};

struct Side {
  TotalFilter filter;
  domain::Position position = 0;
};

struct ChangeExplanation {
  domain::Fen left_fen = 0;
  domain::Fen right_fen = 0;
  // Largest first.
  std::vector<ChangePart> parts;
};

// The sides ask for the same money but for year, department, and position.
absl::StatusOr<ChangeExplanation> ExplainChange(const Projector& projector,
                                                const TotalsReader& reader, const Side& left,
                                                const Side& right, Work& work);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_ANSWER_EXPLAIN_H_
