// When a call's answer must leave. What a call is otherwise takes a server:
// tests/integration/calls_test.cc.
#include "services/rpc/call.h"

#include "gtest/gtest.h"

namespace fiscal::services::rpc {
namespace {

TEST(AnswerByTest, IsSomewhatBeforeTheDeadline) {
  const absl::Time now = absl::UnixEpoch();
  EXPECT_EQ(AnswerBy(now + absl::Milliseconds(100), now), now + absl::Milliseconds(80));
  EXPECT_EQ(AnswerBy(now + absl::Seconds(5), now), now + absl::Seconds(4));
  EXPECT_EQ(AnswerBy(now + absl::Hours(1), now), now + absl::Hours(1) - absl::Seconds(1));
  EXPECT_EQ(AnswerBy(now - absl::Seconds(1), now), now - absl::Seconds(1));
  EXPECT_EQ(AnswerBy(absl::InfiniteFuture(), now), absl::InfiniteFuture());
}

}  // namespace
}  // namespace fiscal::services::rpc
