// What an answer may cost, and when it ends: by its bound, its deadline or its caller.
#include "services/ledger/work.h"

#include "base/clock.h"
#include "domain/reason.h"
#include "gtest/gtest.h"

namespace fiscal::services {
namespace {

bool TooLarge(const absl::Status& status) {
  return domain::Explain(status).refusal.reason == domain::Reason::kReadTooLarge && !status.ok();
}

TEST(WorkTest, EndsAtItsBound) {
  Work work(100);
  EXPECT_TRUE(work.Spend(60).ok());
  EXPECT_TRUE(work.Spend(40).ok());
  EXPECT_TRUE(TooLarge(work.Spend(1)));
  EXPECT_FALSE(work.outgrown()) << "it is the bound of the whole";
  EXPECT_EQ(work.spent(), 101u);
}

TEST(WorkTest, WithoutABoundNothingIsTooMuch) {
  Work work;
  EXPECT_TRUE(work.Spend(UINT64_MAX / 2).ok());
  EXPECT_TRUE(work.Expect(UINT64_MAX / 4).ok());
}

// Asked before, it says no while nothing is spent.
TEST(WorkTest, WhatWouldCostTooMuchIsNotBegun) {
  Work work(100);
  EXPECT_TRUE(work.Spend(50).ok());
  EXPECT_TRUE(work.Expect(50).ok());
  EXPECT_TRUE(TooLarge(work.Expect(51)));
  EXPECT_TRUE(TooLarge(work.Expect(UINT64_MAX)));
  EXPECT_EQ(work.spent(), 50u);
}

TEST(WorkTest, ASmallTryIsOutgrownAndTheWholeGoesOn) {
  Work work(1000);
  work.Restart(10);
  EXPECT_TRUE(TooLarge(work.Spend(11)));
  EXPECT_TRUE(work.outgrown());
  work.RestartWhole();
  EXPECT_FALSE(work.outgrown());
  EXPECT_TRUE(work.Spend(1000).ok());
  EXPECT_EQ(work.spent(), 1011u) << "of all tries";
  // A try has no more than the whole.
  work.Restart(5000);
  EXPECT_TRUE(TooLarge(work.Spend(1001)));
  EXPECT_FALSE(work.outgrown());
}

TEST(WorkTest, EndsWhenItsCallerLeaves) {
  Work work;
  EXPECT_TRUE(work.Wanted().ok());
  work.Cancel();
  EXPECT_TRUE(absl::IsCancelled(work.Wanted()));
  EXPECT_TRUE(absl::IsCancelled(work.Spend(1)));
  work.RestartWhole();
  EXPECT_TRUE(absl::IsCancelled(work.Spend(1)));
}

// The clock is looked at every so many units.
TEST(WorkTest, EndsAtItsDeadline) {
  ManualClock clock(absl::UnixEpoch());
  Work work(clock, absl::UnixEpoch() + absl::Seconds(1), UINT64_MAX);
  EXPECT_TRUE(work.Spend(100000).ok());
  clock.Advance(absl::Seconds(1));
  EXPECT_TRUE(absl::IsDeadlineExceeded(work.Wanted()));
  EXPECT_TRUE(absl::IsDeadlineExceeded(work.Spend(100000)));
  EXPECT_TRUE(absl::IsDeadlineExceeded(work.Expect(0)));
}

}  // namespace
}  // namespace fiscal::services
