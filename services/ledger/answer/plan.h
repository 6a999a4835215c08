// Chooses the cells that answer a question, and the organisations that have them.
//
//   Question, BatchTotals --> ReadsOf, TargetsOf --> TotalsView::Visit
//
// A question that needs one classification is read from cells that keep just that one, of the
// smallest organisations that contain what it asks for; one that needs two, or projects or
// agencies, from agencies' leaf cells. Functions without state.
#ifndef FISCAL_SERVICES_LEDGER_ANSWER_PLAN_H_
#define FISCAL_SERVICES_LEDGER_ANSWER_PLAN_H_

#include <vector>

#include "absl/types/span.h"
#include "domain/cells.h"
#include "domain/totals.h"
#include "services/ledger/answer/filter.h"
#include "services/ledger/fold/totals_view.h"

namespace fiscal::services {

// True for dimensions that say whose money it is, and not what for.
bool IsOrganisation(domain::Dimension dimension);

// The cells that are added up: their kind, and the 类 of the code that they keep.
struct Reads {
  domain::CellKind kind = domain::CellKind::kLeaf;
  domain::CodeClass codes;
};
Reads ReadsOf(const domain::TotalFilter& filter, absl::Span<const domain::GroupBy> group_by);

// True when a sum for `filter` is read off one node that keeps just what it asks for, whatever is
// below.
bool IsSmall(const domain::TotalFilter& filter);

// The organisations that have the cells.
std::vector<Target> TargetsOf(const Filter& filter, absl::Span<const domain::GroupBy> group_by);
// The agencies that the filter selects, and the departments that may state themselves as a whole.
std::vector<Target> LeavesOf(const Filter& filter);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_ANSWER_PLAN_H_
