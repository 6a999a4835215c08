// fiscal help, version, completion bash|zsh|fish, manual: the program says what it takes, so that
// none can be out of date.
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "base/version.h"
#include "clients/cli/shell/command_tree.h"
#include "clients/cli/shell/completion.h"
#include "clients/cli/shell/context.h"
#include "clients/cli/shell/manual.h"
#include "clients/cli/shell/mistakes.h"

namespace fiscal::cli {
namespace {

// The page that `fiscal COMMAND... --help` prints.
int Help(const CLI::App& app, const std::vector<std::string>& words) {
  std::string wrong;
  if (FindCommand(CommandTree(app), words, &wrong) == nullptr) return Usage(wrong);
  const CLI::App* command = &app;
  std::string above;
  for (const std::string& word : words) {
    absl::StrAppend(&above, above.empty() ? "" : " ", command->get_name());
    command = command->get_subcommand(word);
  }
  const std::string name = absl::StrCat(above, above.empty() ? "" : " ", command->get_name());
  std::cout << app.get_formatter()->make_help(command, name, CLI::AppFormatMode::Normal);
  return kOk;
}

}  // namespace

void AddDescribe(CLI::App& app, Context& context) {
  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* help = app.add_subcommand("help", "Print the help of a command");
  help->add_option("command", *words, "The command, as catalog import");
  help->callback(
      [&app, &context, words] { context.run = [&app, words] { return Help(app, *words); }; });
  app.add_subcommand("version", "Print the version")->callback([&context] {
    context.run = [] {
      std::cout << "fiscal " << Version() << "\n";
      return kOk;
    };
  });
  auto shell = std::make_shared<std::string>();
  CLI::App* completion =
      app.add_subcommand("completion", "Print a shell's completion of these commands");
  completion->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->callback([&app, &context, shell] {
    context.run = [&app, shell] {
      const CommandEntry root = CommandTree(app);
      std::cout << (*shell == "bash"  ? BashCompletion(root)
                    : *shell == "zsh" ? ZshCompletion(root)
                                      : FishCompletion(root));
      return kOk;
    };
  });
  // Hidden: it is for packages, which make `man fiscal` of it.
  CLI::App* manual = app.add_subcommand("manual", "Print the manual page")->group("");
  manual->callback([&app, &context] {
    context.run = [&app] {
      std::cout << Manual(CommandTree(app), Version());
      return kOk;
    };
  });
}

}  // namespace fiscal::cli
