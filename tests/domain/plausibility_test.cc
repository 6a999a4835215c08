// What is right by form and hardly meant, and what only looks like it.
#include "domain/plausibility.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fiscal::domain {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SubtotalsTest : public ::testing::Test {
 protected:
  Line& Add(absl::string_view id, Code functional, int64_t fen) {
    Line& line = lines_.emplace_back();
    line.line_id = id;
    line.index = static_cast<uint32_t>(lines_.size() - 1);
    line.functional = functional;
    line.amount_fen = fen;
    line.attributes.direction = Direction::kExpenditure;
    line.attributes.fund = Fund::kGeneral;
    return line;
  }
  // "line_id field" of each.
  std::vector<std::string> Found(size_t max = 20) const {
    std::vector<std::string> found;
    for (const Finding& f : FindSubtotals(lines_, 0, max)) {
      EXPECT_EQ(f.rule, kSubtotalRule);
      EXPECT_EQ(f.severity, Severity::kWarning);
      EXPECT_FALSE(f.message_zh.empty());
      found.push_back(absl::StrCat(f.line_id, " ", f.place));
    }
    return found;
  }

  std::vector<Line> lines_;
};

TEST_F(SubtotalsTest, RowsOfClassesAreFound) {
  Add("1", 205, 30000);
  Add("2", 20502, 30000);
  Add("3", 2050202, 10000);
  Add("4", 2050203, 20000);
  EXPECT_THAT(Found(), ElementsAre("1 line_items.functional_code", "2 line_items.functional_code"));
  EXPECT_THAT(Found(1), ElementsAre("1 line_items.functional_code"));
  EXPECT_THAT(FindSubtotals(lines_, 0, 20)[1].message,
              HasSubstr("others, which amount to the same 30000 fen"));
}

TEST_F(SubtotalsTest, OtherSumsAreMoneyOfTheirOwn) {
  Add("1", 205, 30001);
  Add("2", 2050202, 10000);
  Add("3", 2050203, 20000);
  Add("4", 208, 10000);
  EXPECT_THAT(Found(), IsEmpty());
}

// Several lines of a code are one row of a table; those of another fund, category or direction are
// another table's.
TEST_F(SubtotalsTest, LinesAreAddedByWhatTheyHaveInCommon) {
  Add("1", 20502, 30000);
  Add("2", 2050202, 10000).dept_economic = 30101;
  Add("3", 2050202, 20000).dept_economic = 30102;
  EXPECT_THAT(Found(), ElementsAre("1 line_items.functional_code"));
  lines_[2].attributes.fund = Fund::kGovernmentFund;
  EXPECT_THAT(Found(), IsEmpty());
  lines_[2].attributes.fund = Fund::kGeneral;
  lines_[2].attributes.direction = Direction::kIncome;
  EXPECT_THAT(Found(), IsEmpty());
  lines_[2].attributes.direction = Direction::kExpenditure;
  lines_[2].attributes.analysis = Analysis::kThreePublic;
  EXPECT_THAT(Found(), IsEmpty()) << "memo lines say the money once more on purpose";
}

TEST_F(SubtotalsTest, CategoriesFundsAndEconomicClassesHaveThemToo) {
  Add("1", 2050202, 30).attributes.category = Category::kBasic;
  Add("2", 2050202, 10).attributes.category = Category::kPersonnel;
  Add("3", 2050202, 20).attributes.category = Category::kPublic;
  EXPECT_THAT(Found(), ElementsAre("1 line_items.category"));
  lines_[1].functional = 2050203;
  EXPECT_THAT(Found(), IsEmpty()) << "of another subject";
  lines_.clear();
  Add("1", 2050202, 30).attributes.fund = Fund::kUnit;
  Add("2", 2050202, 30).attributes.fund = Fund::kUnitOther;
  EXPECT_THAT(Found(), ElementsAre("1 line_items.fund"));
  lines_.clear();
  Add("1", 2050202, 30).dept_economic = 301;
  Add("2", 2050202, 30).dept_economic = 30101;
  EXPECT_THAT(Found(), ElementsAre("1 line_items.dept_economic_code"));
}

TEST(MagnitudeTest, ThousandTimesAsMuchIsSaid) {
  const auto says = [](int64_t now, int64_t earlier) {
    const std::optional<Finding> found = CompareMagnitude(now, earlier, "2023", "2023年");
    return found.has_value() ? found->message : "";
  };
  EXPECT_EQ(says(100, 100), "");
  EXPECT_EQ(says(49900, 100), "");
  EXPECT_EQ(says(1000000, 100),
            "its 1000000 fen are 10000 times the 100 fen stated for 2023: were yuan (元) and 万元 "
            "taken for each other?");
  EXPECT_EQ(says(100, 100000),
            "the 100000 fen stated for 2023 are 1000 times its 100 fen: were yuan (元) and 万元 "
            "taken for each other?");
  EXPECT_EQ(says(0, 100), "") << "nothing is no unit";
  EXPECT_EQ(says(100, 0), "");
  EXPECT_NE(says(INT64_MAX, -1), "");
}

}  // namespace
}  // namespace fiscal::domain
