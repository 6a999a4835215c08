// Many sums at one position, by as few readings as they need.
//
//   TotalsReader::GetAll --> BatchTotals --> one TotalsView::Visit for all filters that read the
//   same cells
//
// A reading hands each cell to the filters it may concern: those that name a project are found by
// it.
#ifndef FISCAL_SERVICES_LEDGER_ANSWER_TOTALS_BATCH_H_
#define FISCAL_SERVICES_LEDGER_ANSWER_TOTALS_BATCH_H_

#include <vector>

#include "absl/status/statusor.h"
#include "services/ledger/answer/question.h"

namespace fiscal::services {

// A value for each filter, in order. The first filter that names what is in no catalog is refused
// as Filter::Check does.
absl::StatusOr<std::vector<domain::CellValue>> BatchTotals(
    const Projector& projector, NodeCache& cache, const std::vector<domain::TotalFilter>& filters,
    domain::Position position, Work& work);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_ANSWER_TOTALS_BATCH_H_
