// Many sums at once: each is what it is alone, equal ones cost one reading.
#include "services/ledger/answer/totals_batch.h"

#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

class TotalsBatchTest : public ::testing::Test {
 protected:
  TotalsBatchTest() {
    EXPECT_SCRIPT(script_, R"(
      divisions 141100 141121<141100                                 => revised @1, 2 added
      agencies  141100 101001/101 102001/102                         => revised @2, 2 added
      agencies  141121 201001/201                                    => revised @3, 1 added
      codes     141100 205 20502 208                                 => revised @4, 3 added
      submit r1 141100/101001 l1=20502:10 l2=208:5@P1 project=P1     => created r1 @5, 2 lines, 1 project
      submit r2 141100/102001 l1=20502:20                            => created r1 @6, 1 line
      submit r3 141121/201001 l1=208:40@P1 project=P1                => created r1 @7, 1 line, 1 project
    )");
  }

  std::string Batch(const std::vector<Words>& filters, services::Work& work) {
    std::vector<domain::TotalFilter> asked;
    for (const Words& words : filters) asked.push_back(FilterOf(words));
    services::NodeCache cache;
    const auto values =
        services::BatchTotals(script_.projector(), cache, asked, script_.Fold({"fold"}), work);
    if (!values.ok()) return SayRefusal(values.status());
    return absl::StrJoin(*values, " ", [](std::string* out, const domain::CellValue& value) {
      out->append(Yuan(value.amount_fen));
    });
  }

  LedgerScript script_{services::CheckRules};
};

TEST_F(TotalsBatchTest, EachIsWhatItIsAloneInTheOrderOfTheFilters) {
  services::Work work;
  EXPECT_EQ(Batch({{"f", "141100"},
                   {"f", "141100", "functional=208"},
                   {"f", "141100", "project=P1"},
                   {"f", "141100", "own", "project=P1"},
                   {"f", "141100", "agency=101001"},
                   {"f", "141121"},
                   {"f", "141100", "project=P9"},
                   {"f", "141100"}},
                  work),
            "75.00 45.00 45.00 5.00 15.00 40.00 0.00 75.00");
}

TEST_F(TotalsBatchTest, EqualFiltersCostOneReading) {
  services::Work one, many;
  Batch({{"f", "141100"}}, one);
  Batch(std::vector<Words>(1000, Words{"f", "141100"}), many);
  EXPECT_EQ(many.spent(), one.spent());
}

TEST_F(TotalsBatchTest, TheFirstThatNamesWhatIsNotThereIsRefused) {
  services::Work work;
  EXPECT_EQ(Batch({{"f", "141100"}, {"f", "141100", "department=109"}, {"f", "149900"}}, work),
            "DEPARTMENT_UNKNOWN");
}

TEST_F(TotalsBatchTest, WhatCostsTooMuchIsRefusedBeforeAnythingIsRead) {
  services::Work work(services::Work::kSeek);
  EXPECT_EQ(Batch({{"f", "141100"}, {"f", "141121"}}, work), "READ_TOO_LARGE");
  EXPECT_EQ(work.spent(), 0u);
}

}  // namespace
}  // namespace fiscal::testing
