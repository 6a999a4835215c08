// One reader answers sums, lists and batches the same, from what is live and from the store.
#include "services/ledger/answer/totals_reader.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

class TotalsReaderTest : public ::testing::TestWithParam<uint64_t> {
 protected:
  TotalsReaderTest() {
    EXPECT_SCRIPT(script_, R"(
      divisions 141100                              => revised @1, 1 added
      agencies  141100 101001/101 102001/102        => revised @2, 2 added
      codes     141100 205 208                      => revised @3, 2 added
      submit r1 141100/101001 l1=205:10 l2=208:5    => created r1 @4, 2 lines
      submit r2 141100/102001 l1=208:20             => created r1 @5, 1 line
      submit r3 141100/101001 l1=205:11             => revised r2 @6, 1 line
    )");
  }
  LedgerScript script_{services::CheckRules, WrittenEvery(GetParam())};
};

// At every position: the rows of a list add up to its total, which is the sum asked for alone and
// the one asked for with others.
TEST_P(TotalsReaderTest, ListsSumsAndBatchesAgree) {
  const domain::TotalFilter filter = FilterOf({"f", "141100"});
  const std::vector<domain::GroupBy> by = GroupByOf({"by=functional", "depth=1"});
  for (const char* at : {"at=3", "at=4", "at=5", "at=6"}) {
    const domain::Position position = script_.Fold({"fold", at});
    services::Work work;
    const auto list =
        script_.reader().List(filter, by, domain::RowOrder::kAmountDescending, position, work);
    const auto one = script_.reader().Get(filter, position, work);
    const auto all = script_.reader().GetAll({filter, filter}, position, work);
    ASSERT_TRUE(list.ok() && one.ok() && all.ok());
    domain::CellValue sum;
    for (size_t i = 0; i < list->rows.size(); ++i) {
      sum.Add(list->rows[i].value);
      if (i > 0) {
        EXPECT_GE(list->rows[i - 1].value.amount_fen, list->rows[i].value.amount_fen) << at;
      }
    }
    EXPECT_EQ(sum, list->grand_total) << at;
    EXPECT_EQ(*one, list->grand_total) << at;
    EXPECT_EQ(*all, (std::vector<domain::CellValue>{*one, *one})) << at;
  }
}

TEST_P(TotalsReaderTest, ARestartAnswersTheSame) {
  constexpr absl::string_view kAnswers = R"(
    total 141100                => 31.00 @6
    total 141100 at=5           => 35.00 @5
    rows  141100 by=functional  => 205 11.00 | 208 20.00 | 31.00
  )";
  EXPECT_SCRIPT(script_, kAnswers);
  script_.Restart();
  EXPECT_SCRIPT(script_, kAnswers);
}

TEST_P(TotalsReaderTest, AnAnswerEndsWhenItsCallerLeaves) {
  const domain::Position position = script_.Fold({"fold"});
  services::Work work;
  work.Cancel();
  EXPECT_EQ(script_.reader().Get(FilterOf({"f", "141100"}), position, work).status().code(),
            absl::StatusCode::kCancelled);
}

INSTANTIATE_TEST_SUITE_P(Writes, TotalsReaderTest, ::testing::Values(1, 1000));

}  // namespace
}  // namespace fiscal::testing
