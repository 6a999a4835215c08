// One suite for every log: a local one over RocksDB and over memory. What the simulation learns of
// a log over memory holds for the one on disk because both pass here.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "storage/anchor.h"
#include "storage/event_log.h"
#include "storage/ledger.h"
#include "storage/local_log.h"
#include "storage/memory/memory_kv.h"
#include "storage/paired_kv.h"
#include "storage/record_codec.h"
#include "storage/rocks/rocks_kv.h"
#include "storage/schema.h"
#include "tests/simulation/wrapped_kv.h"

namespace fiscal::storage {
namespace {

constexpr char kId[] = "0123456789abcdef";
const domain::BudgetKey kBudget = {141100, 2024, domain::Stage::kApproved, "031001"};

struct Kind {
  const char* name;
  bool rocks;
};

// A store without room when it is told so.
class FullKv final : public simulation::WrappedKv {
 public:
  using WrappedKv::WrappedKv;
  absl::Status Write(Batch batch, bool sync) override {
    return full ? absl::ResourceExhaustedError("no space") : kv_.Write(std::move(batch), sync);
  }
  bool full = false;
};

// A log that can be closed and opened again, with its ledger.
class LogContractTest : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "/fiscal-log-contract-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    path_ = name;
    Open();
  }
  void TearDown() override {
    Close();
    std::filesystem::remove_all(path_);
  }

  void Close() {
    log_.reset();
    kv_.reset();
    full_kv_.reset();
    ledger_kv_.reset();
    log_kv_.reset();
    anchor_.reset();
  }
  void Open() {
    Close();
    if (GetParam().rocks) {
      RocksOptions options;
      options.path = path_ + "/log";
      options.ordered_kinds = kLogOrderedKinds;
      auto kv = RocksKv::Open(options);
      ASSERT_TRUE(kv.ok()) << kv.status();
      log_kv_ = *std::move(kv);
      anchor_ = std::make_unique<FileAnchor>(path_ + "/anchor");
    } else {
      log_kv_ = *MemoryKv::Open(log_disk_, {true, nullptr});
      anchor_ = std::make_unique<MemoryAnchor>(anchor_disk_);
    }
    ledger_kv_ = *MemoryKv::Open(ledger_disk_, {false, nullptr});
    full_kv_ = std::make_unique<FullKv>(*log_kv_);
    kv_ = std::make_unique<PairedKv>(*full_kv_, *ledger_kv_);
    auto log = LocalLog::Open(*kv_, *anchor_, kId);
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
    ASSERT_TRUE(CatchUp(*log_, *kv_).ok());
  }

  // Its time is the number of its group in milliseconds, unless it is said.
  void Event(domain::EventKind kind, const std::string& payload, EventLog::Head* head,
             LogGroup* group, int64_t time_us = 0) {
    if (time_us == 0) time_us = static_cast<int64_t>(1000 * (head->group + 1));
    domain::EventHeader header;
    header.kind = kind;
    header.commit_time_us = group->commit_time_us = time_us;
    header.payload_digest = Sha256({payload});
    group->entries.push_back(NextEntry(header, payload, head));
  }
  // A group of catalog events with names of these sizes.
  absl::Status Append(const std::vector<size_t>& name_bytes) {
    EventLog::Head head = log_->head();
    LogGroup group;
    for (size_t bytes : name_bytes) {
      domain::CatalogEvent event{141100, 2024, domain::CatalogList::kDivision, {}};
      event.entries.push_back({"141100", std::string(bytes, 'n')});
      Event(domain::EventKind::kCatalog, EncodeCatalog(event), &head, &group);
    }
    return log_->Append(std::move(group));
  }
  absl::Status AppendOne(domain::EventKind kind, const std::string& payload, int64_t time_us = 0) {
    EventLog::Head head = log_->head();
    LogGroup group;
    Event(kind, payload, &head, &group, time_us);
    return log_->Append(std::move(group));
  }
  // A group that is only an answer.
  absl::Status Answer(const std::string& request_id) {
    Ledger ledger(*kv_, *log_, log_->head().group + 1);
    ledger.KeepAnswer("somebody", request_id, Sha256({request_id}), {});
    LogGroup group;
    ledger.MoveTo(&group.ledger);
    group.record = ledger.TakeRecord();
    return log_->Append(std::move(group));
  }

  // All that a log says of itself, as text to compare.
  std::string Shown() {
    const EventLog::Head head = log_->head();
    std::string out =
        absl::StrCat(log_->log_id(), " ", head.position.value(), " ", head.commit_time_us, " ",
                     head.group, " ", log_->tree().size(), ";");
    auto add = [&](const Digest& digest) { absl::StrAppend(&out, BytesOf(digest), ";"); };
    add(head.chain_hash);
    add(head.groups_hash);
    add(*log_->tree().Root(head.position.value()));
    for (domain::Position p(1); p <= head.position; ++p) {
      const auto entry = log_->Read(p);
      EXPECT_TRUE(entry.ok()) << entry.status();
      if (!entry.ok()) return out;
      EXPECT_EQ(entry->position, p);
      EXPECT_EQ(*log_->ChainAt(p), entry->chain_hash);
      EXPECT_EQ(log_->ReadBytes(p, 0, entry->record->size()).value(), *entry->record);
      add(entry->chain_hash);
      absl::StrAppend(&out, *entry->record, ";");
    }
    for (uint64_t group = 1; group <= head.group; ++group) {
      const auto record = log_->ReadGroup(group);
      EXPECT_TRUE(record.ok()) << record.status();
      if (!record.ok()) return out;
      absl::StrAppend(&out, record->first_position.value(), "+", record->event_count, " ",
                      record->answers.size(), ";");
      add(*log_->GroupsHashAt(group));
    }
    EXPECT_TRUE(absl::IsNotFound(log_->Read(head.position + 1).status()));
    EXPECT_TRUE(absl::IsNotFound(log_->ChainAt(head.position + 1).status()));
    EXPECT_TRUE(absl::IsNotFound(log_->ReadBytes(head.position + 1, 0, 1).status()));
    EXPECT_TRUE(absl::IsNotFound(log_->ReadGroup(head.group + 1).status()));
    EXPECT_TRUE(absl::IsNotFound(log_->GroupsHashAt(head.group + 1).status()));
    return out;
  }

  static std::map<Key, std::string> Contents(const Kv& kv) {
    std::map<Key, std::string> contents;
    auto it = kv.NewIterator({}, {});
    for (it->Seek({}); it->Valid(); it->Next()) contents[Key(it->key())] = std::string(it->value());
    EXPECT_TRUE(it->status().ok());
    return contents;
  }

  std::string path_;
  MemoryDisk log_disk_, ledger_disk_;
  MemoryAnchorDisk anchor_disk_;
  std::unique_ptr<Anchor> anchor_;
  std::unique_ptr<Kv> log_kv_;
  std::unique_ptr<MemoryKv> ledger_kv_;
  std::unique_ptr<FullKv> full_kv_;
  std::unique_ptr<PairedKv> kv_;
  std::unique_ptr<EventLog> log_;
};

TEST_P(LogContractTest, ANewLogHasANameAndNothingElse) {
  EXPECT_EQ(log_->log_id(), kId);
  EXPECT_FALSE(log_->copied());
  const EventLog::Head head = log_->head();
  EXPECT_EQ(head.position, domain::Position());
  EXPECT_EQ(head.group, 0u);
  EXPECT_EQ(head.chain_hash, Digest{});
  EXPECT_EQ(head.groups_hash, Digest{});
  EXPECT_EQ(*log_->ChainAt(domain::Position()), Digest{});
  EXPECT_EQ(*log_->GroupsHashAt(0), Digest{});
  EXPECT_EQ(log_->tree().size(), 0u);
  EXPECT_TRUE(log_->CatalogEvents(domain::Position::Max())->empty());
  EXPECT_TRUE(log_->operators()->keys().empty());
  EXPECT_EQ(*log_->AsOf(1 << 30), domain::Position());
  const std::string shown = Shown();
  Open();
  EXPECT_EQ(Shown(), shown);
}

TEST_P(LogContractTest, WhatWasAppendedIsThereForEver) {
  ASSERT_TRUE(Append({10}).ok());
  ASSERT_TRUE(Append({10, 20, 30}).ok());
  ASSERT_TRUE(Answer("nothing new").ok());
  ASSERT_TRUE(Append(std::vector<size_t>(300, 5)).ok());
  EXPECT_EQ(log_->head().position, domain::Position(304));
  EXPECT_EQ(log_->head().group, 4u);
  EXPECT_EQ(log_->tree().size(), 304u);
  const std::string shown = Shown();
  Open();
  EXPECT_EQ(Shown(), shown);
  ASSERT_TRUE(log_->Settle().ok());
  EXPECT_EQ(Shown(), shown);
  Open();
  EXPECT_EQ(Shown(), shown);
  ASSERT_TRUE(Append({10}).ok());
  EXPECT_EQ(log_->head().position, domain::Position(305));
}

// The chain and the tree are over the leaves of the records.
TEST_P(LogContractTest, ChainAndTreeAreThoseOfTheRecords) {
  ASSERT_TRUE(Append({1, 2}).ok());
  ASSERT_TRUE(Append({3}).ok());
  Digest chain{};
  std::vector<Digest> leaves;
  for (domain::Position p(1); p <= domain::Position(3); ++p) {
    const std::string record = *log_->Read(p)->record;
    leaves.push_back(*LeafHash(record));
    chain = ChainHash(chain, leaves.back());
    EXPECT_EQ(*log_->ChainAt(p), chain);
    domain::EventHeader header;
    const std::string head = *log_->ReadRecordHead(p, &header);
    EXPECT_EQ(header.position, p);
    EXPECT_EQ(LeafHashOfHeader(head), leaves.back());
    EXPECT_EQ(record.substr(0, head.size()), head);
  }
  EXPECT_EQ(log_->head().chain_hash, chain);
  EXPECT_EQ(*log_->tree().Root(3), MerkleNode(MerkleNode(leaves[0], leaves[1]), leaves[2]));
  domain::EventHeader header;
  EXPECT_TRUE(absl::IsNotFound(log_->ReadRecordHead(domain::Position(4), &header).status()));
}

// A large record comes back whole and in parts, from memory and from the store.
TEST_P(LogContractTest, LargeRecordsAreReadWholeAndInParts) {
  for (size_t size : {size_t{1}, kSegmentBytes - 250, kSegmentBytes, 5 * kSegmentBytes + 77})
    ASSERT_TRUE(Append({size}).ok());
  const std::string shown = Shown();
  for (int round = 0; round < 2; ++round) {
    for (domain::Position p(1); p <= domain::Position(4); ++p) {
      const std::string record = *log_->Read(p)->record;
      EXPECT_TRUE(LeafHash(record).ok());
      const uint64_t size = record.size();
      for (uint64_t offset = 0; offset < size; offset += 1 + size / 7) {
        const uint64_t n = std::min<uint64_t>(size - offset, 40000);
        EXPECT_EQ(*log_->ReadBytes(p, offset, n), record.substr(offset, n));
      }
      EXPECT_TRUE(absl::IsOutOfRange(log_->ReadBytes(p, size - 1, 2).status()));
      EXPECT_TRUE(absl::IsOutOfRange(log_->ReadBytes(p, size + 1, 1).status()));
    }
    Open();
  }
  EXPECT_EQ(Shown(), shown);
}

TEST_P(LogContractTest, GroupsSayWhatWasAnswered) {
  ASSERT_TRUE(Append({1, 2}).ok());
  ASSERT_TRUE(Answer("r1").ok());
  ASSERT_TRUE(Append({3}).ok());
  EXPECT_EQ(log_->ReadGroup(1)->first_position, domain::Position(1));
  EXPECT_EQ(log_->ReadGroup(1)->end(), domain::Position(3));
  const GroupRecord answer = *log_->ReadGroup(2);
  EXPECT_EQ(answer.first_position, domain::Position(3));
  EXPECT_EQ(answer.event_count, 0u);
  ASSERT_EQ(answer.answers.size(), 1u);
  EXPECT_EQ(answer.answers[0].request_id, "r1");
  EXPECT_EQ(log_->ReadGroup(3)->first_position, domain::Position(3));
  EXPECT_EQ(*log_->GroupsHashAt(3), log_->head().groups_hash);
  EXPECT_NE(*log_->GroupsHashAt(2), *log_->GroupsHashAt(3));
  // An answer alone is no event: the time stays.
  EXPECT_EQ(log_->head().commit_time_us, 3000);
}

TEST_P(LogContractTest, TimesFindPositions) {
  EXPECT_EQ(*log_->AsOf(99999), domain::Position());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Append({1}).ok());
  ASSERT_TRUE(Append({1, 1}).ok());
  EXPECT_EQ(*log_->AsOf(999), domain::Position());
  EXPECT_EQ(*log_->AsOf(1000), domain::Position(1));
  EXPECT_EQ(*log_->AsOf(5999), domain::Position(5));
  EXPECT_EQ(*log_->AsOf(10999), domain::Position(10));
  EXPECT_EQ(*log_->AsOf(11000), domain::Position(12));
  EXPECT_EQ(*log_->AsOf(1 << 30), domain::Position(12));
}

// Each event counts as committed at the least time of itself and all that follow it.
TEST_P(LogContractTest, TimesFindPositionsWhereTheClockWasCorrected) {
  // Ahead, corrected, ahead again, and corrected to before the first correction.
  const int64_t times[] = {1000, 2000, 9000, 9500, 3000, 3500, 7000, 2500, 2600};
  int64_t before = 0;
  for (int64_t time : times) {
    ASSERT_TRUE(AppendOne(domain::EventKind::kClock, EncodeClock({before, ""}), time).ok());
    before = time;
  }
  for (int round = 0; round < 2; ++round) {
    for (int64_t asked = 500; asked <= 10000; asked += 100) {
      uint64_t expected = 0;
      int64_t least = INT64_MAX;
      for (uint64_t i = std::size(times); i > 0; --i) {
        least = std::min(least, times[i - 1]);
        if (expected == 0 && least <= asked) expected = i;
      }
      EXPECT_EQ(*log_->AsOf(asked), domain::Position(expected)) << asked;
    }
    EXPECT_EQ(log_->head().commit_time_us, 2600);
    Open();
  }
}

TEST_P(LogContractTest, CatalogsAndOperatorsAreListed) {
  ASSERT_TRUE(Append({1}).ok());
  domain::QuarantineEvent quarantine;
  quarantine.position = domain::Position(1);
  quarantine.budget = kBudget;
  quarantine.reason = "malformed";
  ASSERT_TRUE(AppendOne(domain::EventKind::kQuarantine, EncodeQuarantine(quarantine)).ok());
  ASSERT_TRUE(Append({1, 1}).ok());
  ASSERT_TRUE(AppendOne(domain::EventKind::kKey, EncodeKeyEvent({"a key", ""})).ok());
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(*log_->CatalogEvents(domain::Position::Max()),
              (std::vector<domain::Position>{domain::Position(1), domain::Position(3),
                                             domain::Position(4)}));
    EXPECT_EQ(*log_->CatalogEvents(domain::Position(3)),
              (std::vector<domain::Position>{domain::Position(1), domain::Position(3)}));
    const std::shared_ptr<const OperatorEvents> operators = log_->operators();
    EXPECT_TRUE(operators->LeavesOut(domain::Position(1)));
    EXPECT_TRUE(operators->LeavesOut(kBudget));
    ASSERT_EQ(operators->keys().size(), 1u);
    EXPECT_EQ(operators->keys()[0].event.public_key_pem, "a key");
    EXPECT_EQ(operators->keys()[0].position, domain::Position(5));
    Open();
  }
  // What was handed out does not change.
  const std::shared_ptr<const OperatorEvents> before = log_->operators();
  ASSERT_TRUE(AppendOne(domain::EventKind::kKey, EncodeKeyEvent({"another", ""})).ok());
  EXPECT_EQ(before->keys().size(), 1u);
  EXPECT_EQ(log_->operators()->keys().size(), 2u);
}

TEST_P(LogContractTest, ARefusedGroupChangesNothing) {
  ASSERT_TRUE(Append({1, 2}).ok());
  ASSERT_TRUE(Answer("r1").ok());
  const std::string shown = Shown();
  const auto ledger = Contents(*ledger_kv_);
  full_kv_->full = true;
  EXPECT_TRUE(absl::IsResourceExhausted(Append(std::vector<size_t>(300, 5))));
  EXPECT_TRUE(absl::IsResourceExhausted(Answer("r2")));
  EXPECT_TRUE(
      absl::IsResourceExhausted(AppendOne(domain::EventKind::kKey, EncodeKeyEvent({"a key", ""}))));
  EXPECT_EQ(Shown(), shown);
  EXPECT_TRUE(log_->operators()->keys().empty());
  EXPECT_EQ(Contents(*ledger_kv_), ledger);
  full_kv_->full = false;
  Open();
  EXPECT_EQ(Shown(), shown);
  ASSERT_TRUE(Append({3}).ok());
  EXPECT_EQ(log_->head().position, domain::Position(3));
  EXPECT_EQ(log_->head().group, 3u);
}

TEST_P(LogContractTest, AfterARefusalTheNextGroupTakesItsPlace) {
  ASSERT_TRUE(Append({1}).ok());
  full_kv_->full = true;
  EXPECT_TRUE(absl::IsResourceExhausted(Append({2})));
  full_kv_->full = false;
  ASSERT_TRUE(Append({3}).ok());
  const std::string shown = Shown();
  Open();
  EXPECT_EQ(Shown(), shown);
  EXPECT_EQ(log_->head().position, domain::Position(2));
}

// The ledger is level after each group, and the log alone gives the same bytes.
TEST_P(LogContractTest, TheLedgerFollows) {
  ASSERT_TRUE(Answer("r1").ok());
  ASSERT_TRUE(Append({1}).ok());
  ASSERT_TRUE(Answer("r2").ok());
  ASSERT_TRUE(CatchUp(*log_, *kv_).ok());
  Ledger ledger(*kv_, *log_, log_->head().group + 1);
  for (const char* id : {"r1", "r2"}) {
    const auto answered = ledger.FindAnswer("somebody", id);
    ASSERT_TRUE(answered.ok()) << answered.status();
    ASSERT_TRUE(answered->has_value());
    EXPECT_EQ((*answered)->body, Sha256({id}));
  }
  EXPECT_FALSE(ledger.FindAnswer("somebody", "r3")->has_value());
  MemoryDisk disk;
  const auto again = *MemoryKv::Open(disk, {false, nullptr});
  ASSERT_TRUE(CatchUp(*log_, *again).ok());
  EXPECT_EQ(Contents(*again), Contents(*ledger_kv_));
  // One that is ahead of the log is no ledger of it.
  LedgerMark mark = *DecodeLedgerMark(*again->Get(LedgerMarkKey()));
  ++mark.group;
  Batch batch;
  batch.Put(LedgerMarkKey(), EncodeLedgerMark(mark));
  ASSERT_TRUE(again->Write(batch, false).ok());
  EXPECT_TRUE(absl::IsDataLoss(CatchUp(*log_, *again)));
}

TEST_P(LogContractTest, AWaitEndsWithTheNextEvent) {
  EXPECT_FALSE(log_->WaitPast(domain::Position(), absl::InfinitePast()));
  std::thread waiter([&] {
    EXPECT_TRUE(log_->WaitPast(domain::Position(), absl::InfiniteFuture()));
    EXPECT_TRUE(log_->WaitPast(domain::Position(1), absl::InfiniteFuture()));
    EXPECT_TRUE(log_->Read(domain::Position(2)).ok());
  });
  ASSERT_TRUE(Append({1}).ok());
  // No event, so nothing to hear of.
  ASSERT_TRUE(Answer("r1").ok());
  EXPECT_FALSE(log_->WaitPast(domain::Position(1), absl::InfinitePast()));
  ASSERT_TRUE(Append({2}).ok());
  waiter.join();
  EXPECT_TRUE(log_->WaitPast(domain::Position(1), absl::InfinitePast()));
}

TEST_P(LogContractTest, StoppedWaitsEndAtOnce) {
  EXPECT_FALSE(log_->stopped());
  std::thread waiter(
      [&] { EXPECT_FALSE(log_->WaitPast(domain::Position(), absl::InfiniteFuture())); });
  log_->StopWaiting();
  waiter.join();
  EXPECT_TRUE(log_->stopped());
  EXPECT_FALSE(log_->WaitPast(domain::Position(), absl::InfiniteFuture()));
  ASSERT_TRUE(Append({1}).ok());
  EXPECT_TRUE(log_->Read(domain::Position(1)).ok());
  EXPECT_TRUE(log_->WaitPast(domain::Position(), absl::InfiniteFuture()));
}

TEST_P(LogContractTest, ReadersSeeWholeGroupsWhileItGrows) {
  std::atomic<bool> done = false;
  std::thread reader([&] {
    while (!done) {
      const EventLog::Head head = log_->head();
      EXPECT_EQ(head.position.value(), 3 * head.group);
      EXPECT_LE(head.position.value(), log_->tree().size());
      if (head.position.zero()) continue;
      EXPECT_EQ(*log_->ChainAt(head.position), head.chain_hash);
      EXPECT_EQ(log_->Read(head.position)->chain_hash, head.chain_hash);
      EXPECT_EQ(log_->ReadGroup(head.group)->end(), head.position + 1);
    }
  });
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(Append({1, 20, 300}).ok());
  done = true;
  reader.join();
}

INSTANTIATE_TEST_SUITE_P(All, LogContractTest,
                         ::testing::Values(Kind{"LocalOverMemory", false},
                                           Kind{"LocalOverRocks", true}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace fiscal::storage
