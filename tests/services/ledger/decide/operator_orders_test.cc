// Orders of operators: what becomes an event, and what is in force already.
#include "services/ledger/decide/operator_orders.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

// Rows beside those of the ledger:
//
//   quarantine position [stopped]   has the totals leave it out; stopped: they stand before it
//   key name                        signs with another key from here on
class OperatorOrdersTest : public ::testing::Test {
 protected:
  OperatorOrdersTest() {
    script_.Add("quarantine", [this](const Words& words) {
      domain::QuarantineOrder order;
      order.principal = "operator";
      order.position = domain::Position(domain::ParseCode(words.at(1)));
      if (Has(words, "stopped")) order.stopped_at = order.position;
      order.reason = "why";
      return Commit(std::move(order));
    });
    script_.Add("key", [this](const Words& words) {
      return Commit(domain::KeyOrder{"operator", {words.at(1), ""}});
    });
    EXPECT_SCRIPT(script_, R"(
      divisions 141100                         => revised @1, 1 added
      agencies  141100 101001/101 101002/101   => revised @2, 2 added
      codes     141100 205 20502               => revised @3, 2 added
      submit r1 141100/101001 l1=20502:10      => created r1 @4, 1 line
      submit r2 141100/101002 l1=20502:5       => created r1 @5, 1 line
    )");
  }

  std::string Commit(services::Intake::Request request) {
    services::Intake::Request* group[] = {&request};
    return SayAnswer(script_.intake().Commit(group)[0]);
  }

  LedgerScript script_{services::CheckRules};
};

TEST_F(OperatorOrdersTest, OnlyAnEventThatStopsTotalsIsLeftOut) {
  EXPECT_SCRIPT(script_, R"(
    quarantine 3            => QUARANTINE_NOT_NEEDED   # a list of codes changes no totals
    quarantine 4            => QUARANTINE_NOT_NEEDED   # totals can take it
    quarantine 9            => POSITION_AHEAD
    quarantine 4 stopped    => created @6
    quarantine 4 stopped    => unchanged @6
    quarantine 4            => unchanged @6
    total 141100            => 5.00 @6
  )");
}

TEST_F(OperatorOrdersTest, NothingMoreOfTheBudgetCounts) {
  EXPECT_SCRIPT(script_, R"(
    quarantine 4 stopped                   => created @6
    submit r3 141100/101001 l1=20502:7     => BUDGET_QUARANTINED
    submit r4 141100/101002 l1=20502:7     => revised r2 @7, 1 line
    total 141100                           => 7.00 @7
  )");
}

TEST_F(OperatorOrdersTest, TheKeyThatSignsIsSaidOnce) {
  EXPECT_SCRIPT(script_, R"(
    key first    => created @6
    key first    => unchanged @6
    key second   => created @7
    key first    => created @8
  )");
}

// A decision by itself: which event it asks for.
TEST_F(OperatorOrdersTest, ADecisionSaysItsEvent) {
  const auto group = script_.NextGroup();
  domain::QuarantineOrder order;
  order.position = order.stopped_at = domain::Position(4);
  const auto d = services::Decide(order, group->standing());
  ASSERT_TRUE(d.ok()) << d.status();
  EXPECT_EQ(d->kind, domain::EventKind::kQuarantine);
  EXPECT_FALSE(d->payload.empty());
  const auto key = services::Decide(domain::KeyOrder{"operator", {"pem", ""}}, group->standing());
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(key->kind, domain::EventKind::kKey);
}

}  // namespace
}  // namespace fiscal::testing
