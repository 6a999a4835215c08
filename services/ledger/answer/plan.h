// Chooses the chunks that answer a question, and the nodes that have them.
//
//   Question, BatchTotals --> ReadsOf, TargetsOf --> TotalsView::Visit
//
// A question that needs one classification is read from chunks that keep just that one, of the
// smallest nodes that contain what it asks for; one that needs two, or projects or agencies, from
// agencies' leaf chunks. Functions without state.
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

// The chunks whose cells are added up: their kind, and the class within it (0: all).
struct Reads {
  domain::ChunkKind kind = domain::ChunkKind::kLeaf;
  domain::Code code = 0;
};
Reads ReadsOf(const domain::TotalFilter& filter, absl::Span<const domain::GroupBy> group_by);

// True when a sum for `filter` is read off one node that keeps just what it asks for, whatever is
// below.
bool IsSmall(const domain::TotalFilter& filter);

// The nodes that have the chunks.
std::vector<Target> TargetsOf(const Filter& filter, absl::Span<const domain::GroupBy> group_by);
// The agencies that the filter selects, and the departments that may state themselves as a whole.
std::vector<Target> LeavesOf(const Filter& filter);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_ANSWER_PLAN_H_
