// The log becomes totals: in steps, whole groups at a time, and what a start does with what is
// there.
#include "services/ledger/fold/projector.h"

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/sha256.h"
#include "gtest/gtest.h"
#include "storage/posting_codec.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

using services::Projector;

constexpr absl::string_view kHistory = R"(
  divisions 141100                                                       => revised @1, 1 added
  agencies  141100 101001/101 102001/102                                 => revised @2, 2 added
  codes     141100 205 20502                                             => revised @3, 2 added
  submit r1 141100/101001 l1=20502:10                                    => created r1 @4, 1 line
  reallocate a 141100/101001 l1=20502:-3 | 141100/102001 l1=20502:3      => created r1 @6, 1 line | created r1 @5, 1 line | created r1 @6, 1 line
  submit r2 141100/101001 l1=20502:12                                    => revised r2 @7, 1 line
)";

// A projector of its own over the script's log.
struct Folding {
  explicit Folding(LedgerScript& script, uint64_t write_events = 256) : script(script) {
    options = WrittenEvery(write_events);
    EXPECT_TRUE(Open().ok());
  }
  absl::Status Open() {
    projector = nullptr;
    auto opened = Projector::Open(script.log(), *totals, options);
    if (opened.ok()) projector = *std::move(opened);
    return opened.status();
  }
  // "position+more" of each posting that is read.
  std::string Postings(domain::Position after, domain::Position to, size_t max = 100) const {
    std::vector<Projector::Delivered> read;
    const auto end = projector->ReadPostings(
        after, to, max, [](const auto&) { return true; }, &read);
    if (!end.ok()) return end.status().ToString();
    std::vector<std::string> said;
    for (const Projector::Delivered& d : read)
      said.push_back(absl::StrCat(d.posting->position.value(), " of ", d.end.value()));
    return absl::StrCat(absl::StrJoin(said, ", "), " to ", end->value());
  }

  LedgerScript& script;
  Projector::Options options;
  storage::MemoryDisk disk;
  storage::NthFaults faults;
  std::unique_ptr<storage::MemoryKv> kv = *storage::MemoryKv::Open(disk, {false, &faults});
  std::unique_ptr<storage::TotalsStore> totals = std::make_unique<storage::TotalsStore>(*kv);
  std::unique_ptr<Projector> projector;
};

class ProjectorTest : public ::testing::Test {
 protected:
  ProjectorTest() { EXPECT_SCRIPT(script_, kHistory); }
  void Commit(const domain::QuarantineOrder& order) {
    services::Intake::Request request(order);
    services::Intake::Request* group[] = {&request};
    ASSERT_TRUE(script_.intake().Commit(group)[0].ok());
  }
  LedgerScript script_{services::CheckRules};
};

TEST_F(ProjectorTest, AStepFoldsSoManyAndNoPartOfAGroup) {
  Folding folding(script_);
  Projector& p = *folding.projector;
  EXPECT_EQ(p.folded(), domain::Position());
  EXPECT_EQ(*p.Step(4), 4);
  EXPECT_EQ(p.folded(), domain::Position(4));
  // The two that were committed at once are folded at once.
  EXPECT_EQ(*p.Step(1), 2);
  EXPECT_EQ(p.folded(), domain::Position(6));
  EXPECT_EQ(*p.Step(100), 1);
  EXPECT_EQ(*p.Step(100), 0);
  EXPECT_EQ(p.folded(), domain::Position(7));
  EXPECT_EQ(p.events_folded(), 7);
  EXPECT_EQ(p.catalog()->position(), domain::Position(3));
}

// In parts beside each other, which end in any order, steps, groups and bytes are the same.
TEST_F(ProjectorTest, PartsMakeTheSame) {
  for (int i = 0; i < 20; ++i) {
    script_.Run(absl::StrCat("submit p", i, " 141100/10", 1 + i % 2, "001 l", i, "=20502:", i + 1,
                             " l0=20502:", i + 1));
  }
  Folding one(script_, 3), parts(script_, 3);
  parts.options.parts = 3;
  parts.options.cells_of_part = 1;
  parts.options.beside = [](size_t count, const std::function<void(size_t)>& part) {
    for (size_t i = count; i-- > 0;) part(i);
  };
  ASSERT_TRUE(parts.Open().ok());
  for (Folding* folding : {&one, &parts}) {
    EXPECT_EQ(*folding->projector->Step(4), 4);
    EXPECT_EQ(*folding->projector->Step(1), 2) << "a group is not cut";
    while (*folding->projector->Step(7) > 0) continue;
    ASSERT_TRUE(folding->projector->Write().ok());
  }
  EXPECT_EQ(one.projector->folded(), parts.projector->folded());
  auto bytes = [](const Folding& folding) {
    std::vector<std::pair<std::string, std::string>> all;
    const auto it = folding.kv->NewIterator({}, {});
    for (it->Seek({}); it->Valid(); it->Next())
      all.emplace_back(std::string(it->key().encoded()), std::string(it->value()));
    return all;
  };
  EXPECT_EQ(bytes(one), bytes(parts));
}

TEST_F(ProjectorTest, PostingsAreReadInOrderAndGroupsWhole) {
  Folding folding(script_, 1);
  ASSERT_TRUE(folding.projector->Step(100).ok());
  for (const char* from : {"memory", "the store"}) {
    SCOPED_TRACE(from);
    EXPECT_EQ(folding.Postings(domain::Position(), domain::Position(7)),
              "4 of 4, 5 of 6, 6 of 6, 7 of 7 to 7");
    EXPECT_EQ(folding.Postings(domain::Position(4), domain::Position(6)), "5 of 6, 6 of 6 to 6");
    // At most about so many, never a part of a group.
    EXPECT_EQ(folding.Postings(domain::Position(3), domain::Position(7), 2),
              "4 of 4, 5 of 6, 6 of 6 to 6");
    EXPECT_EQ(*folding.projector->EndOfGroup(domain::Position(4)), domain::Position(4));
    EXPECT_EQ(*folding.projector->EndOfGroup(domain::Position(5)), domain::Position(6));
    EXPECT_EQ(*folding.projector->EndOfGroup(domain::Position(6)), domain::Position(6));
    ASSERT_TRUE(folding.Open().ok());
    EXPECT_EQ(folding.projector->remembered(), domain::Position(8));
  }
}

// One of three that were committed at once is left out: the others are still told at once.
TEST_F(ProjectorTest, AGroupWithoutItsMiddleIsOneGroup) {
  script_.Run(R"(
    agencies   141100 101001/101 102001/102 103001/103
    reallocate b 141100/101001 l1=20502:-5 | 141100/102001 l1=20502:1 | 141100/103001 l1=20502:4
  )");
  domain::QuarantineOrder order;
  order.position = order.stopped_at = domain::Position(10);
  Commit(order);
  Folding folding(script_);
  ASSERT_TRUE(folding.projector->Step(100).ok());
  for (const char* from : {"memory", "the store"}) {
    SCOPED_TRACE(from);
    EXPECT_EQ(folding.Postings(domain::Position(8), domain::Position(12)),
              "9 of 11, 11 of 11 to 12");
    EXPECT_EQ(*folding.projector->EndOfGroup(domain::Position(9)), domain::Position(11));
    ASSERT_TRUE(folding.projector->Flush().ok());
    ASSERT_TRUE(folding.Open().ok());
  }
}

TEST_F(ProjectorTest, AStartGoesOnBehindWhatWasWritten) {
  Folding folding(script_, 4);
  ASSERT_TRUE(folding.projector->Step(5).ok());
  EXPECT_EQ(folding.projector->written(), domain::Position(6)) << "a group is whole";
  ASSERT_TRUE(folding.projector->Step(100).ok());
  EXPECT_EQ(folding.projector->folded(), domain::Position(7));
  EXPECT_EQ(folding.projector->written(), domain::Position(6));
  ASSERT_TRUE(folding.Open().ok());
  EXPECT_EQ(folding.projector->folded(), domain::Position(6));
  ASSERT_TRUE(folding.projector->Step(100).ok());
  EXPECT_EQ(folding.projector->folded(), domain::Position(7));
  EXPECT_EQ(folding.projector->events_folded(), 1);
  ASSERT_TRUE(folding.projector->Flush().ok());
  EXPECT_EQ(folding.projector->written(), domain::Position(7));
}

// One thread folds, another writes: the bytes are those of one that does both.
TEST_F(ProjectorTest, WritingBesideGivesTheSameBytes) {
  for (int i = 0; i < 200; ++i) {
    script_.Run(absl::StrCat("submit s", i, " 141100/", i % 2 == 0 ? "101001" : "102001",
                             " l1=20502:", 100 + i, " l2=205:", 7 * i + 1));
  }
  auto contents = [](const storage::Kv& kv) {
    std::vector<std::string> all;
    auto it = kv.NewIterator({}, {});
    for (it->Seek({}); it->Valid(); it->Next())
      all.push_back(absl::StrCat(storage::NameOf(it->key()), "=", it->value()));
    return all;
  };
  Folding alone(script_, 7), beside(script_, 7);
  beside.options.written_beside = true;
  ASSERT_TRUE(beside.Open().ok());
  {
    std::thread writer([&] { EXPECT_TRUE(beside.projector->WriteWhenDue().ok()); });
    while (beside.projector->folded() < script_.log().head().position)
      EXPECT_TRUE(beside.projector->Step(3).ok());
    beside.projector->StopWriting();
    writer.join();
  }
  ASSERT_TRUE(alone.projector->Step(1000).ok());
  ASSERT_TRUE(alone.projector->Flush().ok());
  ASSERT_TRUE(beside.projector->Flush().ok());
  EXPECT_EQ(contents(*alone.kv), contents(*beside.kv));
}

// What a write that failed was to write is gone: folding goes on after a new start only.
TEST_F(ProjectorTest, AWriteThatFailsStopsTheFold) {
  Folding folding(script_, 4);
  ASSERT_TRUE(folding.projector->Step(3).ok());
  folding.faults.Fail(storage::MemoryOp::kWrite, 1, {absl::ResourceExhaustedError("full"), false});
  EXPECT_TRUE(absl::IsResourceExhausted(folding.projector->Step(3).status()));
  EXPECT_TRUE(absl::IsResourceExhausted(folding.projector->Step(3).status()));
  EXPECT_TRUE(absl::IsResourceExhausted(folding.projector->Write()));
  EXPECT_EQ(folding.projector->written(), domain::Position());
  ASSERT_TRUE(folding.Open().ok());
  ASSERT_TRUE(folding.projector->Step(100).ok());
  EXPECT_EQ(folding.projector->written(), domain::Position(7));
}

// A store of the version before has a watermark without a format.
TEST_F(ProjectorTest, TotalsOfAnotherFormatMustBeFoldedAgain) {
  Folding folding(script_, 1);
  ASSERT_TRUE(folding.projector->Step(100).ok());
  std::string watermark = *folding.kv->Get(storage::WatermarkKey());
  for (const std::string& other : {watermark.substr(1), "\x03" + watermark.substr(1)}) {
    storage::Batch batch;
    batch.Put(storage::WatermarkKey(), other);
    ASSERT_TRUE(folding.kv->Write(batch, false).ok());
    EXPECT_TRUE(absl::IsAborted(folding.Open()));
  }
}

// A log that went back, and another one, are not folded in silence.
TEST_F(ProjectorTest, TotalsOfAnotherLogAreRefused) {
  Folding folding(script_, 1);
  ASSERT_TRUE(folding.projector->Step(100).ok());
  LedgerScript shorter(services::CheckRules);
  EXPECT_SCRIPT(shorter, "divisions 141100   => revised @1, 1 added");
  folding.projector = nullptr;
  EXPECT_TRUE(
      absl::IsDataLoss(Projector::Open(shorter.log(), *folding.totals, folding.options).status()));
  LedgerScript parted(services::CheckRules);
  EXPECT_SCRIPT(parted, kHistory);
  EXPECT_TRUE(Projector::Open(parted.log(), *folding.totals, folding.options).ok())
      << "the same events make the same log";
  LedgerScript different(services::CheckRules);
  different.clock().Advance(absl::Seconds(1));
  EXPECT_SCRIPT(different, kHistory);
  EXPECT_TRUE(absl::IsDataLoss(
      Projector::Open(different.log(), *folding.totals, folding.options).status()));
}

// What an operator has left out since was counted: totals must be made again.
TEST_F(ProjectorTest, TotalsThatCountWhatIsLeftOutMustBeFoldedAgain) {
  Folding folding(script_, 1);
  ASSERT_TRUE(folding.projector->Step(100).ok());
  domain::QuarantineOrder order;
  order.position = order.stopped_at = domain::Position(7);
  Commit(order);
  EXPECT_TRUE(absl::IsAborted(folding.Open()));
}

// Once an operator has it left out, nothing is stopped: not only when the fold comes to it.
TEST_F(ProjectorTest, WhatIsLeftOutStopsNothing) {
  // A posting whose functional code has no level, as no statement of ours makes it.
  domain::Posting posting;
  posting.key = {141100, 2024, domain::Stage::kApproved, "101001"};
  posting.department = "101";
  posting.revision = 1;
  posting.cells.items.resize(1);
  posting.cells.items[0].key.functional = 5000;
  posting.cells.items[0].value.counts[0] = 1;
  const std::string payload =
      storage::EncodeUpstream({"city",
                               {std::string(16, 'c'), domain::Position(1), {}, 0, {}},
                               storage::EncodePosting(posting)});
  domain::EventHeader header;
  header.kind = domain::EventKind::kUpstream;
  header.payload_digest = Sha256({payload});
  storage::EventLog::Head head = script_.log().head();
  storage::LogGroup events;
  events.commit_time_us = header.commit_time_us = head.commit_time_us;
  events.entries = {storage::NextEntry(header, payload, &head)};
  ASSERT_TRUE(script_.log().Append(std::move(events)).ok());

  Folding folding(script_);
  ASSERT_TRUE(folding.projector->Step(100).ok());
  EXPECT_EQ(folding.projector->stopped_at(), domain::Position(8));
  EXPECT_FALSE(folding.projector->stop().ok());
  domain::QuarantineOrder order;
  order.position = order.stopped_at = domain::Position(8);
  Commit(order);
  EXPECT_EQ(folding.projector->stopped_at(), domain::Position());
  EXPECT_TRUE(folding.projector->stop().ok());
  ASSERT_TRUE(folding.projector->Step(100).ok());
  EXPECT_EQ(folding.projector->folded(), domain::Position(9));
}

TEST_F(ProjectorTest, AWaitEndsWhenThePositionIsFoldedOrAllWaitsEnd) {
  Folding folding(script_);
  ASSERT_TRUE(folding.projector->Step(100).ok());
  EXPECT_TRUE(folding.projector->WaitFolded(domain::Position(7), absl::InfiniteFuture()));
  EXPECT_FALSE(folding.projector->WaitFolded(domain::Position(8), absl::InfinitePast()));
  folding.projector->StopWaiting();
  EXPECT_FALSE(folding.projector->WaitFolded(domain::Position(8), absl::InfiniteFuture()));
}

}  // namespace
}  // namespace fiscal::testing
