// The bytes of a workbook (Office Open XML, .xlsx) that libxlsxwriter, which writes to files alone,
// makes. The same content gives the same bytes, on any day and machine.
#ifndef FISCAL_CLIENTS_CLI_PRINT_WORKBOOK_FILE_H_
#define FISCAL_CLIENTS_CLI_PRINT_WORKBOOK_FILE_H_

#include <xlsxwriter.h>

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace fiscal::cli {

// `fill` adds the sheets and returns the first error. UNAVAILABLE where no temporary file can be
// made, or `fill` fails.
absl::StatusOr<std::string> MakeWorkbook(const std::string& title,
                                         const std::function<lxw_error(lxw_workbook*)>& fill);

// `text` for worksheet_write_string, which escapes controls as _x000D_ and leaves text that looks
// like such an escape as it is: that is escaped here.
std::string WorkbookText(absl::string_view text);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_PRINT_WORKBOOK_FILE_H_
