// What shells complete is what the program takes: its help, read as a person would, against what
// bash offers at each place, and against the words of the scripts for the other shells. Runs the
// program `fiscal`.
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/programs.h"

namespace fiscal::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

std::string Script(const std::string& shell) {
  const Ran ran = RunShell(absl::StrCat(FiscalProgram(), " completion ", shell));
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.out, Not(IsEmpty()));
  return ran.out;
}

// A place in the help: "" or "catalog import", with what its page lists.
struct Page {
  std::string command;
  std::vector<std::string> commands;
  std::vector<std::string> options;
};

void ReadHelp(const std::string& command, std::vector<Page>* pages) {
  const Ran help = RunShell(absl::StrCat(FiscalProgram(), " ", command, " --help"));
  ASSERT_EQ(help.code, 0) << command;
  Page page{command, {}, {}};
  std::string section;
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(help.out, '\n'))) {
    if (absl::EndsWith(line, ":") && !absl::StartsWith(line, " ")) section = line;
    // Names stand at the third column; what continues a description stands further right.
    if (!absl::StartsWith(line, "  ") || absl::StartsWith(line, "   ")) continue;
    const std::string first = std::vector<std::string>(absl::StrSplit(line.substr(2), ' '))[0];
    if (section == "Subcommands:") page.commands.push_back(first);
    if (section != "Options:") continue;
    for (const absl::string_view name : absl::StrSplit(first, ',')) page.options.emplace_back(name);
  }
  ASSERT_THAT(page.options, Contains("--help")) << "the help is not read right: " << command;
  pages->push_back(page);
  for (const std::string& sub : page.commands)
    ReadHelp(std::string(absl::StripPrefix(absl::StrCat(command, " ", sub), " ")), pages);
}

class CompletionTest : public ::testing::Test {
 protected:
  CompletionTest() {
    script_ = absl::StrCat(::testing::TempDir(), "/fiscal_completion_",
                           ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::ofstream(script_) << Script("bash");
  }
  ~CompletionTest() override { std::remove(script_.c_str()); }

  // What bash offers for each line: the words as bash cuts them, the last is the one to complete.
  std::vector<std::vector<std::string>> Offered(
      const std::vector<std::vector<std::string>>& lines) {
    // Without a terminal there is no Tab; this is what bash does at one.
    std::string driver =
        absl::StrCat("set -u\n. ", script_,
                     "\ncomplete -p fiscal | grep -q -- '-F _fiscal' || exit 1\n"
                     "offer() { COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _fiscal;"
                     " printf '%s ' ${COMPREPLY[@]+\"${COMPREPLY[@]}\"}; echo; }\n");
    for (const auto& words : lines)
      absl::StrAppend(&driver, "offer '", absl::StrJoin(words, "' '"), "'\n");
    const std::string path = script_ + ".driver";
    std::ofstream(path) << driver;
    const Ran ran = RunShell("bash " + path);
    std::remove(path.c_str());
    EXPECT_EQ(ran.code, 0);
    std::vector<std::vector<std::string>> offered;
    for (const absl::string_view line : absl::StrSplit(absl::StripSuffix(ran.out, "\n"), '\n'))
      offered.push_back(absl::StrSplit(line, ' ', absl::SkipEmpty()));
    EXPECT_EQ(offered.size(), lines.size());
    offered.resize(lines.size());
    return offered;
  }
  std::vector<std::string> Offered(const std::string& line) {
    return Offered(std::vector<std::vector<std::string>>{absl::StrSplit(line, ' ')})[0];
  }

  std::string script_;
};

TEST_F(CompletionTest, EveryCommandAndOptionOfTheHelp) {
  std::vector<Page> pages;
  ReadHelp("", &pages);
  ASSERT_GT(pages.size(), 20u);
  const Page everywhere = pages[0];
  std::vector<std::vector<std::string>> lines;
  for (const Page& page : pages) {
    std::vector<std::string> words = {"fiscal"};
    for (const absl::string_view word : absl::StrSplit(page.command, ' ', absl::SkipEmpty()))
      words.emplace_back(word);
    words.push_back("-");
    lines.push_back(words);
    words.back().clear();
    lines.push_back(words);
  }
  const auto offered = Offered(lines);
  const std::string zsh = Script("zsh"), fish = Script("fish");
  for (size_t i = 0; i < pages.size(); ++i) {
    SCOPED_TRACE(pages[i].command);
    EXPECT_THAT(offered[2 * i], IsSupersetOf(pages[i].options));
    EXPECT_THAT(offered[2 * i], IsSupersetOf(everywhere.options));
    EXPECT_THAT(offered[2 * i + 1], IsSupersetOf(pages[i].commands));
    // zsh has a function for each command, fish a condition.
    const std::string path = absl::StrJoin(lines[2 * i], " ");
    const std::string command = path.substr(0, path.rfind(' '));
    const std::string name =
        absl::StrCat("\n_", absl::StrReplaceAll(command, {{" ", "_"}, {"-", "_"}}), "() {\n");
    const size_t begin = zsh.find(name);
    ASSERT_NE(begin, std::string::npos) << name;
    const std::string function = zsh.substr(begin, zsh.find("\n}\n", begin) - begin);
    for (const std::string& sub : pages[i].commands) {
      EXPECT_THAT(function, HasSubstr(absl::StrCat("'", sub, ":")));
      EXPECT_THAT(fish, HasSubstr(absl::StrCat("-n '__fiscal_at ", command, "' -a ", sub, " -d ")));
    }
    for (const std::string& option : pages[i].options) {
      EXPECT_TRUE(absl::StrContains(function, option + "[") ||
                  absl::StrContains(function, option + "=[") ||
                  absl::StrContains(function, option + "+["))
          << option;
      const std::string word = absl::StartsWith(option, "--") ? " -l " + option.substr(2) + " "
                                                              : " -s " + option.substr(1) + " ";
      bool found = false;
      for (const absl::string_view line : absl::StrSplit(fish, '\n')) {
        found = found || (absl::StrContains(line, absl::StrCat("'__fiscal_at ", command, "'")) &&
                          absl::StrContains(line, word));
      }
      EXPECT_TRUE(found) << option;
    }
  }
}

TEST_F(CompletionTest, BashCompletes) {
  EXPECT_THAT(Offered("fiscal to"), ElementsAre("totals"));
  EXPECT_THAT(Offered("fiscal catalog im"), ElementsAre("import"));
  EXPECT_THAT(Offered("fiscal totals --div"), ElementsAre("--division"));
  EXPECT_THAT(Offered("fiscal -o "), UnorderedElementsAre("table", "json", "yaml", "csv", "xlsx"));
  EXPECT_THAT(Offered("fiscal totals --output j"), ElementsAre("json"));
  // As bash cuts --output=j, and --output= with nothing after it.
  EXPECT_THAT(Offered("fiscal totals --output = j"), ElementsAre("json"));
  EXPECT_THAT(Offered("fiscal totals --output ="), Contains("table"));
  EXPECT_THAT(Offered("fiscal completion "), UnorderedElementsAre("bash", "zsh", "fish"));
}

TEST_F(CompletionTest, ValuesThatHaveNames) {
  EXPECT_THAT(Offered("fiscal totals --stage app"), ElementsAre("approved"));
  EXPECT_THAT(Offered("fiscal submit --stage rev"), ElementsAre("reviewed"));
  EXPECT_THAT(Offered("fiscal totals --by de"),
              UnorderedElementsAre("dept-economic", "department"));
  EXPECT_THAT(Offered("fiscal catalog list --list "), Contains("gov-economic"));
}

TEST_F(CompletionTest, ValuesAreNoCommands) {
  // `catalog` is what --server is told here, so the commands of fiscal follow, not those of
  // catalog.
  EXPECT_THAT(Offered("fiscal --server catalog im"), ElementsAre("import"));
  EXPECT_THAT(Offered("fiscal --server catalog li"), ElementsAre("lines"));
  EXPECT_THAT(Offered("fiscal -o json catalog li"), ElementsAre("list"));
  EXPECT_THAT(Offered("fiscal --server = catalog li"), ElementsAre("lines"));
  // Nothing is known of a division; file names would only be in the way.
  EXPECT_THAT(Offered("fiscal totals --division "), IsEmpty());
}

TEST_F(CompletionTest, Files) {
  EXPECT_THAT(Offered("fiscal import docs/examples/line_it"),
              ElementsAre("docs/examples/line_items.csv"));
  EXPECT_THAT(Offered("fiscal tables --compare docs/examples/line_it"),
              ElementsAre("docs/examples/line_items.csv"));
  EXPECT_THAT(Offered("fiscal totals docs/examples/line_it"), IsEmpty());
}

TEST(ProgramTest, Version) {
  const Ran ran = RunShell(FiscalProgram() + " --version");
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out, "fiscal " FISCAL_VERSION "\n");
}

TEST(ProgramTest, ManualHasEveryCommandAndOption) {
  std::vector<Page> pages;
  ReadHelp("", &pages);
  const Ran manual = RunShell(FiscalProgram() + " manual");
  ASSERT_EQ(manual.code, 0);
  const auto escaped = [](const std::string& text) {
    return absl::StrReplaceAll(text, {{"-", "\\-"}});
  };
  for (const Page& page : pages) {
    SCOPED_TRACE(page.command);
    // Its part of the page; the program's own options stand before the first command's.
    const std::string head = page.command.empty()
                                 ? "\n.SH OPTIONS\n"
                                 : absl::StrCat("\n.SS \"fiscal ", escaped(page.command), "\"\n");
    const size_t begin = manual.out.find(head);
    ASSERT_NE(begin, std::string::npos);
    const std::string part =
        manual.out.substr(begin, manual.out.find("\n.S", begin + head.size()) - begin);
    for (const std::string& option : page.options) {
      // --help is said once.
      if (!page.command.empty() && (option == "-h" || absl::StartsWith(option, "--help"))) continue;
      EXPECT_THAT(part, HasSubstr(absl::StrCat("\\fB", escaped(option), "\\fR")));
    }
  }
}

}  // namespace
}  // namespace fiscal::testing
