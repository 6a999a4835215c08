// Reads CSV: RFC 4180, UTF-8.
#ifndef FISCAL_BASE_CSV_H_
#define FISCAL_BASE_CSV_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace fiscal {

struct CsvRow {
  // Line the row starts on, from 1.
  int line = 0;
  std::vector<std::string> cells;
};

// Reads one row after another. Not thread-safe.
class CsvReader {
 public:
  // REQUIRES: `text` outlives it. INVALID_ARGUMENT comes for text with more than `cells_max` cells.
  explicit CsvReader(absl::string_view text, int64_t cells_max = INT64_MAX)
      : text_(text), cells_max_(cells_max) {}

  // The next row with something on it; false at the end. INVALID_ARGUMENT names the line, and ends
  // the reading.
  absl::StatusOr<bool> Next(CsvRow* row);

 private:
  absl::Status ReadRow(CsvRow* row);
  absl::Status ReadCell(int row_line, std::string* cell);
  absl::Status ReadQuoted(int row_line, std::string* cell);
  bool EndsCell() const;

  const absl::string_view text_;
  const int64_t cells_max_;
  int64_t cells_ = 0;
  size_t at_ = 0;
  int line_ = 1;
};

// All rows with something on them. A byte order mark is no text. INVALID_ARGUMENT names the line.
absl::StatusOr<std::vector<CsvRow>> ParseCsv(absl::string_view text);

}  // namespace fiscal

#endif  // FISCAL_BASE_CSV_H_
