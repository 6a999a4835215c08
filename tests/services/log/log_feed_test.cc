// Streams of the log without calls: who is woken when, and how they share the room for pages.
#include "services/log/log_feed.h"

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

using services::LogFeed;

constexpr size_t kMiB = 1 << 20;

// A stream that reads to the head in one step, with a page of `bytes` where that is not 0; the page
// is out once the test says so.
class Reader final : public LogFeed::Stream {
 public:
  explicit Reader(LogFeed& feed, size_t bytes = 0) : feed_(feed), bytes_(bytes) {}
  // After who said last that something happened.
  ~Reader() override { absl::MutexLock lock(&mu_); }

  // Waits until it has made so many steps, or has taken room for so many pages.
  void AwaitSteps(int steps) {
    absl::MutexLock lock(&mu_);
    auto made = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return steps_ >= steps; };
    mu_.Await(absl::Condition(&made));
  }
  void AwaitPages(int pages) {
    absl::MutexLock lock(&mu_);
    auto taken = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return pages_ >= pages; };
    mu_.Await(absl::Condition(&taken));
  }
  int pages() {
    absl::MutexLock lock(&mu_);
    return pages_;
  }
  // Ends the call.
  void End() {
    {
      absl::MutexLock lock(&mu_);
      ending_ = true;
    }
    feed_.Wake(this);
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(&ended_));
  }

 protected:
  LogFeed::Next Step() override {
    bool ending;
    {
      absl::MutexLock lock(&mu_);
      ending = ending_;
    }
    if (ending) {
      feed_.Leave(this);
      absl::MutexLock lock(&mu_);
      ended_ = true;
      return LogFeed::Next::kEnded;
    }
    const bool room = bytes_ == 0 || feed_.Take(this, bytes_);
    after_ = feed_.log().head().position;
    absl::MutexLock lock(&mu_);
    ++steps_;
    if (!room) return LogFeed::Next::kRoom;
    if (bytes_ == 0) return LogFeed::Next::kCommit;
    ++pages_;
    return LogFeed::Next::kWritten;
  }
  void CutOff() override {}

 private:
  LogFeed& feed_;
  const size_t bytes_;
  absl::Mutex mu_;
  int steps_ ABSL_GUARDED_BY(mu_) = 0;
  int pages_ ABSL_GUARDED_BY(mu_) = 0;
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
};

class LogFeedTest : public ::testing::Test {
 protected:
  static LogFeed::Options Quiet() {
    LogFeed::Options options;
    options.pot_bytes = 8 * kMiB;
    options.patience = options.sign_of_life = absl::InfiniteDuration();
    return options;
  }
  LedgerScript script_{services::CheckRules};
};

TEST_F(LogFeedTest, ALevelStreamIsWokenByACommit) {
  LogFeed feed(script_.log(), Quiet());
  Reader reader(feed);
  feed.Wake(&reader);
  reader.AwaitSteps(1);
  EXPECT_SCRIPT(script_, "divisions 141100   => revised @1, 1 added");
  reader.AwaitSteps(2);
  EXPECT_SCRIPT(script_, "agencies 141100 101001/101   => revised @2, 1 added");
  reader.AwaitSteps(3);
  reader.End();
}

TEST_F(LogFeedTest, PagesBecomeSmallWhenManyAreUnderWay) {
  LogFeed feed(script_.log(), Quiet());
  Reader a(feed), b(feed), c(feed);
  EXPECT_EQ(feed.PageBytes(), kMiB);
  ASSERT_TRUE(feed.Take(&a, 6 * kMiB));
  EXPECT_EQ(feed.PageBytes(), kMiB / 4);
  // A second large one waits for room; a small one never does.
  EXPECT_FALSE(feed.Take(&b, 3 * kMiB));
  EXPECT_TRUE(feed.Take(&c, 16 << 10));
  feed.GiveBack(&a);
  EXPECT_TRUE(feed.Take(&b, 3 * kMiB));
  feed.GiveBack(&b);
  feed.GiveBack(&c);
  // One large page may always be under way.
  EXPECT_TRUE(feed.Take(&a, 100 * kMiB));
  EXPECT_EQ(feed.PageBytes(), size_t{16} << 10);
  feed.GiveBack(&a);
}

TEST_F(LogFeedTest, AStreamThatWaitsForRoomGetsItWhenAPageIsOut) {
  LogFeed feed(script_.log(), Quiet());
  Reader holds(feed, 6 * kMiB), waits(feed, 6 * kMiB);
  feed.Wake(&holds);
  holds.AwaitPages(1);
  feed.Wake(&waits);
  waits.AwaitSteps(1);
  EXPECT_EQ(waits.pages(), 0);
  feed.GiveBack(&holds);
  waits.AwaitPages(1);
  feed.GiveBack(&waits);
  holds.End();
  waits.End();
}

}  // namespace
}  // namespace fiscal::testing
