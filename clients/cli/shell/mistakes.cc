#include "clients/cli/shell/mistakes.h"

#include <algorithm>

#include "CLI/CLI.hpp"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/text.h"
#include "clients/cli/read/nearest.h"

namespace fiscal::cli {
namespace {

std::vector<std::string> CommandsOf(const CommandEntry& entry) {
  std::vector<std::string> names;
  for (const CommandEntry& command : entry.commands) names.push_back(command.name);
  return names;
}

std::string NoCommand(const CommandEntry& entry, const std::string& word) {
  const std::vector<std::string> names = CommandsOf(entry);
  const std::string near = DidYouMean(word, names);
  return absl::StrCat(
      entry.path, " has no command ", Shown(word),
      near.empty() ? absl::StrCat("; there are ", absl::StrJoin(names, ", ")) : near);
}

// The words that name the command which was parsed last.
std::vector<std::string> Named(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
    at = at->get_subcommands()[0];
    words.push_back(at->get_name());
  }
  return words;
}

// A flag may be followed by = and its value.
std::string NoFlag(const CommandEntry& entry, const std::string& word) {
  std::vector<std::string> names;
  for (const OptionEntry& option : entry.options)
    names.insert(names.end(), option.names.begin(), option.names.end());
  const std::string flag = word.substr(0, word.find('='));
  return absl::StrCat(entry.path, " has no flag ", Shown(flag), DidYouMean(flag, names));
}

}  // namespace

const CommandEntry* FindCommand(const CommandEntry& root, const std::vector<std::string>& words,
                                std::string* wrong) {
  const CommandEntry* at = &root;
  for (const std::string& word : words) {
    const auto found =
        std::find_if(at->commands.begin(), at->commands.end(),
                     [&](const CommandEntry& command) { return command.name == word; });
    if (found == at->commands.end()) {
      *wrong = NoCommand(*at, word);
      return nullptr;
    }
    at = &*found;
  }
  return at;
}

std::string Mistake(const CLI::App& app, const CLI::ParseError& error) {
  const auto code = static_cast<CLI::ExitCodes>(error.get_exit_code());
  if (code != CLI::ExitCodes::ExtrasError && code != CLI::ExitCodes::RequiredError)
    return error.what();
  const CommandEntry root = CommandTree(app);
  std::string wrong;
  const CommandEntry* at = FindCommand(root, Named(app), &wrong);
  if (at == nullptr) return error.what();
  // With the flags of the commands above it.
  for (const CommandEntry& entry : Flattened(root)) {
    if (entry.path != at->path) continue;
    const std::vector<std::string> unknown = app.remaining(/*recurse=*/true);
    for (const std::string& word : unknown) {
      if (absl::StartsWith(word, "-") && word.size() > 1) return NoFlag(entry, word);
      // The flags behind it are the unknown command's.
      if (!entry.commands.empty()) return NoCommand(entry, word);
    }
  }
  if (code == CLI::ExitCodes::RequiredError && at->subcommand_required) {
    return absl::StrCat(at->path, " needs a command: ", absl::StrJoin(CommandsOf(*at), ", "), "; ",
                        root.name, " help COMMAND says more");
  }
  return absl::StrCat(error.what(), "; ", root.name, " help", at->path.substr(root.path.size()),
                      " says more");
}

}  // namespace fiscal::cli
