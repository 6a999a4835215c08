// A spreadsheet: sheets of rows of cells at their addresses.
//
//   bytes --(xlsx.h, csv.h)--> sheets --(clients/cli/read/line_items.h)--> budgets
#ifndef FISCAL_CLIENTS_SHEETS_SHEET_H_
#define FISCAL_CLIENTS_SHEETS_SHEET_H_

#include <cstdint>
#include <string>
#include <vector>

namespace fiscal::sheets {

enum class CellKind : uint8_t {
  kText,
  // `text` has the number's digits as the file has them; decimal.h reads them.
  kNumber,
  // A number or text that is shown as a date or a time.
  kDate,
  // A number whose format shows another number: a percentage, thousands, zeros in front.
  kDisguised,
  // `text` is TRUE or FALSE.
  kBoolean,
  // `text` is the error, for example #REF!.
  kError,
  // A formula whose value the file does not have, or has and says that it must be computed again.
  kUncached,
};

struct Cell {
  // From 0.
  int column = 0;
  CellKind kind = CellKind::kText;
  // UTF-8 as stored, blanks and all.
  std::string text;
};

struct Row {
  // From 1: the row of the sheet, or the line a row of CSV starts on.
  int number = 0;
  // By column. A workbook's cells without content are absent; CSV has every cell up to the last
  // comma.
  std::vector<Cell> cells;
};

// Merged cells; all bounds belong to it. Rows from 1, columns from 0.
struct Area {
  int first_row = 0, last_row = 0;
  int first_column = 0, last_column = 0;
};

struct Sheet {
  // Empty for CSV.
  std::string name;
  bool hidden = false;
  // In order; rows without cells may be absent.
  std::vector<Row> rows;
  std::vector<Area> merged;
};

// "A" for 0, "Z" for 25, "AA" for 26.
std::string ColumnName(int column);

}  // namespace fiscal::sheets

#endif  // FISCAL_CLIENTS_SHEETS_SHEET_H_
