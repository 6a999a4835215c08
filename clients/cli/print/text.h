// Text for people: widths of Chinese, amounts, tables, CSV.
#ifndef FISCAL_CLIENTS_CLI_PRINT_TEXT_H_
#define FISCAL_CLIENTS_CLI_PRINT_TEXT_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace fiscal::cli {

// Columns a terminal gives the text: 2 for wide characters, 0 for combining ones.
int DisplayWidth(absl::string_view text);

enum class Unit { kWanyuan, kYuan, kFen };

// "1,234.57": 万元 and 元 with two decimals, exact integer arithmetic, halves away from zero.
std::string FormatAmount(int64_t fen, Unit unit, bool separators = true);
// Exact and without separators: 万元 with two to six decimals, 元 with two.
std::string FormatExact(int64_t fen, Unit unit);
// Exact yuan with two decimals: "298800.00".
std::string FormatYuan(int64_t fen);
// Hundredths of a percent: 1290 is "12.90%".
std::string FormatPercent(int64_t hundredths);
// "万元", "元" or "分".
absl::string_view UnitName(Unit unit);

// Rows of cells, printed with columns aligned. The first row is the heading.
class Table {
 public:
  // `right` says which columns are amounts.
  explicit Table(std::vector<bool> right) : right_(std::move(right)) {}
  void Row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  void Print(std::ostream& out) const;
  // The same as CSV (RFC 4180) with a byte order mark. Text is as kept_text.h keeps it; figures are
  // as they are.
  void PrintCsv(std::ostream& out) const;
  // Without the mark, to follow what has it.
  void PrintCsvRows(std::ostream& out) const;

 private:
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_PRINT_TEXT_H_
