// What those hear who wait for a position that does not come.
#include "services/aggregation/runner.h"

#include <memory>
#include <string>

#include "absl/synchronization/notification.h"
#include "domain/reason.h"
#include "gtest/gtest.h"
#include "storage/memory/memory_kv.h"

namespace fiscal::services {
namespace {

// The reason at the deadline over a log in memory of that origin.
std::string ReasonAtDeadline(storage::EventLog::Origin origin) {
  storage::MemoryDisk log_disk, totals_disk;
  storage::MemoryAnchorDisk anchor_disk;
  const auto log_kv = *storage::MemoryKv::Open(log_disk, {true, nullptr});
  storage::MemoryAnchor anchor(anchor_disk);
  const auto log = *storage::EventLog::Open(*log_kv, anchor, "0123456789abcdef", origin);
  const auto totals_kv = *storage::MemoryKv::Open(totals_disk, {false, nullptr});
  const auto totals = *storage::TotalsStore::Open(*totals_kv);
  const auto projector = *Projector::Open(*log, *totals, {});
  absl::Status failed, told;
  Runner runner(*log, *projector, {}, [&](absl::Status status) { failed = status; });
  Work work;
  absl::Notification done;
  runner.WhenFolded(1, absl::InfinitePast(), "caller", &work, [&](const absl::Status& status) {
    told = status;
    done.Notify();
  });
  done.WaitForNotification();
  runner.Stop();
  EXPECT_TRUE(failed.ok()) << failed;
  return std::string(domain::InfoOf(domain::Explain(told).refusal.reason).id);
}

TEST(RunnerTest, ACopyMayBeBehindAndAWriterIsSlow) {
  EXPECT_EQ(ReasonAtDeadline(storage::EventLog::Origin::kWritten), "POSITION_TIMEOUT");
  EXPECT_EQ(ReasonAtDeadline(storage::EventLog::Origin::kCopied), "REPLICA_BEHIND");
}

}  // namespace
}  // namespace fiscal::services
