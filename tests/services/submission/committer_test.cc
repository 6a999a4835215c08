// The queue before the writer: turns, bounds, groups, and what is answered when it can't go on.
#include "services/submission/committer.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

using services::Committer;
using services::Intake;

// Rows beside those of the ledger; a, b and c are callers:
//
//   hold                             the writer is busy until `go`: what is sent waits
//   a submit id statement [bytes=n]  a caller's request, taken for 100 bytes unless said; refused
//       at once, or `waits`
//   queue                            how much waits
//   go [stop]                        the writer goes on, and is asked to stop before: how many
//       groups came, and all answers in their order
//   disk low | disk fine
//   fail                             the next write fails, and it is unknown what came of it
//   full                             the next write finds no room
class CommitterTest : public ::testing::Test {
 protected:
  CommitterTest()
      : disk_(100, 0, [this]() -> absl::StatusOr<services::DiskGuard::Space> {
          return services::DiskGuard::Space{free_bytes_, 1000};
        }) {
    for (const char* caller : {"a", "b", "c"})
      script_.Add(caller, [this](const Words& words) { return Send(words); });
    script_.Add("hold", [this](const Words&) { return Hold(); });
    script_.Add("go", [this](const Words& words) { return Go(Has(words, "stop")); });
    script_.Add("queue", [this](const Words&) {
      const Committer::Queue queue = committer_->queue();
      return absl::StrCat(Counted(queue.requests, "request"), ", ", queue.bytes, " bytes");
    });
    script_.Add("disk", [this](const Words& words) {
      free_bytes_ = words.at(1) == "low" ? 1 : 1000;
      disk_.Check();
      return std::string();
    });
    script_.Add("fail", [this](const Words&) {
      script_.FailNextWrite(absl::UnavailableError("the disk is gone"));
      return std::string();
    });
    script_.Add("full", [this](const Words&) {
      script_.FailNextWrite(absl::ResourceExhaustedError("no room"));
      return std::string();
    });
    EXPECT_SCRIPT(script_, R"(
      divisions 141100                                    => revised @1, 1 added
      agencies  141100 101001/101 101002/101 102001/102   => revised @2, 3 added
      codes     141100 205 20502                          => revised @3, 2 added
    )");
  }

  ~CommitterTest() override {
    if (committer_ != nullptr) Go(true);
  }

  void Start(Committer::Options options = {}) {
    committer_ = std::make_unique<Committer>(script_.intake(), disk_, metrics_, options,
                                             [this] { failures_.fetch_add(1); });
  }

  std::string Hold() {
    if (committer_ == nullptr) Start();
    held_ = std::make_unique<absl::Notification>();
    release_ = std::make_unique<absl::Notification>();
    // Its answer is given on the writer's thread, which waits in it.
    committer_->Submit("holder", Request({"validate", "hold", "141100/101001", "l1=20502:1"}), 1,
                       [held = held_.get(), release = release_.get()](const auto&) {
                         held->Notify();
                         release->WaitForNotification();
                       });
    held_->WaitForNotification();
    groups_ = Groups();
    return "";
  }

  std::unique_ptr<Intake::Request> Request(const Words& words) {
    return std::make_unique<Intake::Request>(script_.Prepared(words));
  }

  std::string Send(const Words& words) {
    const Words row(words.begin() + 1, words.end());
    const std::string name = absl::StrCat(words[0], " ", row.at(1));
    struct Sent {
      bool returned = false;
      std::string refused;
    };
    const auto sent = std::make_shared<Sent>();
    {
      absl::MutexLock lock(&mu_);
      ++waiting_;
    }
    committer_->Submit(words[0], Request(row), Number(words, "bytes", 100),
                       [this, name, sent](const absl::StatusOr<domain::RequestReceipt>& answer) {
                         absl::MutexLock lock(&mu_);
                         --waiting_;
                         // The writer is held: only a refusal comes before Submit returns.
                         if (!sent->returned) {
                           sent->refused = SayAnswer(answer);
                         } else {
                           answers_.push_back(absl::StrCat(name, " ", SayAnswer(answer)));
                         }
                       });
    absl::MutexLock lock(&mu_);
    sent->returned = true;
    return sent->refused.empty() ? "waits" : sent->refused;
  }

  std::string Go(bool stop) {
    if (release_ != nullptr && !release_->HasBeenNotified()) release_->Notify();
    if (stop) committer_->Stop();
    absl::MutexLock lock(&mu_);
    auto answered = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return waiting_ == 0; };
    mu_.Await(absl::Condition(&answered));
    std::string said =
        absl::StrCat(Counted(Groups() - groups_, "group"), ": ", absl::StrJoin(answers_, "; "));
    answers_.clear();
    return said;
  }

  // Groups committed so far.
  uint64_t Groups() { return metrics_.commit_group_requests().Collect().histogram.sample_count; }

  LedgerScript script_{services::CheckRules};
  int64_t free_bytes_ = 1000;
  services::DiskGuard disk_;
  services::Metrics metrics_;
  std::atomic<int> failures_{0};
  std::unique_ptr<absl::Notification> held_, release_;
  uint64_t groups_ = 0;
  absl::Mutex mu_;
  size_t waiting_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::string> answers_ ABSL_GUARDED_BY(mu_);
  // Last: its thread uses the rest.
  std::unique_ptr<Committer> committer_;
};

TEST_F(CommitterTest, WhatGatheredIsOneGroup) {
  EXPECT_SCRIPT(script_, R"(
    hold
    a submit r1 141100/101001 l1=20502:1   => waits
    a submit r2 141100/101001 l1=20502:2   => waits
    a submit r1 141100/101001 l1=20502:1   => waits   # a repeat in the same group
    queue                                  => 3 requests, 300 bytes
    total 141100                           => 0.00 @3
    go                                     => 1 group: a r1 created r1 @4, 1 line; a r2 revised r2 @5, 1 line; a r1 created r1 @4, 1 line
    queue                                  => 0 requests, 0 bytes
    total 141100                           => 2.00 @5
  )");
}

TEST_F(CommitterTest, CallersTakeTurnsAndEachKeepsItsOrder) {
  EXPECT_SCRIPT(script_, R"(
    hold
    a submit r1 141100/101001 l1=20502:1   => waits
    a submit r2 141100/101001 l1=20502:2   => waits
    a submit r3 141100/101001 l1=20502:3   => waits
    b submit r4 141100/101002 l1=20502:1   => waits
    c submit r5 141100/102001 l1=20502:1   => waits
    b submit r6 141100/101002 l1=20502:2   => waits
    go                                     => 1 group: a r1 created r1 @4, 1 line; b r4 created r1 @5, 1 line; c r5 created r1 @6, 1 line; a r2 revised r2 @7, 1 line; b r6 revised r2 @8, 1 line; a r3 revised r3 @9, 1 line
  )");
}

// A turn costs more the larger its request is: 16 KB are one turn more.
TEST_F(CommitterTest, ALargeRequestCostsItsCallerTurns) {
  EXPECT_SCRIPT(script_, R"(
    hold
    a submit r1 141100/101001 l1=20502:1 bytes=40000   => waits
    a submit r2 141100/101001 l1=20502:2               => waits
    b submit r3 141100/101002 l1=20502:1               => waits
    b submit r4 141100/101002 l1=20502:2               => waits
    go                                                 => 1 group: a r1 created r1 @4, 1 line; b r3 created r1 @5, 1 line; b r4 revised r2 @6, 1 line; a r2 revised r2 @7, 1 line
  )");
}

TEST_F(CommitterTest, AGroupHasABound) {
  Committer::Options options;
  options.group_requests_max = 3;
  options.group_bytes_max = 1000;
  Start(options);
  EXPECT_SCRIPT(script_, R"(
    hold
    a submit r1 141100/101001 l1=20502:1              => waits
    a submit r2 141100/101001 l1=20502:2              => waits
    a submit r3 141100/101001 l1=20502:3              => waits
    a submit r4 141100/101001 l1=20502:4              => waits
    go                                                => 2 groups: a r1 created r1 @4, 1 line; a r2 revised r2 @5, 1 line; a r3 revised r3 @6, 1 line; a r4 revised r4 @7, 1 line
    hold
    a submit r5 141100/101001 l1=20502:5 bytes=900    => waits
    a submit r6 141100/101001 l1=20502:6 bytes=101    => waits
    a submit r7 141100/101001 l1=20502:7 bytes=5000   => waits   # alone, however large
    go                                                => 3 groups: a r5 revised r5 @8, 1 line; a r6 revised r6 @9, 1 line; a r7 revised r7 @10, 1 line
  )");
}

TEST_F(CommitterTest, TheQueueIsBoundedInAllAndForEachCaller) {
  Committer::Options options;
  options.queue_requests_max = 4;
  options.queue_bytes_max = 1000;
  options.queue_requests_per_caller_max = 2;
  options.queue_bytes_per_caller_max = 500;
  Start(options);
  EXPECT_SCRIPT(script_, R"(
    hold
    a submit r1 141100/101001 l1=20502:1               => waits
    a submit r2 141100/101001 l1=20502:2               => waits
    a submit r3 141100/101001 l1=20502:3               => QUEUE_FULL   # two of one caller
    b submit r4 141100/101002 l1=20502:1 bytes=600     => waits        # more than a caller's part, alone
    b submit r5 141100/101002 l1=20502:2               => QUEUE_FULL
    c submit r6 141100/102001 l1=20502:1 bytes=201     => QUEUE_FULL   # 1,001 bytes in all
    c submit r6 141100/102001 l1=20502:1 bytes=200     => waits
    queue                                              => 4 requests, 1000 bytes
    c submit r7 141100/102001 l1=20502:2 bytes=0       => QUEUE_FULL   # four in all
    go                                                 => 1 group: a r1 created r1 @4, 1 line; b r4 created r1 @5, 1 line; c r6 created r1 @6, 1 line; a r2 revised r2 @7, 1 line
    hold
    a submit r3 141100/101001 l1=20502:3               => waits
    go                                                 => 1 group: a r3 revised r3 @8, 1 line
  )");
}

// While some of them still wait.
TEST_F(CommitterTest, BytesThatWereTakenAreTheCallersAgain) {
  Committer::Options options;
  options.group_requests_max = 1;
  options.queue_bytes_per_caller_max = 250;
  Start(options);
  Hold();
  absl::Notification first, go_on;
  committer_->Submit("a", Request({"submit", "r1", "141100/101001", "l1=20502:1"}), 100,
                     [&](const auto&) {
                       first.Notify();
                       go_on.WaitForNotification();
                     });
  EXPECT_EQ(Send({"a", "submit", "r2", "141100/101001", "l1=20502:2"}), "waits");
  EXPECT_EQ(Send({"a", "submit", "r3", "141100/101001", "l1=20502:3"}), "QUEUE_FULL");
  release_->Notify();
  first.WaitForNotification();
  EXPECT_EQ(Send({"a", "submit", "r3", "141100/101001", "l1=20502:3"}), "waits");
  go_on.Notify();
  EXPECT_EQ(Go(false), "3 groups: a r2 revised r2 @5, 1 line; a r3 revised r3 @6, 1 line");
}

TEST_F(CommitterTest, OnlyWhatIsValidatedIsTakenWhileTheDiskIsLow) {
  EXPECT_SCRIPT(script_, R"(
    hold
    disk low
    a submit   r1 141100/101001 l1=20502:1   => DISK_FULL
    a validate r1 141100/101001 l1=20502:1   => waits
    disk fine
    a submit   r2 141100/101001 l1=20502:1   => waits
    go                                       => 1 group: a r1 created r1, 1 line; a r2 created r1 @4, 1 line
  )");
}

TEST_F(CommitterTest, WhatWasTakenIsAnsweredBeforeItStops) {
  EXPECT_SCRIPT(script_, R"(
    hold
    a submit r1 141100/101001 l1=20502:1   => waits
    go stop                                => 1 group: a r1 created r1 @4, 1 line
    a submit r2 141100/101001 l1=20502:2   => DRAINING
  )");
}

TEST_F(CommitterTest, AFullStoreKeepsNothingAndGoesOn) {
  EXPECT_SCRIPT(script_, R"(
    hold
    full
    a submit r1 141100/101001 l1=20502:1   => waits
    go                                     => 1 group: a r1 DISK_FULL
    hold
    a submit r1 141100/101001 l1=20502:1   => waits
    go                                     => 1 group: a r1 created r1 @4, 1 line
  )");
  EXPECT_EQ(failures_, 0);
}

TEST_F(CommitterTest, AnUnknownOutcomeIsSaidOnceAndAllAfterItIsUnknown) {
  EXPECT_SCRIPT(script_, R"(
    hold
    fail
    a submit r1 141100/101001 l1=20502:1   => waits
    b submit r2 141100/101002 l1=20502:1   => waits
    go                                     => 1 group: a r1 OUTCOME_UNKNOWN; b r2 OUTCOME_UNKNOWN
    hold
    a submit r3 141100/101001 l1=20502:1   => waits
    go stop                                => 1 group: a r3 OUTCOME_UNKNOWN
  )");
  EXPECT_EQ(failures_, 1);
}

TEST_F(CommitterTest, ACallerThatMayBlockWaitsForItsAnswer) {
  Start();
  const auto answer = committer_->SubmitAndWait(
      "a", script_.Prepared({"submit", "r1", "141100/101001", "l1=20502:1"}), 100);
  EXPECT_EQ(SayAnswer(answer), "created r1 @4, 1 line");
}

}  // namespace
}  // namespace fiscal::testing
