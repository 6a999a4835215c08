// A statement as the sheets that `fiscal submit` takes: what is exported can be edited and sent
// again.
//
//   Statement --> columns of line_item_columns.h --> CSV, or a workbook with sheets of projects
//
// Pure. Exact: amounts to the fen in any unit, texts as kept_text.h keeps them. A budget's key and
// what is stated of the whole of it stand in each of its lines, so that lines may be sorted, and
// some deleted.
#ifndef FISCAL_CLIENTS_CLI_PRINT_LINE_ITEM_SHEETS_H_
#define FISCAL_CLIENTS_CLI_PRINT_LINE_ITEM_SHEETS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/cli/print/text.h"
#include "fiscal/budget/v1/budget.pb.h"

namespace fiscal::cli {

// One revision of a budget.
struct Statement {
  budget::v1::Budget budget;
  std::vector<budget::v1::LineItem> lines;
  std::vector<budget::v1::Project> projects;
};

// Lines alone; of a project, code and name where a line has it.
std::string LineItemsCsv(const Statement& statement, Unit unit);
// 明细, and 项目 and 绩效指标 where there are any. UNAVAILABLE as of MakeWorkbook.
absl::StatusOr<std::string> LineItemsWorkbook(const Statement& statement, Unit unit);

// What sending the file `name` with these bytes would state otherwise than the statement does, as
// fields of a SubmitBudgetRequest ("projects.overview") or what is wrong with the file. Empty when
// the server would find the budget unchanged.
std::vector<std::string> LostIn(const Statement& statement, const std::string& name,
                                const std::string& bytes);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_PRINT_LINE_ITEM_SHEETS_H_
