// A group in the making: what is kept in it is seen by what follows, can be taken back, and is in
// no log before it is written.
#include "services/ledger/decide/group.h"

#include <string>

#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

using services::Group;

class GroupTest : public ::testing::Test {
 protected:
  GroupTest() {
    EXPECT_SCRIPT(script_, R"(
      divisions 141100                         => revised @1, 1 added
      agencies  141100 101001/101 101002/101   => revised @2, 2 added
      codes     141100 205 20502               => revised @3, 2 added
    )");
  }

  // Decides and keeps a row's statement.
  std::string Keep(Group& group, absl::string_view row) {
    domain::Submission s = script_.PreparedStatement(row);
    auto d = Decide(s, group.standing());
    if (!d.ok()) return SayRefusal(d.status());
    return SayAnswer(group.Keep(s, *std::move(d)));
  }

  LedgerScript script_{services::CheckRules};
};

TEST_F(GroupTest, WhatIsKeptIsStandingForWhatFollows) {
  const auto group = script_.NextGroup();
  EXPECT_EQ(Keep(*group, "submit r1 141100/101001 l1=20502:1"), "created r1 @4, 1 line");
  EXPECT_EQ(Keep(*group, "submit r1 141100/101001 l1=20502:1"), "created r1 @4, 1 line");
  EXPECT_EQ(Keep(*group, "submit r2 141100/101001 l1=20502:1"), "unchanged r1 @4, 1 line");
  EXPECT_EQ(Keep(*group, "submit r3 141100/101001 l1=20502:2"), "revised r2 @5, 1 line");
  // Nothing of it is in the log yet.
  EXPECT_SCRIPT(script_, "total 141100   => 0.00 @3");
  ASSERT_TRUE(group->WriteTo(script_.log()).ok());
  EXPECT_SCRIPT(script_, R"(
    total  141100                        => 2.00 @5
    submit r3 141100/101001 l1=20502:2   => revised r2 @5, 1 line
  )");
}

TEST_F(GroupTest, ASavepointUndoesWhatWasNotKept) {
  const auto group = script_.NextGroup();
  EXPECT_EQ(Keep(*group, "submit r1 141100/101001 l1=20502:1"), "created r1 @4, 1 line");
  {
    Group::Savepoint undone(*group);
    EXPECT_EQ(Keep(*group, "submit r2 141100/101001 l1=20502:2"), "revised r2 @5, 1 line");
    EXPECT_EQ(Keep(*group, "submit r3 141100/101002 l1=20502:3"), "created r1 @6, 1 line");
  }
  {
    Group::Savepoint stays(*group);
    EXPECT_EQ(Keep(*group, "submit r3 141100/101002 l1=20502:4"), "created r1 @5, 1 line");
    stays.Keep();
  }
  ASSERT_TRUE(group->broken().ok());
  ASSERT_TRUE(group->WriteTo(script_.log()).ok());
  EXPECT_SCRIPT(script_, R"(
    total  141100                        => 5.00 @5
    submit r2 141100/101001 l1=20502:2   => revised r2 @6, 1 line   # its answer was undone too
  )");
}

// Times never decrease along the log, whatever the clock says.
TEST_F(GroupTest, TheTimeOfAGroupIsNotBeforeTheLogs) {
  const int64_t now = absl::ToUnixMicros(script_.clock().Now());
  script_.clock().Advance(-absl::Hours(1));
  EXPECT_EQ(script_.NextGroup()->standing().now_us, now);
  script_.clock().Advance(absl::Hours(2));
  EXPECT_EQ(script_.NextGroup()->standing().now_us, absl::ToUnixMicros(script_.clock().Now()));
}

TEST_F(GroupTest, AGroupWithoutAnythingToKeepWritesNothing) {
  const auto group = script_.NextGroup();
  EXPECT_EQ(Keep(*group, "validate v1 141100/101001 l1=20502:1"), "created r1, 1 line");
  ASSERT_TRUE(group->WriteTo(script_.log()).ok());
  EXPECT_SCRIPT(script_, "total 141100   => 0.00 @3");
}

}  // namespace
}  // namespace fiscal::testing
