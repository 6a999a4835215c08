// Transfers between levels of government inside a division, taken out of its total once.
#include "services/ledger/answer/consolidated.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

// Row beside those of the ledger:
//
//   consolidated division [income]   the total, what is taken out of it, and each transfer: to
//       whom, what is paid and what is received
class ConsolidatedTest : public ::testing::Test {
 protected:
  ConsolidatedTest() {
    script_.Add("consolidated", [this](const Words& words) {
      services::Work work;
      const domain::Position position = script_.Fold(words);
      const auto c =
          Consolidate(script_.projector(), script_.reader(), FilterOf(words), position, work);
      if (!c.ok()) return SayRefusal(c.status());
      std::vector<std::string> out = {
          absl::StrCat(Yuan(c->combined.amount_fen), " less ", Yuan(c->eliminated_fen))};
      for (const domain::Transfer& t : c->transfers)
        out.push_back(absl::StrCat(t.up ? "up to " : "to ", t.receiver, " ", Yuan(t.paid_fen),
                                   " paid ", Yuan(t.received_fen), " received"));
      return absl::StrJoin(out, " | ");
    });
    EXPECT_SCRIPT(script_, R"(
      divisions 140000 141100<140000 141121<141100 141122<141100    => revised @1, 4 added
      agencies  141100 101001/101                                   => revised @2, 1 added
      agencies  141121 201001/201                                   => revised @3, 1 added
      agencies  141122 301001/301                                   => revised @4, 1 added
      codes     140000 205 230 23002 23006                          => revised @5, 4 added
      revenues  140000 101 110 11002 11006                          => revised @6, 4 added
    )");
  }
  LedgerScript script_{services::CheckRules};
};

TEST_F(ConsolidatedTest, WhatBothSidesStateIsTakenOutOfBothDirections) {
  EXPECT_SCRIPT(script_, R"(
    submit r1 141100/101001 stage=adjustment l1=23002:60>141121 l2=205:500 l3=in.101:600   => created r1 @7, 3 lines
    submit r2 141121/201001 stage=adjustment l1=205:140 l2=in.11002:60 l3=in.101:50        => created r1 @8, 3 lines
    consolidated 141100 stage=adjustment                                                   => 700.00 less 60.00 | to 141121 60.00 paid 60.00 received
    consolidated 141100 stage=adjustment income                                            => 710.00 less 60.00 | to 141121 60.00 paid 60.00 received
    consolidated 140000 stage=adjustment                                                   => 700.00 less 60.00 | to 141121 60.00 paid 60.00 received
    consolidated 141121 stage=adjustment                                                   => 140.00 less 0.00   # what comes from outside stays
  )");
}

TEST_F(ConsolidatedTest, TheSmallerSumIsTakenOutAndTheRestStays) {
  EXPECT_SCRIPT(script_, R"(
    submit r1 141100/101001 stage=adjustment l1=23002:60>141121 l2=23002:5>141122     => created r1 @7, 2 lines
    submit r2 141121/201001 stage=adjustment l1=in.11002:40                           => created r1 @8, 1 line
    consolidated 141100 stage=adjustment                                              => 65.00 less 40.00 | to 141121 60.00 paid 40.00 received | to 141122 5.00 paid 0.00 received
  )");
}

TEST_F(ConsolidatedTest, MoneyThatGoesUpIsTakenOutToo) {
  EXPECT_SCRIPT(script_, R"(
    submit r1 141121/201001 stage=adjustment l1=23006:7>141100                        => created r1 @7, 1 line
    submit r2 141100/101001 stage=adjustment l1=in.11006:7                            => created r1 @8, 1 line
    consolidated 141100 stage=adjustment                                              => 7.00 less 7.00 | up to 141100 7.00 paid 7.00 received
    consolidated 141100 stage=adjustment income                                       => 7.00 less 7.00 | up to 141100 7.00 paid 7.00 received
  )");
}

}  // namespace
}  // namespace fiscal::testing
