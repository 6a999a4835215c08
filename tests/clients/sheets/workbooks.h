// Workbooks made for tests: whole ones as a spreadsheet program writes them, and parts of any
// content.
#ifndef FISCAL_TESTS_CLIENTS_SHEETS_WORKBOOKS_H_
#define FISCAL_TESTS_CLIENTS_SHEETS_WORKBOOKS_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "xlsxwriter.h"

namespace fiscal::testing {

// The bytes of what libxlsxwriter makes of it.
std::string WriteWorkbook(const std::function<void(lxw_workbook*)>& fill);
// A sheet of text cells; what looks like a number ("12.5") is a number cell, with a ' in front it
// is text without that.
void FillSheet(lxw_workbook* workbook, const char* name,
               const std::vector<std::vector<std::string>>& rows);

using Parts = std::vector<std::pair<std::string, std::string>>;
// A zip archive of these parts.
std::string Zip(const Parts& parts);
// The parts of a workbook with one sheet, 明细, of this XML between <worksheet> and its end; shared
// strings A, B and "C D"; cell formats 0 General, 1 a date, 2 a percentage, 3 six digits at least,
// 4 in 万 (shown divided).
Parts RawWorkbook(absl::string_view sheet_xml);

}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_CLIENTS_SHEETS_WORKBOOKS_H_
