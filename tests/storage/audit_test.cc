// The audit log over a store in memory and over RocksDB.
#include "storage/audit.h"

#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "clients/cpp/log_proof.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/memory/memory_kv.h"
#include "storage/rocks/rocks_kv.h"

namespace fiscal::storage {
namespace {

using absl::BytesToHexString;
using domain::AuditEntry;
using domain::AuditOutcome;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Noon of a day in Asia/Shanghai.
absl::Time Noon(int day) {
  return absl::FromCivil(absl::CivilSecond(2026, 1, day, 12, 0, 0),
                         absl::FixedTimeZone(8 * 60 * 60));
}

AuditEntry Entry(absl::Time time, const std::string& principal = "dns:a.example",
                 AuditOutcome outcome = AuditOutcome::kAllowed) {
  AuditEntry entry;
  entry.time_us = absl::ToUnixMicros(time);
  entry.principal = principal;
  entry.connection = "ipv4:10.1.2.3:40404";
  entry.method = "fiscal.aggregation.v1.AggregationService/GetTotal";
  entry.outcome = outcome;
  return entry;
}

// What is written must be read by every later version.
TEST(AuditCodecTest, GoldenBytes) {
  AuditEntry entry = Entry(absl::FromUnixMicros(1767240000000000));
  entry.principal = "dns:a";
  entry.connection = "ipv4:1";
  entry.method = "S/M";
  entry.outcome = AuditOutcome::kDenied;
  entry.reason = "DENIED";
  entry.missing_verb = "VERB_WRITE";
  entry.scope = "division 141100";
  entry.request_id = "r-1";
  entry.trace_id = "0af7";
  entry.sequence = 7;
  const std::string bytes = EncodeAuditEntry(entry);
  EXPECT_EQ(BytesToHexString(bytes),
            "010280c0f686f4d2a30605646e733a6106697076343a3103532f4d0644454e4945440a564552425f5752"
            "4954450f6469766973696f6e2031343131303003722d310430616637");
  EXPECT_EQ(*DecodeAuditEntry(7, bytes), entry);
  EXPECT_EQ(BytesToHexString(BytesOf(AuditLeafHash(bytes))),
            BytesToHexString(BytesOf(Sha256({absl::string_view("\0", 1), bytes}))));

  AuditEntry lost;
  lost.sequence = 8;
  lost.outcome = AuditOutcome::kLost;
  lost.time_us = 3;
  lost.lost_count = 300;
  lost.lost_from_us = 1;
  lost.lost_to_us = 2;
  EXPECT_EQ(BytesToHexString(EncodeAuditEntry(lost)), "010506ac020204");
  EXPECT_EQ(*DecodeAuditEntry(8, EncodeAuditEntry(lost)), lost);

  EXPECT_EQ(BytesToHexString(AuditEntryKey(258).encoded()), "300000000000000102");
  EXPECT_EQ(BytesToHexString(AuditStartKey().encoded()), "31");
  EXPECT_EQ(*DecodeAuditEntryKey(AuditEntryKey(258)), 258u);
  EXPECT_FALSE(DecodeAuditEntryKey(AuditStartKey()).ok());
  EXPECT_EQ(NameOf(AuditEntryKey(258)), "audit entry 258");
}

TEST(AuditCodecTest, WhatIsCutOrOfAnotherKindIsNoEntry) {
  const std::string bytes = EncodeAuditEntry(Entry(Noon(1)));
  for (size_t n = 0; n < bytes.size(); ++n)
    EXPECT_TRUE(absl::IsDataLoss(DecodeAuditEntry(1, bytes.substr(0, n)).status())) << n;
  for (const char outcome : {'\0', '\6'}) {
    std::string other = bytes;
    other[1] = outcome;
    EXPECT_FALSE(DecodeAuditEntry(1, other).ok());
  }
  EXPECT_FALSE(DecodeAuditEntry(1, bytes + "x").ok());
  EXPECT_FALSE(DecodeAuditEntry(1, "\x02" + bytes.substr(1)).ok());
}

class AuditLogTest : public ::testing::TestWithParam<bool> {
 protected:
  AuditLogTest() {
    static int n = 0;
    path_ =
        (std::filesystem::temp_directory_path() / absl::StrCat("fiscal-audit-", getpid(), "-", n++))
            .string();
    Open();
  }
  ~AuditLogTest() override {
    Close();
    std::filesystem::remove_all(path_);
  }

  void Open() {
    Close();
    if (GetParam()) {
      RocksOptions options;
      options.path = path_;
      options.ordered_kinds = kAuditOrderedKinds;
      auto kv = RocksKv::Open(options);
      ASSERT_TRUE(kv.ok()) << kv.status();
      kv_ = *std::move(kv);
    } else {
      auto kv = MemoryKv::Open(disk_, {/*wal=*/true, nullptr});
      ASSERT_TRUE(kv.ok()) << kv.status();
      kv_ = *std::move(kv);
    }
    auto log = AuditLog::Open(*kv_);
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
  }
  void Close() {
    log_.reset();
    kv_.reset();
  }

  void Append(std::vector<AuditEntry> entries) {
    const absl::Status status = log_->Append(absl::MakeSpan(entries));
    ASSERT_TRUE(status.ok()) << status;
  }
  void AppendMany(int count, absl::Time time) {
    Append(std::vector<AuditEntry>(static_cast<size_t>(count), Entry(time)));
  }
  void PruneAll(absl::Time before) {
    for (bool more = true; more;) {
      const auto pruned = log_->Prune(before);
      ASSERT_TRUE(pruned.ok()) << pruned.status();
      more = *pruned;
    }
  }

  AuditPage List(const AuditQuery& query) {
    auto page = log_->List(query, [](uint64_t) { return absl::OkStatus(); });
    EXPECT_TRUE(page.ok()) << page.status();
    return page.ok() ? *std::move(page) : AuditPage();
  }
  // Sequences of all pages.
  std::vector<uint64_t> Found(AuditQuery query) {
    std::vector<uint64_t> found;
    do {
      const AuditPage page = List(query);
      for (const AuditPage::Row& row : page.rows) found.push_back(row.entry.sequence);
      query.after = page.next;
    } while (query.after != 0);
    return found;
  }
  AuditLog::Head Head() {
    const auto head = log_->head();
    EXPECT_TRUE(head.ok()) << head.status();
    return head.ok() ? *head : AuditLog::Head();
  }

  std::string path_;
  MemoryDisk disk_;
  std::unique_ptr<Kv> kv_;
  std::unique_ptr<AuditLog> log_;
};

INSTANTIATE_TEST_SUITE_P(Kvs, AuditLogTest, ::testing::Bool(), [](const auto& info) {
  return std::string(info.param ? "Rocks" : "Memory");
});

TEST_P(AuditLogTest, AQuestionFindsWhatItAsksFor) {
  EXPECT_EQ(Head().size, 0u);
  EXPECT_EQ(Head().root, EmptyMerkleRoot());
  EXPECT_THAT(Found({}), IsEmpty());
  AuditEntry write = Entry(Noon(3), "spiffe://t/agency/b", AuditOutcome::kFailed);
  write.method = "fiscal.submission.v1.SubmissionService/SubmitBudget";
  Append({Entry(Noon(1)), Entry(Noon(2), "spiffe://t/agency/a", AuditOutcome::kDenied)});
  Append({write, Entry(Noon(3)), Entry(Noon(4), "spiffe://t/agency/ab")});
  EXPECT_EQ(Head().size, 5u);
  EXPECT_EQ(Head().first, 1u);

  AuditQuery q;
  EXPECT_THAT(Found(q), ElementsAre(5, 4, 3, 2, 1));
  q.oldest_first = true;
  EXPECT_THAT(Found(q), ElementsAre(1, 2, 3, 4, 5));
  q.limit = 2;
  EXPECT_THAT(Found(q), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(List(q).next, 2u);
  q.from = Noon(2);
  EXPECT_THAT(Found(q), ElementsAre(2, 3, 4, 5));
  q.to = Noon(3);
  EXPECT_THAT(Found(q), ElementsAre(2));
  q.to = Noon(4);
  q.oldest_first = false;
  EXPECT_THAT(Found(q), ElementsAre(4, 3, 2));
  EXPECT_THAT(Found({.from = Noon(5)}), IsEmpty());
  EXPECT_THAT(Found({.to = Noon(1)}), IsEmpty());
  EXPECT_THAT(Found({.principal = "spiffe://t/agency/a"}), ElementsAre(2));
  EXPECT_THAT(Found({.principal = "spiffe://t/agency/a", .principal_prefix = true}),
              ElementsAre(5, 2));
  EXPECT_THAT(Found({.outcome = AuditOutcome::kDenied}), ElementsAre(2));
  EXPECT_THAT(Found({.method = write.method}), ElementsAre(3));
  write.sequence = 3;
  EXPECT_EQ(List({.method = write.method}).rows.at(0).entry, write);
}

TEST_P(AuditLogTest, ALongWayToNothingIsDoneInPages) {
  AppendMany(70000, Noon(1));
  const AuditPage page = List({.principal = "nobody"});
  EXPECT_THAT(page.rows, IsEmpty());
  EXPECT_GT(page.next, 1u);
  EXPECT_THAT(Found({.principal = "nobody"}), IsEmpty());
  const auto stopped = log_->List({}, [](uint64_t) { return absl::CancelledError("left"); });
  EXPECT_TRUE(absl::IsCancelled(stopped.status()));
}

TEST_P(AuditLogTest, TimesNeverDecreaseAlsoAfterwards) {
  Append({Entry(Noon(2)), Entry(Noon(1))});
  EXPECT_EQ(List({}).rows.at(0).entry.time_us, absl::ToUnixMicros(Noon(2)));
  Open();
  Append({Entry(Noon(1))});
  EXPECT_EQ(List({}).rows.at(0).entry.time_us, absl::ToUnixMicros(Noon(2)));
  Append({Entry(Noon(8))});
  PruneAll(Noon(20));
  Open();
  Append({Entry(Noon(3))});
  EXPECT_EQ(List({}).rows.at(0).entry.time_us, absl::ToUnixMicros(Noon(8)));
}

// The tree is that of RFC 9162 over the entries, whichever way it came to be.
TEST_P(AuditLogTest, ItsTreeIsThatOfItsEntriesAndIsTheSameWhenOpenedAgain) {
  for (int i = 0; i < 40; ++i) AppendMany(17, Noon(1) + absl::Seconds(i));
  const AuditLog::Head before = Head();
  std::vector<Digest> row;
  AuditQuery all;
  all.oldest_first = true;
  all.limit = 1000;
  for (const AuditPage::Row& r : List(all).rows) row.push_back(r.leaf_hash);
  ASSERT_EQ(row.size(), before.size);
  const std::function<Digest(size_t, size_t)> root = [&](size_t begin, size_t end) {
    if (end - begin == 1) return row[begin];
    size_t k = 1;
    while (2 * k < end - begin) k *= 2;
    return MerkleNode(root(begin, begin + k), root(begin + k, end));
  };
  EXPECT_EQ(root(0, row.size()), before.root);
  Open();
  EXPECT_EQ(Head().root, before.root);
  EXPECT_EQ(Head().size, before.size);
}

TEST_P(AuditLogTest, WholeDaysGoAndStayProvable) {
  AppendMany(300, Noon(1));
  Append({Entry(Noon(2), "dns:kept.example")});
  AppendMany(30, Noon(2));
  AppendMany(7, Noon(3));
  const AuditLog::Head before = Head();
  const Digest kept = List({.principal = "dns:kept.example"}).rows.at(0).leaf_hash;
  // The second day has not ended by its own noon.
  PruneAll(Noon(2));
  EXPECT_EQ(Head().first, 301u);
  PruneAll(Noon(3));
  EXPECT_EQ(Head().first, 332u);
  EXPECT_THAT(Found({}), ElementsAre(338, 337, 336, 335, 334, 333, 332));
  EXPECT_EQ(List({.from = Noon(1), .oldest_first = true}).rows.at(0).entry.sequence, 332u);
  for (int times = 0; times < 2; ++times) {
    EXPECT_EQ(Head().root, before.root);
    EXPECT_EQ(Head().size, before.size);
    // Who kept a removed entry can still show that it was there.
    const auto path = log_->tree().InclusionProof(300, before.size);
    ASSERT_TRUE(path.ok()) << path.status();
    EXPECT_TRUE(client::VerifyInclusion(kept, 300, before.size, before.root, *path).ok());
    Open();
  }
  // The tree goes on from hashes whose entries are gone.
  PruneAll(Noon(4));
  EXPECT_EQ(Head().first, 339u);
  Open();
  EXPECT_EQ(Head().root, before.root);
  AppendMany(400, Noon(5));
  const auto growth = log_->tree().ConsistencyProof(before.size, Head().size);
  ASSERT_TRUE(growth.ok()) << growth.status();
  EXPECT_TRUE(
      client::VerifyConsistency(before.size, before.root, Head().size, Head().root, *growth).ok());
  Open();
  EXPECT_EQ(Head().size, 738u);
  EXPECT_EQ(Found({}).size(), 400u);
  EXPECT_FALSE(*log_->Prune(Noon(5)));
}

TEST_P(AuditLogTest, ManyDaysGoInSteps) {
  AppendMany(20000, Noon(1));
  AppendMany(1, Noon(9));
  EXPECT_TRUE(*log_->Prune(Noon(9)));
  const uint64_t first = Head().first;
  EXPECT_GT(first, 1u);
  EXPECT_LT(first, 20001u);
  EXPECT_EQ(Found({.oldest_first = true, .limit = 5000}).front(), first);
  PruneAll(Noon(9));
  EXPECT_THAT(Found({}), ElementsAre(20001));
}

// Power loss at any point: what is left is a beginning of what was written, and its own tree.
TEST(AuditCrashTest, ALostEndIsLostFromTreeAndEntriesAlike) {
  constexpr int kBatches = 30, kOfEach = 23;
  std::vector<AuditLog::Head> heads;
  for (int kept = 0; kept <= kBatches + 1; ++kept) {
    MemoryDisk disk;
    {
      auto kv = *MemoryKv::Open(disk, {/*wal=*/true, nullptr});
      auto log = *AuditLog::Open(*kv);
      heads = {*log->head()};
      for (int i = 0; i < kBatches; ++i) {
        // Half way, what is old goes.
        if (i == kBatches / 2) {
          EXPECT_FALSE(*log->Prune(Noon(5)));
        }
        std::vector<AuditEntry> batch(kOfEach, Entry(Noon(i < kBatches / 2 ? 1 : 7)));
        ASSERT_TRUE(log->Append(absl::MakeSpan(batch)).ok());
        heads.push_back(*log->head());
      }
      disk.Crash([&](uint64_t below) {
        EXPECT_EQ(below, static_cast<uint64_t>(kBatches + 2));
        return static_cast<uint64_t>(kept);
      });
    }
    auto kv = *MemoryKv::Open(disk, {/*wal=*/true, nullptr});
    auto log = AuditLog::Open(*kv);
    ASSERT_TRUE(log.ok()) << log.status();
    const bool pruned = kept > kBatches / 2;
    const AuditLog::Head& was = heads[static_cast<size_t>(pruned ? kept - 1 : kept)];
    EXPECT_EQ((*log)->head()->size, was.size) << kept;
    EXPECT_EQ((*log)->head()->root, was.root) << kept;
    EXPECT_EQ((*log)->head()->first, pruned ? uint64_t{kBatches / 2 * kOfEach + 1} : 1u) << kept;
    std::vector<AuditEntry> more(400, Entry(Noon(8)));
    EXPECT_TRUE((*log)->Append(absl::MakeSpan(more)).ok());
    log = AuditLog::Open(*kv);
    EXPECT_EQ((*log)->head()->size, was.size + 400);
  }
}

TEST(AuditCrashTest, AFullDiskTakesNothingAndThenGoesOn) {
  MemoryDisk disk;
  NthFaults faults;
  faults.Fail(MemoryOp::kWrite, 2, {absl::ResourceExhaustedError("full"), false});
  auto kv = *MemoryKv::Open(disk, {/*wal=*/true, &faults});
  auto log = *AuditLog::Open(*kv);
  std::vector<AuditEntry> batch(300, Entry(Noon(1)));
  ASSERT_TRUE(log->Append(absl::MakeSpan(batch)).ok());
  const AuditLog::Head before = *log->head();
  EXPECT_TRUE(absl::IsResourceExhausted(log->Append(absl::MakeSpan(batch))));
  EXPECT_EQ(log->head()->root, before.root);
  ASSERT_TRUE(log->Append(absl::MakeSpan(batch)).ok());
  EXPECT_EQ(log->head()->size, 600u);
}

TEST(AuditCrashTest, MissingEntriesAreFound) {
  MemoryDisk disk;
  auto kv = *MemoryKv::Open(disk, {/*wal=*/true, nullptr});
  auto log = *AuditLog::Open(*kv);
  std::vector<AuditEntry> batch(300, Entry(Noon(1)));
  ASSERT_TRUE(log->Append(absl::MakeSpan(batch)).ok());
  Batch hole;
  hole.Delete(AuditEntryKey(290));
  ASSERT_TRUE(kv->Write(std::move(hole), true).ok());
  AuditQuery query;
  query.limit = 1000;
  const auto page = log->List(query, [](uint64_t) { return absl::OkStatus(); });
  EXPECT_TRUE(absl::IsDataLoss(page.status())) << page.status();
  EXPECT_TRUE(absl::IsDataLoss(AuditLog::Open(*kv).status()));
}

}  // namespace
}  // namespace fiscal::storage
