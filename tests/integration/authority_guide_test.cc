// The commands of docs/authority.md, in the order they stand, against a server they start.
#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/integration/deployment.h"
#include "tests/support/children.h"

namespace fiscal::testing {
namespace {

// The text between ```sh and ```.
std::string CommandsOf(const std::string& page) {
  std::string commands;
  const std::string text = ReadFile(page);
  for (size_t at = 0; (at = text.find("```sh\n", at)) != std::string::npos;) {
    at += 6;
    const size_t end = text.find("```", at);
    commands += text.substr(at, end - at);
    at = end + 3;
  }
  return commands;
}

TEST(AuthorityGuideTest, ItsCommandsDoWhatItSays) {
  const TempDir dir;
  const std::string commands = CommandsOf("docs/authority.md");
  ASSERT_NE(commands.find("fiscal admin pki init"), std::string::npos);
  const std::string script = dir.path() + "/guide.sh", said = dir.path() + "/said";
  std::ofstream(script) << "set -ex\n" << commands;
  const char* bin = std::getenv("FISCAL_BIN_DIR");
  const std::string run =
      absl::StrCat("PATH=\"$(realpath ", bin == nullptr ? "build/release/bin" : bin,
                   "):$PATH\" TRIAL='", dir.path(), "/trial' ADDRESS=localhost:", FreePort(),
                   " LISTS=domain/data sh ", script, " > ", said, " 2>&1");
  EXPECT_EQ(std::system(run.c_str()), 0) << ReadFile(said);
}

// Both languages have the same commands, but for what a note says.
TEST(AuthorityGuideTest, BothLanguagesHaveTheSameCommands) {
  const auto without_comments = [](const std::string& commands) {
    std::string out;
    bool comment = false;
    for (size_t i = 0; i < commands.size(); ++i) {
      if (commands[i] == '#' && i > 0 && commands[i - 1] == ' ') comment = true;
      if (commands[i] == '\n') comment = false;
      if (!comment && commands[i] != ' ') out += commands[i];
    }
    return out;
  };
  EXPECT_EQ(without_comments(CommandsOf("docs/authority.md")),
            without_comments(CommandsOf("docs/authority.zh-CN.md")));
}

}  // namespace
}  // namespace fiscal::testing
