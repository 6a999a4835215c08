#include "base/thread_turn.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "gtest/gtest.h"

namespace fiscal {
namespace {

int Niceness() { return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())); }

TEST(ThreadTurnTest, AThreadStepsBackBehindTheOthersOfItsProcess) {
  const int others = Niceness();
  int stepped = 0, soon = 0;
  std::thread([&] {
    StepBack();
    stepped = Niceness();
  }).join();
  std::thread([&] {
    RunSoon();
    soon = Niceness();
  }).join();
  EXPECT_EQ(stepped, std::min(19, others + 10));
  EXPECT_EQ(soon, others);
  EXPECT_EQ(Niceness(), others);
}

TEST(ThreadTurnTest, WhoRunsFirstLeavesNothingOfItToItsThreads) {
  // Where a process may not ask for it, the thread is one like the others.
  bool allowed = false;
  std::thread([&] {
    sched_param least = {};
    least.sched_priority = 1;
    allowed = sched_setscheduler(0, SCHED_FIFO, &least) == 0;
  }).join();
  int first = -1, child = -1;
  std::thread([&] {
    RunFirst();
    first = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
    std::thread([&] { child = sched_getscheduler(0); }).join();
  }).join();
  EXPECT_EQ(first, allowed ? SCHED_FIFO : SCHED_OTHER);
  EXPECT_EQ(child, SCHED_OTHER);
}

}  // namespace
}  // namespace fiscal
