// CSV (RFC 4180): read in UTF-8, with or without a byte order mark, or in GB18030 (so also GBK and
// GB 2312); written in UTF-8.
#ifndef FISCAL_CLIENTS_SHEETS_CSV_H_
#define FISCAL_CLIENTS_SHEETS_CSV_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "clients/sheets/sheet.h"

namespace fiscal::sheets {

// Bounds of a CSV file: a few million lines cost as much as a workbook at its bounds.
struct CsvLimits {
  size_t bytes_max = 256u << 20;
  int64_t cells_max = 4'000'000;
};

// The text as UTF-8. Text that is UTF-8 throughout is that, other text is GB18030; INVALID_ARGUMENT
// names the line that is neither.
absl::StatusOr<std::string> DecodeText(absl::string_view bytes);

// Every line with something on it, all cells text. INVALID_ARGUMENT names the line.
absl::StatusOr<Sheet> ReadCsv(absl::string_view bytes, const CsvLimits& limits = {});

// What a file begins with that spreadsheets are to take for UTF-8.
constexpr char kByteOrderMark[] = "\xef\xbb\xbf";
// The cells as a line with its end, quoted where they must be.
std::string CsvLine(const std::vector<std::string>& cells);

}  // namespace fiscal::sheets

#endif  // FISCAL_CLIENTS_SHEETS_CSV_H_
