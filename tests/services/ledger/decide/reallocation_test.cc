// Statements that are kept at once: each is decided after those before it, and none of them is kept
// where one is refused.
#include "services/ledger/decide/reallocation.h"

#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

class ReallocationTest : public ::testing::Test {
 protected:
  ReallocationTest() {
    EXPECT_SCRIPT(script_, R"(
      divisions 141100 141121<141100                         => revised @1, 2 added
      agencies  141100 101001/101 101002/101 102001/102      => revised @2, 3 added
      agencies  141121 101001/101                            => revised @3, 1 added
      codes     141100 205 20502                             => revised @4, 2 added
    )");
  }
  LedgerScript script_{services::CheckRules};
};

TEST_F(ReallocationTest, AddsUpToNothing) {
  EXPECT_SCRIPT(script_, R"(
    reallocate a 141100/101001 l1=20502:-5 | 141100/102001 l1=20502:5                                  => created r1 @6, 1 line | created r1 @5, 1 line | created r1 @6, 1 line
    reallocate b 141100/101001 l1=20502:-9 | 141100/101002 l1=20502:1 | 141121/101001 l1=20502:3       => created r1 @9, 1 line | revised r2 @7, 1 line | created r1 @8, 1 line | created r1 @9, 1 line
    reallocate c 141100/101001 l1=20502:-8 | 141100/102001 l1=20502:5                                  => REALLOCATION_UNCHANGED
    reallocate c 141100/101001 l1=20502:-8 | 141100/102001 l1=20502:6                                  => REALLOCATION_UNBALANCED
    reallocate c 141100/101001 l1=20502:-8 l2=in/20502:-4 | 141100/102001 l1=20502:4                   => REALLOCATION_UNBALANCED
    total 141100 stage=reallocation                                                                    => 0.00 @9
  )");
}

TEST_F(ReallocationTest, IsAnsweredWholeAgain) {
  EXPECT_SCRIPT(script_, R"(
    reallocate a 141100/101001 l1=20502:-5 | 141100/102001 l1=20502:5   => created r1 @6, 1 line | created r1 @5, 1 line | created r1 @6, 1 line
    reallocate a 141100/101001 l1=20502:-5 | 141100/102001 l1=20502:5   => created r1 @6, 1 line | created r1 @5, 1 line | created r1 @6, 1 line
    reallocate a 141100/101001 l1=20502:-6 | 141100/102001 l1=20502:6   => REQUEST_ID_REUSED
  )");
}

TEST_F(ReallocationTest, ARefusalNamesThePartAndKeepsNone) {
  EXPECT_SCRIPT(script_, R"(
    reallocate a 141100/101001 l1=20502:-5 | 141100/999999 l1=20502:5                   => AGENCY_UNKNOWN budgets[1].budget.agency_code
    reallocate a 141100/101001 l1=20502:-5 | 141100/102001 l1=20502:5 expect=3          => REVISION_MISMATCH
    submit r1 141100/101001 stage=reallocation l1=20502:-5                              => created r1 @5, 1 line
  )");
}

// Readers see all parts or none: every part but the last says that more comes.
TEST_F(ReallocationTest, EachPartButTheLastSaysThatMoreComes) {
  domain::Reallocation r;
  r.request_id = "a";
  for (const char* row : {"submit p0 141100/101001 stage=reallocation l1=20502:-5",
                          "submit p1 141100/102001 stage=reallocation l1=20502:5"})
    r.parts.push_back(script_.PreparedStatement(row));
  const auto group = script_.NextGroup();
  const auto receipt = services::Apply(r, *group);
  ASSERT_TRUE(receipt.ok()) << receipt.status();
  EXPECT_TRUE(r.parts[0].more);
  EXPECT_FALSE(r.parts[1].more);
  ASSERT_TRUE(group->WriteTo(script_.log()).ok());
  EXPECT_SCRIPT(script_, R"(
    rows 141100 stage=reallocation by=agency   => 101001 -5.00 | 102001 5.00 | 0.00
  )");
}

}  // namespace
}  // namespace fiscal::testing
