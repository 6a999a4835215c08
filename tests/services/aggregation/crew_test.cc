// Parts of a task on several threads.
#include "services/aggregation/crew.h"

#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "absl/synchronization/barrier.h"
#include "gtest/gtest.h"

namespace fiscal::services {
namespace {

TEST(Crew, EachPartIsDoneOnceAndAllBeforeItReturns) {
  for (const size_t threads : {1, 2, 4}) {
    Crew crew(threads);
    EXPECT_EQ(crew.threads(), threads);
    for (size_t parts = 0; parts < 200; ++parts) {
      std::vector<int> done(parts, 0);
      crew.Run(parts, [&](size_t part) { ++done[part]; });
      EXPECT_EQ(done, std::vector<int>(parts, 1)) << threads;
    }
  }
}

TEST(Crew, AsManyPartsAsThreadsRunBesideEachOther) {
  Crew crew(3);
  // Each waits for the others.
  auto* const all_here = new absl::Barrier(3);
  std::mutex mu;
  std::set<std::thread::id> seen;
  crew.Run(3, [&](size_t) {
    {
      const std::lock_guard<std::mutex> lock(mu);
      seen.insert(std::this_thread::get_id());
    }
    if (all_here->Block()) delete all_here;
  });
  EXPECT_EQ(seen.size(), 3u);
  EXPECT_TRUE(seen.contains(std::this_thread::get_id()));
}

}  // namespace
}  // namespace fiscal::services
