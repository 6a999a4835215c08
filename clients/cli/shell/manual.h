// The manual page fiscal(1), written from the program's own commands. Pure.
#ifndef FISCAL_CLIENTS_CLI_SHELL_MANUAL_H_
#define FISCAL_CLIENTS_CLI_SHELL_MANUAL_H_

#include <string>

#include "absl/strings/string_view.h"
#include "clients/cli/shell/command_tree.h"

namespace fiscal::cli {

// For man(7).
std::string Manual(const CommandEntry& root, absl::string_view version);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_SHELL_MANUAL_H_
