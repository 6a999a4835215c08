// Totals are written beside the fold, when that is worth a batch, and only then.
#include "services/aggregation/totals_writer.h"

#include <memory>

#include "absl/synchronization/mutex.h"
#include "gtest/gtest.h"
#include "storage/memory/memory_kv.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

// Says when the store is written.
class Writes final : public storage::Faults {
 public:
  storage::MemoryFault Next(storage::MemoryOp op) override {
    absl::MutexLock lock(&mu_);
    if (op == storage::MemoryOp::kWrite) ++count_;
    return {};
  }
  int count() {
    absl::MutexLock lock(&mu_);
    return count_;
  }
  void WaitFor(int count) {
    absl::MutexLock lock(&mu_);
    auto reached = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return count_ >= count; };
    mu_.Await(absl::Condition(&reached));
  }

 private:
  absl::Mutex mu_;
  int count_ ABSL_GUARDED_BY(mu_) = 0;
};

TEST(TotalsWriterTest, WritesWhatIsWorthABatch) {
  LedgerScript script(services::CheckRules);
  EXPECT_SCRIPT(script, R"(
    divisions 141100                                => revised @1, 1 added
    agencies  141100 101001/101                     => revised @2, 1 added
    codes     141100 205 20502                      => revised @3, 2 added
    submit r1 141100/101001 l1=20502:10             => created r1 @4, 1 line
  )");
  Writes writes;
  storage::MemoryDisk disk;
  const auto kv = *storage::MemoryKv::Open(disk, {false, &writes});
  storage::TotalsStore store(*kv);
  services::Projector::Options options = WrittenEvery(3);
  options.written_beside = true;
  const auto projector = *services::Projector::Open(script.log(), store, options);
  {
    services::TotalsWriter writer(*projector);
    ASSERT_TRUE(projector->Step(2).ok());
    EXPECT_EQ(writes.count(), 0);
    ASSERT_TRUE(projector->Step(1).ok());
    writes.WaitFor(1);
    ASSERT_TRUE(projector->Step(1).ok());
  }
  // What was not worth one is left to the end.
  EXPECT_EQ(writes.count(), 1);
  EXPECT_EQ(projector->written(), domain::Position(3));
  ASSERT_TRUE(projector->Flush().ok());
  EXPECT_EQ(projector->written(), domain::Position(4));
}

}  // namespace
}  // namespace fiscal::testing
