// A workbook (Office Open XML, .xlsx) of statutory tables, laid out to be printed on A4 as the form
// prints them.
//
//   GetTables --> LayOut (statutory_grid.h) --> WriteWorkbook --> a file that spreadsheets open
//
// The same tables give the same bytes, on any day and machine. Amounts are numbers that show what
// is printed, codes and names are text; nothing is a formula.
#ifndef FISCAL_CLIENTS_CLI_PRINT_SHEET_WRITER_H_
#define FISCAL_CLIENTS_CLI_PRINT_SHEET_WRITER_H_

#include <string>

#include "absl/status/statusor.h"
#include "domain/disclosure/form.h"
#include "fiscal/disclosure/v1/disclosure_service.pb.h"

namespace fiscal::cli {

struct WorkbookOptions {
  // The tables are of one unit, which forms call 单位 and not 部门.
  bool of_unit = false;
};

// One sheet for each table, one for the sentences of the narrative where there are any.
// FAILED_PRECONDITION as of LayOut, UNAVAILABLE where no temporary file can be made.
absl::StatusOr<std::string> WriteWorkbook(const disclosure::v1::GetTablesResponse& response,
                                          const disclosure::Form& form,
                                          const WorkbookOptions& options);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_PRINT_SHEET_WRITER_H_
