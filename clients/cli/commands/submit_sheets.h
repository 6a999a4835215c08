// Sends the budgets of a spreadsheet, and says what the server finds wrong by sheet and cell.
#ifndef FISCAL_CLIENTS_CLI_COMMANDS_SUBMIT_SHEETS_H_
#define FISCAL_CLIENTS_CLI_COMMANDS_SUBMIT_SHEETS_H_

#include <optional>
#include <string>

#include "clients/cli/read/line_items.h"
#include "clients/cli/shell/context.h"

namespace fiscal::cli {

struct SheetSubmission {
  LineItemOptions line_items;
  // Both are of one budget, and refused for a file with several. Without an id each budget gets a
  // random one.
  std::string request_id;
  std::optional<int64_t> expected_revision;
  // The note of every budget; refused for a file that has notes.
  std::string note;
};

// Sends nothing when anything is wrong with the file. Prints a receipt for each budget, with -o
// json one object a line: that of StreamBudgets with the budget's key. Returns the exit code.
int SubmitSheets(Context& context, const std::string& name, const std::string& bytes,
                 const SheetSubmission& submission);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_COMMANDS_SUBMIT_SHEETS_H_
