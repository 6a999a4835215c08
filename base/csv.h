// Reads CSV: RFC 4180, UTF-8 with or without a byte order mark.
#ifndef FISCAL_BASE_CSV_H_
#define FISCAL_BASE_CSV_H_

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

// INVALID_ARGUMENT names the line.
absl::StatusOr<std::vector<CsvRow>> ParseCsv(absl::string_view text);

}  // namespace fiscal

#endif  // FISCAL_BASE_CSV_H_
