// What the audit log takes from calls, and what it does when it can't keep it.
#include "services/audit/audit_trail.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/memory/memory_kv.h"

namespace fiscal::services {
namespace {

using domain::AuditEntry;
using domain::AuditOutcome;
using storage::MemoryDisk;
using storage::MemoryFault;
using storage::MemoryKv;
using storage::MemoryOp;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A disk that fails writes, or holds them up, while it is told to.
class Moody : public storage::Faults {
 public:
  void Fail(absl::Status status) {
    absl::MutexLock lock(&mu_);
    status_ = std::move(status);
  }
  void Hold(bool held) {
    absl::MutexLock lock(&mu_);
    held_ = held;
  }
  // Returns once a write is held up.
  void AwaitHeld() {
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(&inside_));
  }
  MemoryFault Next(MemoryOp op) override {
    if (op != MemoryOp::kWrite) return {};
    absl::MutexLock lock(&mu_);
    inside_ = held_;
    const auto released = [this] { return !held_; };
    mu_.Await(absl::Condition(&released));
    inside_ = false;
    return {status_, false};
  }

 private:
  absl::Mutex mu_;
  absl::Status status_;
  bool held_ = false, inside_ = false;
};

const rpc::Method& MethodNamed(absl::string_view name) {
  for (const rpc::Method& method : rpc::Methods()) {
    if (method.name() == name) return method;
  }
  ADD_FAILURE() << "no method " << name;
  return rpc::Methods().front();
}

AuditEntry Entry(const std::string& principal, AuditOutcome outcome = AuditOutcome::kAllowed) {
  AuditEntry entry;
  entry.principal = principal;
  entry.outcome = outcome;
  return entry;
}

class AuditTrailTest : public ::testing::Test {
 protected:
  void Open(AuditTrail::Options options = {}) {
    trail_.reset();
    options.retry_delay = absl::Milliseconds(1);
    auto trail = AuditTrail::Open(
        [this]() -> absl::StatusOr<std::unique_ptr<storage::Kv>> {
          ++opened_;
          return MemoryKv::Open(disk_, {/*wal=*/true, &moody_});
        },
        clock_, options);
    ASSERT_TRUE(trail.ok()) << trail.status();
    trail_ = *std::move(trail);
  }
  std::vector<AuditEntry> All() {
    trail_->Settle();
    storage::AuditQuery query;
    query.oldest_first = true;
    query.limit = 10000;
    const auto page = trail_->List(query, [](uint64_t) { return absl::OkStatus(); });
    EXPECT_TRUE(page.ok()) << page.status();
    std::vector<AuditEntry> entries;
    if (!page.ok()) return entries;
    for (const auto& row : page->rows) entries.push_back(row.entry);
    return entries;
  }
  // Each as its principal, or as what it says of lost ones.
  std::vector<std::string> Said() {
    std::vector<std::string> said;
    for (const AuditEntry& e : All()) {
      said.push_back(e.outcome == AuditOutcome::kLost ? absl::StrCat("lost ", e.lost_count)
                                                      : e.principal);
    }
    return said;
  }
  // Once the thread found by itself that the store works again.
  void AwaitSaid(size_t count) {
    while (true) {
      const auto head = trail_->head();
      if (head.ok() && head->size >= count) return;
      std::this_thread::yield();
    }
  }

  ManualClock clock_{absl::FromUnixSeconds(1767240000)};
  MemoryDisk disk_;
  Moody moody_;
  std::atomic<int> opened_{0};
  std::unique_ptr<AuditTrail> trail_;
};

TEST_F(AuditTrailTest, WhatIsRecordedIsThereAndStays) {
  Open();
  trail_->Record(Entry("a"));
  clock_.Advance(absl::Seconds(5));
  trail_->Record(Entry("b", AuditOutcome::kDenied));
  std::vector<AuditEntry> entries = All();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].principal, "a");
  EXPECT_EQ(entries[0].sequence, 1u);
  EXPECT_EQ(entries[1].time_us - entries[0].time_us, 5000000);
  EXPECT_EQ(entries[1].outcome, AuditOutcome::kDenied);
  EXPECT_THAT(trail_->counts().written, ElementsAre(1, 1, 0, 0, 0));
  trail_->Record(Entry("c"));
  trail_.reset();
  // A clean end is durable.
  EXPECT_EQ(disk_.undurable_count(), 0u);
  Open();
  EXPECT_THAT(Said(), ElementsAre("a", "b", "c"));
}

TEST_F(AuditTrailTest, WhatACallerSentIsBounded) {
  Open();
  AuditEntry entry = Entry(
      "a\xff"
      "b");
  entry.request_id = std::string(100000, 'x');
  entry.scope = "division\n141100";
  trail_->Record(entry);
  const AuditEntry kept = All().at(0);
  EXPECT_EQ(kept.principal, "a\\xffb");
  EXPECT_EQ(kept.request_id.size(), AuditEntry::kTextBytesMax);
  EXPECT_EQ(kept.scope, "division\\n141100");
}

TEST_F(AuditTrailTest, ReadsAreSampledAndNothingElseIs) {
  const rpc::Method& read = MethodNamed("fiscal.aggregation.v1.AggregationService/GetTotal");
  const rpc::Method& write = MethodNamed("fiscal.submission.v1.SubmissionService/SubmitBudget");
  const rpc::Method& audit = MethodNamed("fiscal.audit.v1.AuditService/List");
  const auto taken = [&](const rpc::Method& method, AuditOutcome outcome) {
    int taken = 0;
    for (int i = 0; i < 640; ++i) taken += trail_->Takes(method, outcome) ? 1 : 0;
    return taken;
  };
  for (const auto& [reads, of_reads] :
       {std::pair(AuditTrail::Reads::kNone, 0), std::pair(AuditTrail::Reads::kSampled, 10),
        std::pair(AuditTrail::Reads::kAll, 640)}) {
    AuditTrail::Options options;
    options.reads = reads;
    Open(options);
    EXPECT_EQ(taken(read, AuditOutcome::kAllowed), of_reads);
    EXPECT_EQ(taken(read, AuditOutcome::kFailed), of_reads);
    for (const rpc::Method* method : {&read, &write, &audit}) {
      EXPECT_EQ(taken(*method, AuditOutcome::kDenied), 640);
      EXPECT_EQ(taken(*method, AuditOutcome::kWouldDeny), 640);
    }
    EXPECT_EQ(taken(write, AuditOutcome::kAllowed), 640);
    EXPECT_EQ(taken(audit, AuditOutcome::kAllowed), 640);
  }
}

TEST_F(AuditTrailTest, AFullQueueLosesCountsAndSays) {
  AuditTrail::Options options;
  options.queue_entries_max = 3;
  Open(options);
  moody_.Hold(true);
  trail_->Record(Entry("a"));
  moody_.AwaitHeld();
  const int64_t from = absl::ToUnixMicros(clock_.Now()) + 1000000;
  for (int i = 0; i < 5; ++i) {
    if (i >= 3) clock_.Advance(absl::Seconds(1));
    trail_->Record(Entry(absl::StrCat(i)));
  }
  EXPECT_EQ(trail_->counts().lost, 2);
  moody_.Hold(false);
  EXPECT_THAT(Said(), ElementsAre("a", "0", "1", "2", "lost 2"));
  const AuditEntry lost = All().back();
  EXPECT_EQ(lost.lost_from_us, from);
  EXPECT_EQ(lost.lost_to_us, from + 1000000);
  EXPECT_EQ(trail_->counts().lost, 2);
  EXPECT_EQ(trail_->counts().written.back(), 1);
  trail_->Record(Entry("b"));
  EXPECT_THAT(Said(), ElementsAre("a", "0", "1", "2", "lost 2", "b"));
}

TEST_F(AuditTrailTest, AFullDiskStopsNothingAndIsSaidAfterwards) {
  Open();
  trail_->Record(Entry("a"));
  trail_->Settle();
  moody_.Fail(absl::ResourceExhaustedError("full"));
  for (int i = 0; i < 100; ++i) trail_->Record(Entry("x"));
  trail_->Settle();
  EXPECT_EQ(trail_->counts().lost, 100);
  // It is read meanwhile.
  EXPECT_THAT(Said(), ElementsAre("a"));
  moody_.Fail(absl::OkStatus());
  AwaitSaid(2);
  EXPECT_THAT(Said(), ElementsAre("a", "lost 100"));
  EXPECT_EQ(opened_, 1);
}

TEST_F(AuditTrailTest, AStoreThatFailedIsOpenedAnew) {
  Open();
  trail_->Record(Entry("a"));
  trail_->Settle();
  moody_.Fail(absl::UnavailableError("the disk is away"));
  trail_->Record(Entry("b"));
  trail_->Settle();
  EXPECT_EQ(trail_->counts().lost, 1);
  moody_.Fail(absl::OkStatus());
  AwaitSaid(2);
  EXPECT_THAT(Said(), ElementsAre("a", "lost 1"));
  EXPECT_GE(opened_, 2);
  trail_->Record(Entry("c"));
  EXPECT_THAT(Said(), ElementsAre("a", "lost 1", "c"));
}

TEST_F(AuditTrailTest, WithoutRoomNothingIsWritten) {
  std::atomic<bool> room{false};
  AuditTrail::Options options;
  options.room = [&room] { return room.load(); };
  Open(options);
  trail_->Record(Entry("a"));
  EXPECT_THAT(Said(), IsEmpty());
  EXPECT_EQ(trail_->counts().lost, 1);
  room = true;
  AwaitSaid(1);
  EXPECT_THAT(Said(), ElementsAre("lost 1"));
  trail_.reset();
}

TEST_F(AuditTrailTest, OldDaysGoAtTheStart) {
  Open();
  trail_->Record(Entry("a"));
  trail_->Settle();
  clock_.Advance(absl::Hours(24) * 401);
  AuditTrail::Options options;
  Open(options);
  while (trail_->head()->first == 1) std::this_thread::yield();
  trail_->Record(Entry("b"));
  EXPECT_THAT(Said(), ElementsAre("b"));
  EXPECT_EQ(trail_->head()->size, 2u);
}

TEST_F(AuditTrailTest, AStoreThatCantBeOpenedIsSaidAtTheStart) {
  const auto trail = AuditTrail::Open(
      []() -> absl::StatusOr<std::unique_ptr<storage::Kv>> {
        return absl::DataLossError("damaged");
      },
      clock_, {});
  EXPECT_TRUE(absl::IsDataLoss(trail.status()));
}

}  // namespace
}  // namespace fiscal::services
