// fiscal completion bash|zsh|fish, fiscal manual: the program says what it takes, so that neither
// can be out of date.
#include <iostream>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "base/version.h"
#include "clients/cli/shell/command_tree.h"
#include "clients/cli/shell/completion.h"
#include "clients/cli/shell/context.h"
#include "clients/cli/shell/manual.h"

namespace fiscal::cli {

void AddDescribe(CLI::App& app, Context& context) {
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
