// Orders about grants: which event each asks for, and which it does not need. What the orders do is
// in authority_test.cc.
#include "services/ledger/decide/grant_orders.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "domain/reason.h"
#include "gtest/gtest.h"
#include "storage/record_codec.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

using domain::EventKind;
using domain::Position;

class GrantOrdersTest : public ::testing::Test {
 protected:
  template <typename Order>
  absl::StatusOr<services::OrderDecision> Decide(const Order& order) {
    return services::Decide(order, script_.NextGroup()->standing());
  }
  template <typename Order>
  std::string Refused(const Order& order) {
    const auto decision = Decide(order);
    if (decision.ok()) return "";
    return std::string(domain::InfoOf(domain::Explain(decision.status()).refusal.reason).id);
  }

  LedgerScript script_{services::CheckRules, {}, {"cn:one@ca", "cn:two@ca"}};
};

TEST_F(GrantOrdersTest, AnOrderSaysItsEvent) {
  const authority::GrantEvent event{
      "cn:a@ca",
      "reader",
      {141100, true, {}, {"035001"}, 2024, 0, {domain::Stage::kApproved}},
      "n"};
  const auto grant = Decide(domain::GrantOrder{"cn:one@ca", event});
  ASSERT_TRUE(grant.ok());
  EXPECT_EQ(grant->kind, EventKind::kGrant);
  const auto read = storage::DecodeGrant(grant->payload);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->principal, event.principal);
  EXPECT_EQ(read->role, event.role);
  EXPECT_EQ(read->extent, event.extent);
  EXPECT_EQ(read->note, event.note);
  // A grant that needs a second person.
  EXPECT_SCRIPT(script_, "grant cn:a@ca auditor 0 by=cn:one@ca => created @1");
  const auto approval = Decide(domain::ApprovalOrder{"cn:two@ca", {Position(1), "why"}});
  ASSERT_TRUE(approval.ok());
  EXPECT_EQ(approval->kind, EventKind::kGrantApproval);
  EXPECT_EQ(storage::DecodeGrantOrder(approval->payload)->note, "why");
  const auto revocation = Decide(domain::RevocationOrder{"cn:one@ca", {Position(1), ""}});
  ASSERT_TRUE(revocation.ok());
  EXPECT_EQ(revocation->kind, EventKind::kGrantRevocation);
  EXPECT_EQ(storage::DecodeGrantOrder(revocation->payload)->grant, Position(1));
}

TEST_F(GrantOrdersTest, WhatIsInForceIsNoEventAgain) {
  EXPECT_SCRIPT(script_, R"(
    grant cn:a@ca auditor 0 by=cn:one@ca   => created @1
    approve 1 by=cn:two@ca                 => created @2
  )");
  EXPECT_EQ(Decide(domain::GrantOrder{"cn:two@ca", {"cn:a@ca", "auditor", {}, ""}})->in_force_at,
            Position(1));
  EXPECT_EQ(Decide(domain::ApprovalOrder{"cn:two@ca", {Position(1), ""}})->in_force_at,
            Position(2));
  EXPECT_SCRIPT(script_, "revoke 1 by=cn:one@ca => created @3");
  EXPECT_EQ(Decide(domain::RevocationOrder{"cn:two@ca", {Position(1), ""}})->in_force_at,
            Position(3));
  // What was revoked is not in force: the same again is another grant.
  EXPECT_TRUE(
      Decide(domain::GrantOrder{"cn:two@ca", {"cn:a@ca", "auditor", {}, ""}})->in_force_at.zero());
}

TEST_F(GrantOrdersTest, WhatTakesTwoPersonsTakesTwo) {
  EXPECT_EQ(Refused(domain::GrantOrder{"cn:one@ca", {"cn:one@ca", "reader", {}, ""}}),
            "SECOND_PERSON_NEEDED");
  EXPECT_SCRIPT(script_, "grant cn:two@ca auditor 0 by=cn:one@ca => created @1");
  EXPECT_EQ(Refused(domain::ApprovalOrder{"cn:one@ca", {Position(1), ""}}), "SECOND_PERSON_NEEDED");
  EXPECT_EQ(Refused(domain::ApprovalOrder{"cn:two@ca", {Position(1), ""}}), "SECOND_PERSON_NEEDED");
  EXPECT_EQ(Refused(domain::ApprovalOrder{"cn:x@ca", {Position(9), ""}}), "GRANT_NOT_FOUND");
  EXPECT_EQ(Refused(domain::RevocationOrder{"cn:x@ca", {Position(9), ""}}), "GRANT_NOT_FOUND");
}

}  // namespace
}  // namespace fiscal::testing
