// fiscal totals --consolidated: a division's total without the transfers inside it, and beside it
// the plain sum.
#ifndef FISCAL_CLIENTS_CLI_COMMANDS_CONSOLIDATED_H_
#define FISCAL_CLIENTS_CLI_COMMANDS_CONSOLIDATED_H_

#include "clients/cli/shell/context.h"
#include "fiscal/aggregation/v1/aggregation_service.pb.h"

namespace fiscal::cli {

// Asks and prints. A usage error when the filter has more than a consolidated total knows.
int Consolidated(Context& context, const aggregation::v1::TotalFilter& filter,
                 const aggregation::v1::Consistency& consistency);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_COMMANDS_CONSOLIDATED_H_
