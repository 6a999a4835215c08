#include "clients/cli/shell/command_tree.h"

#include <algorithm>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace fiscal::cli {
namespace {

OptionEntry EntryOf(const CLI::Option& option) {
  OptionEntry entry;
  if (option.get_positional()) {
    entry.names.push_back(option.get_name(/*positional=*/true));
  } else {
    for (const std::string& name : option.get_lnames()) entry.names.push_back("--" + name);
    for (const std::string& name : option.get_snames()) entry.names.push_back("-" + name);
  }
  entry.description = option.get_description();
  entry.required = option.get_required();
  if (option.get_type_size() == 0) return entry;
  // "TEXT", "FLOAT:POSITIVE", "TEXT:{table,json}": the name of the type, then what its validators
  // say of themselves.
  const std::string type = option.get_type_name();
  const std::vector<absl::string_view> parts = absl::StrSplit(type, absl::MaxSplits(':', 1));
  entry.value = std::string(parts[0]);
  // The type may say it, or a check that it exists.
  const absl::string_view check = parts.size() == 2 ? parts[1] : "";
  entry.file = entry.value == "FILE" || check == "FILE";
  entry.directory = entry.value == "DIR" || check == "DIR";
  entry.repeated = option.get_items_expected_max() > 1;
  entry.standard = option.get_default_str();
  if (check.size() > 2 && check.front() == '{' && check.back() == '}')
    entry.choices = absl::StrSplit(check.substr(1, check.size() - 2), ',');
  return entry;
}

CommandEntry EntryOf(const CLI::App& app, const std::string& above) {
  CommandEntry entry;
  entry.name = app.get_name();
  entry.path = above.empty() ? entry.name : absl::StrCat(above, " ", entry.name);
  entry.description = app.get_description();
  entry.subcommand_required = app.get_require_subcommand_min() > 0;
  // An empty group is how CLI11 hides what is in it.
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    (option->get_positional() ? entry.positionals : entry.options).push_back(EntryOf(*option));
  }
  const auto shown = [](const CLI::App* command) { return !command->get_group().empty(); };
  for (const CLI::App* command : app.get_subcommands(shown))
    entry.commands.push_back(EntryOf(*command, entry.path));
  return entry;
}

void Flatten(CommandEntry entry, const std::vector<OptionEntry>& above,
             std::vector<CommandEntry>* flat) {
  for (const OptionEntry& option : above) {
    // Each command has --help of its own.
    if (std::none_of(entry.options.begin(), entry.options.end(),
                     [&](const OptionEntry& own) { return own.names == option.names; })) {
      entry.options.push_back(option);
    }
  }
  const std::vector<OptionEntry> options = entry.options;
  flat->push_back(entry);
  for (CommandEntry& command : entry.commands) Flatten(std::move(command), options, flat);
}

}  // namespace

CommandEntry CommandTree(const CLI::App& app) { return EntryOf(app, ""); }

std::vector<CommandEntry> Flattened(const CommandEntry& root) {
  std::vector<CommandEntry> flat;
  Flatten(root, {}, &flat);
  return flat;
}

}  // namespace fiscal::cli
