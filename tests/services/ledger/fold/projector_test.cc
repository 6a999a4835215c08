// The log becomes totals: in steps, whole groups at a time, and what a start does with what is
// there.
#include "services/ledger/fold/projector.h"

#include <memory>
#include <string>
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
  explicit Folding(LedgerScript& script, storage::StrideBounds stride = {}) : script(script) {
    options.stride = stride;
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
  std::unique_ptr<storage::MemoryKv> kv = *storage::MemoryKv::Open(disk, {false, nullptr});
  std::unique_ptr<storage::TotalsStore> totals = *storage::TotalsStore::Open(*kv);
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

TEST_F(ProjectorTest, PostingsAreReadInOrderAndGroupsWhole) {
  Folding folding(script_, {1, 1});
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

TEST_F(ProjectorTest, AStartGoesOnBehindTheLastWholeStride) {
  Folding folding(script_, {4, 1000});
  ASSERT_TRUE(folding.projector->Step(100).ok());
  EXPECT_EQ(folding.projector->folded(), domain::Position(7));
  ASSERT_TRUE(folding.Open().ok());
  EXPECT_EQ(folding.projector->folded(), domain::Position(4));
  ASSERT_TRUE(folding.projector->Step(100).ok());
  EXPECT_EQ(folding.projector->folded(), domain::Position(7));
  EXPECT_EQ(folding.projector->events_folded(), 3);
}

// A log that went back, and another one, are not folded in silence.
TEST_F(ProjectorTest, TotalsOfAnotherLogAreRefused) {
  Folding folding(script_, {1, 1});
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
  Folding folding(script_, {1, 1});
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
