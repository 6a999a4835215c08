// A spreadsheet of line items as budgets: one SubmitBudgetRequest for every budget its rows name.
// A workbook may have sheets of projects and of their indicators beside it.
//
//   bytes --(clients/sheets)--> cells --(line_item_columns.h)--> lines, projects --> fiscal submit
//
// Pure. Everything wrong with a file is found before anything is said, each with its sheet and
// cell; a file with anything wrong gives no budgets to send. Nothing is guessed: an amount's unit
// stands in its heading, a line's id in its row.
#ifndef FISCAL_CLIENTS_CLI_READ_LINE_ITEMS_H_
#define FISCAL_CLIENTS_CLI_READ_LINE_ITEMS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "fiscal/submission/v1/submission_service.pb.h"

namespace fiscal::cli {

struct LineItemOptions {
  // Values of every row for which the file has no column.
  std::string division_code, agency_code;
  int fiscal_year = 0;
  budget::v1::Stage stage = budget::v1::STAGE_UNSPECIFIED;
  // The sheets of a workbook to read; empty: all but the hidden ones.
  std::vector<std::string> sheets;
};

// The fault and its place: "budget.xlsx, sheet 明细, cell H17" or "budget.csv, line 17, column
// 金额（元） (H)".
struct SheetProblem {
  std::string place;
  std::string message;
  std::string message_zh;
};

class LineItemFile {
 public:
  // As many problems are kept; all are counted.
  static constexpr size_t kProblemsMax = 100;

  // Names that end in .csv are read as CSV, others as a workbook. `name` is what places begin with.
  static LineItemFile Read(const std::string& name, absl::string_view bytes,
                           const LineItemOptions& options);

  // In the order of their first rows, without request_id. To be used only where there are no
  // problems.
  const std::vector<submission::v1::SubmitBudgetRequest>& budgets() const { return budgets_; }
  const std::vector<SheetProblem>& problems() const { return problems_; }
  int64_t problem_count() const { return problem_count_; }
  // Hidden sheets that have cells.
  const std::vector<std::string>& unread_sheets() const { return unread_sheets_; }

  // Where a field of the nth budget comes from: "line_items[17].functional_code",
  // "projects[0].name", "budget.agency_code", "note". Empty where the file does not have it.
  std::string PlaceOf(size_t budget, absl::string_view field) const;
  // `text` with such fields replaced by their places.
  std::string WithPlaces(size_t budget, absl::string_view text) const;

 private:
  friend class LineItemReader;
  // One sheet's headings.
  struct Layout {
    std::string sheet;
    int heading_row = 0;
    // By element, -1 where there is none; and what stands above each column.
    std::vector<int> columns;
    std::map<int, std::string> headings;
  };
  struct RowAt {
    size_t layout = 0;
    int row = 0;
  };
  // Where a budget's parts come from, in its order.
  struct Origin {
    RowAt first;
    std::vector<RowAt> lines, projects;
    // By the fields of ElementColumn that are the statement's.
    std::map<std::string, RowAt> stated;
  };

  std::string PlaceOfRow(RowAt at) const;
  std::string PlaceOfColumn(RowAt at, int column) const;
  std::string PlaceOfField(RowAt at, absl::string_view field) const;

  std::string name_;
  bool csv_ = false;
  std::vector<Layout> layouts_;
  std::vector<submission::v1::SubmitBudgetRequest> budgets_;
  std::vector<Origin> origins_;
  std::vector<SheetProblem> problems_;
  int64_t problem_count_ = 0;
  std::vector<std::string> unread_sheets_;
};

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_READ_LINE_ITEMS_H_
