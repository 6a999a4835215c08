// Rates by a clock that is moved by hand.
#include "services/rpc/token_bucket.h"

#include "base/clock.h"
#include "gtest/gtest.h"

namespace fiscal::services::rpc {
namespace {

class TokenBucketTest : public ::testing::Test {
 protected:
  // How many may be taken one after the other now.
  int Takes(int64_t rate) {
    int taken = 0;
    for (; taken < 100000 && Wait(rate) == absl::ZeroDuration(); ++taken) bucket_.Take(1);
    return taken;
  }
  absl::Duration Wait(int64_t rate) { return bucket_.Wait(rate, clock_.Now()); }

  ManualClock clock_{absl::UnixEpoch()};
  TokenBucket bucket_;
};

TEST_F(TokenBucketTest, TenSecondsMayComeAtOnceAndThenTheRate) {
  EXPECT_EQ(Takes(50), 500);
  EXPECT_EQ(Takes(50), 0);
  clock_.Advance(absl::Seconds(2));
  EXPECT_EQ(Takes(50), 100);
  // What is not taken is not kept beyond ten seconds of it.
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(Takes(50), 500);
}

TEST_F(TokenBucketTest, TheWaitThatIsToldIsEnough) {
  EXPECT_EQ(Takes(2), 20);
  bucket_.Take(5);
  const absl::Duration wait = Wait(2);
  EXPECT_EQ(wait, absl::Milliseconds(2500));
  clock_.Advance(wait - absl::Milliseconds(1));
  EXPECT_EQ(Wait(2), TokenBucket::kWaitMin);
  clock_.Advance(TokenBucket::kWaitMin);
  EXPECT_EQ(Wait(2), absl::ZeroDuration());
}

TEST_F(TokenBucketTest, WhatIsTakenMayGoBeyondAndIsOwed) {
  EXPECT_EQ(Wait(1000), absl::ZeroDuration());
  bucket_.Take(200000);
  EXPECT_EQ(Wait(1000), absl::Seconds(190));
  clock_.Advance(absl::Seconds(191));
  EXPECT_EQ(Wait(1000), absl::ZeroDuration());
}

TEST_F(TokenBucketTest, ARateMayChange) {
  EXPECT_EQ(Takes(10), 100);
  EXPECT_EQ(Takes(20), 100);
  EXPECT_EQ(Wait(10), absl::Seconds(10));
}

TEST_F(TokenBucketTest, AClockThatIsSetBackKeepsNobodyOut) {
  EXPECT_EQ(Takes(10), 100);
  clock_.Advance(-absl::Hours(1));
  EXPECT_EQ(Takes(10), 0);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Takes(10), 10);
}

TEST_F(TokenBucketTest, IsEmptyOnceAllFlowedOff) {
  EXPECT_TRUE(bucket_.empty());
  EXPECT_EQ(Wait(10), absl::ZeroDuration());
  bucket_.Take(20);
  clock_.Advance(absl::Seconds(1));
  bucket_.Flow(10, clock_.Now());
  EXPECT_FALSE(bucket_.empty());
  clock_.Advance(absl::Seconds(1));
  bucket_.Flow(10, clock_.Now());
  EXPECT_TRUE(bucket_.empty());
}

}  // namespace
}  // namespace fiscal::services::rpc
