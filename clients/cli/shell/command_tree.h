// The commands and options of the program as data, for what is written from them.
//
//   CLI::App (main.cc) --> CommandTree --> completion.cc (bash, zsh, fish), manual.cc (fiscal.1)
#ifndef FISCAL_CLIENTS_CLI_SHELL_COMMAND_TREE_H_
#define FISCAL_CLIENTS_CLI_SHELL_COMMAND_TREE_H_

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace fiscal::cli {

struct OptionEntry {
  // With their dashes; the first is the long one. A positional has one, without.
  std::vector<std::string> names;
  std::string description;
  // The word that help has for its value (TEXT, INT, FILE); empty for a flag.
  std::string value;
  // The only values taken; empty when there are others.
  std::vector<std::string> choices;
  // True when the value is the path of a file (FILE) or a directory (DIR).
  bool file = false;
  bool directory = false;
  bool required = false;
  bool repeated = false;
  // Empty for none.
  std::string standard;
};

struct CommandEntry {
  // "fiscal", "fiscal catalog", "fiscal catalog import".
  std::string path;
  std::string name;
  std::string description;
  // Its own; those of the commands above it are taken here too, as CLI::App::fallthrough says.
  std::vector<OptionEntry> options;
  std::vector<OptionEntry> positionals;
  bool subcommand_required = false;
  std::vector<CommandEntry> commands;
};

// Every command and option that help shows.
CommandEntry CommandTree(const CLI::App& app);

// Every command after the one above it; each with the options of those above it after its own.
std::vector<CommandEntry> Flattened(const CommandEntry& root);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_SHELL_COMMAND_TREE_H_
