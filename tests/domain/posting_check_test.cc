// What of a posting is refused, a row for each: every field of it is made wrong, alone, and the
// sentence names it.
#include "domain/posting_check.h"

#include <functional>
#include <string>
#include <vector>

#include "domain/submission.h"
#include "gtest/gtest.h"

namespace fiscal::domain {
namespace {

// What the other cells leave of the limit.
constexpr int64_t kAmount = kPostingFenMax - 300;

Attributes Spending() {
  Attributes a;
  a.direction = Direction::kExpenditure;
  a.fund = Fund::kGeneral;
  a.category = Category::kProject;
  a.procurement = Procurement::kGoods;
  return a;
}

CellTable::Item Cell(Attributes attributes, Code functional, uint32_t project = 0) {
  CellTable::Item item;
  item.key.attributes = attributes.Pack();
  item.key.functional = functional;
  item.key.project = project;
  item.value.amount_fen = 100;
  item.value.counts[0] = 1;
  return item;
}

// Something of everything: expenditure with economic codes and a project, a transfer, income, a
// memo line.
Posting Sound() {
  Posting p;
  p.key = {141100, 2024, Stage::kApproved, "101001"};
  p.department = "101";
  p.revision = 2;
  p.cells.projects = {{"P1", "项目一", CellProject::kNamed},
                      {"P2", {}, CellProject::kGone},
                      {"P3", {}, CellProject::kMentioned}};
  CellTable::Item a = Cell(Spending(), 2080505, 1);
  a.key.dept_economic = 30101;
  a.key.gov_economic = 501;
  CellTable::Item b = Cell(Spending(), 2300601);
  b.key.receiving_division = 140000;
  b.value.amount_fen = -kAmount;
  b.value.counts[2] = -1;
  Attributes income;
  income.direction = Direction::kIncome;
  income.fund = Fund::kGeneral;
  CellTable::Item c = Cell(income, 0);
  c.key.revenue = 101010101;
  Attributes memo = Spending();
  memo.analysis = Analysis::kThreePublic;
  CellTable::Item d = Cell(memo, 0);
  p.cells.items = {a, b, c, d};
  return p;
}

struct Row {
  const char* named;
  std::function<void(Posting*)> spoil;
};

void SetAttributes(Posting* p, size_t cell, const std::function<void(Attributes*)>& change) {
  Attributes a;
  ASSERT_TRUE(Attributes::Unpack(p->cells.items[cell].key.attributes, &a));
  change(&a);
  p->cells.items[cell].key.attributes = a.Pack();
}

const std::vector<Row>& Rows() {
  static const std::string long_name(201, 'n'), long_code(65, 'c'), bidi = "a\u202e",
                                                                    not_utf8 = "\xff";
  static const std::vector<Row> rows = {
      {"division 14110 ", [](Posting* p) { p->key.division = 14110; }},
      {"division 1411000 ", [](Posting* p) { p->key.division = 1411000; }},
      {"year 1948 ", [](Posting* p) { p->key.year = 1948; }},
      {"year 3000 ", [](Posting* p) { p->key.year = 3000; }},
      {"stage 0 ", [](Posting* p) { p->key.stage = Stage::kNone; }},
      {"stage 8 ", [](Posting* p) { p->key.stage = Stage::kCurrent; }},
      {"agency", [](Posting* p) { p->key.agency.clear(); }},
      {"agency", [](Posting* p) { p->key.agency = std::string(33, '1'); }},
      {"agency", [](Posting* p) { p->key.agency = "10 1"; }},
      {"agency", [](Posting* p) { p->key.agency = std::string("1\0", 2); }},
      {"department", [](Posting* p) { p->department.clear(); }},
      {"department", [](Posting* p) { p->department = std::string(33, '1'); }},
      {"department", [](Posting* p) { p->department = "单位"; }},
      {"whole department", [](Posting* p) { p->scope = Scope::kDepartment; }},
      {"revision 0 ", [](Posting* p) { p->revision = 0; }},
      {"revision 18446744073709551615 ", [](Posting* p) { p->revision = UINT64_MAX; }},
      {"does not count", [](Posting* p) { p->control = true; }},
      // The cells.
      {"functional code 5000 ", [](Posting* p) { p->cells.items[0].key.functional = 5000; }},
      {"functional code 208050501 ",
       [](Posting* p) { p->cells.items[0].key.functional = 208050501; }},
      {"functional code 1 ", [](Posting* p) { p->cells.items[0].key.functional = 1; }},
      {"no functional code", [](Posting* p) { p->cells.items[0].key.functional = 0; }},
      {"revenue code stands at what is no income",
       [](Posting* p) { p->cells.items[0].key.revenue = 101; }},
      {"revenue code 1010 ", [](Posting* p) { p->cells.items[2].key.revenue = 1010; }},
      {"no functional code", [](Posting* p) { p->cells.items[2].key.revenue = 0; }},
      {"economic code 3010101 ", [](Posting* p) { p->cells.items[0].key.dept_economic = 3010101; }},
      {"economic code 50 ", [](Posting* p) { p->cells.items[0].key.gov_economic = 50; }},
      {"economic code stands at income",
       [](Posting* p) { p->cells.items[2].key.dept_economic = 301; }},
      {"economic code stands at income",
       [](Posting* p) { p->cells.items[2].key.gov_economic = 501; }},
      {"receiving division 14 ", [](Posting* p) { p->cells.items[1].key.receiving_division = 14; }},
      {"receiving division 4294967295 ",
       [](Posting* p) { p->cells.items[1].key.receiving_division = UINT32_MAX; }},
      {"attributes are none", [](Posting* p) { p->cells.items[3].key.attributes |= 15u << 24; }},
      {"attributes are none", [](Posting* p) { p->cells.items[3].key.attributes |= 15u << 12; }},
      {"direction is none",
       [](Posting* p) {
         SetAttributes(p, 0, [](Attributes* a) { a->direction = Direction::kNone; });
       }},
      {"category stands at income",
       [](Posting* p) {
         SetAttributes(p, 2, [](Attributes* a) { a->category = Category::kBasic; });
       }},
      {"procurement stands at income",
       [](Posting* p) {
         SetAttributes(p, 2, [](Attributes* a) { a->procurement = Procurement::kGoods; });
       }},
      {"it is empty", [](Posting* p) { p->cells.items[1].value = CellValue(); }},
      {"amounts change by", [](Posting* p) { p->cells.items[0].value.amount_fen = kAmount + 1; }},
      {"amounts change by", [](Posting* p) { p->cells.items[0].value.amount_fen = -kAmount - 1; }},
      {"amounts change by", [](Posting* p) { p->cells.items[0].value.amount_fen = INT64_MIN; }},
      {"lines are too many", [](Posting* p) { p->cells.items[0].value.counts[0] = 200000; }},
      {"lines are too many", [](Posting* p) { p->cells.items[0].value.counts[3] = INT32_MIN; }},
      {"cell 0 has no project", [](Posting* p) { p->cells.items[0].key.project = 4; }},
      {"cells are not in order",
       [](Posting* p) { std::swap(p->cells.items[0], p->cells.items[1]); }},
      {"cells are not in order", [](Posting* p) { p->cells.items[1] = p->cells.items[0]; }},
      {"cells are too many",
       [](Posting* p) { p->cells.items.resize(2 * kStatementLinesMax + 1, p->cells.items[0]); }},
      // The projects.
      {"projects are not in order",
       [](Posting* p) { std::swap(p->cells.projects[1], p->cells.projects[2]); }},
      {"projects are not in order", [](Posting* p) { p->cells.projects[1].code = "P1"; }},
      {"code of project 1", [](Posting* p) { p->cells.projects[1].code = ""; }},
      {"code of project 1", [](Posting* p) { p->cells.projects[1].code = long_code; }},
      {"code of project 1", [](Posting* p) { p->cells.projects[1].code = "P\n"; }},
      {"name of project 0", [](Posting* p) { p->cells.projects[0].name = ""; }},
      {"name of project 0", [](Posting* p) { p->cells.projects[0].name = long_name; }},
      {"name of project 0", [](Posting* p) { p->cells.projects[0].name = bidi; }},
      {"name of project 0", [](Posting* p) { p->cells.projects[0].name = not_utf8; }},
      {"projects are too many",
       [](Posting* p) {
         p->cells.projects.resize(2 * kStatementProjectsMax + 1, p->cells.projects[2]);
       }},
  };
  return rows;
}

TEST(PostingCheckTest, WhatASystemOfOursPostsIsSound) {
  EXPECT_EQ(PostingFault(Sound()), "");
  Posting whole = Sound();
  whole.scope = Scope::kDepartment;
  whole.key.agency = whole.department;
  EXPECT_EQ(PostingFault(whole), "");
  Posting control = Sound();
  control.control = true;
  control.cells = {};
  EXPECT_EQ(PostingFault(control), "");
}

TEST(PostingCheckTest, EveryFieldThatIsWrongIsNamed) {
  for (size_t i = 0; i < Rows().size(); ++i) {
    Posting posting = Sound();
    Rows()[i].spoil(&posting);
    const std::string fault = PostingFault(posting);
    EXPECT_NE(fault.find(Rows()[i].named), std::string::npos)
        << "row " << i << ": \"" << fault << '"';
  }
}

TEST(PostingCheckTest, EveryNumberThatIsNoCodeIsRefusedWhereverItStands) {
  // Of each length that no level has.
  for (Code code : {Code{1}, Code{99}, Code{1000}, Code{9999}, Code{100000}, Code{999999},
                    Code{10000000}, Code{99999999}, Code{1000000000}, Code{UINT32_MAX}}) {
    for (Code CellKey::*field : {&CellKey::functional, &CellKey::revenue, &CellKey::dept_economic,
                                 &CellKey::gov_economic}) {
      Posting posting = Sound();
      posting.cells.items.resize(3);
      posting.cells.items[field == &CellKey::revenue ? 2 : 0].key.*field = code;
      EXPECT_NE(PostingFault(posting), "") << code;
    }
  }
}

CatalogEvent SoundList() {
  CatalogEvent list{141100, 2024, CatalogList::kAgency, {}};
  CatalogEntry e;
  e.code = "101001";
  e.name = "单位";
  e.department_code = "101";
  e.kind = AgencyKind::kInstitution;
  e.valid_from = "2024-01-01";
  e.aliases = {"别名"};
  list.entries = {e, e};
  return list;
}

TEST(PostingCheckTest, ACatalogListThatNoClientCouldImportIsNamed) {
  EXPECT_EQ(CatalogFault(SoundList()), "");
  const std::vector<std::pair<const char*, std::function<void(CatalogEvent*)>>> rows = {
      {"it is no list", [](CatalogEvent* e) { e->list = CatalogList::kNone; }},
      {"year 12 ", [](CatalogEvent* e) { e->year = 12; }},
      {"division 5000 ", [](CatalogEvent* e) { e->division = 5000; }},
      {"entries are too many",
       [](CatalogEvent* e) { e->entries.resize(kCatalogEntriesMax + 1, e->entries[0]); }},
      {"entry 1: the code", [](CatalogEvent* e) { e->entries[1].code.clear(); }},
      {"entry 1: the code", [](CatalogEvent* e) { e->entries[1].code = std::string(33, '1'); }},
      {"entry 1: the name", [](CatalogEvent* e) { e->entries[1].name.clear(); }},
      {"entry 1: the name",
       [](CatalogEvent* e) { e->entries[1].name = std::string(1000000, 'n'); }},
      {"entry 1: the name", [](CatalogEvent* e) { e->entries[1].name = "\x01"; }},
      {"entry 1: a code", [](CatalogEvent* e) { e->entries[1].parent_code = "上"; }},
      {"entry 1: a code",
       [](CatalogEvent* e) { e->entries[1].department_code = std::string(33, '1'); }},
      {"entry 1: a code", [](CatalogEvent* e) { e->entries[1].valid_from = "2024 01 01"; }},
      {"entry 1: a code", [](CatalogEvent* e) { e->entries[1].valid_to = "\n"; }},
      {"entry 1: its kind",
       [](CatalogEvent* e) { e->entries[1].kind = static_cast<AgencyKind>(4); }},
      {"entry 1: an alias",
       [](CatalogEvent* e) {
         e->entries[1].aliases = {"ok", "\xff"};
       }},
  };
  for (size_t i = 0; i < rows.size(); ++i) {
    CatalogEvent list = SoundList();
    rows[i].second(&list);
    EXPECT_NE(CatalogFault(list).find(rows[i].first), std::string::npos)
        << "row " << i << ": " << CatalogFault(list);
  }
}

}  // namespace
}  // namespace fiscal::domain
