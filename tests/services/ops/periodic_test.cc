// A task that runs now and then, one run at a time, and not after its owner is gone.
#include "services/ops/periodic.h"

#include <atomic>
#include <memory>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace fiscal::services {
namespace {

TEST(PeriodicTest, RunsAgainAndAgainUntilItGoes) {
  absl::Mutex mu;
  int runs = 0;
  std::atomic<int> inside{0};
  auto periodic = std::make_unique<Periodic>(absl::ZeroDuration(), [&] {
    EXPECT_EQ(inside.fetch_add(1), 0) << "one run at a time";
    {
      absl::MutexLock lock(&mu);
      ++runs;
    }
    inside.fetch_sub(1);
  });
  {
    absl::MutexLock lock(&mu);
    auto thrice = [&] { return runs >= 3; };
    mu.Await(absl::Condition(&thrice));
  }
  periodic.reset();
  const int last = runs;
  EXPECT_EQ(inside, 0) << "a run that is under way was waited for";
  EXPECT_EQ(runs, last);
}

TEST(PeriodicTest, DoesNotRunBeforeOneInterval) {
  bool ran = false;
  {
    Periodic periodic(absl::InfiniteDuration(), [&] { ran = true; });
  }
  EXPECT_FALSE(ran);
}

TEST(PeriodicTest, GoingWaitsForTheRunThatIsUnderWay) {
  absl::Notification begun;
  bool ended = false;
  auto periodic = std::make_unique<Periodic>(absl::ZeroDuration(), [&] {
    if (!begun.HasBeenNotified()) begun.Notify();
    ended = true;
  });
  begun.WaitForNotification();
  periodic.reset();
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace fiscal::services
