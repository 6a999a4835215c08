// The program `fiscal` before it asks a server, and where none answers: help, mistakes, where the
// server is.
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/programs.h"

namespace fiscal::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(ProgramTest, HelpIsThePageOfTheFlag) {
  for (const std::string command : {"", "totals", "catalog import", "admin pki issue"}) {
    const Ran help = RunFiscal("help " + command);
    EXPECT_EQ(help.code, 0) << command;
    EXPECT_EQ(help.out, RunFiscal(command + " --help").out) << command;
  }
  EXPECT_EQ(RunFiscal("help catalog imprt").code, 2);
  EXPECT_THAT(RunFiscal("help catalog imprt").err,
              HasSubstr("fiscal catalog has no command imprt; did you mean import?"));
}

TEST(ProgramTest, VersionIsACommandToo) {
  EXPECT_EQ(RunFiscal("version").code, 0);
  EXPECT_EQ(RunFiscal("version").out, RunFiscal("--version").out);
}

TEST(ProgramTest, MistakesAreNamed) {
  auto said = [](const std::string& arguments) {
    const Ran ran = RunFiscal(arguments);
    EXPECT_EQ(ran.code, 2) << arguments;
    EXPECT_EQ(ran.out, "") << arguments;
    return ran.err;
  };
  EXPECT_EQ(said("totls --division 141100"),
            "fiscal: fiscal has no command totls; did you mean totals?\n");
  EXPECT_THAT(said("quark"), StartsWith("fiscal: fiscal has no command quark; there are serve, "));
  EXPECT_EQ(said("catalog lst"), "fiscal: fiscal catalog has no command lst; did you mean list?\n");
  EXPECT_EQ(said("totals --divison 141100 --year 2024"),
            "fiscal: fiscal totals has no flag --divison; did you mean --division?\n");
  EXPECT_EQ(said("totals --division 141100 --year 2024 --outptu=json"),
            "fiscal: fiscal totals has no flag --outptu; did you mean --output?\n");
  EXPECT_EQ(said("totals --division 141100 --year 2024 --colour"),
            "fiscal: fiscal totals has no flag --colour\n");
  EXPECT_THAT(said(""), StartsWith("fiscal: fiscal needs a command: serve, import, "));
  EXPECT_THAT(said("catalog"), StartsWith("fiscal: fiscal catalog needs a command: import, list;"));
  EXPECT_EQ(said("totals --division 141100"),
            "fiscal: --year is required; fiscal help totals says more\n");
}

TEST(ProgramTest, AServerThatDoesNotAnswerIsExplained) {
  const std::string totals = " totals --division 141100 --year 2024";
  const Ran ran = RunFiscal("--server 127.0.0.1:1 -o json" + totals);
  EXPECT_EQ(ran.code, 6);
  EXPECT_THAT(ran.err, StartsWith("fiscal: SERVER_UNREACHABLE: "));
  EXPECT_THAT(ran.err, HasSubstr("is it running"));
  EXPECT_THAT(ran.out, HasSubstr("\"reason\":\"SERVER_UNREACHABLE\""));
  EXPECT_THAT(RunShell(absl::StrCat("FISCAL_SERVER=127.0.0.1:2 ", FiscalProgram(), totals)).err,
              HasSubstr("127.0.0.1:2"));
  // The flag is stronger.
  EXPECT_THAT(RunShell(absl::StrCat("FISCAL_SERVER=127.0.0.1:2 ", FiscalProgram(),
                                    " --server 127.0.0.1:1", totals))
                  .err,
              HasSubstr("127.0.0.1:1:"));
}

}  // namespace
}  // namespace fiscal::testing
