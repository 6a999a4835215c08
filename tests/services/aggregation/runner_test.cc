// Totals stay level with the log, and reads that wait for a position are told what became of it.
#include "services/aggregation/runner.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "gtest/gtest.h"
#include "storage/anchor.h"
#include "storage/local_log.h"
#include "storage/memory/memory_kv.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

using services::Runner;

// A read that waits; what it was told.
class Read {
 public:
  Read(Runner& runner, domain::Position position, absl::Time deadline = absl::InfiniteFuture(),
       const std::string& caller = "a")
      : runner_(runner) {
    runner.WhenFolded(position, deadline, caller, &work_, [this](const absl::Status& status) {
      absl::MutexLock lock(&mu_);
      told_ = status.ok() ? "OK" : SayRefusal(status);
    });
  }
  // After who told it.
  ~Read() { absl::MutexLock lock(&mu_); }
  void Leave() {
    work_.Cancel();
    runner_.Forget(&work_);
  }
  // Waits until it is told.
  std::string Told() {
    absl::MutexLock lock(&mu_);
    auto told = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !told_.empty(); };
    mu_.Await(absl::Condition(&told));
    return told_;
  }

 private:
  Runner& runner_;
  services::Work work_;
  absl::Mutex mu_;
  std::string told_ ABSL_GUARDED_BY(mu_);
};

class RunnerTest : public ::testing::Test {
 protected:
  RunnerTest() {
    EXPECT_SCRIPT(script_, R"(
      divisions 141100               => revised @1, 1 added
      agencies  141100 101001/101    => revised @2, 1 added
    )");
    totals_ = std::make_unique<storage::TotalsStore>(*kv_);
    projector_ = *services::Projector::Open(script_.log(), *totals_, {});
  }
  void Start(Runner::Options options = {}) {
    runner_ = std::make_unique<Runner>(script_.log(), *projector_, options,
                                       [](const absl::Status& why) { FAIL() << why; });
  }

  LedgerScript script_{services::CheckRules};
  storage::MemoryDisk disk_;
  std::unique_ptr<storage::MemoryKv> kv_ = *storage::MemoryKv::Open(disk_, {false, nullptr});
  std::unique_ptr<storage::TotalsStore> totals_;
  std::unique_ptr<services::Projector> projector_;
  std::unique_ptr<Runner> runner_;
};

TEST_F(RunnerTest, AReadIsWokenWhenItsPositionIsFolded) {
  Start();
  Read there(*runner_, domain::Position(2));
  EXPECT_EQ(there.Told(), "OK");
  EXPECT_EQ(runner_->behind(), absl::ZeroDuration());
  Read ahead(*runner_, domain::Position(3));
  EXPECT_EQ(runner_->reads_waiting(), 1u);
  EXPECT_SCRIPT(script_, "codes 141100 205   => revised @3, 1 added");
  EXPECT_EQ(ahead.Told(), "OK");
  EXPECT_EQ(projector_->folded(), domain::Position(3));
  EXPECT_EQ(runner_->reads_waiting(), 0u);
}

TEST_F(RunnerTest, AReadWhoseDeadlineComesIsTold) {
  Start();
  Read late(*runner_, domain::Position(9), absl::InfinitePast());
  EXPECT_EQ(late.Told(), "POSITION_TIMEOUT");
}

TEST_F(RunnerTest, WhoLeavesWaitsNoLonger) {
  Start();
  Read leaves(*runner_, domain::Position(9)), stays(*runner_, domain::Position(9));
  leaves.Leave();
  EXPECT_EQ(leaves.Told().substr(0, 9), "CANCELLED");
  EXPECT_EQ(runner_->reads_waiting(), 1u);
  runner_->Drain();
  EXPECT_EQ(stays.Told(), "DRAINING");
}

TEST_F(RunnerTest, ReadsThatWaitAreBoundedInAllAndForEachCaller) {
  Start({3, 2});
  const absl::Time never = absl::InfiniteFuture();
  Read a1(*runner_, domain::Position(9), never, "a"), a2(*runner_, domain::Position(9), never, "a"),
      a3(*runner_, domain::Position(9), never, "a");
  EXPECT_EQ(a3.Told(), "QUEUE_FULL");
  Read b1(*runner_, domain::Position(9), never, "b"), b2(*runner_, domain::Position(9), never, "b");
  EXPECT_EQ(b2.Told(), "QUEUE_FULL");
  a1.Leave();
  Read b3(*runner_, domain::Position(9), never, "b");
  EXPECT_EQ(runner_->reads_waiting(), 3u);
  runner_->Stop();
  for (Read* read : {&a2, &b1, &b3}) EXPECT_EQ(read->Told(), "DRAINING");
}

TEST_F(RunnerTest, NothingWaitsAfterADrain) {
  Start();
  runner_->Drain();
  Read late(*runner_, domain::Position(9));
  EXPECT_EQ(late.Told(), "DRAINING");
  // What is still written is folded all the same.
  EXPECT_SCRIPT(script_, "codes 141100 205   => revised @3, 1 added");
  EXPECT_TRUE(projector_->WaitFolded(domain::Position(3), absl::InfiniteFuture()));
}

// A copy may only be behind.
TEST(RunnerOverACopyTest, AReadWhoseDeadlineComesIsToldSo) {
  storage::MemoryDisk log_disk, totals_disk;
  storage::MemoryAnchorDisk anchor_disk;
  const auto log_kv = *storage::MemoryKv::Open(log_disk, {true, nullptr});
  storage::MemoryAnchor anchor(anchor_disk);
  const auto log = *storage::LocalLog::Open(*log_kv, anchor, "0123456789abcdef",
                                            storage::EventLog::Origin::kCopied);
  const auto totals_kv = *storage::MemoryKv::Open(totals_disk, {false, nullptr});
  const auto totals = std::make_unique<storage::TotalsStore>(*totals_kv);
  const auto projector = *services::Projector::Open(*log, *totals, {});
  Runner runner(*log, *projector, {}, [](const absl::Status& why) { FAIL() << why; });
  Read late(runner, domain::Position(1), absl::InfinitePast());
  EXPECT_EQ(late.Told(), "REPLICA_BEHIND");
  runner.Stop();
}

}  // namespace
}  // namespace fiscal::testing
