// Rows of totals grouped by dimensions: their cells in a table, their members in JSON.
#ifndef FISCAL_CLIENTS_CLI_PRINT_ROWS_H_
#define FISCAL_CLIENTS_CLI_PRINT_ROWS_H_

#include <string>
#include <vector>

#include "clients/cli/print/json.h"
#include "fiscal/aggregation/v1/aggregation_service.pb.h"

namespace fiscal::cli {

using Group = google::protobuf::RepeatedPtrField<aggregation::v1::GroupValue>;

// Two columns for each dimension: code and name.
std::vector<std::string> GroupHeading(const std::vector<aggregation::v1::Dimension>& dimensions);
// Codes are indented by their level unless it is for CSV.
std::vector<std::string> GroupCells(const Group& group, bool csv);
// The cells before the amounts of the row that sums all: 合计 and blanks.
std::vector<std::string> GrandTotalCells(const std::vector<aggregation::v1::Dimension>& dimensions);
// The members of a row that name its group.
void AddGroup(const Group& group, Json* object);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_PRINT_ROWS_H_
