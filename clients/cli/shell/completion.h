// Completion scripts for shells, made from the program's commands. Pure.
#ifndef FISCAL_CLIENTS_CLI_SHELL_COMPLETION_H_
#define FISCAL_CLIENTS_CLI_SHELL_COMPLETION_H_

#include <string>

#include "clients/cli/shell/command_tree.h"

namespace fiscal::cli {

// To be sourced, or found as completions/fiscal; needs nothing of the package bash-completion.
std::string BashCompletion(const CommandEntry& root);
// To be found as _fiscal in $fpath, or sourced after compinit.
std::string ZshCompletion(const CommandEntry& root);
// To be found as completions/fiscal.fish, or sourced.
std::string FishCompletion(const CommandEntry& root);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_SHELL_COMPLETION_H_
