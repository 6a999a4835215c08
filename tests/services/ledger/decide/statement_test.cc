// A statement is decided without being kept: each outcome, and that it is the same the second time.
#include "services/ledger/decide/statement.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

using services::StatementDecision;

// Row beside those of the ledger; nothing of it is kept:
//
//   decide submit id statement   also validate, withdraw: the outcome, the revision it would have,
//       how the sum of expenditure would change; after "repeated" the answer that is there
class StatementTest : public ::testing::Test {
 protected:
  StatementTest() {
    script_.Add("decide", [this](const Words& words) {
      return Decide({words.begin() + 1, words.end()});
    });
    EXPECT_SCRIPT(script_, R"(
      divisions 141100                         => revised @1, 1 added
      agencies  141100 101001/101 101002/101   => revised @2, 2 added
      codes     141100 205 20502               => revised @3, 2 added
      submit r1 141100/101001 l1=20502:10      => created r1 @4, 1 line
    )");
  }

  std::string Decide(const Words& row) {
    const auto group = script_.NextGroup();
    auto request = script_.Prepared(row);
    const auto d = services::Decide(std::get<domain::Submission>(request), group->standing());
    if (!d.ok()) return SayRefusal(d.status());
    using Outcome = StatementDecision::Outcome;
    if (d->outcome == Outcome::kRepeated) return "repeated: " + SayReceipt(d->receipt.receipt);
    const std::string outcome = d->outcome == Outcome::kPreviewed   ? "previewed"
                                : d->outcome == Outcome::kUnchanged ? "unchanged"
                                                                    : "stated";
    return absl::StrCat(
        outcome, " r", d->receipt.receipt.revision, ", ", Yuan(d->receipt.expenditure_change_fen),
        d->outcome == Outcome::kUnchanged ? absl::StrCat(", stands ", At(d->stands_at)) : "");
  }

  LedgerScript script_{services::CheckRules};
};

TEST_F(StatementTest, EachOutcome) {
  EXPECT_SCRIPT(script_, R"(
    decide submit   r1 141100/101001 l1=20502:10              => repeated: created r1 @4, 1 line
    decide submit   r1 141100/101001 l1=20502:11              => REQUEST_ID_REUSED
    decide submit   r2 141100/101001 l1=20502:10              => unchanged r1, 0.00, stands @4
    decide submit   r2 141100/101001 l1=20502:7               => stated r2, -3.00
    decide submit   r2 141100/101002 l1=20502:7               => stated r1, 7.00
    decide withdraw r2 141100/101001                          => stated r2, -10.00
    decide withdraw r2 141100/101002                          => BUDGET_NOT_FOUND
    decide validate r2 141100/101001 l1=20502:7               => previewed r2, -3.00
    decide validate r1 141100/101001 l1=20502:7               => previewed r2, -3.00   # not compared with answers
    decide submit   r2 141100/101001 expect=0 l1=20502:7      => REVISION_MISMATCH
    decide submit   r2 141100/101001 patch l2=20502:1         => stated r2, 1.00
    decide submit   r2 141100/101 department=101 l1=20502:1   => SCOPE_MIXED
  )");
}

// A query that came back empty wipes no budget.
TEST_F(StatementTest, WhatWouldTakeOutAllLinesSaysSo) {
  EXPECT_SCRIPT(script_, R"(
    decide submit   r2 141100/101001          => STATEMENT_EMPTIED
    decide validate r2 141100/101001          => STATEMENT_EMPTIED
    decide submit   r2 141100/101001 empty    => stated r2, -10.00
    decide submit   r2 141100/101002          => stated r1, 0.00
    decide submit   r2 141100/101001 patch    => unchanged r1, 0.00, stands @4
  )");
}

// The same office's amounts of the year and of the stage before.
TEST_F(StatementTest, AmountsOfAnotherSizeAreSaid) {
  EXPECT_SCRIPT(script_, R"(
    submit r2 141100/101001 stage=executed l1=20502:100000   => created r1 @5, 1 line, MAGNITUDE
    submit r3 141100/101001 stage=final    l1=20502:100000   => created r1 @6, 1 line
    submit r4 141100/101001 stage=final    l1=20502:1        => revised r2 @7, 1 line, MAGNITUDE
    submit r5 141100/101001 stage=adjustment l1=20502:100000 => created r1 @8, 1 line
  )");
}

TEST_F(StatementTest, DecidingKeepsNothing) {
  EXPECT_SCRIPT(script_, R"(
    decide submit r2 141100/101001 l1=20502:7   => stated r2, -3.00
    decide submit r2 141100/101001 l1=20502:7   => stated r2, -3.00
    total  141100                               => 10.00 @4
    submit r2 141100/101001 l1=20502:7          => revised r2 @5, 1 line
    decide submit r2 141100/101001 l1=20502:7   => repeated: revised r2 @5, 1 line
  )");
}

// What was found wrong against another catalog is forgotten: the one that stands is asked.
TEST_F(StatementTest, TheCatalogOfTheDecisionCounts) {
  auto early = script_.PreparedStatement("submit r2 141100/101002 l1=208:5");
  EXPECT_FALSE(early.violations.empty());
  EXPECT_SCRIPT(script_, "codes 141100 208   => revised @5, 1 added");
  const auto group = script_.NextGroup();
  const auto d = services::Decide(early, group->standing());
  ASSERT_TRUE(d.ok()) << d.status();
  EXPECT_EQ(d->receipt.receipt.revision, 1u);
}

}  // namespace
}  // namespace fiscal::testing
