// Statutory tables as text: for a terminal, as CSV, as JSON.
#ifndef FISCAL_CLIENTS_CLI_PRINT_STATUTORY_TEXT_H_
#define FISCAL_CLIENTS_CLI_PRINT_STATUTORY_TEXT_H_

#include <ostream>
#include <vector>

#include "clients/cli/print/statutory_grid.h"

namespace fiscal::cli {

// Each table with title, whose it is and unit, then the sentences of the narrative.
void PrintTables(const disclosure::v1::GetTablesResponse& response, const std::vector<Grid>& grids,
                 std::ostream& out);
// UTF-8 with a byte order mark. One table is its heading and rows; of several each has a line with
// its title before it and an empty line behind it.
void PrintTablesCsv(const disclosure::v1::GetTablesResponse& response,
                    const std::vector<Grid>& grids, std::ostream& out);
// The whole response, every amount exact.
void PrintTablesJson(const disclosure::v1::GetTablesResponse& response, std::ostream& out);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_PRINT_STATUTORY_TEXT_H_
