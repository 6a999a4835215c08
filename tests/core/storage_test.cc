#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "storage/cell_codec.h"
#include "storage/event_log.h"
#include "storage/head_blocks.h"
#include "storage/heads.h"
#include "storage/line_blocks.h"
#include "storage/memory/memory_kv.h"
#include "storage/operator_events.h"
#include "storage/posting_codec.h"
#include "storage/record_codec.h"
#include "storage/schema.h"
#include "storage/staged.h"

namespace fiscal::storage {
namespace {

using absl::BytesToHexString;
using domain::Line;

const domain::BudgetKey kBudget = {141100, 2024, domain::Stage::kApproved, "031001"};

std::string Hex(KeyView key) { return BytesToHexString(key.encoded()); }

// What is written must be read by every later version: these bytes change only with
// docs/storage-format.md and a new kind.
TEST(SchemaTest, GoldenKeys) {
  EXPECT_EQ(Hex(EventKey(domain::Position(258))), "010000000000000102");
  EXPECT_EQ(Hex(RequestKey("anonymous", "r-1")), "02616e6f6e796d6f757300722d31");
  EXPECT_EQ(Hex(HeadKey(kBudget)), "030002272c07e80330333130303100");
  EXPECT_EQ(Hex(BlockKeys::OfLines(kBudget).At("L1")), "040002272c07e803303331303031004c31");
  EXPECT_EQ(Hex(BlockKeys::OfProjects(kBudget).At("P1")), "050002272c07e803303331303031005031");
  EXPECT_EQ(Hex(BlockKeys::OfLines(kBudget).KeptAt("L1", 1)),
            "170002272c07e803303331303031004c31000000000000000001");
  EXPECT_EQ(Hex(BlockKeys::OfProjects(kBudget).KeptAt("P1", 258)),
            "180002272c07e803303331303031005031000000000000000102");
  EXPECT_EQ(Hex(RevisionKey(kBudget, 2)), "060002272c07e803303331303031000000000000000002");
  EXPECT_EQ(Hex(GrossKey(141100, 2024, domain::Stage::kApproved)), "0f0002272c07e803");
  EXPECT_EQ(Hex(ScopeKey(141100, 2024, domain::Stage::kApproved, "031")), "080002272c07e803303331");
  EXPECT_EQ(Hex(CatalogEventKey(domain::Position(1))), "090000000000000001");
  EXPECT_EQ(Hex(LogIdKey()), "0a");
  EXPECT_EQ(Hex(TileKey(1, 258)), "0b010000000000000102");
  const domain::NodeId node = {
      {domain::OrgType::kDepartment, 141100, "031"}, 2024, domain::Stage::kApproved};
  EXPECT_EQ(Hex(CellsKey(node, domain::Position(1))), "1007e8030002272c0330333100fffffffffffffffe");
  EXPECT_EQ(Hex(EventSegmentKey(domain::Position(258), 1)), "01000000000000010200000001");
  EXPECT_EQ(Hex(PostingKey(domain::Position(258))), "120000000000000102");
  EXPECT_EQ(Hex(WatermarkKey()), "20");
  EXPECT_EQ(Hex(GroupKey(domain::Position(258))), "150000000000000102");
  EXPECT_EQ(Hex(UpstreamKey("city")), "0c63697479");
  EXPECT_EQ(Hex(OperatorEventKey(domain::Position(258))), "160000000000000102");
  EXPECT_EQ(Hex(LeftOutKey()), "22");
  EXPECT_EQ(Hex(OwnerKey(141100)), "0d0002272c");
  EXPECT_EQ(Hex(StatusKey(kBudget, domain::Position(1))),
            "1407e8030002272c30333130303100fffffffffffffffe");
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
    const domain::NodeId node = {
        {domain::OrgType::kDepartment, a.division, a.agency}, a.year, a.stage};
    const uint64_t s1 = random() % 5, s2 = random() % 5;
    EXPECT_EQ(s1 > s2, CellsKey(node, domain::Position(s1)) <
                           CellsKey(node, domain::Position(s2)));  // the newest first
    const auto parts = DecodeCellsKey(CellsKey(node, domain::Position(s1)));
    EXPECT_EQ(parts->id, node);
    EXPECT_EQ(parts->position, domain::Position(s1));
    EXPECT_EQ(DecodeStatusKey(StatusKey(a, domain::Position(s1)))->key, a);
    EXPECT_EQ(s1 > s2, StatusKey(a, domain::Position(s1)) < StatusKey(a, domain::Position(s2)));
    EXPECT_EQ(*DecodeOwnerKey(OwnerKey(a.division)), a.division);
  }
}

TEST(SchemaTest, AnyBytesAreDecodedOrRefused) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 20000; ++i) {
    std::string bytes;
    for (uint64_t n = random() % 40; n > 0; --n)
      bytes.push_back(static_cast<char>(random() % 4 == 0 ? random() : random() % 32));
    const KeyView key = KeyView::Encoded(bytes);
    EXPECT_NE(NameOf(key), "");
    PlaceOf(key);
    for (const absl::Status& status :
         {DecodePositionKey(key).status(), DecodeHeadKey(key).status(),
          DecodeCellsKey(key).status(), DecodeStatusKey(key).status(), DecodeOwnerKey(key).status(),
          DecodeTileKey(key).status(), DecodeRequestKey(key).status(),
          DecodeUpstreamKey(key).status(), DecodeGroupRecordKey(key).status()}) {
      EXPECT_TRUE(status.ok() || absl::IsDataLoss(status));
    }
  }
}

// A range has its keys and no other's.
TEST(SchemaTest, RangesAreOfWhatTheyAreNamedFor) {
  const auto in = [](KeyView key, const KeyRange& range) {
    return range.lower <= key && (range.upper.empty() || key < range.upper);
  };
  const domain::BudgetKey longer = {141100, 2024, domain::Stage::kApproved, "0310011"};
  const domain::NodeId node = {
      {domain::OrgType::kDepartment, 141100, "031"}, 2024, domain::Stage::kApproved};
  EXPECT_TRUE(in(RevisionKey(kBudget, 3), RevisionsOf(kBudget)));
  EXPECT_FALSE(in(RevisionKey(longer, 3), RevisionsOf(kBudget)));
  EXPECT_TRUE(in(RevisionKey(longer, 3), RevisionsOf(141100, 2024, domain::Stage::kApproved)));
  EXPECT_TRUE(in(HeadKey(kBudget), HeadsOf(141100)));
  EXPECT_FALSE(in(HeadKey(kBudget), HeadsOf(141101)));
  EXPECT_TRUE(in(CellsKey(node, domain::Position(5)), CellsOf(0, domain::Stage::kNone, 0)));
  EXPECT_TRUE(
      in(CellsKey(node, domain::Position(5)), CellsOf(2024, domain::Stage::kApproved, 141100)));
  EXPECT_FALSE(
      in(CellsKey(node, domain::Position(5)), CellsOf(2024, domain::Stage::kApproved, 141101)));
  EXPECT_TRUE(in(StatusKey(kBudget, domain::Position(5)), StatusesOf(0, domain::Stage::kNone, 0)));
  EXPECT_TRUE(
      in(StatusKey(kBudget, domain::Position(5)), StatusesOf(2024, domain::Stage::kApproved, 0)));
  EXPECT_FALSE(
      in(StatusKey(kBudget, domain::Position(5)), StatusesOf(2024, domain::Stage::kFinal, 0)));
  EXPECT_TRUE(in(LeftOutKey(), KeysOf(KeyKind::kLeftOut)));
  EXPECT_TRUE(in(Key::Encoded("\xff\xff"), KeysOf(static_cast<KeyKind>(0xff))));
  EXPECT_TRUE(InLedger(GrossKey(141100, 2024, domain::Stage::kApproved)));
  EXPECT_FALSE(InLedger(EventKey(domain::Position(1))));
  EXPECT_FALSE(InLedger(KeyView()));
}

TEST(SchemaTest, StatesOfOneThingHaveItInCommon) {
  const Key key = StatusKey(kBudget, domain::Position(258));
  const std::optional<StateKey> state = SplitState(key);
  ASSERT_TRUE(state.has_value());
  EXPECT_EQ(state->position, domain::Position(258));
  EXPECT_EQ(SplitState(StatusKey(kBudget, domain::Position(7)))->of, state->of);
  EXPECT_LT(StatusKey(kBudget, domain::Position()), AfterStates(state->of));
  EXPECT_FALSE(SplitState(KeyView::Encoded("short")).has_value());
  EXPECT_EQ(NameOf(key), "status of year 2024 stage 3 division 141100 agency 031001");
  EXPECT_EQ(NameOf(state->of), NameOf(key));
  EXPECT_EQ(PlaceOf(state->of).division, 141100u);
}

TEST(SchemaTest, KeysComeBackFromTokens) {
  const Key key = Successor(HeadKey(kBudget));
  EXPECT_EQ(FromToken(ToToken(key)), key);
  EXPECT_GT(key, HeadKey(kBudget));
}

domain::StatementEvent SmallEvent() {
  domain::StatementEvent e;
  e.meta.key = kBudget;
  e.meta.revision = 1;
  e.meta.position = domain::Position(7);
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
  const domain::EncodedBlocks put = EncodeBlocks(event.put);
  const StatementPayload payload = EncodeStatement(event, put.bytes, Sha256({put.bytes}));
  domain::EventHeader header;
  header.position = domain::Position(7);
  header.commit_time_us = 1700000000000000;
  header.principal = "anonymous";
  header.request_id = "r-1";
  header.payload_digest = payload.digest;
  return EncodeRecord(header, payload.bytes);
}

TEST(RecordTest, GoldenRecord) {
  const std::string record = SmallRecord();
  EXPECT_EQ(
      BytesToHexString(record),
      "0101000000000000000700060a24181e400009616e6f6e796d6f757303722d31"
      "150b214041683a0506aae93a1d2888efb6fb541d8b0e966541a7a07d675c1f51320002272c07e8030630333130"
      "303101078080f281838985060330333101000200000000d80400d80409616e6f6e796d6f75731a1902010441f9"
      "fd7e80a00400024c3100c801010132019003016e000e025031046e616d6505627974657300");
  const auto event = DecodeRecord(std::make_shared<const std::string>(record));
  ASSERT_TRUE(event.ok());
  EXPECT_EQ(event->statement.put.lines, SmallEvent().put.lines);
  EXPECT_EQ(event->statement.projects_put, SmallEvent().projects_put);
  EXPECT_EQ(event->header.request_id, "r-1");
  EXPECT_EQ(BytesToHexString(BytesOf(*LeafHash(record))),
            "c48596aa501f545acb5806797a137b2e1c00b556970f2efb13e8c9f4b25d88ac");
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

// Lines as statements have them: few combinations, some notes, ids that share beginnings.
struct SomeLines {
  std::vector<std::string> texts;
  domain::LineSet set;

  SomeLines(std::mt19937_64& random, size_t n, bool hints) {
    texts.reserve(3 * n);
    std::string id = "A";
    for (size_t i = 0; i < n; ++i) {
      // Ascending: a longer id, or one with a larger end.
      if (random() % 3 == 0 && id.size() < 60) {
        id.push_back(static_cast<char>('0' + random() % 10));
      } else {
        while (id.back() == 'z') id.pop_back();
        id.back() = static_cast<char>(id.back() + 1);
      }
      texts.push_back(id);
      Line line;
      line.line_id = texts.back();
      const uint32_t c = static_cast<uint32_t>(random() % 20);
      line.functional = 2080500 + c / 2;
      line.dept_economic = c % 3 == 0 ? 0 : 30100 + c;
      line.attributes.direction = domain::Direction::kExpenditure;
      line.attributes.fund = static_cast<domain::Fund>(c % 3);
      line.precision_class = static_cast<uint8_t>(c % 4);
      texts.push_back(c % 5 == 0 ? absl::StrCat("P", c) : "");
      line.project_code = texts.back();
      line.amount_fen = (static_cast<int64_t>(random() % 2000000) - 1000000) * 1000000;
      texts.push_back(random() % 9 == 0 ? "备注" : "");
      line.note = texts.back();
      if (hints) {
        // Two numbers for one combination are allowed; one number for two is not.
        line.combination = random() % 7 == 0 ? 0 : 1 + c + (random() % 2 == 0 ? 20 : 0);
        set.combinations = 40;
      }
      set.lines.push_back(line);
    }
  }
};

TEST(LineBlocksTest, LinesComeBackAndHintsChangeNothing) {
  std::mt19937_64 random(11);
  for (size_t n : {1, 2, 255, 256, 257, 1000}) {
    const SomeLines some(random, n, true);
    const domain::EncodedBlocks with = EncodeBlocks(some.set);
    domain::LineSet unnumbered = some.set;
    unnumbered.NumberAs({});
    const domain::EncodedBlocks without = EncodeBlocks(unnumbered);
    EXPECT_EQ(with.bytes, without.bytes);
    EXPECT_EQ(with.places.size(), (n + kBlockLines - 1) / kBlockLines);
    domain::LineSet decoded;
    ASSERT_TRUE(DecodeBlocks(with.bytes, &decoded).ok());
    EXPECT_EQ(decoded.lines, some.set.lines);
    // What is decoded encodes to the same bytes, with the numbers the decoder gave.
    EXPECT_EQ(EncodeBlocks(decoded).bytes, with.bytes);
    domain::LineSet one;
    ASSERT_TRUE(DecodeBlock(with.block(0), &one).ok());
    EXPECT_EQ(one.lines[0], some.set.lines[0]);
  }
}

TEST(LineBlocksTest, APartOfTheLinesIsFoundWithoutTheRest) {
  std::mt19937_64 random(14);
  const SomeLines some(random, 2000, true);
  const std::vector<Line>& all = some.set.lines;
  const std::string bytes = EncodeBlocks(some.set).bytes;
  for (int round = 0; round < 200; ++round) {
    const size_t from = random() % all.size(), to = from + random() % (all.size() - from);
    const absl::string_view after = round % 5 == 0 ? "" : all[from].line_id;
    const absl::string_view until = round % 7 == 0 ? "" : all[to].line_id;
    domain::LineSet part;
    ASSERT_TRUE(DecodeBlocksWithin(bytes, after, until, &part).ok());
    const auto within = [&](const Line& line) {
      return line.line_id > after && (until.empty() || line.line_id <= until);
    };
    std::vector<Line> want, got;
    std::copy_if(all.begin(), all.end(), std::back_inserter(want), within);
    std::copy_if(part.lines.begin(), part.lines.end(), std::back_inserter(got), within);
    EXPECT_EQ(got, want);
    EXPECT_LE(part.lines.size(), want.size() + 2 * kBlockLines);
  }
}

TEST(LineBlocksTest, SumsAreThoseOfTheLines) {
  std::mt19937_64 random(12);
  for (int round = 0; round < 20; ++round) {
    const SomeLines some(random, 1 + random() % 600, round % 2 == 0);
    domain::CellTable want, got;
    BlockSums sums(&got), numbers(&want);
    for (const Line& line : some.set.lines) {
      domain::CellTable::Item& item = want.items.emplace_back();
      item.key.functional = line.functional;
      item.key.dept_economic = line.dept_economic;
      item.key.attributes = line.attributes.Pack();
      item.key.project = numbers.ProjectNumber(line.project_code);
      item.value.amount_fen = -line.amount_fen;
      item.value.counts[line.precision_class] = -1;
    }
    const domain::EncodedBlocks encoded = EncodeBlocks(some.set);
    ASSERT_TRUE(sums.Add(encoded.bytes, -1).ok());
    domain::Normalize(&want);
    domain::Normalize(&got);
    EXPECT_EQ(EncodeCells(got), EncodeCells(want));
  }
}

TEST(LineBlocksTest, DamagedBytesAreRefusedOrOtherWholeLines) {
  std::mt19937_64 random(13);
  const SomeLines some(random, 60, false);
  const std::string bytes = EncodeBlocks(some.set).bytes;
  for (int i = 0; i < 20000; ++i) {
    std::string damaged = bytes;
    damaged[random() % damaged.size()] ^= static_cast<char>(1 + random() % 255);
    if (random() % 4 == 0) damaged.resize(random() % damaged.size());
    domain::LineSet set;
    const absl::Status status = DecodeBlocks(damaged, &set);
    EXPECT_TRUE(status.ok() || absl::IsDataLoss(status));
    domain::LineSet part;
    const absl::Status within = DecodeBlocksWithin(damaged, "a", "z", &part);
    EXPECT_TRUE(within.ok() || absl::IsDataLoss(within));
    for (size_t k = 1; status.ok() && k < set.lines.size(); ++k)
      EXPECT_LT(set.lines[k - 1].line_id, set.lines[k].line_id);
  }
}

TEST(RecordTest, ReceiptsComeBack) {
  domain::Receipt r;
  r.result = domain::Result::kRevised;
  r.revision = 3;
  r.position = domain::Position(9);
  r.line_count = 4;
  r.findings = {{"CODE_UNKNOWN", domain::Severity::kWarning, "place", "L1", "message", "信息"}};
  const Digest body = Sha256({"body"});
  Digest read;
  const auto decoded = DecodeReceipt(EncodeReceipt(body, r), &read);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(read, body);
  EXPECT_EQ(decoded->findings, r.findings);
  EXPECT_EQ(decoded->position, domain::Position(9));
}

domain::Posting SmallPosting() {
  domain::Posting p;
  p.position = domain::Position(7);
  p.key = kBudget;
  p.department = "031";
  p.revision = 3;
  p.certified = true;
  p.more = true;
  domain::CellTable::Item item;
  item.key.functional = 2080505;
  item.value.amount_fen = -300;
  item.value.counts[2] = 1;
  p.cells.projects = {{"P1", "name", domain::CellProject::kNamed}};
  p.cells.items = {item};
  return p;
}

TEST(PostingTest, GoldenPostingAndUpstream) {
  const std::string bytes = EncodePosting(SmallPosting());
  EXPECT_EQ(BytesToHexString(bytes),
            "0002272c07e803063033313030310330333103"
            "11"
            "010250310104"
            "6e616d65"
            "0102f9fd7ed7040402");
  const auto back = DecodeWholePosting(domain::Position(7), bytes, nullptr);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(EncodePosting(*back), bytes);
  EXPECT_EQ(back->status(), SmallPosting().status());

  UpstreamState state{"0123456789abcdef", domain::Position(9), Sha256({"chain"}), 1700000000000000,
                      domain::Position(4)};
  const std::string upstream = EncodeUpstream({"city", state, bytes});
  const auto payload = DecodeUpstream(upstream);
  ASSERT_TRUE(payload.ok());
  EXPECT_EQ(payload->upstream, "city");
  EXPECT_EQ(payload->posting, bytes);
  EXPECT_EQ(EncodeUpstreamState(payload->state), EncodeUpstreamState(state));
  domain::EventHeader header;
  header.kind = domain::EventKind::kUpstream;
  header.position = domain::Position(12);
  const auto posting = ReadPosting(header, upstream, nullptr);
  ASSERT_TRUE(posting.ok());
  EXPECT_EQ(posting->position, domain::Position(12));
  EXPECT_EQ(posting->upstream_position, domain::Position(9));
}

TEST(OperatorEventTest, GoldenQuarantineAndKey) {
  const domain::QuarantineEvent event{domain::Position(258), kBudget, "why"};
  const std::string bytes = EncodeQuarantine(event);
  EXPECT_EQ(BytesToHexString(bytes),
            "0000000000000102"
            "01"
            "0002272c07e80306303331303031"
            "03776879");
  const auto back = DecodeQuarantine(bytes);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->position, domain::Position(258));
  EXPECT_TRUE(back->budget == kBudget);
  EXPECT_EQ(back->reason, "why");
  EXPECT_EQ(BytesToHexString(EncodeQuarantine({domain::Position(1), std::nullopt, ""})),
            "00000000000000010000");
  const std::string key = EncodeKeyEvent({"pem", "sig"});
  EXPECT_EQ(BytesToHexString(key), "0370656d03736967");
  EXPECT_EQ(DecodeKeyEvent(key)->signature, "sig");
  for (size_t i = 0; i < bytes.size(); ++i) EXPECT_FALSE(DecodeQuarantine(bytes.substr(0, i)).ok());
  for (size_t i = 0; i < key.size(); ++i) EXPECT_FALSE(DecodeKeyEvent(key.substr(0, i)).ok());
}

TEST(OperatorEventTest, GoldenClock) {
  const std::string bytes = EncodeClock({1700000000000000, "why"});
  EXPECT_EQ(BytesToHexString(bytes), "00060a24181e400003776879");
  const auto back = DecodeClock(bytes);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->before_us, 1700000000000000);
  EXPECT_EQ(back->note, "why");
  for (size_t i = 0; i < bytes.size(); ++i) EXPECT_FALSE(DecodeClock(bytes.substr(0, i)).ok());
  EXPECT_FALSE(DecodeClock(bytes + "x").ok());
}

domain::EventHeader HeaderAt(domain::Position position, domain::EventKind kind) {
  domain::EventHeader header;
  header.kind = kind;
  header.position = position;
  return header;
}

std::string UpstreamsPayload(const domain::Posting& posting) {
  return EncodeUpstream(
      {"city", {"0123456789abcdef", domain::Position(1), {}, 0, {}}, EncodePosting(posting)});
}

TEST(OperatorEventTest, WhatIsLeftOutAndWhatFollowsItFromThatBudget) {
  OperatorEvents operators;
  const auto quarantine = EncodeQuarantine({domain::Position(5), kBudget, "why"});
  ASSERT_TRUE(
      operators.Add(HeaderAt(domain::Position(9), domain::EventKind::kQuarantine), quarantine)
          .ok());
  EXPECT_TRUE(operators.LeavesOut(domain::Position(5)));
  EXPECT_FALSE(operators.LeavesOut(domain::Position(4)));
  EXPECT_TRUE(operators.LeavesOut(kBudget));
  // Before it the budget counts, from it on nothing of it; others do.
  domain::BudgetKey other = kBudget;
  other.agency = "031002";
  EXPECT_FALSE(operators.LeavesOut(domain::Position(4), kBudget));
  EXPECT_TRUE(operators.LeavesOut(domain::Position(6), kBudget));
  EXPECT_FALSE(operators.LeavesOut(domain::Position(6), other));
  domain::Posting posting = SmallPosting();
  for (const auto& [position, counts] :
       std::map<uint64_t, bool>{{4, true}, {5, false}, {6, false}}) {
    const auto what =
        ReadFoldable(HeaderAt(domain::Position(position), domain::EventKind::kUpstream),
                     UpstreamsPayload(posting), nullptr, operators);
    ASSERT_TRUE(what.ok()) << what.status();
    EXPECT_EQ(what->posting != nullptr, counts) << position;
    EXPECT_TRUE(what->more);
  }
}

TEST(OperatorEventTest, APostingThatCantBeReadOrFoldedStopsTotalsUntilItIsLeftOut) {
  domain::Posting poison = SmallPosting();
  poison.cells.items[0].key.functional = 5000;
  std::string cut = UpstreamsPayload(SmallPosting());
  cut.pop_back();
  OperatorEvents operators;
  for (const std::string& payload : {UpstreamsPayload(poison), cut, std::string("x")}) {
    const domain::EventHeader header = HeaderAt(domain::Position(7), domain::EventKind::kUpstream);
    const auto stopped = ReadFoldable(header, payload, nullptr, {});
    const domain::Explained e = domain::Explain(stopped.status());
    ASSERT_TRUE(e.reason_known) << stopped.status();
    EXPECT_EQ(e.refusal.reason, domain::Reason::kTotalsStopped);
    EXPECT_EQ(e.refusal.metadata[0].second, "7");
    const Examined examined = Examine(header, payload);
    EXPECT_NE(examined.fault, "");
    EXPECT_EQ(examined.budget.has_value(), payload != "x");
    OperatorEvents quarantined;
    ASSERT_TRUE(quarantined
                    .Add(HeaderAt(domain::Position(8), domain::EventKind::kQuarantine),
                         EncodeQuarantine({domain::Position(7), examined.budget, ""}))
                    .ok());
    EXPECT_TRUE(ReadFoldable(header, payload, nullptr, quarantined).ok());
  }
}

TEST(PostingTest, DamagedBytesAreRefusedOrAnotherWholePosting) {
  const std::string bytes = EncodePosting(SmallPosting());
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_FALSE(DecodeWholePosting(domain::Position(7), bytes.substr(0, i), nullptr).ok()) << i;
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ 1 << bit);
      const auto back = DecodeWholePosting(domain::Position(7), damaged, nullptr);
      if (back.ok()) {
        EXPECT_TRUE(DecodeWholePosting(domain::Position(7), EncodePosting(*back), nullptr).ok());
      } else {
        EXPECT_TRUE(absl::IsDataLoss(back.status()));
      }
    }
  }
}

Key K(absl::string_view bytes) { return Key::Encoded(std::string(bytes)); }

TEST(StagedTest, WhatWasBegunCanBeUndone) {
  MemoryDisk disk;
  auto kv = MemoryKv::Open(disk, {});
  ASSERT_TRUE(kv.ok());
  Batch batch;
  batch.Put(K("stored"), "0");
  ASSERT_TRUE((*kv)->Write(batch, true).ok());
  Staged staged(**kv);
  staged.Put(K("a"), "1");
  staged.Begin();
  staged.Put(K("a"), "2");
  staged.Put(K("a"), "3");
  staged.Delete(K("stored"));
  staged.Put(K("b"), "4");
  EXPECT_TRUE(absl::IsNotFound(staged.Get(K("stored")).status()));
  staged.Rollback();
  EXPECT_EQ(*staged.Get(K("a")), "1");
  EXPECT_EQ(*staged.Get(K("stored")), "0");
  EXPECT_TRUE(absl::IsNotFound(staged.Get(K("b")).status()));
  staged.Begin();
  staged.Put(K("b"), "5");
  staged.Keep();
  EXPECT_EQ(*staged.Get(K("b")), "5");
}

TEST(StagedTest, ReadsAsIfItWereWritten) {
  MemoryDisk disk;
  auto kv = MemoryKv::Open(disk, {true, nullptr});
  std::map<Key, std::string> model;
  std::mt19937_64 random(8);
  auto key = [&] { return K(absl::StrCat("k", random() % 20)); };
  Batch first;
  for (int i = 0; i < 12; ++i) {
    const Key k = key();
    first.Put(k, absl::StrCat(i));
    model[k] = absl::StrCat(i);
  }
  ASSERT_TRUE((*kv)->Write(first, true).ok());
  Staged staged(**kv);
  for (int i = 0; i < 3000; ++i) {
    const Key k = key(), from = key(), to = K(absl::StrCat(from.encoded(), "~"));
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
        EXPECT_EQ(*staged.Scan({from, to}), want);
        break;
      }
      case 4: {
        auto it = model.upper_bound(k);
        std::optional<Staged::Item> want;
        if (it != model.begin()) want = *std::prev(it);
        EXPECT_EQ(*staged.FindLast({}, k), want);
        break;
      }
      default: {
        auto it = model.lower_bound(k);
        std::optional<Staged::Item> want;
        if (it != model.end()) want = *it;
        EXPECT_EQ(*staged.FindFirst(k, K("z")), want);
      }
    }
  }
  Batch rest;
  staged.MoveTo(&rest);
  ASSERT_TRUE((*kv)->Write(rest, true).ok());
  std::map<Key, std::string> stored;
  auto it = (*kv)->NewIterator({}, {});
  for (it->Seek({}); it->Valid(); it->Next()) stored[Key(it->key())] = std::string(it->value());
  EXPECT_EQ(stored, model);
}

// The store is asked once for a key, and again once what was staged is handed out to be written.
TEST(StagedTest, WhatTheStoreAnsweredIsKnownUntilTheNextBatch) {
  MemoryDisk disk;
  auto kv = MemoryKv::Open(disk, {true, nullptr});
  ASSERT_TRUE(kv.ok());
  auto put = [&kv](const char* value) {
    Batch batch;
    batch.Put(K("a"), value);
    ASSERT_TRUE((*kv)->Write(std::move(batch), true).ok());
  };
  Staged staged(**kv);
  EXPECT_TRUE(absl::IsNotFound(staged.Get(K("a")).status()));
  put("1");
  EXPECT_TRUE(absl::IsNotFound(staged.Get(K("a")).status()));
  // A change that is undone leaves what the store said.
  staged.Begin();
  staged.Put(K("a"), "2");
  EXPECT_EQ(*staged.Get(K("a")), "2");
  staged.Rollback();
  EXPECT_TRUE(absl::IsNotFound(staged.Get(K("a")).status()));
  Batch batch;
  staged.MoveTo(&batch);
  EXPECT_EQ(*staged.Get(K("a")), "1");
}

TEST(HeadBlocksTest, ValuesComeBack) {
  HeadBlock here;
  here.since = 300;
  here.block = "bytes";
  const std::string kept = EncodeHeadBlock(here);
  EXPECT_EQ(BytesToHexString(kept), "ac0200" + BytesToHexString("bytes"));
  EXPECT_EQ(DecodeHeadBlock(kept)->block, "bytes");
  EXPECT_EQ(DecodeHeadBlock(kept)->since, 300u);
  HeadBlock there;
  there.since = 1;
  there.position = domain::Position(7);
  there.offset = 5;
  there.size = 100;
  const std::string referred = EncodeHeadBlock(there);
  EXPECT_EQ(BytesToHexString(referred), "0101070564");
  const auto read = DecodeHeadBlock(referred);
  EXPECT_EQ(read->position, domain::Position(7));
  EXPECT_EQ(read->offset, 5u);
  EXPECT_EQ(read->size, 100u);
  for (const absl::string_view bad : {"", "\x01", "\x01\x02", "\x01\x01\x07\x05"})
    EXPECT_TRUE(absl::IsDataLoss(DecodeHeadBlock(bad).status()));
  const BlockKeys keys = BlockKeys::OfLines(kBudget);
  const Key key = keys.KeptAt("L1", 9);
  EXPECT_EQ(keys.KeptOf(key)->first_id, "L1");
  EXPECT_EQ(keys.KeptOf(key)->mark, 9u);
  EXPECT_TRUE(absl::IsDataLoss(keys.KeptOf(keys.kept().lower).status()));
  EXPECT_LT(key, keys.BehindKept("L1"));
  EXPECT_LT(keys.BehindKept("L1"), keys.KeptAt("L10", 0));
  EXPECT_EQ(NameOf(key),
            "kept lines of year 2024 stage 3 division 141100 agency 031001 from L1 mark 9");
}

// Blocks split, shrink and vanish under patches; the lines are those of a plain map.
TEST(HeadsTest, PatchesOfALargeStatement) {
  MemoryDisk disk;
  auto kv = MemoryKv::Open(disk, {true, nullptr});
  Staged staged(**kv);
  std::shared_ptr<const std::string> record;
  Heads heads(staged, [&](domain::Position position, uint64_t offset, uint64_t size) {
    EXPECT_EQ(position, domain::Position(7));
    return absl::StatusOr<std::string>(record->substr(offset, size));
  });
  std::map<std::string, int64_t> model;
  std::vector<std::string> ids;
  for (int i = 0; i < 3000; ++i) ids.push_back(absl::StrCat("L", 100000 + i * 7));
  domain::LineSet set;
  std::vector<Line>& lines = set.lines;
  lines.resize(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    lines[i].line_id = ids[i];
    lines[i].amount_fen = static_cast<int64_t>(i);
    model[ids[i]] = static_cast<int64_t>(i);
  }
  // The first lines stand in an event, of many segments; the head only refers to them.
  domain::StatementEvent event = SmallEvent();
  const domain::EncodedBlocks blocks = EncodeBlocks(set);
  const StatementPayload payload = EncodeStatement(event, blocks.bytes, Sha256({blocks.bytes}));
  domain::EventHeader header;
  header.payload_digest = payload.digest;
  EventLog::Head head;
  head.position = domain::Position(6);
  record = NextEntry(header, payload.bytes, &head).record;
  const uint64_t offset = record->size() - payload.bytes.size() + payload.put_offset;
  ASSERT_TRUE(heads.ReplaceLines(kBudget, 1, blocks, domain::Position(7), offset, false).ok());
  const Key first_block = BlockKeys::OfLines(kBudget).At(lines[0].line_id);
  EXPECT_LT(staged.Get(first_block)->size(), 20u);
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
    ASSERT_TRUE(heads
                    .PatchLines(kBudget, static_cast<uint64_t>(round) + 2, put_lines,
                                {removed.begin(), removed.end()})
                    .ok());
    std::set<std::string> asked;
    for (int i = 0; i < 30; ++i) asked.insert(absl::StrCat("L", 99000 + random() % 25000));
    std::map<std::string, int64_t> standing;
    for (const std::string& id : asked) {
      if (model.count(id) == 1) standing[id] = model[id];
    }
    const std::vector<absl::string_view> ids_asked(asked.begin(), asked.end());
    const auto found = heads.FindLines(kBudget, ids_asked);
    ASSERT_TRUE(found.ok());
    std::map<std::string, int64_t> found_amounts;
    for (const Line& line : found->lines)
      found_amounts[std::string(line.line_id)] = line.amount_fen;
    EXPECT_EQ(found_amounts, standing);
    EXPECT_EQ(found->lines.size(), standing.size());
    if (round % 10 != 0) continue;
    const auto all = heads.Lines(kBudget);
    ASSERT_TRUE(all.ok());
    std::map<std::string, int64_t> got;
    for (const Line& line : all->lines) got[std::string(line.line_id)] = line.amount_fen;
    ASSERT_EQ(got, model);
  }
}

TEST(HeadsTest, PatchesOfManyProjects) {
  MemoryDisk disk;
  auto kv = MemoryKv::Open(disk, {true, nullptr});
  Staged staged(**kv);
  Heads heads(staged, nullptr);
  std::map<std::string, domain::ProjectEntry> model;
  std::vector<domain::ProjectEntry> all;
  for (int i = 0; i < 700; ++i) {
    all.push_back({absl::StrCat("P", 10000 + i * 3), absl::StrCat("name", i),
                   std::string(static_cast<size_t>(i % 300), 'x')});
    model[all.back().code] = all.back();
  }
  ASSERT_TRUE(
      heads.ReplaceProjects(kBudget, 1, EncodeProjects(all), domain::Position(), 0, false).ok());
  std::mt19937_64 random(21);
  for (int round = 0; round < 100; ++round) {
    std::map<std::string, domain::ProjectEntry> put, removed;
    for (int i = 0; i < 9; ++i) {
      const std::string code = absl::StrCat("P", 9900 + random() % 2400);
      auto it = model.find(code);
      if (it != model.end()) removed[code] = it->second;
      if (random() % 2 == 0) put[code] = {code, absl::StrCat("new", round), "bytes"};
    }
    std::vector<domain::ProjectEntry> put_list, removed_list;
    for (const auto& [code, p] : removed) removed_list.push_back(p), model.erase(code);
    for (const auto& [code, p] : put) put_list.push_back(p), model[code] = p;
    ASSERT_TRUE(
        heads.PatchProjects(kBudget, static_cast<uint64_t>(round) + 2, put_list, removed_list)
            .ok());
    std::vector<domain::ProjectEntry> want;
    for (const auto& [code, p] : model) want.push_back(p);
    ASSERT_EQ(*heads.Projects(kBudget), want);
    std::set<std::string> asked;
    for (int i = 0; i < 30; ++i) asked.insert(absl::StrCat("P", 9900 + random() % 2400));
    std::vector<domain::ProjectEntry> found, standing;
    for (const std::string& code : asked) {
      if (model.count(code) == 1) standing.push_back(model[code]);
    }
    const std::vector<absl::string_view> codes(asked.begin(), asked.end());
    ASSERT_TRUE(heads
                    .FindProjects(kBudget, codes,
                                  [&](domain::ProjectEntry p) { found.push_back(std::move(p)); })
                    .ok());
    EXPECT_EQ(found, standing);
  }
}

}  // namespace
}  // namespace fiscal::storage
