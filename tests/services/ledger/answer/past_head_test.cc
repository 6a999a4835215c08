// A position past the head: an alarm where the log is written, patience on a copy of it.
#include "services/ledger/answer/past_head.h"

#include "gtest/gtest.h"
#include "storage/local_log.h"
#include "storage/memory/memory_kv.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

TEST(PastHeadTest, IsAheadOfALogThatIsWrittenHere) {
  LedgerScript script(services::CheckRules);
  const absl::Status refused = services::PastHead(script.log(), "the log ends at 3");
  EXPECT_EQ(SayRefusal(refused), "POSITION_AHEAD");
  EXPECT_EQ(refused.message(), "the log ends at 3");
}

TEST(PastHeadTest, ACopyIsOnlyBehind) {
  storage::MemoryDisk disk;
  storage::MemoryAnchorDisk anchor_disk;
  const auto kv = *storage::MemoryKv::Open(disk, {true, nullptr});
  storage::MemoryAnchor anchor(anchor_disk);
  const auto copy = *storage::LocalLog::Open(*kv, anchor, "0123456789abcdef",
                                             storage::EventLog::Origin::kCopied);
  EXPECT_EQ(SayRefusal(services::PastHead(*copy, "the log ends at 3")), "REPLICA_BEHIND");
}

}  // namespace
}  // namespace fiscal::testing
