// The memory that requests may hold: all together, one caller, near the process's limit.
#include "services/rpc/memory_budget.h"

#include "domain/reason.h"
#include "gtest/gtest.h"

namespace fiscal::services::rpc {
namespace {

using Held = absl::StatusOr<std::shared_ptr<MemoryBudget::Reservation>>;

bool IsFull(const absl::Status& status) {
  return absl::IsResourceExhausted(status) &&
         domain::Explain(status).refusal.reason == domain::Reason::kMemoryFull;
}

TEST(MemoryBudgetTest, SharesAndGivesBack) {
  MemoryBudget budget({/*process_bytes_max=*/1000, nullptr});
  ASSERT_EQ(budget.bytes_max(), 500u);
  Held a = budget.Reserve("a", 200);
  ASSERT_TRUE(a.ok());
  EXPECT_TRUE((*a)->Add(50).ok());
  // No caller has more than half, whoever else is there.
  EXPECT_TRUE(IsFull((*a)->Add(1)));
  EXPECT_TRUE(IsFull(budget.Reserve("a", 1).status()));
  Held b = budget.Reserve("b", 150), c = budget.Reserve("c", 100);
  ASSERT_TRUE(b.ok() && c.ok());
  EXPECT_TRUE(IsFull(budget.Reserve("d", 1).status()));
  EXPECT_EQ(budget.refused(), 3);
  EXPECT_EQ(budget.reserved(), 500u);
  *a = nullptr;
  EXPECT_EQ(budget.reserved(), 250u);
  EXPECT_TRUE(budget.Reserve("d", 250).ok());
  EXPECT_EQ(budget.reserved(), 250u);
}

int64_t resident = 0;

TEST(MemoryBudgetTest, NearTheLimitOnlySmallRequestsAreTaken) {
  constexpr int64_t kProcess = int64_t{1} << 30;
  resident = kProcess / 100 * 95;
  MemoryBudget budget({kProcess, [] { return resident; }});
  EXPECT_TRUE(IsFull(budget.Reserve("a", 2 << 20).status()));
  EXPECT_TRUE(budget.Reserve("a", 1000).ok());
}

TEST(MemoryBudgetTest, TheLimitIsThatOfTheGroupOrTheMachine) {
  EXPECT_GT(MemoryLimit(), int64_t{64} << 20);
}

}  // namespace
}  // namespace fiscal::services::rpc
