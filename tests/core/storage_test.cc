#include <map>
#include <random>
#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "storage/heads.h"
#include "storage/memory/memory_kv.h"
#include "storage/record_codec.h"
#include "storage/schema.h"
#include "storage/staged.h"

namespace fiscal::storage {
namespace {

using absl::BytesToHexString;
using domain::Line;

const domain::BudgetKey kBudget = {141100, 2024, domain::Stage::kApproved, "031001"};

// What is written must be read by every later version: these bytes change only with docs/storage-format.md and a new kind.
TEST(SchemaTest, GoldenKeys) {
  EXPECT_EQ(BytesToHexString(EventKey(258)), "010000000000000102");
  EXPECT_EQ(BytesToHexString(RequestKey("anonymous", "r-1")), "02616e6f6e796d6f757300722d31");
  EXPECT_EQ(BytesToHexString(HeadKey(kBudget)), "030002272c07e80330333130303100");
  EXPECT_EQ(BytesToHexString(HeadBlockKey(kBudget, "L1")), "040002272c07e803303331303031004c31");
  EXPECT_EQ(BytesToHexString(HeadProjectKey(kBudget, "P1")), "050002272c07e803303331303031005031");
  EXPECT_EQ(BytesToHexString(RevisionKey(kBudget, 2)),
            "060002272c07e803303331303031000000000000000002");
  EXPECT_EQ(BytesToHexString(GrossKey(2024, domain::Stage::kApproved)), "0707e803");
  EXPECT_EQ(BytesToHexString(ScopeKey(141100, 2024, domain::Stage::kApproved, "031")),
            "080002272c07e803303331");
  EXPECT_EQ(BytesToHexString(CatalogEventKey(1)), "090000000000000001");
  EXPECT_EQ(BytesToHexString(LogIdKey()), "0a");
  const domain::ChunkId chunk = {
      {domain::OrgType::kDepartment, 141100, "031"}, 2024, domain::Stage::kApproved, 2048};
  EXPECT_EQ(BytesToHexString(CellsKey(chunk, 1)),
            "1007e8030002272c0330333100"
            "0800"
            "fffffffffffffffe");
  EXPECT_EQ(BytesToHexString(ProjectNameKey(2024, "P1")), "1107e85031");
  EXPECT_EQ(BytesToHexString(WatermarkKey()), "20");
}

TEST(SchemaTest, EncodedOrderIsLogicalOrder) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 5000; ++i) {
    auto budget = [&] {
      return domain::BudgetKey{
          static_cast<domain::Code>(141100 + random() % 3),
          static_cast<uint16_t>(2023 + random() % 3), static_cast<domain::Stage>(1 + random() % 7),
          std::string(1 + random() % 3, static_cast<char>('a' + random() % 2))};
    };
    const domain::BudgetKey a = budget(), b = budget();
    EXPECT_EQ(a < b, HeadKey(a) < HeadKey(b));
    EXPECT_EQ(*DecodeHeadKey(HeadKey(a)), a);
    const domain::ChunkId chunk = {{domain::OrgType::kAgency, a.division, a.agency},
                                   a.year,
                                   a.stage,
                                   static_cast<uint16_t>(random())};
    const uint64_t s1 = random() % 5, s2 = random() % 5;
    EXPECT_EQ(s1 > s2, CellsKey(chunk, s1) < CellsKey(chunk, s2));  // the newest first
    const auto parts = DecodeCellsKey(CellsKey(chunk, s1));
    EXPECT_EQ(parts->id, chunk);
    EXPECT_EQ(parts->stride, s1);
  }
}

TEST(SchemaTest, AnyBytesAreDecodedOrRefused) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 20000; ++i) {
    std::string key;
    for (uint64_t n = random() % 40; n > 0; --n)
      key.push_back(static_cast<char>(random() % 4 == 0 ? random() : random() % 32));
    for (const absl::Status& status : {DecodeEventKey(key).status(), DecodeHeadKey(key).status(),
                                       DecodeCellsKey(key).status()}) {
      EXPECT_TRUE(status.ok() || absl::IsDataLoss(status));
    }
  }
}

domain::StatementEvent SmallEvent() {
  domain::StatementEvent e;
  e.meta.key = kBudget;
  e.meta.revision = 1;
  e.meta.position = 7;
  e.meta.commit_time_us = 1700000000000000;
  e.meta.department_code = "031";
  e.meta.line_count = 2;
  e.meta.expenditure_fen = 300;
  e.meta.gross_fen = 300;
  e.meta.principal = "anonymous";
  Line a;
  a.line_id = "L1";
  a.functional = 2080505;
  a.attributes.direction = domain::Direction::kExpenditure;
  a.attributes.fund = domain::Fund::kGeneral;
  a.amount_fen = 100;
  Line b = a;
  b.line_id = "L2";
  b.amount_fen = 200;
  b.note = "n";
  e.put.lines = {a, b};
  e.projects_put = {{"P1", "name", "bytes"}};
  return e;
}

std::string SmallRecord() {
  const domain::StatementEvent event = SmallEvent();
  const std::string payload = EncodeStatement(event, EncodeBlocks(event.put.lines));
  domain::EventHeader header;
  header.position = 7;
  header.commit_time_us = 1700000000000000;
  header.principal = "anonymous";
  header.request_id = "r-1";
  header.payload_digest = Sha256({payload});
  return EncodeRecord(header, payload);
}

TEST(RecordTest, GoldenRecord) {
  const std::string record = SmallRecord();
  EXPECT_EQ(
      BytesToHexString(record),
      "0101000000000000000700060a24181e400009616e6f6e796d6f757303722d31"
      "78680a45a84ce67cce524968c6efd023f5cf3377cd02397f8ce30e58925a07a2320002272c07e8030630333130"
      "303101078080f281838985060330333101000200000000d80400d80409616e6f6e796d6f7573011602024c3181"
      "01f9fd7e80a004c801024c3240016e90030001025031046e616d6505627974657300");
  const auto event = DecodeRecord(std::make_shared<const std::string>(record));
  ASSERT_TRUE(event.ok());
  EXPECT_EQ(event->statement.put.lines, SmallEvent().put.lines);
  EXPECT_EQ(event->statement.projects_put, SmallEvent().projects_put);
  EXPECT_EQ(event->header.request_id, "r-1");
  EXPECT_EQ(BytesToHexString(BytesOf(*LeafHash(record))),
            "38ac5d941e2495494184c7be5f0bb081ea9c5513d90eed28b67780d87e1c50b1");
}

TEST(RecordTest, EveryFlippedBitIsNoticed) {
  const std::string record = SmallRecord();
  const Digest leaf = *LeafHash(record);
  for (size_t i = 0; i < record.size() * 8; ++i) {
    std::string damaged = record;
    damaged[i / 8] ^= static_cast<char>(1 << (i % 8));
    const auto hash = LeafHash(damaged);
    EXPECT_TRUE(!hash.ok() || *hash != leaf) << "bit " << i;
    DecodeRecord(std::make_shared<const std::string>(damaged)).IgnoreError();  // must not crash
  }
}

TEST(RecordTest, ReceiptsComeBack) {
  Receipt r;
  r.result = domain::Result::kRevised;
  r.revision = 3;
  r.position = 9;
  r.line_count = 4;
  r.findings = {{"CODE_UNKNOWN", domain::Severity::kWarning, "place", "L1", "message", "信息"}};
  const Digest body = Sha256({"body"});
  Digest read;
  const auto decoded = DecodeReceipt(EncodeReceipt(body, r), &read);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(read, body);
  EXPECT_EQ(decoded->findings, r.findings);
  EXPECT_EQ(decoded->position, 9u);
}

TEST(StagedTest, ReadsAsIfItWereWritten) {
  MemoryDisk disk;
  auto kv = MemoryKv::Open(disk, {true, nullptr});
  std::map<std::string, std::string> model;
  std::mt19937_64 random(8);
  auto key = [&] { return absl::StrCat("k", random() % 20); };
  Batch first;
  for (int i = 0; i < 12; ++i) {
    const std::string k = key();
    first.Put(k, absl::StrCat(i));
    model[k] = absl::StrCat(i);
  }
  ASSERT_TRUE((*kv)->Write(first, true).ok());
  Staged staged(**kv);
  for (int i = 0; i < 3000; ++i) {
    const std::string k = key(), from = key(), to = from + "~";
    switch (random() % 6) {
      case 0:
        staged.Put(k, absl::StrCat(i));
        model[k] = absl::StrCat(i);
        break;
      case 1:
        staged.Delete(k);
        model.erase(k);
        break;
      case 2: {
        const auto got = staged.Get(k);
        EXPECT_EQ(got.ok(), model.count(k) == 1);
        if (got.ok()) {
          EXPECT_EQ(*got, model[k]);
        }
        break;
      }
      case 3: {
        std::vector<Staged::Item> want(model.lower_bound(from), model.lower_bound(to));
        EXPECT_EQ(*staged.Scan(from, to), want);
        break;
      }
      case 4: {
        auto it = model.upper_bound(k);
        std::optional<Staged::Item> want;
        if (it != model.begin()) want = *std::prev(it);
        EXPECT_EQ(*staged.FindLast("", k), want);
        break;
      }
      default: {
        auto it = model.lower_bound(k);
        std::optional<Staged::Item> want;
        if (it != model.end()) want = *it;
        EXPECT_EQ(*staged.FindFirst(k, "z"), want);
      }
    }
  }
  Batch rest;
  staged.MoveTo(&rest);
  ASSERT_TRUE((*kv)->Write(rest, true).ok());
  std::map<std::string, std::string> stored;
  auto it = (*kv)->NewIterator("", "");
  for (it->Seek(""); it->Valid(); it->Next())
    stored[std::string(it->key())] = std::string(it->value());
  EXPECT_EQ(stored, model);
}

// Blocks split, shrink and vanish under patches; the lines are those of a plain map.
TEST(HeadsTest, PatchesOfALargeStatement) {
  MemoryDisk disk;
  auto kv = MemoryKv::Open(disk, {true, nullptr});
  Staged staged(**kv);
  Heads heads(staged);
  std::map<std::string, int64_t> model;
  std::vector<std::string> ids;
  for (int i = 0; i < 3000; ++i) ids.push_back(absl::StrCat("L", 100000 + i * 7));
  std::vector<Line> lines(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    lines[i].line_id = ids[i];
    lines[i].amount_fen = static_cast<int64_t>(i);
    model[ids[i]] = static_cast<int64_t>(i);
  }
  ASSERT_TRUE(heads.ReplaceLines(kBudget, lines, EncodeBlocks(lines), false).ok());
  std::mt19937_64 random(9);
  for (int round = 0; round < 200; ++round) {
    std::map<std::string, int64_t> put;
    std::set<std::string> removed;
    for (int i = 0; i < 25; ++i)
      put[absl::StrCat("L", 99000 + random() % 25000)] = static_cast<int64_t>(random() % 1000);
    for (int i = 0; i < 25; ++i) {
      auto it = model.lower_bound(absl::StrCat("L", 99000 + random() % 25000));
      if (it != model.end() && put.count(it->first) == 0) removed.insert(it->first);
    }
    std::vector<Line> put_lines;
    for (const auto& [id, amount] : put) {
      put_lines.emplace_back();
      put_lines.back().line_id = id;
      put_lines.back().amount_fen = amount;
      model[id] = amount;
    }
    for (const std::string& id : removed) model.erase(id);
    ASSERT_TRUE(heads.PatchLines(kBudget, put_lines, {removed.begin(), removed.end()}).ok());
    if (round % 10 != 0) continue;
    const auto all = heads.Lines(kBudget);
    ASSERT_TRUE(all.ok());
    std::map<std::string, int64_t> got;
    for (const Line& line : all->lines) got[std::string(line.line_id)] = line.amount_fen;
    ASSERT_EQ(got, model);
  }
}

}  // namespace
}  // namespace fiscal::storage
