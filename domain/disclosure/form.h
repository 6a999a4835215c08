// Descriptions of forms: which tables, how they are laid out, what each cell asks of the ledger,
// which sentences carry figures. A new form is a new file in domain/data/forms, for reading and
// printing alike.
//
// The files are CSV with the columns record, table, side, key, labels, query;
// domain/data/README.md explains them.
#ifndef FISCAL_DOMAIN_DISCLOSURE_FORM_H_
#define FISCAL_DOMAIN_DISCLOSURE_FORM_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "domain/disclosure/money.h"
#include "domain/types.h"

namespace fiscal::disclosure {

// The query of a cell to the ledger. A part that is left out restricts nothing.
struct Query {
  domain::Direction direction = domain::Direction::kNone;
  // The funds whose sum is asked for; empty for all.
  std::vector<domain::Fund> funds;
  domain::Category category = domain::Category::kNone;
  domain::FundingYear funding_year = domain::FundingYear::kNone;
  domain::Analysis analysis = domain::Analysis::kNone;
  domain::Procurement procurement = domain::Procurement::kNone;
  domain::Code functional = 0;
  domain::Code dept_economic = 0;
  // 年终结转, which statements carry beside their lines.
  bool carry_forward = false;
  // True for a cell that is never printed.
  bool none = false;
  // Row keys whose cells of the same column add up to this one; nothing is asked of the ledger.
  std::vector<std::string> sum_of;

  // As the file writes it: "expenditure fund=G year=this".
  std::string Text() const;
};

// The query of a column, narrowed by that of the row.
Query Narrowed(Query column, const Query& row);

enum class Layout : uint8_t {
  kBalance,   // labels and figures at the left, labels and figures at the right
  kCodes,     // code, name, figures; a tree
  kCodePair,  // two of these side by side
  kEconomic,  // two names, figures: 类 with its 款
  kFixed,     // a label, figures
  kUnits,     // a total, units
  kProjects,  // the department, its units, their projects
  kStrip,     // one row of figures
};

enum class RowKind : uint8_t {
  kNone,
  kClasses,
  kFunctional,
  kRevenue,
  kEconomic,
  kUnits,
  kProjects
};

struct FormColumn {
  // "left", "right" or "".
  std::string side;
  std::string key;
  // Headings that name this column, normalised by FoldName.
  std::vector<std::string> labels;
  Query query;
  // kStrip: the table and row the figure belongs to.
  int table = 0;
  std::string row;
};

struct FormRow {
  std::string side;
  std::string key;
  // The first is printed; the folded rest are read.
  std::vector<std::string> labels;
  Query query;
  // True for a row that some documents lack.
  bool optional = false;
};

// Headings of the columns that hold no amounts, for printing.
struct FormStub {
  std::string side;
  // "code", "name" or "other" (the governments' economic name).
  std::string key;
  // As printed; one for each column of a code.
  std::vector<std::string> labels;
};

// A heading over several columns, for printing. One whose columns hold those of another stands
// above it.
struct FormGroup {
  std::string side;
  // As printed; "{year}" stands for the fiscal year.
  std::string label;
  // Keys of its columns and stubs; in a strip "TABLE.ROW".
  std::vector<std::string> columns;
};

// Rows that exist where there is money.
struct FormRows {
  std::string side;
  RowKind kind = RowKind::kNone;
  // For classes. True: the whole list in order, blank ones too. False: those with money, numbered
  // on.
  bool all = false;
  Query query;
};

struct FormTable {
  // Its place in the form.
  int number = 0;
  // Its number in the 13-table form.
  int canonical = 0;
  Layout layout = Layout::kCodes;
  // Words that the title contains, and words that it must not contain.
  std::vector<std::string> title_words, title_without;
  // As printed, without the year: "预算收支总表".
  std::string title;
  // True for another layout of the same table, in a unit's own document.
  bool unit_variant = false;
  // A word of the heading that only this layout has.
  std::string heading_word;
  MoneyUnit unit = MoneyUnit::kUnknown;
  int decimals = 2;
  // 3 where codes stand in three columns.
  int code_columns = 1;
  // True when 合计 is the last row.
  bool total_last = false;
  // The 合计 row is printed in a table without figures too, with the note.
  std::string empty_note;
  // True for A4 landscape, false for portrait.
  bool landscape = false;
  // True when columns are numbered below their headings.
  bool numbered = false;
  Query query;
  std::vector<FormColumn> columns;
  std::vector<FormRow> rows;
  std::vector<FormRows> dynamic;
  // By "row/column": the query that replaces that cell's.
  std::map<std::string, Query> cells;
  // Words of headings that are no column's label.
  std::vector<std::string> heading_words;
  std::vector<FormStub> stubs;
  std::vector<FormGroup> groups;

  // Keys of the columns of one side in order.
  std::vector<const FormColumn*> ColumnsOf(absl::string_view side) const;
  const FormRows* RowsOf(absl::string_view side) const;
};

// A sentence that carries figures.
struct FactPattern {
  // Row of table 0; "class.?" and "item.?" are made of the name the sentence gives.
  std::string row;
  // RE2 over the folded narrative. A group is named by a letter, an underscore and the column: m is
  // money in 万元, p a percentage, n a count, d a word of direction before the money of the same
  // column, t a name.
  std::string regex;
  // A regex that finds the region in which the sentence may stand; empty for everywhere.
  std::string region;
  // True when every match makes a row; otherwise the first alone does.
  bool repeated = false;
};

struct Form {
  std::string id;
  std::string name;
  MoneyUnit unit = MoneyUnit::kWanyuan;
  int decimals = 2;
  bool separators = false;
  // The words above each table, before its number: 预算公开表. Empty when there are none.
  std::string table_label;
  // Beginnings of the lines that end the part of the tables.
  std::vector<std::string> ends;
  // Beginnings of the lines that name the department.
  std::vector<std::string> department_labels;
  std::vector<FormTable> tables;
  std::vector<FactPattern> facts;

  // The table with that number in the 13-table form, of the layout asked where there are two.
  const FormTable* TableOf(int canonical, bool unit_variant) const;
};

// INVALID_ARGUMENT names the line of the description.
absl::StatusOr<Form> ParseForm(absl::string_view csv);

// The forms that ship, parsed once.
const std::vector<Form>& ShippedForms();
// nullptr where there is none of that name.
const Form* FindForm(absl::string_view id);

}  // namespace fiscal::disclosure

#endif  // FISCAL_DOMAIN_DISCLOSURE_FORM_H_
