// Which money a filter selects: of which budgets, which lines, in which year's codes.
#include "services/ledger/answer/filter.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

using services::Filter;

// Rows beside those of the ledger:
//
//   check division filter    whether what it names is in the catalog
//   below division filter    the divisions it selects from
//   counts division filter of=division/agency in=department [of.stage=stage]   whether it selects
//       money of that budget
class FilterTest : public ::testing::Test {
 protected:
  FilterTest() {
    script_.Add("check", [this](const Words& words) {
      const absl::Status status = Of(words).Check();
      return status.ok() ? std::string("found") : SayRefusal(status);
    });
    script_.Add("below", [this](const Words& words) {
      std::string out;
      for (domain::Code code : Of(words).Subtree())
        absl::StrAppend(&out, out.empty() ? "" : " ", code);
      return out;
    });
    script_.Add("counts", [this](const Words& words) {
      const std::string stage = Get(words, "of.stage", "approved");
      const domain::BudgetKey budget = BudgetOf(Get(words, "of"), {absl::StrCat("stage=", stage)});
      return std::string(Of(words).Counts(budget, Get(words, "in")) ? "yes" : "no");
    });
    EXPECT_SCRIPT(script_, R"(
      divisions 140000 141100<140000 141121<141100   => revised @1, 3 added
      agencies  141100 101001/101 102001/102         => revised @2, 2 added
      agencies  141121 101001/101                    => revised @3, 1 added
    )");
  }
  Filter Of(const Words& words) { return {script_.intake().catalog(), FilterOf(words)}; }
  LedgerScript script_{services::CheckRules};
};

TEST_F(FilterTest, WhatItNamesMustBeInTheCatalog) {
  EXPECT_SCRIPT(script_, R"(
    check 141100                                => found
    check 149900                                => DIVISION_UNKNOWN
    check 141100 department=101                 => found
    check 141100 department=109                 => DEPARTMENT_UNKNOWN
    check 141100 agency=101001                  => found
    check 141100 agency=101                     => found   # a department's own statement
    check 141100 agency=109001                  => AGENCY_UNKNOWN
    check 141100 agency=101001 department=102   => AGENCY_UNKNOWN
    check 141100 year=2023                      => DIVISION_UNKNOWN
  )");
}

TEST_F(FilterTest, ItSelectsFromTheDivisionsBelow) {
  EXPECT_SCRIPT(script_, R"(
    below 140000                  => 140000 141100 141121
    below 140000 own              => 140000
    below 141100 department=101   => 141100
    below 141100 agency=101001    => 141100
  )");
}

TEST_F(FilterTest, ItCountsBudgets) {
  EXPECT_SCRIPT(script_, R"(
    counts 141100 of=141100/101001 in=101                                       => yes
    counts 141100 of=141121/101001 in=101                                       => yes
    counts 141100 own of=141121/101001 in=101                                   => no
    counts 141121 of=141100/101001 in=101                                       => no
    counts 141100 department=101 of=141100/101001 in=101                        => yes
    counts 141100 department=101 of=141100/101001 in=102                        => no
    counts 141100 department=101 of=141121/101001 in=101                        => no
    counts 141100 agency=101001 of=141100/102001 in=102                         => no
    counts 141100 stage=final of=141100/101001 in=101                           => no
    counts 141100 stage=current of=141100/101001 in=101                         => yes
    counts 141100 stage=current of=141100/101001 in=101 of.stage=adjustment     => yes
    counts 141100 stage=current of=141100/101001 in=101 of.stage=final          => no
  )");
}

TEST_F(FilterTest, ItMatchesLines) {
  domain::Line line;
  line.functional = 2050201;
  line.dept_economic = 30101;
  line.project_code = "P1";
  line.attributes.direction = domain::Direction::kExpenditure;
  line.attributes.fund = domain::Fund::kUnitBusiness;
  auto matches = [&](const Words& words) { return Of(words).Matches(line); };
  EXPECT_TRUE(matches({"f", "141100"}));
  EXPECT_TRUE(matches({"f", "141100", "functional=205"}));
  EXPECT_TRUE(matches({"f", "141100", "functional=2050201"}));
  EXPECT_FALSE(matches({"f", "141100", "functional=20503"}));
  EXPECT_TRUE(matches({"f", "141100", "economic=301"}));
  EXPECT_FALSE(matches({"f", "141100", "economic=302"}));
  EXPECT_TRUE(matches({"f", "141100", "project=P1"}));
  EXPECT_FALSE(matches({"f", "141100", "project=P2"}));
  EXPECT_FALSE(matches({"f", "141100", "income"}));
  // A fund with those below it.
  domain::TotalFilter asked = FilterOf({"f", "141100"});
  asked.fund = domain::Fund::kUnit;
  EXPECT_TRUE(Filter(script_.intake().catalog(), asked).Matches(line));
  asked.fund = domain::Fund::kUnitOther;
  EXPECT_FALSE(Filter(script_.intake().catalog(), asked).Matches(line));
  // Memo lines are asked for by their analysis.
  line.attributes.analysis = domain::Analysis::kProject;
  EXPECT_FALSE(matches({"f", "141100"}));
}

TEST_F(FilterTest, CodesAreShownInALaterYearsClassification) {
  EXPECT_SCRIPT(script_, R"(
    codes     140000 205 20502 208 20805                 => revised @4, 4 added
    divisions 140000 141100<140000 year=2025             => revised @5, 2 added
    codes     140000 205 20506 year=2025                 => revised @6, 2 added
    crosswalk 140000 20502/20506 year=2025               => revised @7, 1 added
  )");
  domain::TotalFilter asked = FilterOf({"f", "141100"});
  EXPECT_EQ(Filter(script_.intake().catalog(), asked).Shown(20502), 20502u);
  asked.classification_year = 2025;
  const Filter later(script_.intake().catalog(), asked);
  EXPECT_EQ(later.Shown(20502), 20506u);
  EXPECT_EQ(later.Shown(205), 205u);
  EXPECT_EQ(later.Shown(20805), services::kUnmapped);
  EXPECT_EQ(later.Shown(0), 0u);
}

}  // namespace
}  // namespace fiscal::testing
