// A disclosure as typed cells: what a document prints, or what the ledger says in the same form.
// The reader of documents and the builder over the ledger make it; rules, comparisons, printing and
// the import take it from there.
//
//   document --> importer --> Disclosure --> articulation rules, comparison, line items
//   ledger ----> builder ---> Disclosure --> articulation rules, statutory tables
//
// Plain values. Rows and columns have keys that do not depend on the form, so that a figure has one
// address in every form:
//   table    1 to 13 as in the 13-table form; 0 the narrative; 14 the performance forms
//   rows     "total"; a code ("2080505"); "class.208";
//            "income.G" (funds G F S A U), "income.fiscal" (财政拨款),
//            "income.UB" "income.UO" "income.UX" (事业, 经营, 其他收入),
//            "income.year" "income.carry" "income.carry.G" "income.total";
//            "expenditure.year" "expenditure.carry" "expenditure.total"; "revenue.CODE" in table 9;
//            "abroad" "reception" "vehicles" "purchase" "operation";
//            "department", "unit.N", "project.NAME" (folded)
//   columns  "total"; "basic" "project"; "personnel" "public"; "this_year" "carryover"; "amount";
//            the funds
#ifndef FISCAL_DOMAIN_DISCLOSURE_DISCLOSURE_H_
#define FISCAL_DOMAIN_DISCLOSURE_DISCLOSURE_H_

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/strings/string_view.h"
#include "domain/disclosure/money.h"

namespace fiscal::disclosure {

constexpr int kNarrative = 0;
constexpr int kTables = 13;
constexpr int kForms = 14;

// The unit of a cell's numbers.
enum class Measure : uint8_t {
  kMoney,    // fen
  kPercent,  // millionths of a percent
  kCount,
};

struct Cell {
  // As printed; empty where nothing is or the column does not exist in this row.
  std::string printed;
  // The value printed, exactly.
  int64_t value = 0;
  // The true value lies in [low, high]: half a unit in the last place around what is printed, in
  // whole fen.
  int64_t low = 0;
  int64_t high = 0;
  // Line of the document, from 1; 0 in what comes from the ledger.
  int line = 0;
  Measure measure = Measure::kMoney;
  uint8_t decimals = 0;

  bool blank() const { return printed.empty(); }
};

struct Row {
  std::string key;
  // As printed.
  std::string label;
  // Table 6: the governments' economic name.
  std::string other_label;
  // As printed, digits joined.
  std::string code;
  int line = 0;
  // Place of the row in its tree or list: 0 is 合计.
  int level = 0;
  // Index of the unit's row in tables 12 and 13; -1 elsewhere.
  int unit = -1;
  std::vector<Cell> cells;

  bool any() const {
    for (const Cell& c : cells) {
      if (!c.blank()) return true;
    }
    return false;
  }
};

struct Table {
  // 1 to 13.
  int number = 0;
  // In the document's own form.
  int form_number = 0;
  std::string title;
  int title_line = 0;
  MoneyUnit unit = MoneyUnit::kUnknown;
  // Digits after the point that most of its figures have.
  int decimals = 0;
  // 注：本表无数据, or the form's own words for it.
  bool says_empty = false;
  std::vector<std::string> columns;
  std::vector<Row> rows;

  // -1 where there is none.
  int ColumnOf(absl::string_view key) const;
  const Row* Find(absl::string_view key) const;
  Row* Find(absl::string_view key);
  // nullptr where there is no such row or column.
  const Cell* At(absl::string_view row, absl::string_view column) const;
  // 0 where there is none or it is blank.
  int64_t Value(absl::string_view row, absl::string_view column) const;
  bool any() const {
    for (const Row& row : rows) {
      if (row.any()) return true;
    }
    return false;
  }
  // True when a figure stands in the column.
  bool AnyIn(size_t column) const;
};

// A performance indicator as a form prints it.
struct Indicator {
  bool year = false;
  std::string level1, level2, level3, target;
};

// One performance form (项目支出绩效目标表). Its money stands in table 14.
struct PerformanceForm {
  int line = 0;
  std::string name;
  std::string owning_agency, implementing_agency, attribute, category, term;
  std::string overview, basis, necessity, safeguards, plan, term_goal, year_goal;
  // 负责人, 经办人, 联系电话; empty where blank.
  std::string responsible, handler, telephone;
  std::vector<Indicator> indicators;
  // Lines that could not be assigned to a field, with their text.
  std::vector<std::pair<int, std::string>> unread;
};

// A sentence of the narrative, for rules about words.
struct Sentence {
  int line = 0;
  // Folded.
  std::string text;
};

// Aspects that lines may leave unsaid, as bits. A document prints all of them.
enum Aspect : uint32_t {
  kIncome = 1,
  kExpenditure = 2,
  kFund = 4,
  kYear = 8,
  kCategory = 16,
  // 人员 and 公用.
  kSubcategory = 32,
  kEconomic = 64,
  kProject = 128,
  // Functional codes down to 项.
  kLeaf = 256,
};
constexpr struct {
  const char* name;
  Aspect aspect;
} kAspects[] = {
    {"income", kIncome},     {"expenditure", kExpenditure}, {"fund", kFund},
    {"year", kYear},         {"category", kCategory},       {"subcategory", kSubcategory},
    {"economic", kEconomic}, {"project", kProject},         {"leaf", kLeaf}};

struct Disclosure {
  // "shanxi-13".
  std::string form;
  int fiscal_year = 0;
  std::string department_name;
  // True for a department with the units it prints as one; false for one unit's own.
  bool department = true;
  // The unit that most money tables use.
  MoneyUnit unit = MoneyUnit::kWanyuan;
  // Index 1 to 13 the tables, those the form does not have with number 0; 0 the narrative's
  // figures, 14 the forms'.
  Table tables[15];
  std::vector<PerformanceForm> forms;
  // The whole text after the tables, folded and joined, with the line each part starts on.
  std::string narrative;
  std::vector<std::pair<size_t, int>> narrative_lines;
  // Table labels as printed (预算公开表1).
  std::vector<std::string> labels;
  // True when it was read from a document, so that rules about words apply.
  bool document = false;
  // Aspects that the lines leave unsaid for some of the money. Rules that need them are
  // insufficient.
  uint32_t untold = 0;

  const Table& table(int n) const { return tables[n]; }
  Table& table(int n) { return tables[n]; }
  // Words and performance forms exist in documents only.
  bool has(int n) const {
    return n == kNarrative || n == kForms ? document : tables[n].number == n;
  }
  // The line of a place in `narrative`.
  int LineAt(size_t offset) const;
};

// The interval of true values that print as `value` with one in the last place of `place`, halves
// rounded away from zero.
void SetInterval(int64_t place, Cell* cell);

}  // namespace fiscal::disclosure

#endif  // FISCAL_DOMAIN_DISCLOSURE_DISCLOSURE_H_
