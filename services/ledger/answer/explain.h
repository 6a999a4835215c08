// Explains a total by its parts, and the difference of two totals.
//
//   AggregationService.ExplainTotal --> ExplainTotal: List by the next level down, at last the
//   lines of statements
//   AggregationService.ExplainChange --> ExplainChange: two Lists by agency, and the statuses of
//   their statements
//
// Parts add up to the whole, exactly; a difference is never spread by guess. Functions without
// state, for any thread.
#ifndef FISCAL_SERVICES_LEDGER_ANSWER_EXPLAIN_H_
#define FISCAL_SERVICES_LEDGER_ANSWER_EXPLAIN_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "domain/explanation.h"
#include "services/ledger/answer/statuses.h"
#include "services/ledger/answer/totals_reader.h"
#include "storage/head_reader.h"

namespace fiscal::services {

// The parts from number `skip` on, at most `limit`. With `lines`, line items at once; a statement
// that came from an upstream stands for its lines, which are not here. DATA_LOSS when the lines of
// a statement don't add up to its total.
absl::StatusOr<domain::Explanation> ExplainTotal(const Projector& projector,
                                                 const TotalsReader& reader,
                                                 const storage::HeadReader& statements,
                                                 const domain::TotalFilter& filter, bool lines,
                                                 size_t skip, size_t limit,
                                                 domain::Position position, Work& work);

struct Side {
  domain::TotalFilter filter;
  domain::Position position;
};

// The sides ask for the same money but for year, department, and position.
absl::StatusOr<domain::ChangeExplanation> ExplainChange(const Projector& projector,
                                                        const TotalsReader& reader,
                                                        const Side& left, const Side& right,
                                                        Work& work);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_ANSWER_EXPLAIN_H_
