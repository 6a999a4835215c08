// The articulation rules over a statement's own lines: what is found, and what is refused.
#include "services/ledger/decide/rules_check.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

// Row beside those of the ledger:
//
//   check statement   the rules that failed, of a statement as it would be submitted; behind |,
//       those for which it is refused
class RulesCheckTest : public ::testing::Test {
 protected:
  RulesCheckTest() {
    script_.Add("check", [this](const Words& words) {
      Words row = words;
      row[0] = "submit";
      row.insert(row.begin() + 1, "r");
      auto s = std::get<domain::Submission>(script_.Prepared(row));
      s.findings.clear();
      s.violations.clear();
      services::CheckRules(*script_.intake().catalog(), s.lines.lines, s.projects, &s);
      std::string out;
      for (const domain::Finding& f : s.findings)
        absl::StrAppend(&out, out.empty() ? "" : " ", f.rule);
      if (!s.violations.empty()) absl::StrAppend(&out, " | ", SayViolations(s.violations));
      return out.empty() ? std::string("nothing") : out;
    });
    EXPECT_SCRIPT(script_, R"(
      divisions 141100               => revised @1, 1 added
      agencies  141100 101001/101    => revised @2, 1 added
      codes     141100 205 20502     => revised @3, 2 added
    )");
  }
  LedgerScript script_{services::CheckRules};
};

TEST_F(RulesCheckTest, IncomeAndExpenditureAreCompared) {
  EXPECT_SCRIPT(script_, R"(
    check 141100/101001 l1=20502:5 l2=in/20502:7            => T1-06 T2-02
    check 141100/101001 certify l1=20502:5 l2=in/20502:7    => T1-06 T2-02 | RULES_FAILED certify; RULES_FAILED certify
  )");
}

TEST_F(RulesCheckTest, RowsOfSubtotalsAreSaidAndNotCertified) {
  EXPECT_SCRIPT(script_, R"(
    check 141100/101001 l1=205:5 l2=20502:5            => SUBTOTAL_ROW
    check 141100/101001 certify l1=205:5 l2=20502:5    => SUBTOTAL_ROW | RULES_FAILED certify
    check 141100/101001 stage=executed l1=205:5 l2=20502:5   => SUBTOTAL_ROW
  )");
}

TEST_F(RulesCheckTest, LinesOfOneDirectionHaveNothingToCompare) {
  EXPECT_SCRIPT(script_, R"(
    check 141100/101001 certify l1=20502:5       => nothing
    check 141100/101001 certify l1=in/20502:5    => nothing
  )");
}

// What was changed or paid need not balance.
TEST_F(RulesCheckTest, OnlyStagesThatMustBalanceAreChecked) {
  EXPECT_SCRIPT(script_, R"(
    check 141100/101001 stage=requested l1=20502:5 l2=in/20502:7     => T1-06 T2-02
    check 141100/101001 stage=reviewed l1=20502:5 l2=in/20502:7      => T1-06 T2-02
    check 141100/101001 stage=adjustment l1=20502:5 l2=in/20502:7    => nothing
    check 141100/101001 stage=final l1=20502:5 l2=in/20502:7         => nothing
  )");
}

}  // namespace
}  // namespace fiscal::testing
