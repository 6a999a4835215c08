// What one caller may take from others: turns, lanes, bounds of reads, without a server.
#include <atomic>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/notification.h"
#include "base/clock.h"
#include "domain/reason.h"
#include "fiscal/method/v1/method.pb.h"
#include "gtest/gtest.h"
#include "services/rpc/call.h"
#include "services/rpc/fair_queue.h"
#include "services/rpc/methods.h"
#include "services/rpc/read_executor.h"

namespace fiscal::services::rpc {
namespace {

constexpr size_t Index(Lane lane) { return static_cast<size_t>(lane); }

domain::Reason ReasonIn(const absl::Status& status) {
  const domain::Explained explained = domain::Explain(status);
  EXPECT_TRUE(explained.reason_known) << status;
  return explained.refusal.reason;
}

// The options themselves are held by tests/proto/method_test.cc.
TEST(MethodTableTest, IsMadeOfTheOptions) {
  std::set<std::string> paths, requests;
  std::map<std::string, CallKind> kinds;
  for (const Method& method : Methods()) {
    EXPECT_TRUE(paths.insert(method.path).second) << method.path;
    EXPECT_TRUE(requests.insert(method.request).second) << method.request;
    kinds[std::string(method.name())] = method.kind;
  }
  EXPECT_EQ(kinds["fiscal.admin.v1.AdminService/Verify"], CallKind::kOperator);
  EXPECT_EQ(kinds["fiscal.aggregation.v1.AggregationService/WatchTotals"], CallKind::kWatch);
  EXPECT_EQ(kinds["fiscal.catalog.v1.CatalogService/ImportCatalog"], CallKind::kWrite);
  EXPECT_EQ(kinds["fiscal.disclosure.v1.DisclosureService/GetTables"], CallKind::kHeavyRead);
  EXPECT_EQ(kinds["fiscal.federation.v1.FederationService/Reconcile"], CallKind::kSlowRead);
  EXPECT_EQ(kinds["fiscal.log.v1.EventLogService/GetTreeHead"], CallKind::kPointRead);
  EXPECT_EQ(kinds["fiscal.submission.v1.SubmissionService/StreamBudgets"], CallKind::kStream);
  for (const Method& method : Methods()) {
    if (method.name() != "fiscal.catalog.v1.CatalogService/ImportCatalog") continue;
    EXPECT_EQ(method.request, "fiscal.catalog.v1.ImportCatalogRequest");
    EXPECT_EQ(method.option.verb(), method::v1::VERB_WRITE_CATALOG);
    EXPECT_FALSE(method.option.read_only());
    ASSERT_EQ(method.option.scopes_size(), 1);
    EXPECT_EQ(method.option.scopes(0).division(), "division_code");
  }
}

TEST(AnswerByTest, IsSomewhatBeforeTheDeadline) {
  const absl::Time now = absl::UnixEpoch();
  EXPECT_EQ(AnswerBy(now + absl::Milliseconds(100), now), now + absl::Milliseconds(80));
  EXPECT_EQ(AnswerBy(now + absl::Seconds(5), now), now + absl::Seconds(4));
  EXPECT_EQ(AnswerBy(now + absl::Hours(1), now), now + absl::Hours(1) - absl::Seconds(1));
  EXPECT_EQ(AnswerBy(now - absl::Seconds(1), now), now - absl::Seconds(1));
  EXPECT_EQ(AnswerBy(absl::InfiniteFuture(), now), absl::InfiniteFuture());
}

// Takes everything, as "caller item".
std::string Drain(FairQueue<int>* queue, uint64_t cost = 1) {
  std::vector<std::string> order;
  while (const std::string* caller = queue->Next()) {
    const std::string name = *caller;
    order.push_back(absl::StrCat(name, queue->Take(name, cost)));
  }
  return absl::StrJoin(order, " ");
}

TEST(FairQueueTest, CallersTakeTurnsAndEachKeepsHisOrder) {
  FairQueue<int> queue;
  for (int i = 1; i <= 5; ++i) queue.Push("a", i);
  queue.Push("b", 1);
  queue.Push("b", 2);
  queue.Push("c", 1);
  EXPECT_EQ(queue.size(), 8u);
  EXPECT_EQ(queue.SizeOf("a"), 5u);
  EXPECT_EQ(Drain(&queue), "a1 b1 c1 a2 b2 a3 a4 a5");
  EXPECT_TRUE(queue.empty());
}

TEST(FairQueueTest, WhoCostsMoreComesLater) {
  FairQueue<int> queue;
  for (int i = 1; i <= 3; ++i) queue.Push("great", i);
  queue.Push("small", 1);
  EXPECT_EQ(queue.Take("great", 100), 1);
  for (int i = 2; i <= 4; ++i) queue.Push("small", i);
  EXPECT_EQ(Drain(&queue), "small1 small2 small3 small4 great2 great3");
  // What was known only afterwards counts as well.
  queue.Push("x", 1);
  queue.Push("y", 1);
  queue.Take("x", 1);
  queue.Charge("x", 1000);
  queue.Push("x", 2);
  queue.Take("y", 1);
  queue.Push("y", 2);
  EXPECT_EQ(Drain(&queue), "y2 x2");
}

TEST(FairQueueTest, RestSavesNothingUp) {
  FairQueue<int> queue;
  for (int i = 0; i < 100; ++i) {
    queue.Push("busy", i);
    queue.Take("busy", 10);
  }
  queue.Push("busy", 1);
  queue.Push("busy", 2);
  for (int i = 1; i <= 3; ++i) queue.Push("late", i);
  // Level with the last turn, and not a hundred turns ahead.
  EXPECT_EQ(Drain(&queue, 10), "late1 busy1 late2 busy2 late3");
}

TEST(FairQueueTest, RemovesInOrderAndForgetsCallers) {
  FairQueue<int> queue;
  for (int i = 1; i <= 6; ++i) queue.Push("a", i);
  EXPECT_EQ(absl::StrJoin(queue.Remove("a", [](int i) { return i % 2 == 0; }), ","), "2,4,6");
  EXPECT_EQ(queue.size(), 3u);
  EXPECT_EQ(Drain(&queue), "a1 a3 a5");
  EXPECT_TRUE(queue.Remove("a", [](int) { return true; }).empty());
  for (int i = 0; i < 1000; ++i) {
    queue.Push(absl::StrCat("c", i), i);
    Drain(&queue);
  }
  queue.Push("d", 1);
  EXPECT_EQ(Drain(&queue), "d1");
}

class ReadsTest : public ::testing::Test {
 protected:
  // Without threads: Step does what a thread would.
  static ReadExecutor::Options Stepped() {
    ReadExecutor::Options options;
    options.threads = {0, 0, 0};
    return options;
  }
  std::unique_ptr<Work> NewWork(absl::Time deadline = absl::InfiniteFuture(),
                                uint64_t bound = 1000000) {
    return std::make_unique<Work>(clock_, deadline, bound);
  }
  ReadExecutor::Task Task(const std::string& caller, Work* work, uint64_t cost = 1) {
    return {caller, work,
            [this, caller, work, cost] {
              ran_.push_back(caller);
              return work->Spend(cost);
            },
            [this, caller](const absl::Status& status) {
              ended_.push_back(absl::StrCat(caller, " ",
                                            absl::IsResourceExhausted(status)
                                                ? std::string(domain::InfoOf(ReasonIn(status)).id)
                                                : absl::StatusCodeToString(status.code())));
            }};
  }
  std::string Ran() { return absl::StrJoin(ran_, " "); }
  std::string Ended() { return absl::StrJoin(ended_, ", "); }

  ManualClock clock_{absl::UnixEpoch()};
  std::vector<std::string> ran_, ended_;
};

TEST_F(ReadsTest, AFloodOfOneCallerDelaysAnotherByOneTurn) {
  ReadExecutor executor(Stepped());
  std::vector<std::unique_ptr<Work>> works;
  for (int i = 0; i < 50; ++i) {
    works.push_back(NewWork());
    executor.Run(Lane::kHeavy, Task("flood", works.back().get(), 1000));
  }
  works.push_back(NewWork());
  executor.Run(Lane::kHeavy, Task("other", works.back().get(), 1000));
  ASSERT_TRUE(executor.Step(Lane::kHeavy));
  ASSERT_TRUE(executor.Step(Lane::kHeavy));
  EXPECT_EQ(Ran(), "flood other");
  EXPECT_EQ(executor.counts(Lane::kHeavy).waiting, 49u);
  EXPECT_EQ(executor.counts(Lane::kHeavy).spent, 2000);
}

TEST_F(ReadsTest, WhoLeftOrCameTooLateIsNeverBegun) {
  ReadExecutor executor(Stepped());
  auto left = NewWork(), expired = NewWork(absl::UnixEpoch() + absl::Seconds(1)), stays = NewWork();
  executor.Run(Lane::kHeavy, Task("left", left.get()));
  executor.Run(Lane::kHeavy, Task("expired", expired.get()));
  executor.Run(Lane::kHeavy, Task("stays", stays.get()));
  left->Cancel();
  executor.Forget("left", left.get());
  // At once, and not at its turn.
  EXPECT_EQ(Ended(), "left CANCELLED");
  clock_.Advance(absl::Seconds(1));
  while (executor.Step(Lane::kHeavy)) {
  }
  EXPECT_EQ(Ran(), "stays");
  EXPECT_EQ(Ended(), "left CANCELLED, expired DEADLINE_EXCEEDED, stays OK");
  EXPECT_EQ(executor.counts(Lane::kHeavy).abandoned, 2);
  EXPECT_EQ(executor.counts(Lane::kHeavy).begun, 1);
  // One who left before he came.
  auto gone = NewWork();
  gone->Cancel();
  executor.Run(Lane::kHeavy, Task("gone", gone.get()));
  EXPECT_EQ(ended_.back(), "gone CANCELLED");
}

TEST_F(ReadsTest, AQueueIsBoundedForEachCallerAndInAll) {
  ReadExecutor::Options options = Stepped();
  options.queue_max = 5;
  options.queue_per_caller_max = 3;
  ReadExecutor executor(options);
  std::vector<std::unique_ptr<Work>> works;
  auto run = [&](const std::string& caller, bool admitted = false) {
    works.push_back(NewWork(absl::UnixEpoch() + absl::Seconds(10)));
    executor.Run(Lane::kHeavy, Task(caller, works.back().get()), admitted);
  };
  for (int i = 0; i < 4; ++i) run("a");
  EXPECT_EQ(Ended(), "a QUEUE_FULL");
  run("b");
  run("b");
  run("c");
  EXPECT_EQ(Ended(), "a QUEUE_FULL, c QUEUE_FULL");
  // What waited under another bound is not refused here.
  run("c", /*admitted=*/true);
  EXPECT_EQ(executor.counts(Lane::kHeavy).refused, 2);
  EXPECT_EQ(executor.counts(Lane::kHeavy).waiting, 6u);
  // Another lane has its own.
  executor.Run(Lane::kPoint, Task("a", works[0].get()));
  ASSERT_TRUE(executor.Step(Lane::kPoint));
  // Expired ones keep nobody out.
  ended_.clear();
  clock_.Advance(absl::Seconds(10));
  run("a");
  EXPECT_EQ(ended_.back(), "a DEADLINE_EXCEEDED");
}

TEST_F(ReadsTest, StoppingEndsWhatWaits) {
  ReadExecutor executor(Stepped());
  auto waiting = NewWork(), late = NewWork();
  executor.Run(Lane::kSlow, {"a", waiting.get(), [] { return absl::OkStatus(); },
                             [](const absl::Status& status) {
                               EXPECT_EQ(ReasonIn(status), domain::Reason::kDraining);
                             }});
  executor.Stop();
  EXPECT_EQ(executor.counts(Lane::kSlow).waiting, 0u);
  bool heard = false;
  executor.Run(Lane::kSlow, {"a", late.get(), [] { return absl::OkStatus(); },
                             [&heard](const absl::Status& status) {
                               heard = ReasonIn(status) == domain::Reason::kDraining;
                             }});
  EXPECT_TRUE(heard);
}

// Threads: the heavy lane is full of what does not end, and small reads and another caller's heavy
// one are answered all the same.
TEST_F(ReadsTest, PointReadsAndOtherCallersDoNotWaitForWhoFillsTheHeavyLane) {
  ReadExecutor::Options options;
  options.threads = {1, 2, 1};
  ReadExecutor executor(options);
  absl::Notification release;
  std::atomic<int> begun{0};
  absl::Notification first;
  std::vector<std::unique_ptr<Work>> works;
  std::atomic<int> finished{0};
  for (int i = 0; i < 4; ++i) {
    works.push_back(NewWork());
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
    auto work = NewWork();
    absl::Notification done;
    executor.Run(lane, {"victim", work.get(), [] { return absl::OkStatus(); },
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

TEST_F(ReadsTest, WhoLeavesEndsWhatRuns) {
  ReadExecutor::Options options;
  options.threads = {1, 1, 1};
  ReadExecutor executor(options);
  auto work = NewWork(absl::InfiniteFuture(), UINT64_MAX);
  absl::Notification begun, done;
  executor.Run(Lane::kHeavy, {"a", work.get(),
                              [&]() -> absl::Status {
                                begun.Notify();
                                // For ever, but for the check.
                                while (true) {
                                  const absl::Status status = work->Spend(1);
                                  if (!status.ok()) return status;
                                }
                              },
                              [&](const absl::Status& status) {
                                EXPECT_TRUE(absl::IsCancelled(status)) << status;
                                done.Notify();
                              }});
  begun.WaitForNotification();
  work->Cancel();
  executor.Forget("a", work.get());
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(absl::Minutes(1)));
  executor.Stop();
  EXPECT_EQ(executor.counts(Lane::kHeavy).abandoned, 1);
}

TEST_F(ReadsTest, WorkIsBoundedBeforeItIsSpentAndWhileItIs) {
  auto work = NewWork(absl::InfiniteFuture(), 1000);
  EXPECT_TRUE(work->Expect(1000).ok());
  const absl::Status expected = work->Expect(1001);
  EXPECT_TRUE(absl::IsInvalidArgument(expected));
  EXPECT_EQ(ReasonIn(expected), domain::Reason::kReadTooLarge);
  EXPECT_EQ(work->spent(), 0u);
  EXPECT_TRUE(work->Spend(600).ok());
  EXPECT_EQ(ReasonIn(work->Expect(500)), domain::Reason::kReadTooLarge);
  EXPECT_TRUE(work->Spend(400).ok());
  EXPECT_EQ(ReasonIn(work->Spend(1)), domain::Reason::kReadTooLarge);
  EXPECT_FALSE(work->outgrown());
  // A try with less ends with a word that it may begin again.
  work->Restart(10);
  EXPECT_FALSE(work->Spend(11).ok());
  EXPECT_TRUE(work->outgrown());
  work->RestartWhole();
  EXPECT_TRUE(work->Spend(999).ok());
  EXPECT_FALSE(work->outgrown());
  EXPECT_EQ(work->spent(), 1001u + 11u + 999u);
}

TEST_F(ReadsTest, WorkEndsAtTheDeadline) {
  auto work = NewWork(absl::UnixEpoch() + absl::Seconds(1));
  EXPECT_TRUE(work->Spend(5000).ok());
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(absl::IsDeadlineExceeded(work->Spend(5000)));
  Work own;
  EXPECT_TRUE(own.Spend(uint64_t{1} << 60).ok());
}

}  // namespace
}  // namespace fiscal::services::rpc
