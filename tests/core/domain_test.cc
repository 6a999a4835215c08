#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/coding.h"
#include "base/text.h"
#include "domain/catalog.h"
#include "domain/cells.h"
#include "domain/fold.h"
#include "domain/reason.h"
#include "domain/validation.h"
#include "gtest/gtest.h"
#include "storage/cell_codec.h"

namespace fiscal::domain {
namespace {

using storage::DecodeCells;
using storage::DecodeNode;
using storage::EncodeCells;
using storage::EncodeNode;
using storage::KindOfNode;

TEST(CodingTest, NumbersComeBackAndOnlyTheShortestFormIsRead) {
  std::string bytes;
  const int64_t values[] = {0, 1, -1, 63, -64, 64, INT64_MAX, INT64_MIN};
  for (int64_t v : values) PutSigned(&bytes, v);
  ByteReader reader(bytes);
  for (int64_t v : values) EXPECT_EQ(reader.Signed(), v);
  EXPECT_TRUE(reader.ok() && reader.AtEnd());
  ByteReader longer(absl::string_view("\x80\x00", 2));
  longer.Varint();
  EXPECT_FALSE(longer.ok());
  ByteReader cut("\x80");
  cut.Varint();
  EXPECT_FALSE(cut.ok());
}

// Near the end of its bytes a number is read byte by byte, elsewhere in words.
TEST(CodingTest, WhatFollowsANumberIsNothingToIt) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 20000; ++i) {
    const uint64_t v = random() >> random() % 64;
    const __int128 wide = (static_cast<__int128>(random()) << 64 | random()) >> random() % 127;
    std::string bytes, longer;
    PutVarint(&bytes, v);
    longer = bytes;
    longer.back() = static_cast<char>(longer.back() | 0x80);
    longer.push_back('\0');
    PutWide(&bytes, wide);
    const size_t more = random() % 12;
    bytes.append(more, static_cast<char>(random()));
    longer.append(more, static_cast<char>(random()));
    ByteReader reader(bytes), bad(longer);
    EXPECT_EQ(reader.Varint(), v);
    EXPECT_EQ(reader.Wide(), wide);
    EXPECT_TRUE(reader.ok() && reader.remaining() == more);
    bad.Varint();
    EXPECT_FALSE(bad.ok());
  }
}

TEST(CodingTest, WideNumbersAreThoseOfOneWordWhereTheyFit) {
  std::mt19937_64 random(2);
  auto check = [](__int128 v) {
    std::string wide, narrow;
    PutWide(&wide, v);
    if (v >= INT64_MIN && v <= INT64_MAX) {
      PutSigned(&narrow, static_cast<int64_t>(v));
      EXPECT_EQ(wide, narrow);
    } else {
      EXPECT_GE(wide.size(), 10u);
    }
    EXPECT_LE(wide.size(), 19u);
    ByteReader reader(wide);
    EXPECT_EQ(reader.Wide(), v);
    EXPECT_TRUE(reader.ok() && reader.AtEnd());
    ByteReader cut(absl::string_view(wide).substr(0, wide.size() - 1));
    cut.Wide();
    EXPECT_FALSE(cut.ok());
    // Only the shortest form is read.
    wide.back() = static_cast<char>(wide.back() | 0x80);
    wide.push_back('\0');
    ByteReader longer(wide);
    longer.Wide();
    EXPECT_FALSE(longer.ok());
  };
  const __int128 max = static_cast<__int128>(~static_cast<unsigned __int128>(0) >> 1);
  for (const __int128 v : {__int128{0}, __int128{-1}, __int128{63}, __int128{INT64_MAX},
                           __int128{INT64_MIN}, max, -max - 1, max - 1})
    check(v);
  for (int i = 0; i < 20000; ++i) {
    const unsigned __int128 bits = static_cast<unsigned __int128>(random()) << 64 | random();
    check(static_cast<__int128>(bits) >> random() % 128);
  }
  std::string bytes;
  PutWide(&bytes, 300);
  PutWide(&bytes, __int128{INT64_MAX} + 1);
  EXPECT_EQ(absl::BytesToHexString(bytes),
            "d804"
            "80808080808080808002");
}

// It looks at eight bytes at once: each length, with the fault at each place.
TEST(TextTest, ABadByteIsFoundAnywhere) {
  for (size_t size = 0; size <= 20; ++size) {
    EXPECT_TRUE(IsUtf8(std::string(size, 'a')));
    for (size_t at = 0; at < size; ++at) {
      std::string text(size, 'a');
      text[at] = '\x80';
      EXPECT_FALSE(IsUtf8(text)) << size << " " << at;
      EXPECT_TRUE(IsUtf8(text.replace(at, 1, "县"))) << size << " " << at;
      for (const char c : {'\0', ' ', '\x7f', '\x80', '\xff'}) {
        std::string id(size, '!');
        id[at] = c;
        EXPECT_FALSE(IsIdentifier(id)) << size << " " << at;
        id[at] = '~';
        EXPECT_TRUE(IsIdentifier(id)) << size << " " << at;
      }
    }
  }
}

TEST(TextTest, FaultsOfText) {
  EXPECT_EQ(CheckText("吕梁市 2024", false), TextFault::kNone);
  EXPECT_EQ(CheckText("a\nb", true), TextFault::kNone);
  EXPECT_EQ(CheckText("a\nb", false), TextFault::kControl);
  EXPECT_EQ(CheckText(absl::string_view("a\0b", 3), true), TextFault::kControl);
  EXPECT_EQ(CheckText("\xc0\x80", true), TextFault::kInvalidUtf8);      // overlong
  EXPECT_EQ(CheckText("\xed\xa0\x80", true), TextFault::kInvalidUtf8);  // surrogate
  EXPECT_EQ(CheckText("\xe5\x90", true), TextFault::kInvalidUtf8);      // cut off
  EXPECT_EQ(CheckText("\xe2\x80\xae", true), TextFault::kBidi);
  EXPECT_EQ(CheckText("\xef\xbf\xbf", true), TextFault::kNoncharacter);
}

TEST(CodeTest, LevelsAndAncestors) {
  EXPECT_EQ(ParseCode("2080505"), 2080505u);
  EXPECT_EQ(ParseCode("0208"), 0u);
  EXPECT_EQ(ParseCode("20a"), 0u);
  EXPECT_EQ(ParseCode("1234567890"), 0u);
  EXPECT_EQ(LevelOf(208), 1);
  EXPECT_EQ(LevelOf(20805), 2);
  EXPECT_EQ(LevelOf(2080505), 3);
  EXPECT_EQ(LevelOf(103013301), 4);
  EXPECT_EQ(LevelOf(141100), 0);
  EXPECT_EQ(AncestorAt(2080505, 1), 208u);
  EXPECT_EQ(AncestorAt(2080505, 2), 20805u);
  for (uint32_t bits : {0u, 0x00112111u, 0x00611623u}) {
    Attributes a;
    ASSERT_TRUE(Attributes::Unpack(bits, &a));
    EXPECT_EQ(a.Pack(), bits);
  }
}

TEST(ReasonTest, ARefusalPassesThroughAStatusUnharmed) {
  const absl::Status status =
      Refuse({{Reason::kCodeUnknown, "line_items[3].functional_code", "L3", "no such code"},
              {Reason::kAmountInvalid, "line_items[4].amount_fen", "", "negative"}});
  EXPECT_EQ(status.code(),
            absl::StatusCode::kInvalidArgument);  // one of them is about the message alone
  const Explained e = Explain(status);
  ASSERT_TRUE(e.reason_known);
  EXPECT_EQ(e.refusal.reason, Reason::kAmountInvalid);
  ASSERT_EQ(e.refusal.violations.size(), 2u);
  EXPECT_EQ(e.refusal.violations[0].line_id, "L3");
  EXPECT_FALSE(Explain(absl::InternalError("x")).reason_known);
}

CatalogEvent List(CatalogList list, Code division, std::vector<CatalogEntry> entries) {
  return {division, 2024, list, std::move(entries)};
}
CatalogEntry Entry(std::string code, std::string name, std::string parent) {
  CatalogEntry e;
  e.code = std::move(code);
  e.name = std::move(name);
  e.parent_code = std::move(parent);
  return e;
}

TEST(CatalogTest, ListsServeTheDivisionAndThoseBelow) {
  auto catalog = std::make_shared<const Catalog>();
  catalog = catalog->With(List(CatalogList::kDivision, 140000,
                               {Entry("140000", "山西省", ""), Entry("141100", "吕梁市", "140000"),
                                Entry("141121", "文水县", "141100")}),
                          Position(1));
  catalog = catalog->With(
      List(CatalogList::kFunctional, 140000, {Entry("208", "社会保障和就业支出", "")}),
      Position(5));
  EXPECT_EQ(catalog->ChainOf(141121, 2024), (std::vector<Code>{141121, 141100, 140000}));
  EXPECT_EQ(catalog->NameOf(141121, 2024, CatalogList::kFunctional, 208), "社会保障和就业支出");
  const auto next = catalog->With(
      List(CatalogList::kFunctional, 141121, {Entry("208", "近处的名称", "")}), Position(7));
  EXPECT_EQ(next->position(), domain::Position(7));
  EXPECT_EQ(catalog->position(), domain::Position(5));
  EXPECT_EQ(next->NameOf(141121, 2024, CatalogList::kFunctional, 208), "近处的名称");
  EXPECT_EQ(next->NameOf(141100, 2024, CatalogList::kFunctional, 208), "社会保障和就业支出");
  EXPECT_EQ(catalog->NameOf(141121, 2024, CatalogList::kFunctional, 208),
            "社会保障和就业支出");  // the older value stands
  EXPECT_EQ(next->NameOf(141121, 2025, CatalogList::kFunctional, 208), "");  // data of a year
}

TEST(CatalogTest, WrongEntriesAreNamed) {
  const Catalog catalog;
  auto reasons = [&](const CatalogEvent& event) {
    std::string out;
    for (const Violation& v : catalog.Check(event))
      absl::StrAppend(&out, v.field, " ", InfoOf(v.reason).id, "; ");
    return out;
  };
  EXPECT_EQ(
      reasons(List(CatalogList::kFunctional, 140000,
                   {Entry("208", "a", ""), Entry("20805", "b", "208"), Entry("208", "c", "")})),
      "entries[2].code DUPLICATE_CODE; ");
  EXPECT_EQ(reasons(List(CatalogList::kFunctional, 140000, {Entry("20805", "b", "208")})),
            "entries[0].parent_code PARENT_UNKNOWN; ");
  EXPECT_EQ(reasons(List(CatalogList::kFunctional, 140000, {Entry("20805", "b", "210")})),
            "entries[0].parent_code CODE_MALFORMED; ");
  EXPECT_EQ(reasons(List(CatalogList::kDeptEconomic, 140000, {Entry("3010101", "b", "30101")})),
            "entries[0].code CODE_MALFORMED; ");
  EXPECT_EQ(reasons(List(CatalogList::kDivision, 140000,
                         {Entry("140000", "a", "141100"), Entry("141100", "b", "140000")})),
            "entries[0].parent_code CODE_MALFORMED; ");
}

// Differences of some cells and projects; texts are constants.
CellTable RandomTable(std::mt19937_64& random, int cells) {
  static constexpr absl::string_view kCodes[] = {"P0", "P1", "P2", "P3", "P4", "P5"};
  CellTable table;
  for (absl::string_view code : kCodes) {
    const auto state = static_cast<CellProject::State>(random() % 2);
    table.projects.push_back(
        {code, state == CellProject::kNamed ? kCodes[random() % 6] : absl::string_view(), state});
  }
  std::shuffle(table.projects.begin(), table.projects.end(), random);
  for (int i = 0; i < cells; ++i) {
    CellTable::Item& item = table.items.emplace_back();
    item.key.functional = 2080500 + static_cast<Code>(random() % 40);
    item.key.dept_economic = random() % 2 == 0 ? 0 : 30100 + static_cast<Code>(random() % 10);
    item.key.project = static_cast<uint32_t>(random() % 3 == 0 ? 1 + random() % 6 : 0);
    Attributes a;
    a.direction = Direction::kExpenditure;
    a.fund = static_cast<Fund>(random() % 11);
    item.key.attributes = a.Pack();
    item.value.amount_fen = static_cast<int64_t>(random() % 1000000) - 500000;
    item.value.counts[random() % 4] = 1 + static_cast<int32_t>(random() % 5);
  }
  return table;
}

CellTable Negative(CellTable table) {
  for (CellTable::Item& item : table.items) item.value = -item.value;
  return table;
}

// From a whole state, as an agency's cells are read.
LeafCells Loaded(const std::string& bytes) {
  CellTable table;
  EXPECT_TRUE(DecodeCells(bytes, &table).ok());
  LeafCells cells;
  cells.Add(table);
  return cells;
}

TEST(CellsTest, EqualCellsHaveEqualBytesWhateverTheirHistory) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 50; ++i) {
    const CellTable a = RandomTable(random, 60);
    CellTable b = RandomTable(random, 30);
    LeafCells cells;
    cells.Add(a);
    const std::string bytes = EncodeCells(cells.Table());
    LeafCells detour = Loaded(bytes);
    EXPECT_EQ(EncodeCells(detour.Table()), bytes);
    // Something added and taken away again leaves no trace but the names it stated.
    for (CellProject& p : b.projects) p.state = CellProject::kMentioned, p.name = {};
    detour.Add(b);
    EXPECT_NE(EncodeCells(detour.Table()), bytes);
    detour.Add(Negative(b));
    EXPECT_EQ(EncodeCells(detour.Table()), bytes);
  }
}

// A whole state and what was posted since is what all postings give, wherever the state was taken.
TEST(CellsTest, AWholeStateAndThePostingsSinceAreTheCells) {
  std::mt19937_64 random(15);
  LeafCells cells, since;
  for (int round = 0; round < 300; ++round) {
    CellTable some = RandomTable(random, 12);
    if (round % 4 == 1) some.projects[0].state = CellProject::kGone, some.projects[0].name = {};
    Normalize(&some);
    cells.Add(some);
    since.Add(some);
    if (round % 3 == 2) {
      cells.Add(Negative(some));
      since.Add(Negative(some));
    }
    ASSERT_EQ(EncodeCells(since.Table()), EncodeCells(cells.Table()));
    ASSERT_EQ(since.size(), cells.size());
    if (random() % 10 == 0) since = Loaded(EncodeCells(cells.Table()));
  }
}

// A node's cells against a plain map, with amounts of one word and of two, stored and read again.
TEST(CellsTest, NodeCellsAreAMap) {
  std::mt19937_64 random(19);
  NodeCells cells;
  std::map<NodeCells::Key, Fen> model;
  Attributes a;
  a.direction = Direction::kExpenditure;
  const CellKind kind = CellKind::kFunctional;
  for (int round = 0; round < 400; ++round) {
    for (uint64_t n = random() % 3 == 0 ? 400 : random() % 12; n > 0; --n) {
      a.fund = static_cast<Fund>(random() % 4);
      const NodeCells::Key key =
          NodeCells::KeyOf(a.Pack(), 2080000 + static_cast<Code>(random() % 500));
      const auto it = model.find(key);
      const bool back = it != model.end() && random() % 3 == 0;
      CellValue value;
      value.amount_fen =
          back ? -it->second : static_cast<Fen>(1 + random() % 7) << (random() % 2 * 60);
      if ((model[key] += value.amount_fen) == 0) model.erase(key);
      NarrowValue narrow;
      narrow.amount_fen = static_cast<int64_t>(value.amount_fen);
      if (FitsInt64(value.amount_fen) && random() % 2 == 0) {
        cells.Add(kind, key, NodeCells::HashOf(key), narrow);
      } else {
        cells.Add(kind, key, value);
      }
    }
    std::map<NodeCells::Key, Fen> got;
    cells.ForEach(kind, [&](const CellKey& key, const CellValue& value) {
      got[NodeCells::KeyOf(key.attributes, key.functional)] = value.amount_fen;
    });
    ASSERT_EQ(got, model);
    ASSERT_EQ(cells.size(), model.size());
    const std::string bytes = EncodeNode(cells);
    NodeCells decoded;
    ASSERT_TRUE(DecodeNode(bytes, &decoded).ok());
    EXPECT_EQ(EncodeNode(decoded), bytes);
    EXPECT_EQ(decoded.size(), model.size());
    EXPECT_EQ(*KindOfNode(bytes, kind), model.empty() ? "" : EncodeCells(cells.TableOfKind(kind)));
    EXPECT_EQ(*KindOfNode(bytes, CellKind::kRevenue), "");
    // A table of another kind is no node's.
    NodeCells other;
    EXPECT_EQ(other.Load(CellKind::kRevenue, cells.TableOfKind(kind)).ok(), model.empty());
    if (random() % 20 == 0) cells = std::move(decoded);
  }
}

TEST(CellsTest, NormalizedTablesAreWhatAgenciesHold) {
  std::mt19937_64 random(17);
  for (int i = 0; i < 50; ++i) {
    CellTable table = RandomTable(random, 80);
    for (CellProject& p : table.projects) p.state = CellProject::kNamed;
    LeafCells cells;
    cells.Add(table);
    cells.Add(table);
    const size_t n = table.items.size();
    for (size_t k = 0; k < n; ++k) table.items.push_back(table.items[k]);
    Normalize(&table);
    EXPECT_EQ(EncodeCells(table), EncodeCells(cells.Table()));
    CellTable read;
    const std::string bytes = EncodeCells(cells.Table());
    ASSERT_TRUE(DecodeCells(bytes, &read).ok());
    EXPECT_EQ(EncodeCells(read), bytes);
  }
}

// Bytes of cells that one word holds are those of every earlier version; larger sums come back too.
TEST(CellsTest, GoldenBytesAndSumsOfTwoWords) {
  Attributes a;
  a.direction = Direction::kExpenditure;
  a.fund = Fund::kGeneral;
  CellTable table;
  for (const Code functional : {2080505, 2170101}) {
    CellTable::Item& item = table.items.emplace_back();
    item.key.functional = functional;
    item.key.attributes = a.Pack();
    item.value.amount_fen = functional == 2080505 ? 300 : -5;
    item.value.counts = {1, 0, -2, 0};
  }
  const std::string bytes = EncodeCells(table);
  EXPECT_EQ(absl::BytesToHexString(bytes),
            "0002"
            "0380a004f9fd7e"
            "d804"
            "050203"
            "02f5b98401"
            "09"
            "050203");
  table.items[0].value.amount_fen = Fen{1} << 100;
  table.items[0].value.counts[3] = int64_t{1} << 40;
  table.items[1].value.amount_fen = -(Fen{1} << 63) - 1;
  CellTable read;
  const std::string wide = EncodeCells(table);
  ASSERT_TRUE(DecodeCells(wide, &read).ok());
  ASSERT_EQ(read.items.size(), 2u);
  for (size_t i = 0; i < 2; ++i) EXPECT_TRUE(read.items[i].value == table.items[i].value);
  EXPECT_EQ(EncodeCells(read), wide);
}

TEST(FenTest, WhatIsToldFitsOrSaysWhatItIs) {
  const Fen max = static_cast<Fen>(~static_cast<unsigned __int128>(0) >> 1);
  EXPECT_EQ(FormatFen(0), "0");
  EXPECT_EQ(FormatFen(-120), "-120");
  EXPECT_EQ(FormatFen(max), "170141183460469231731687303715884105727");
  EXPECT_EQ(FormatFen(-max - 1), "-170141183460469231731687303715884105728");
  EXPECT_EQ(*ToInt64(INT64_MIN, "x"), INT64_MIN);
  EXPECT_EQ(*ToInt64(INT64_MAX, "x"), INT64_MAX);
  const Explained e = Explain(ToInt64(Fen{INT64_MAX} + 1, "filters[3]").status());
  EXPECT_EQ(e.refusal.reason, Reason::kTotalOutOfRange);
  EXPECT_EQ(e.refusal.metadata,
            (std::vector<std::pair<std::string, std::string>>{
                {"field", "filters[3]"}, {"amount_fen", "9223372036854775808"}}));
}

TEST(CellsTest, DamagedBytesAreRefusedOrOtherCells) {
  std::mt19937_64 random(6);
  LeafCells leaves;
  leaves.Add(RandomTable(random, 40));
  NodeCells node;
  AddLeaves(leaves.Table().items, &node);
  for (const std::string& bytes : {EncodeCells(leaves.Table()), EncodeNode(node)}) {
    for (int i = 0; i < 10000; ++i) {
      std::string damaged = bytes;
      damaged[random() % damaged.size()] ^= static_cast<char>(1 + random() % 255);
      if (random() % 4 == 0) damaged.resize(random() % damaged.size());
      CellTable table;
      NodeCells read;
      for (const absl::Status& status : {DecodeCells(damaged, &table), DecodeNode(damaged, &read),
                                         KindOfNode(damaged, CellKind::kFunctional).status()})
        EXPECT_TRUE(status.ok() || absl::IsDataLoss(status));
    }
  }
}

Line MakeLine(absl::string_view id, Code functional, int64_t amount) {
  Line line;
  line.line_id = id;
  line.functional = functional;
  line.attributes.direction = Direction::kExpenditure;
  line.amount_fen = amount;
  return line;
}

Posting MakePosting(absl::string_view agency, absl::string_view department,
                    std::vector<std::pair<Code, int64_t>> cells) {
  Posting p;
  p.key = {141100, 2024, Stage::kApproved, std::string(agency)};
  p.department = std::string(department);
  Attributes a;
  a.direction = Direction::kExpenditure;
  for (const auto& [functional, amount] : cells) {
    CellTable::Item& item = p.cells.items.emplace_back();
    item.key.functional = functional;
    item.key.attributes = a.Pack();
    item.value.amount_fen = amount;
    item.value.counts[0] = amount < 0 ? -1 : 1;
  }
  Normalize(&p.cells);
  return p;
}

std::shared_ptr<const Catalog> OneDivision();

absl::Status ApplyAll(Fold& fold, const std::vector<Posting>& postings, const Catalog& catalog,
                      std::vector<Fold::State>* states) {
  std::vector<const Posting*> all;
  for (const Posting& p : postings) all.push_back(&p);
  const absl::Status status = fold.Prepare(all, catalog);
  if (status.ok()) fold.Apply(states);
  return status;
}
std::unique_ptr<Fold::Node> NewNode() { return std::make_unique<Fold::Node>(); }

// Amounts and counts of any size and sign, folded, stored and loaded, are the sums that a map of
// 128-bit numbers has.
TEST(FoldTest, SumsAreExactHoweverLarge) {
  const auto catalog = OneDivision();
  std::mt19937_64 random(23);
  using Model = std::map<std::pair<OrgType, Code>, CellValue>;
  Model model;
  std::map<NodeId, std::string> stored;
  Fold fold([&](const NodeId& id) -> absl::StatusOr<std::unique_ptr<Fold::Node>> {
    auto node = NewNode();
    const auto bytes = stored.find(id);
    if (bytes == stored.end()) return node;
    const absl::Status status = DecodeNode(bytes->second, &node->cells);
    if (!status.ok()) return status;
    return node;
  });
  const Code codes[] = {2080505, 2080506, 2170101, 2101101};
  for (int round = 0; round < 200; ++round) {
    std::vector<Posting> postings;
    for (int i = 0; i < 8; ++i) {
      postings.push_back(MakePosting("101001", "101", {{codes[random() % 4], 1}}));
      CellTable::Item& item = postings.back().cells.items[0];
      // Up to the largest of one word, mostly of one sign for a while: sums pass 2^63 and come
      // back.
      const int64_t amount = static_cast<int64_t>(random() >> (1 + random() % 40));
      item.value.amount_fen = round / 50 % 2 == 0 ? amount : -amount;
      item.value.counts[random() % 4] += static_cast<int64_t>(random() % (int64_t{1} << 33));
      for (OrgType type : {OrgType::kDepartment, OrgType::kOwnLevel})
        model[{type, item.key.functional}].Add(item.value);
    }
    std::vector<Fold::State> states;
    ASSERT_TRUE(ApplyAll(fold, postings, *catalog, &states).ok());
    EXPECT_EQ(states.size(), 16u) << "a state for each posting and node";
    Model got;
    for (const auto& [id, node] : fold.nodes()) {
      node->cells.ForEach(CellKind::kFunctional,
                          [&, type = id.node.type](const CellKey& key, const CellValue& value) {
                            got[{type, key.functional}] = value;
                          });
      stored[id] = EncodeNode(node->cells);
    }
    ASSERT_EQ(got.size(), model.size());
    for (const auto& [key, value] : model) {
      Fen exact = value.amount_fen;
      ASSERT_TRUE(got[key].amount_fen == exact && got[key].counts == value.counts)
          << FormatFen(got[key].amount_fen) << " not " << FormatFen(exact);
    }
    // Forgotten now and then, and loaded again.
    if (round % 5 == 0) {
      EXPECT_EQ(fold.Drop(fold.Unused(0)).size(), 2u);
      EXPECT_EQ(fold.cell_count(), 0u);
    }
  }
  const bool passed = std::any_of(model.begin(), model.end(),
                                  [](const auto& m) { return !FitsInt64(m.second.amount_fen); });
  EXPECT_TRUE(passed);
}

std::shared_ptr<const Catalog> OneDivision() {
  return std::make_shared<const Catalog>()->With(
      List(CatalogList::kDivision, 141100, {Entry("141100", "吕梁市", "")}), Position(1));
}

TEST(FoldTest, AFailedLoadLeavesEverythingAsItWas) {
  const auto catalog = OneDivision();
  int loads = 0, fail_at = 0;
  std::unique_ptr<Fold> fold;
  const std::vector<Posting> posting = {MakePosting("101001", "101", {{2080505, 5}, {2170101, 7}})};
  const std::vector<Posting> back = {MakePosting("101001", "101", {{2080505, -5}, {2170101, -7}})};
  std::vector<Fold::State> states;
  auto sum = [&] {
    Fen total = 0;
    for (const auto& [id, node] : fold->nodes()) {
      for (const CellKind kind : kNodeKinds) {
        node->cells.ForEach(
            kind, [&](const CellKey&, const CellValue& value) { total += value.amount_fen; });
      }
    }
    return total;
  };
  for (fail_at = 1; fail_at < 100; ++fail_at) {
    loads = 0;
    fold =
        std::make_unique<Fold>([&](const NodeId&) -> absl::StatusOr<std::unique_ptr<Fold::Node>> {
          if (++loads == fail_at) return absl::DataLossError("damaged");
          return NewNode();
        });
    const absl::Status status = ApplyAll(*fold, posting, *catalog, &states);
    if (status.ok()) break;
    EXPECT_TRUE(fold->nodes().empty()) << "a load failed at " << fail_at;
    EXPECT_TRUE(states.empty());
  }
  EXPECT_EQ(fail_at, 3);  // department, own level
  // Functional, economic and unclassified cells at department and own level.
  EXPECT_EQ(sum(), 2 * 4 * 12);
  ASSERT_TRUE(ApplyAll(*fold, back, *catalog, &states).ok());
  EXPECT_EQ(sum(), 0);
  EXPECT_TRUE(fold->Unused(1000).empty());
  EXPECT_EQ(fold->Unused(0).size(), 2u);
}

// A code of no level would be a cell of another place: nothing of the call is applied.
TEST(FoldTest, APostingWithACodeOfNoLevelChangesNothing) {
  const auto catalog = OneDivision();
  Fold fold([](const NodeId&) { return NewNode(); });
  const Posting good = MakePosting("101001", "101", {{2080505, 5}});
  const Posting poison = MakePosting("101002", "101", {{2080505, 5}, {5000, 7}});
  std::vector<Fold::State> states;
  EXPECT_TRUE(absl::IsDataLoss(ApplyAll(fold, {good, poison}, *catalog, &states)));
  EXPECT_TRUE(fold.nodes().empty());
  EXPECT_TRUE(states.empty());
  EXPECT_TRUE(ApplyAll(fold, {good}, *catalog, &states).ok());
}

// How many postings are folded at once is timing, and which nodes are in memory is room: the states
// must not depend on either.
TEST(FoldTest, OneByOneOrTogetherIsTheSame) {
  const auto catalog = OneDivision()->With(
      List(CatalogList::kDivision, 141121, {Entry("141121", "文水县", "141100")}), Position(2));
  std::mt19937_64 random(16);
  const Code codes[] = {2080505, 2080506, 2170101, 2101101};
  const WholeRule rule{2, 3, 5};
  std::map<NodeId, std::pair<std::string, uint64_t>> stored;
  Fold single(
      [&](const NodeId& id) -> absl::StatusOr<std::unique_ptr<Fold::Node>> {
        auto node = NewNode();
        const auto& [bytes, gathered] = stored[id];
        node->gathered = gathered;
        if (bytes.empty()) return node;
        const absl::Status status = DecodeNode(bytes, &node->cells);
        if (!status.ok()) return status;
        return node;
      },
      rule);
  Fold together([](const NodeId&) { return NewNode(); }, rule);
  // On several threads, too: these end in any order.
  Fold beside([](const NodeId&) { return NewNode(); }, rule);
  beside.DoBeside(3, 2, [](size_t parts, const std::function<void(size_t)>& part) {
    std::vector<std::thread> threads;
    for (size_t i = 1; i < parts; ++i) threads.emplace_back(part, i);
    part(0);
    for (std::thread& thread : threads) thread.join();
  });
  size_t whole = 0, told = 0;
  for (int round = 0; round < 100; ++round) {
    std::vector<Posting> postings;
    std::vector<Fold::State> of_single, of_together, of_beside;
    for (int i = 0; i < 10; ++i) {
      const int64_t amount = 1 + static_cast<int64_t>(random() % 3);
      postings.push_back(
          MakePosting(absl::StrCat("10100", random() % 3), "101",
                      {{codes[random() % 4], random() % 2 == 0 ? amount : -amount}}));
      postings.back().position = Position(static_cast<uint64_t>(round * 10 + i + 1));
      if (random() % 3 == 0) postings.back().key.division = 141121;
      ASSERT_TRUE(ApplyAll(single, {postings.back()}, *catalog, &of_single).ok());
      for (const auto& [id, node] : single.nodes())
        stored[id] = {EncodeNode(node->cells), node->gathered};
      single.Drop(single.Unused(random() % 200));
    }
    ASSERT_TRUE(ApplyAll(together, postings, *catalog, &of_together).ok());
    ASSERT_TRUE(ApplyAll(beside, postings, *catalog, &of_beside).ok());
    ASSERT_EQ(of_single.size(), of_together.size());
    const auto said = [](const std::vector<Fold::State>& states) {
      std::map<std::pair<NodeId, Position>, std::string> said;
      for (const Fold::State& s : states)
        said[{s.id, s.position}] = s.whole == nullptr ? "" : EncodeNode(*s.whole);
      return said;
    };
    EXPECT_EQ(said(of_beside), said(of_together));
    EXPECT_EQ(beside.cell_count(), together.cell_count());
    for (size_t i = 0; i < of_single.size(); ++i) {
      EXPECT_EQ(of_single[i].id, of_together[i].id);
      EXPECT_EQ(of_single[i].position, of_together[i].position);
      ASSERT_EQ(of_single[i].whole == nullptr, of_together[i].whole == nullptr);
      ++(of_single[i].whole == nullptr ? told : whole);
      if (of_single[i].whole != nullptr) {
        EXPECT_EQ(EncodeNode(*of_single[i].whole), EncodeNode(*of_together[i].whole));
      }
    }
  }
  EXPECT_GT(whole, 100u);
  EXPECT_GT(told, 100u);
}

// A division's own level is kept apart from what is below it.
TEST(FoldTest, ANodeOfADivisionIsWhatCameFromBelow) {
  const auto catalog = OneDivision()->With(
      List(CatalogList::kDivision, 141121, {Entry("141121", "文水县", "141100")}), Position(2));
  Fold fold([](const NodeId&) { return NewNode(); });
  Posting below = MakePosting("101001", "101", {{2080505, 5}});
  below.key.division = 141121;
  std::vector<Fold::State> states;
  ASSERT_TRUE(
      ApplyAll(fold, {MakePosting("101001", "101", {{2080505, 7}}), below}, *catalog, &states)
          .ok());
  auto sum = [&](OrgType type, Code division) {
    const auto node = fold.nodes().find({{type, division, ""}, 2024, Stage::kApproved});
    Fen total = 0;
    if (node == fold.nodes().end()) return total;
    node->second->cells.ForEach(CellKind::kNone, [&](const CellKey&, const CellValue& value) {
      total += value.amount_fen;
    });
    return total;
  };
  EXPECT_EQ(sum(OrgType::kOwnLevel, 141100), 7);
  EXPECT_EQ(sum(OrgType::kDivision, 141100), 5);
  EXPECT_EQ(sum(OrgType::kOwnLevel, 141121), 5);
  EXPECT_EQ(sum(OrgType::kDivision, 141121), 0);
  EXPECT_EQ(PartsOf({OrgType::kDivision, 141100, ""}).size(), 2u);
  EXPECT_EQ(PartsOf({OrgType::kDepartment, 141100, "101"}).size(), 1u);
}

TEST(ValidationTest, PlacesSpeakOfTheOrderSent) {
  Submission s;
  s.request_id = "r";
  s.key = {141100, 2024, Stage::kApproved, "101001"};
  s.lines.lines = {MakeLine("z", 2080505, 1), MakeLine("a", 2080505, -1),
                   MakeLine("z", 2080505, 3)};
  CheckMessage(&s);
  ASSERT_EQ(s.violations.size(), 2u);
  EXPECT_EQ(s.violations[0].field, "line_items[1].amount_fen");
  EXPECT_EQ(s.violations[0].line_id, "a");
  EXPECT_EQ(s.violations[1].field, "line_items[2].line_id");
  EXPECT_EQ(s.lines.lines[0].line_id, "a");  // in order now
}

}  // namespace
}  // namespace fiscal::domain
