// Answers about totals: live, from the store and as of positions between.
#include "services/ledger/answer/question.h"

#include "gtest/gtest.h"
#include "services/ledger/answer/totals_reader.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

constexpr absl::string_view kHistory = R"(
  divisions 140000 141100<140000 141121<141100          => revised @1, 3 added
  agencies  141100 101001/101 101002/101 102001/102     => revised @2, 3 added
  agencies  141121 101001/101                           => revised @3, 1 added
  codes     140000 205 20502 2050201 208 20805          => revised @4, 5 added
  submit r1 141100/101001 l1=2050201:1000.00 l2=20805:10 l3=205:1   => created r1 @5, 3 lines
  submit r2 141100/102001 l1=20502:20~30101                         => created r1 @6, 1 line
  submit r3 141121/101001 l1=2050201:300@P1 project=P1              => created r1 @7, 1 line, 1 project
  submit r4 141100/101002 l1=20805:7 l2=20502:2~302@P1 project=P1   => created r1 @8, 2 lines, 1 project
  submit r5 141100/101001 patch l1=2050201:900.00 -l3               => revised r2 @9, 2 lines
  submit r6 141100/101002 stage=adjustment l1=20805:-3              => created r1 @10, 1 line
)";

// The same answers whether the store is written rarely, so that all is in memory, or at nearly
// every event, so that all is read from the store.
class QuestionTest : public ::testing::TestWithParam<uint64_t> {
 protected:
  QuestionTest() { EXPECT_SCRIPT(script_, kHistory); }
  LedgerScript script_{services::CheckRules, WrittenEvery(GetParam())};
};

TEST_P(QuestionTest, OneSum) {
  EXPECT_SCRIPT(script_, R"(
    total 140000                                  => 1239.00 @10
    total 141100                                  => 1239.00 @10
    total 141100 own                              => 939.00 @10
    total 141121                                  => 300.00 @10
    total 141100 department=101                   => 919.00 @10
    total 141100 agency=101002                    => 9.00 @10
    total 141100 functional=205                   => 1222.00 @10
    total 141100 functional=2050201               => 1200.00 @10
    total 141100 economic=301                     => 20.00 @10
    total 141100 project=P1                       => 302.00 @10
    total 141100 project=P1 functional=20502      => 302.00 @10
    total 141100 stage=adjustment                 => -3.00 @10
    total 141100 stage=current                    => 1236.00 @10
    total 141100 income                           => 0.00 @10
  )");
}

TEST_P(QuestionTest, AsOfAnyPosition) {
  EXPECT_SCRIPT(script_, R"(
    total 140000 at=4                                 => 0.00 @4
    total 140000 at=5                                 => 1011.00 @5
    total 140000 at=6                                 => 1031.00 @6
    total 140000 at=8                                 => 1340.00 @8
    total 140000 at=9                                 => 1239.00 @9
    rows  141100 by=functional depth=1 at=5           => 205 1001.00 | 208 10.00 | 1011.00
    rows  141100 own by=agency at=8                   => 101001 1011.00 | 101002 9.00 | 102001 20.00 | 1040.00
  )");
}

TEST_P(QuestionTest, RowsByOneAndTwoDimensions) {
  EXPECT_SCRIPT(script_, R"(
    rows 141100 by=functional                         => 205 1222.00 | 20502 1222.00 | 2050201 1200.00 | 208 17.00 | 20805 17.00 | 1239.00
    rows 141100 by=functional depth=1                 => 205 1222.00 | 208 17.00 | 1239.00
    rows 141100 own by=department                     => 101 919.00 | 102 20.00 | 939.00
    rows 141100 own by=department,functional depth=1  => 101 205 902.00 | 101 208 17.00 | 102 205 20.00 | 939.00
    rows 140000 by=division                           => 140000 1239.00 | 141100 1239.00 | 141100* 939.00 | 141121 300.00 | 1239.00
    rows 140000 by=division depth=1                   => 140000 1239.00 | 1239.00
    rows 141100 by=economic depth=1 functional=20502  => 301 20.00 | 302 2.00 | - 1200.00 | 1222.00
    rows 141100 by=project                            => P1 302.00 | - 937.00 | 1239.00
    rows 141100 own by=agency functional=208          => 101001 10.00 | 101002 7.00 | 17.00
  )");
}

TEST_P(QuestionTest, WhatIsInNoCatalogIsNotFound) {
  EXPECT_SCRIPT(script_, R"(
    total 149900                                  => DIVISION_UNKNOWN
    total 141100 department=109                   => DEPARTMENT_UNKNOWN
    total 141100 agency=109001                    => AGENCY_UNKNOWN
    total 141100 department=102 agency=101001     => AGENCY_UNKNOWN
  )");
}

// A question that was asked is kept up by what is posted after it, as a watch does.
TEST_P(QuestionTest, PostingsBringItToWhereItWouldBeAsked) {
  const domain::Position head = script_.Fold({"fold"});
  const domain::TotalFilter filter = FilterOf({"rows", "141100"});
  const std::vector<domain::GroupBy> by = GroupByOf({"by=functional"});
  services::Work work;
  const std::shared_ptr<const domain::Catalog> catalog = script_.projector().catalog();
  services::Question kept(catalog, filter, by), asked(catalog, filter, by);
  const domain::Position early = script_.Fold({"fold", "at=6"});
  ASSERT_TRUE(script_.reader().Ask(kept, early, work).ok());
  std::vector<services::Projector::Delivered> postings;
  ASSERT_TRUE(script_.projector()
                  .ReadPostings(
                      early, head, 100, [](const auto&) { return true; }, &postings)
                  .ok());
  for (const auto& delivered : postings) kept.AddPosting(*delivered.posting);
  ASSERT_TRUE(script_.reader().Ask(asked, head, work).ok());
  EXPECT_TRUE(kept.rows().ChangesFrom(asked.rows()).empty());
  EXPECT_EQ(Yuan(kept.rows().grand_total().amount_fen), "1239.00");
}

INSTANTIATE_TEST_SUITE_P(Writes, QuestionTest, ::testing::Values(1, 3, 1000));

}  // namespace
}  // namespace fiscal::testing
