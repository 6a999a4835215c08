// What commands answer: -o json and -o yaml against tests/golden/cli_json.golden, and the words for
// a moment before anything was stated. FISCAL_UPDATE_GOLDEN=1 writes the file anew.
#include <cstdlib>
#include <fstream>
#include <regex>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/cli_contract.h"
#include "yaml-cpp/yaml.h"

namespace fiscal::testing {
namespace {

using ::testing::HasSubstr;

constexpr char kGolden[] = "tests/golden/cli_json.golden";

// What differs from run to run becomes a word.
std::string Steady(std::string text) {
  const std::pair<const char*, const char*> steady[] = {
      {R"re("(\d+)-[0-9a-f]{12}")re", "\"$1-HISTORY\""},
      {R"re("(chain_hash|root_hash|resume_token|log_id)":"[^"]*")re", "\"$1\":\"...\""},
      {R"re("([a-z_]*_time)":"[^"]*")re", "\"$1\":\"...\""},
      {R"re("(bytes|bytes_read|event_count|cell_count)":("?)\d+)re", "\"$1\":$2..."},
  };
  for (const auto& [pattern, word] : steady)
    text = std::regex_replace(text, std::regex(pattern), word);
  return text;
}

class CliAnswersTest : public CliContractTest {};

TEST_F(CliAnswersTest, JsonIsAsItWas) {
  const Ran imported = Fiscal(absl::StrCat("import ", kReference, " -o json --request-id golden"));
  ASSERT_EQ(imported.code, 0) << said_;
  d_.SubmitExamples();
  d_.AwaitTotals();
  const std::string key = " --division 141100 --year 2024";
  const std::string budget = key + " --agency 031001";
  const std::string commands[] = {
      absl::StrCat("import ", kReference, " --request-id again"),
      "submit docs/examples/education_bureau.json",
      "totals" + key,
      "totals" + key + " --by functional --depth 1",
      "totals" + key + " --by fund,functional --depth 1",
      "totals" + key + " --department 031 --by project",
      "totals" + key + " --consolidated",
      "totals" + key + " --department 999",
      "compare" + key + " --by functional --depth 1 --with-position 12",
      "compare" + key + " --with-position 12 --why",
      "explain" + key + " --functional 208",
      "coverage" + key,
      "budgets" + key,
      "lines" + budget,
      "projects" + budget,
      "watch" + key + " --by fund --once",
      "catalog list --list agency" + key,
      "catalog list --list dept-economic" + key,
      "federation status",
      "authority whoami",
      "admin verify",
      "admin scrub",
      "log --limit 1",
  };
  std::string told;
  for (const std::string& command : commands) {
    const Ran ran = Fiscal(command + " -o json");
    // The first three records of a list stand for the others.
    std::vector<std::string> lines = Lines(ran.out);
    if (lines.size() > 3) lines.resize(3);
    absl::StrAppend(&told, "$ fiscal ", command, "\n");
    for (const std::string& line : lines) absl::StrAppend(&told, Steady(line), "\n");
    // The same as YAML, document by document.
    if (absl::StartsWith(command, "import") || absl::StartsWith(command, "submit")) continue;
    const std::vector<YAML::Node> documents = YAML::LoadAll(Fiscal(command + " -o yaml").out);
    EXPECT_EQ(documents.size(), Lines(ran.out).size()) << command;
    for (size_t i = 0; i < documents.size() && i < lines.size(); ++i)
      EXPECT_EQ(documents[i].size(), Json(lines[i]).fields().size()) << command;
  }
  if (std::getenv("FISCAL_UPDATE_GOLDEN") != nullptr) std::ofstream(kGolden) << told;
  EXPECT_EQ(told, ReadFile(kGolden)) << "FISCAL_UPDATE_GOLDEN=1 writes it anew";
}

TEST_F(CliAnswersTest, NothingStatedByThenIsNoSum) {
  const std::string totals = "totals --division 141100 --year 2024 --as-of 2001-01-01";
  d_.SubmitExamples();
  for (const std::string by : {"", " --by fund"}) {
    const Ran ran = Fiscal(totals + by);
    EXPECT_EQ(ran.code, 0);
    EXPECT_THAT(ran.out, HasSubstr("nothing was stated by then"));
    EXPECT_FALSE(absl::StrContains(ran.out, "0.00")) << ran.out;
  }
  EXPECT_EQ(Field(Json(Fiscal(totals + " -o json").out).fields().at("grand_total").struct_value(),
                  "amount_fen"),
            "0");
}

}  // namespace
}  // namespace fiscal::testing
