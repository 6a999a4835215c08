// fiscal admin pki: a trial authority and its certificates, without a server.
#ifndef FISCAL_CLIENTS_CLI_COMMANDS_PKI_H_
#define FISCAL_CLIENTS_CLI_COMMANDS_PKI_H_

#include "clients/cli/shell/context.h"

namespace fiscal::cli {

void AddPki(CLI::App& admin, Context& context);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_COMMANDS_PKI_H_
