// Office Open XML workbooks (.xlsx), transitional and strict.
//
//   bytes --(zip_parts.h)--> parts --(expat)--> shared strings, formats, sheets
//
// Pure and thread-safe. A workbook is a stranger's file: what it may cost is bounded before it is
// spent, and a part with a document type (where entities are declared) is refused.
#ifndef FISCAL_CLIENTS_SHEETS_XLSX_H_
#define FISCAL_CLIENTS_SHEETS_XLSX_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "clients/sheets/sheet.h"

namespace fiscal::sheets {

struct XlsxLimits {
  size_t bytes_max = 64u << 20;
  // The size of all parts together.
  int64_t inflated_bytes_max = 256 << 20;
  int64_t entries_max = 1000;
  int64_t cells_max = 4'000'000;
  // The text of all cells together: one shared string may stand in many.
  int64_t text_bytes_max = 256 << 20;
  int64_t merged_max = 100'000;
};

// Its worksheets in the order of their tabs. INVALID_ARGUMENT says what is wrong and in which part.
absl::StatusOr<std::vector<Sheet>> ReadXlsx(absl::string_view bytes, const XlsxLimits& limits = {});

}  // namespace fiscal::sheets

#endif  // FISCAL_CLIENTS_SHEETS_XLSX_H_
