// What to say of a command line that can't be parsed.
#ifndef FISCAL_CLIENTS_CLI_SHELL_MISTAKES_H_
#define FISCAL_CLIENTS_CLI_SHELL_MISTAKES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "clients/cli/shell/command_tree.h"

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace fiscal::cli {

// The command that is named by the words, from the root on; null, having said in `wrong` which word
// is none, where there is none.
const CommandEntry* FindCommand(const CommandEntry& root, const std::vector<std::string>& words,
                                std::string* wrong);

// In a sentence: the flag or command that is unknown and the nearest one, the commands where one is
// missing, or what the parser says.
std::string Mistake(const CLI::App& app, const CLI::ParseError& error);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_SHELL_MISTAKES_H_
