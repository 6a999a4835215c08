// Lanes of reads: rows of callers who come, and what becomes of their reads.
#include "services/rpc/read_executor.h"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/notification.h"
#include "base/clock.h"
#include "domain/reason.h"
#include "gtest/gtest.h"

namespace fiscal::services::rpc {
namespace {

class ReadExecutorTest : public ::testing::Test {
 protected:
  // Without threads: Step does what a thread would.
  static ReadExecutor::Options Stepped() {
    ReadExecutor::Options options;
    options.threads = {0, 0, 0};
    options.queue_max = 5;
    options.queue_per_caller_max = 3;
    return options;
  }

  Work* NewWork() {
    works_.push_back(std::make_unique<Work>(clock_, deadline_, UINT64_MAX));
    return works_.back().get();
  }
  // A read of `caller`; its end is said as "caller REASON".
  Work* Come(const std::string& caller, Lane lane = Lane::kHeavy, uint64_t cost = 1,
             ReadExecutor::Entry entry = ReadExecutor::Entry::kQueue) {
    Work* work = NewWork();
    executor_.Run(lane,
                  {caller, work, [work, cost] { return work->Spend(cost); },
                   [this, caller](const absl::Status& status) {
                     const domain::Explained why = domain::Explain(status);
                     ended_.push_back(absl::StrCat(
                         caller, " ",
                         why.reason_known ? std::string(domain::InfoOf(why.refusal.reason).id)
                                          : absl::StatusCodeToString(status.code())));
                   }},
                  entry);
    return work;
  }
  // What ended since it was asked last.
  std::string Ended() {
    std::string said = absl::StrJoin(ended_, ", ");
    ended_.clear();
    return said;
  }

  ManualClock clock_{absl::UnixEpoch()};
  absl::Time deadline_ = absl::UnixEpoch() + absl::Seconds(10);
  std::vector<std::unique_ptr<Work>> works_;
  std::vector<std::string> ended_;
  ReadExecutor executor_{Stepped()};
};

TEST_F(ReadExecutorTest, LanesDoNotWaitForEachOther) {
  Come("a", Lane::kHeavy);
  Come("a", Lane::kSlow);
  Come("a", Lane::kPoint);
  EXPECT_FALSE(executor_.Step(Lane::kPoint) && executor_.Step(Lane::kPoint));
  EXPECT_EQ(Ended(), "a OK");
  EXPECT_EQ(executor_.counts(Lane::kHeavy).waiting, 1u);
  EXPECT_EQ(executor_.counts(Lane::kSlow).waiting, 1u);
  EXPECT_EQ(executor_.counts(Lane::kPoint).begun, 1);
}

TEST_F(ReadExecutorTest, WhatAReadCostIsItsCallersTurn) {
  Come("a", Lane::kHeavy, 1000);
  Come("a", Lane::kHeavy, 1000);
  Come("b", Lane::kHeavy, 10);
  Come("b", Lane::kHeavy, 10);
  while (executor_.Step(Lane::kHeavy)) continue;
  EXPECT_EQ(Ended(), "a OK, b OK, b OK, a OK");
  EXPECT_EQ(executor_.counts(Lane::kHeavy).spent, 2020);
}

// Of those whose deadline came, too, the place is free.
TEST_F(ReadExecutorTest, WhoIsTooLateMakesRoom) {
  for (int i = 0; i < 3; ++i) Come("a");
  clock_.Advance(absl::Seconds(10));
  deadline_ = absl::InfiniteFuture();
  Come("a");
  EXPECT_EQ(Ended(), "a DEADLINE_EXCEEDED, a DEADLINE_EXCEEDED, a DEADLINE_EXCEEDED");
  EXPECT_EQ(executor_.counts(Lane::kHeavy).waiting, 1u);
}

TEST_F(ReadExecutorTest, QueuesAreBoundedInAllAndForEachCaller) {
  for (int i = 0; i < 4; ++i) Come("a");
  EXPECT_EQ(Ended(), "a QUEUE_FULL");
  Come("b");
  Come("b");
  Come("b");
  EXPECT_EQ(Ended(), "b QUEUE_FULL") << "five in all";
  EXPECT_EQ(executor_.counts(Lane::kHeavy).refused, 2);
  // Who waited under another bound is not refused.
  Come("c", Lane::kHeavy, 1, ReadExecutor::Entry::kAdmitted);
  EXPECT_EQ(Ended(), "");
  EXPECT_EQ(executor_.counts(Lane::kHeavy).waiting, 6u);
}

TEST_F(ReadExecutorTest, WhoLeftMakesRoom) {
  Work* left = Come("a");
  Come("a");
  Come("a");
  left->Cancel();
  Come("a");
  EXPECT_EQ(Ended(), "a CANCELLED");
  EXPECT_EQ(executor_.counts(Lane::kHeavy).waiting, 3u);
  EXPECT_EQ(executor_.counts(Lane::kHeavy).abandoned, 1);
}

TEST_F(ReadExecutorTest, WhoLeftOrIsTooLateIsNeverBegun) {
  Come("left")->Cancel();
  Come("stays");
  while (executor_.Step(Lane::kHeavy)) continue;
  EXPECT_EQ(Ended(), "left CANCELLED, stays OK");
  Come("late");
  clock_.Advance(absl::Seconds(10));
  while (executor_.Step(Lane::kHeavy)) continue;
  Come("later");
  EXPECT_EQ(Ended(), "late DEADLINE_EXCEEDED, later DEADLINE_EXCEEDED");
  EXPECT_EQ(executor_.counts(Lane::kHeavy).begun, 1);
  EXPECT_EQ(executor_.counts(Lane::kHeavy).abandoned, 3);
}

TEST_F(ReadExecutorTest, WhoIsForgottenIsToldAtOnce) {
  Come("a");
  Work* work = Come("a");
  work->Cancel();
  executor_.Forget("a", work);
  EXPECT_EQ(Ended(), "a CANCELLED");
  EXPECT_EQ(executor_.counts(Lane::kHeavy).waiting, 1u);
  // One that has ended is not found any more.
  executor_.Forget("a", work);
  EXPECT_EQ(Ended(), "");
}

TEST_F(ReadExecutorTest, AStopTellsAllThatWaitAndAllThatCome) {
  Come("a");
  Come("b", Lane::kSlow);
  executor_.Stop();
  EXPECT_EQ(Ended(), "a DRAINING, b DRAINING");
  Come("c");
  EXPECT_EQ(Ended(), "c DRAINING");
  executor_.Stop();
  EXPECT_EQ(executor_.counts(Lane::kHeavy).waiting, 0u);
}

// Threads: the heavy lane is full of what does not end, and small reads and another caller's heavy
// one are answered all the same.
// Without threads: only what Step or the caller does is done.
TEST_F(ReadExecutorTest, ABriefReadThatFindsNobodyWaitingHasItsTurnAtOnce) {
  using Entry = ReadExecutor::Entry;
  Come("a", Lane::kPoint, 1, Entry::kBrief);
  EXPECT_EQ(Ended(), "a OK");
  // What is not brief waits, and others behind it.
  Come("b", Lane::kPoint);
  Come("c", Lane::kPoint, 1, Entry::kBrief);
  Come("d", Lane::kHeavy, 1, Entry::kBrief);
  EXPECT_EQ(Ended(), "");
  EXPECT_EQ(executor_.counts(Lane::kPoint).waiting, 2u);
  EXPECT_TRUE(executor_.Step(Lane::kPoint));
  EXPECT_TRUE(executor_.Step(Lane::kPoint));
  EXPECT_EQ(Ended(), "b OK, c OK");
  // One at a time: what comes while one is answered waits.
  Work* const work = NewWork();
  executor_.Run(Lane::kPoint,
                {"a", work,
                 [this] {
                   Come("e", Lane::kPoint, 1, Entry::kBrief);
                   return absl::OkStatus();
                 },
                 [this](const absl::Status&) { ended_.push_back("a"); }},
                Entry::kBrief);
  EXPECT_EQ(Ended(), "a");
  EXPECT_EQ(executor_.counts(Lane::kPoint).waiting, 1u);
  EXPECT_TRUE(executor_.Step(Lane::kPoint));
  EXPECT_EQ(Ended(), "e OK");
  EXPECT_EQ(executor_.counts(Lane::kPoint).begun, 5);
  EXPECT_EQ(executor_.counts(Lane::kPoint).running, 0u);
}

// Turns had at once count like others: nobody is served first for being new, or last for having
// been here.
TEST_F(ReadExecutorTest, WhoWasAnsweredAtOnceKeepsHisTurns) {
  for (int i = 0; i < 100; ++i) Come("a", Lane::kPoint, 50, ReadExecutor::Entry::kBrief);
  Ended();
  for (int i = 0; i < 2; ++i) {
    Come("b", Lane::kPoint, 50);
    Come("a", Lane::kPoint, 50);
  }
  while (executor_.Step(Lane::kPoint)) continue;
  EXPECT_EQ(Ended(), "b OK, a OK, b OK, a OK");
}

TEST(ReadExecutorThreadsTest, PointReadsAndOtherCallersDoNotWaitForWhoFillsTheHeavyLane) {
  ReadExecutor::Options options;
  options.threads = {1, 2, 1};
  ReadExecutor executor(options);
  absl::Notification release;
  std::atomic<int> begun{0};
  absl::Notification first;
  std::vector<std::unique_ptr<Work>> works;
  std::atomic<int> finished{0};
  for (int i = 0; i < 4; ++i) {
    works.push_back(std::make_unique<Work>());
    executor.Run(Lane::kHeavy, {"flood", works.back().get(),
                                [&] {
                                  if (++begun == 1) first.Notify();
                                  release.WaitForNotification();
                                  return absl::OkStatus();
                                },
                                [&](const absl::Status&) { ++finished; }});
  }
  first.WaitForNotification();
  for (Lane lane : {Lane::kPoint, Lane::kHeavy}) {
    Work work;
    absl::Notification done;
    executor.Run(lane, {"victim", &work, [] { return absl::OkStatus(); },
                        [&](const absl::Status& status) {
                          EXPECT_TRUE(status.ok());
                          done.Notify();
                        }});
    ASSERT_TRUE(done.WaitForNotificationWithTimeout(absl::Minutes(1))) << NameOf(lane);
  }
  // One caller never has both threads.
  EXPECT_EQ(begun.load(), 1);
  release.Notify();
  executor.Stop();
  EXPECT_EQ(executor.counts(Lane::kHeavy).running, 0u);
}

TEST(ReadExecutorThreadsTest, WhoLeavesEndsWhatRuns) {
  ReadExecutor::Options options;
  options.threads = {1, 1, 1};
  ReadExecutor executor(options);
  Work work;
  absl::Notification begun, done;
  executor.Run(Lane::kHeavy, {"a", &work,
                              [&]() -> absl::Status {
                                begun.Notify();
                                // For ever, but for the check.
                                while (true) {
                                  const absl::Status status = work.Spend(1);
                                  if (!status.ok()) return status;
                                }
                              },
                              [&](const absl::Status& status) {
                                EXPECT_TRUE(absl::IsCancelled(status)) << status;
                                done.Notify();
                              }});
  begun.WaitForNotification();
  work.Cancel();
  executor.Forget("a", &work);
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(absl::Minutes(1)));
  executor.Stop();
  EXPECT_EQ(executor.counts(Lane::kHeavy).abandoned, 1);
}

}  // namespace
}  // namespace fiscal::services::rpc
