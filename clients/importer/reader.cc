#include "clients/importer/reader.h"

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "clients/importer/forms.h"
#include "clients/importer/layout.h"
#include "clients/importer/narrative.h"
#include "clients/importer/text.h"
#include "domain/disclosure/code_lists.h"
#include "domain/disclosure/names.h"

namespace fiscal::importer {
namespace {

using disclosure::Cell;
using disclosure::Disclosure;
using disclosure::FoldName;
using disclosure::FormColumn;
using disclosure::FormRow;
using disclosure::FormTable;
using disclosure::Layout;
using disclosure::Row;
using disclosure::RowKind;
using disclosure::Table;

// Far more than any department has projects.
constexpr size_t kFormsMax = 3000;

bool IsCode(absl::string_view s) {
  if (s.size() != 3 && s.size() != 5 && s.size() != 7 && s.size() != 9) return false;
  return s[0] != '0' && std::all_of(s.begin(), s.end(), [](char c) {
           return absl::ascii_isdigit(static_cast<unsigned char>(c));
         });
}

class TableReader {
 public:
  // `before` is the folded text before the tables, which introduces the units.
  TableReader(const TextTable& text, const std::set<std::string>& units, const std::string& before,
              Disclosure* out)
      : text_(text), form_(*text.form), units_(units), before_(before), out_(out) {}

  absl::Status Run() {
    FISCAL_ASSIGN_OR_RETURN(rows_, CutRows(text_));
    if (form_.layout == Layout::kStrip) return Strip();
    Table& t = Start(form_.canonical);
    for (const FormColumn& c : form_.columns) {
      if (t.ColumnOf(c.key) < 0) t.columns.push_back(c.key);
    }
    switch (form_.layout) {
      case Layout::kBalance:
        return Balance(&t);
      case Layout::kCodes:
        return form_.RowsOf("")->kind == RowKind::kEconomic ? EconomicCodes(&t) : Codes(&t);
      case Layout::kCodePair:
        return CodePair(&t);
      case Layout::kEconomic:
        return Economic(&t);
      case Layout::kFixed:
        return Fixed(&t);
      case Layout::kUnits:
        return Units(&t);
      case Layout::kProjects:
        return Projects(&t);
      case Layout::kStrip:
        break;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status At(int line, const std::string& what) const {
    return absl::InvalidArgumentError(
        absl::StrCat("table ", form_.number, ", line ", line, ": ", what));
  }

  Table& Start(int canonical) {
    Table& t = out_->table(canonical);
    t.number = canonical;
    t.form_number = form_.number;
    t.title = text_.title;
    t.title_line = text_.title_line;
    t.unit = text_.unit;
    t.says_empty = text_.says_empty;
    return t;
  }

  // Puts what is printed in `text` into the row's column.
  absl::Status Money(const TextRow& row, size_t at, size_t column, Table* t, Row* out) const {
    const std::string& printed = row.cells[at];
    if (printed.empty()) return absl::OkStatus();
    const std::string folded = FoldName(printed);
    Cell& cell = out->cells[column];
    cell.line = at < row.lines.size() ? row.lines[at] : row.line;
    if (disclosure::IsBlank(folded)) return absl::OkStatus();
    const auto figure = disclosure::ParseFigure(folded, t->unit);
    if (!figure) return At(cell.line, absl::StrCat("\"", printed, "\" is no amount"));
    cell.printed = folded;
    cell.value = figure->fen;
    cell.decimals = static_cast<uint8_t>(figure->decimals);
    return absl::OkStatus();
  }

  Row NewRow(const TextRow& text, const Table& t, std::string key, std::string label) const {
    Row row;
    row.key = std::move(key);
    row.label = std::move(label);
    row.line = text.line;
    row.cells.resize(t.columns.size());
    for (Cell& cell : row.cells) cell.line = text.line;
    return row;
  }

  absl::Status Keep(Row row, Table* t) const {
    if (const Row* earlier = t->Find(row.key); earlier != nullptr) {
      return At(row.line, absl::StrCat(row.code.empty() ? row.label : "code " + row.code,
                                       " stands twice; the first is at line ", earlier->line));
    }
    t->rows.push_back(std::move(row));
    return absl::OkStatus();
  }

  // ---- T1, T4 ----

  // The row of the form that a label names, among those not taken yet; the same label may name one
  // before 本年收入合计 and one behind it.
  const FormRow* RowNamed(absl::string_view side, const std::string& folded,
                          const std::set<std::string>& taken) const {
    const std::string name(disclosure::WithoutOrdinal(folded));
    for (const FormRow& row : form_.rows) {
      if (row.side != side || taken.count(row.key) > 0) continue;
      for (size_t i = 0; i < row.labels.size(); ++i) {
        const std::string label =
            i == 0 ? std::string(disclosure::WithoutOrdinal(FoldName(row.labels[0])))
                   : row.labels[i];
        if (label == folded || label == name) return &row;
      }
    }
    return nullptr;
  }

  absl::Status Balance(Table* t) {
    const std::vector<const FormColumn*> right = form_.ColumnsOf("right");
    std::set<std::string> taken;
    std::vector<Row> classes;
    int last_ordinal = 0;
    for (const TextRow& text : rows_) {
      const std::string l = FoldName(text.cells[0]), r = FoldName(text.cells[2]);
      if (l.empty() && !disclosure::IsBlank(FoldName(text.cells[1])))
        return At(text.line, "an income figure has no label");
      if (!l.empty()) {
        const FormRow* form = RowNamed("left", l, taken);
        if (form == nullptr) {
          return At(text.line, absl::StrCat("\"", text.cells[0], "\" ",
                                            RowNamed("left", l, {}) == nullptr
                                                ? "is no income row of this table"
                                                : "stands twice"));
        }
        taken.insert(form->key);
        Row row = NewRow(text, *t, form->key, text.cells[0]);
        FISCAL_RETURN_IF_ERROR(Money(text, 1, static_cast<size_t>(t->ColumnOf("amount")), t, &row));
        FISCAL_RETURN_IF_ERROR(Keep(std::move(row), t));
      }
      bool figures = false;
      for (size_t i = 0; i < right.size(); ++i)
        figures = figures || !disclosure::IsBlank(FoldName(text.cells[3 + i]));
      if (r.empty()) {
        if (figures) return At(text.line, "an expenditure figure has no label");
        continue;
      }
      const FormRow* form = RowNamed("right", r, taken);
      Row row = NewRow(text, *t, form == nullptr ? "" : form->key, text.cells[2]);
      for (size_t i = 0; i < right.size(); ++i) {
        FISCAL_RETURN_IF_ERROR(
            Money(text, 3 + i, static_cast<size_t>(t->ColumnOf(right[i]->key)), t, &row));
      }
      if (form != nullptr) {
        taken.insert(form->key);
        FISCAL_RETURN_IF_ERROR(Keep(std::move(row), t));
        continue;
      }
      if (RowNamed("right", r, {}) != nullptr)
        return At(text.line, absl::StrCat("\"", text.cells[2], "\" stands twice"));
      if (!disclosure::HasChineseOrdinal(r) &&
          disclosure::ShippedLists().functional.Named(r, 3).empty())
        return At(text.line, absl::StrCat("\"", text.cells[2], "\" is no row of this table"));
      if (disclosure::HasChineseOrdinal(r)) {
        ++last_ordinal;
        if (!absl::StartsWith(r, disclosure::ChineseNumber(last_ordinal) + "、"))
          return At(text.line, absl::StrCat("\"", text.cells[2], "\" stands where number ",
                                            last_ordinal, " belongs"));
      }
      row.level = 1;
      classes.push_back(std::move(row));
    }
    FISCAL_RETURN_IF_ERROR(CheckBalance(taken, *t));
    return KeepClasses(std::move(classes), t);
  }

  // All rows are there that must be. `taken`: the keys of those that are.
  absl::Status CheckBalance(const std::set<std::string>& taken, const Table& t) const {
    for (const FormRow& row : form_.rows) {
      if (taken.count(row.key) == 0 && !absl::StartsWith(row.key, "income.carry.") &&
          row.key != "income.carry" && row.key != "expenditure.carry")
        return At(text_.title_line,
                  absl::StrCat("the row ",
                               std::string(disclosure::WithoutOrdinal(FoldName(row.labels[0]))),
                               " is missing"));
    }
    // Books of last year's money stand below their sum.
    for (const char* book : {"income.carry.G", "income.carry.F", "income.carry.S"}) {
      if (taken.count(book) > 0 && taken.count("income.carry") == 0)
        return At(t.Find(book)->line, "no row above it has last year's money as a whole");
    }
    return absl::OkStatus();
  }

  // The 类 of a balance. Names tell codes; in the full list, places do.
  absl::Status KeepClasses(std::vector<Row> classes, Table* t) {
    if (classes.empty()) return At(text_.title_line, "no 类 stands at its right");
    const auto& all = disclosure::StatutoryClasses();
    int unknown = 0;
    for (size_t i = 0; i < classes.size(); ++i) {
      const std::string name(disclosure::WithoutOrdinal(FoldName(classes[i].label)));
      std::vector<std::string> codes = disclosure::ShippedLists().functional.Named(name, 3);
      // The document's own names, from table 3, which is read later: see ResolveClasses.
      if (codes.size() == 1) {
        classes[i].code = codes[0];
      } else if (classes.size() == all.size()) {
        classes[i].code = all[i];
      }
      classes[i].key =
          classes[i].code.empty() ? absl::StrCat("class.?", ++unknown) : "class." + classes[i].code;
      classes[i].other_label = name;
      FISCAL_RETURN_IF_ERROR(Keep(std::move(classes[i]), t));
    }
    return absl::OkStatus();
  }

  // ---- T2, T3, T5, T7, T8, half of T9 ----

  absl::Status CodeRows(const std::vector<TextRow>& rows, const std::string& prefix,
                        const std::vector<size_t>& columns, bool own_total, Table* t) const {
    std::string last;
    bool total_seen = false;
    for (const TextRow& text : rows) {
      std::string code = FoldName(text.cells[0]);
      const std::string name = FoldName(text.cells[1]);
      const bool total = code == "合计" || (code.empty() && name == "合计");
      Row row = NewRow(text, *t, prefix + (total ? "total" : code), total ? "合计" : text.cells[1]);
      for (size_t i = 0; i < columns.size(); ++i)
        FISCAL_RETURN_IF_ERROR(Money(text, 2 + i, columns[i], t, &row));
      if (total) {
        if (total_seen) return At(text.line, "合计 stands twice");
        total_seen = true;
        FISCAL_RETURN_IF_ERROR(Keep(std::move(row), t));
        continue;
      }
      if (code.empty() && name.empty() && !row.any()) continue;
      if (!IsCode(code))
        return At(text.line,
                  absl::StrCat("\"", text.cells[0], "\" is no code of 3, 5 or 7 digits"));
      if (name.empty() || disclosure::LooksLikeFigure(name))
        return At(text.line, absl::StrCat("code ", code, " has no name"));
      FISCAL_RETURN_IF_ERROR(NameIsWhole(text, code, name));
      if (total_seen && t->rows.back().key == prefix + "total" && !last.empty())
        return At(text.line, absl::StrCat("code ", code, " stands behind 合计"));
      // As text a parent comes before what is below it.
      if (code <= last)
        return At(
            text.line,
            absl::StrCat("code ", code, code == last ? " stands twice" : " stands after " + last));
      last = code;
      row.code = code;
      row.level = static_cast<int>(code.size() - 1) / 2;
      FISCAL_RETURN_IF_ERROR(Keep(std::move(row), t));
    }
    if (!total_seen && !last.empty() && own_total)
      return At(text_.title_line, "the 合计 row is missing");
    return absl::OkStatus();
  }

  // Names are put together from lines; what stands behind a whole name is no part of it. What names
  // are whole is known from the lists and from table 3, which table 2 confirms.
  absl::Status NameIsWhole(const TextRow& text, const std::string& code,
                           const std::string& name) const {
    // Cells between tabs are not put together.
    if (text.lines.empty()) return absl::OkStatus();
    std::vector<std::string> whole;
    const disclosure::CodeLists& lists = disclosure::ShippedLists();
    const RowKind kind = form_.dynamic.empty() ? RowKind::kNone : form_.dynamic.back().kind;
    const disclosure::CodeList& list =
        kind == RowKind::kEconomic ? lists.dept_economic : lists.functional;
    if (const auto* entry = list.Find(code); entry != nullptr) whole = entry->names;
    if (const Row* row = out_->table(3).Find(code);
        row != nullptr && kind == RowKind::kFunctional && form_.canonical != 3)
      whole.push_back(FoldName(row->label));
    std::string behind;
    for (const std::string& w : whole) {
      if (name == w) return absl::OkStatus();
      if (absl::StartsWith(name, w)) behind = name.substr(w.size());
    }
    // 支出 ends names that lists print without it, as brackets do.
    if (behind.empty() || behind == "支出" || behind[0] == '(') return absl::OkStatus();
    return At(text.line,
              absl::StrCat("text between its rows: \"", behind, "\" behind the name of ", code));
  }

  absl::Status Codes(Table* t) const {
    std::vector<size_t> columns;
    for (const FormColumn& c : form_.columns)
      columns.push_back(static_cast<size_t>(t->ColumnOf(c.key)));
    return CodeRows(rows_, form_.RowsOf("")->kind == RowKind::kRevenue ? "" : "", columns, true, t);
  }

  absl::Status CodePair(Table* t) const {
    std::vector<TextRow> left, right;
    std::vector<size_t> left_columns, right_columns;
    for (const FormColumn* c : form_.ColumnsOf("left"))
      left_columns.push_back(static_cast<size_t>(t->ColumnOf(c->key)));
    for (const FormColumn* c : form_.ColumnsOf("right"))
      right_columns.push_back(static_cast<size_t>(t->ColumnOf(c->key)));
    const auto half = static_cast<std::ptrdiff_t>(2 + left_columns.size());
    for (const TextRow& row : rows_) {
      left.push_back({row.line, {row.cells.begin(), row.cells.begin() + half}, {}});
      right.push_back({row.line, {row.cells.begin() + half, row.cells.end()}, {}});
      // The printed form has one 合计 at the left for both halves.
      if (FoldName(row.cells[0]) == "合计" && right.back().cells[0].empty() &&
          right.back().cells[1].empty())
        right.back().cells[0] = "合计";
    }
    FISCAL_RETURN_IF_ERROR(CodeRows(left, "revenue.", left_columns, true, t));
    return CodeRows(right, "", right_columns, true, t);
  }

  // ---- T6 ----

  absl::Status EconomicCodes(Table* t) const {
    FISCAL_RETURN_IF_ERROR(Codes(t));
    for (Row& row : t->rows) {
      if (row.key != "total" && disclosure::ShippedLists().dept_economic.Find(row.code) == nullptr)
        return At(row.line,
                  absl::StrCat(row.code, " is no code of the departments' economic list"));
    }
    return absl::OkStatus();
  }

  absl::Status Economic(Table* t) const {
    const disclosure::CodeLists& lists = disclosure::ShippedLists();
    std::string top, top_name;
    std::map<std::string, int> seen;
    for (const TextRow& text : rows_) {
      const std::string name = FoldName(text.cells[0]), other = FoldName(text.cells[1]);
      if (name.empty()) return At(text.line, "a row has no name");
      if (disclosure::LooksLikeFigure(other))
        return At(text.line, absl::StrCat("\"", text.cells[1], "\" stands where a name belongs"));
      Row row = NewRow(text, *t, "", text.cells[0]);
      row.other_label = text.cells[1];
      for (size_t i = 0; i < form_.columns.size(); ++i)
        FISCAL_RETURN_IF_ERROR(Money(text, 2 + i, i, t, &row));
      if (name == "合计") {
        row.key = "total";
        row.level = 0;
      } else if (other.empty()) {
        const std::vector<std::string> tops = lists.dept_economic.Named(name, 3);
        if (tops.size() != 1)
          return At(text.line,
                    absl::StrCat(text.cells[0], " is no 类 of the departments' economic list"));
        top = tops[0];
        top_name = text.cells[0];
        row.key = row.code = top;
        row.level = 1;
      } else {
        if (top.empty())
          return At(text.line, absl::StrCat(text.cells[0], " stands before the first 类"));
        for (const std::string& code : lists.dept_economic.Named(name, 5)) {
          if (absl::StartsWith(code, top)) row.code = code;
        }
        if (row.code.empty())
          return At(text.line, absl::StrCat(text.cells[0], " is no 款 of ", top, " ", top_name,
                                            " in the departments' economic list"));
        // The same 款 may be paired with several of the governments' list.
        row.key = seen[row.code]++ == 0 ? row.code : absl::StrCat(row.code, "/", other);
        row.level = 2;
      }
      FISCAL_RETURN_IF_ERROR(Keep(std::move(row), t));
    }
    if (t->Find("total") == nullptr && !t->rows.empty())
      return At(text_.title_line, "the 合计 row is missing");
    return absl::OkStatus();
  }

  // ---- T10 to T13 ----

  absl::Status Fixed(Table* t) const {
    for (const TextRow& text : rows_) {
      const std::string label = FoldName(text.cells[0]);
      const FormRow* form = RowNamed("", label, {});
      if (form == nullptr)
        return At(text.line, absl::StrCat("\"", text.cells[0], "\" is no row of this table"));
      Row row = NewRow(text, *t, form->key, text.cells[0]);
      for (size_t i = 0; i < form_.columns.size(); ++i)
        FISCAL_RETURN_IF_ERROR(Money(text, 1 + i, i, t, &row));
      FISCAL_RETURN_IF_ERROR(Keep(std::move(row), t));
    }
    for (const FormRow& row : form_.rows) {
      if (t->Find(row.key) == nullptr)
        return At(text_.title_line, absl::StrCat("the row ", row.labels[0], " is missing"));
    }
    return absl::OkStatus();
  }

  absl::Status Units(Table* t) const {
    int unit = 0;
    for (const TextRow& text : rows_) {
      const std::string name = FoldName(text.cells[0]);
      if (name.empty() || disclosure::LooksLikeFigure(name))
        return At(text.line, "a row has no name");
      const bool total = name == "部门合计" || name == "合计";
      Row row = NewRow(text, *t, total ? "total" : absl::StrCat("unit.", ++unit), text.cells[0]);
      row.level = total ? 0 : 1;
      for (size_t i = 0; i < form_.columns.size(); ++i)
        FISCAL_RETURN_IF_ERROR(Money(text, 1 + i, i, t, &row));
      FISCAL_RETURN_IF_ERROR(Keep(std::move(row), t));
    }
    return absl::OkStatus();
  }

  // Whether a row of table 12 or 13 is a unit's by its name: as offices are called, and introduced
  // before the tables.
  bool NamesUnit(const std::string& name) const {
    static constexpr absl::string_view kEnds[] = {
        "局", "委", "办", "室", "中心", "所", "院", "站", "队", "处", "厅",   "会",
        "馆", "校", "学", "园", "场",   "台", "社", "部", "库", "段", "本级", "机关"};
    return std::any_of(std::begin(kEnds), std::end(kEnds),
                       [&](absl::string_view end) { return absl::EndsWith(name, end); }) &&
           absl::StrContains(before_, name);
  }

  // Department, units, projects in one column of names. A unit is a row named as the department, as
  // a unit of table 11, as one that is known or that the document introduces.
  absl::Status Projects(Table* t) const {
    std::set<std::string> units = units_;
    for (const Row& row : out_->table(11).rows) units.insert(FoldName(row.label));
    const std::string department = FoldName(out_->department_name);
    int unit = 0;
    std::map<std::string, int> seen;
    for (const TextRow& text : rows_) {
      const std::string name = FoldName(text.cells[0]);
      if (name.empty()) return At(text.line, "a row has no name");
      Row row = NewRow(text, *t, "", text.cells[0]);
      for (size_t i = 0; i < form_.columns.size(); ++i)
        FISCAL_RETURN_IF_ERROR(Money(text, 1 + i, i, t, &row));
      const bool total = name == "合计" || name == "部门合计";
      if (t->Find("department") == nullptr) {
        if (!total && name != department)
          return At(text.line, absl::StrCat("the first row is ", text.cells[0],
                                            ", not the department's or 合计"));
        row.key = "department";
      } else if (name == department || units.count(name) > 0 || NamesUnit(name)) {
        row.key = absl::StrCat("unit.", ++unit);
        row.level = 1;
      } else if (unit == 0) {
        return At(text.line, absl::StrCat(text.cells[0], " stands before the first unit's row"));
      } else {
        const int nth = seen[name]++;
        row.key = absl::StrCat("project.", name, nth == 0 ? "" : absl::StrCat("#", nth + 1));
        row.level = 2;
        row.unit = static_cast<int>(t->Find(absl::StrCat("unit.", unit)) - t->rows.data());
      }
      FISCAL_RETURN_IF_ERROR(Keep(std::move(row), t));
    }
    return absl::OkStatus();
  }

  absl::Status Strip() {
    if (rows_.size() > 1)
      return At(rows_[1].line, "a second row of figures in a table that has one");
    for (int n : {10, 11}) {
      Table& t = Start(n);
      t.columns = {"total"};
    }
    TextRow none{text_.title_line, std::vector<std::string>(form_.columns.size()), {}};
    const TextRow& text = rows_.empty() ? none : rows_[0];
    for (size_t i = 0; i < form_.columns.size(); ++i) {
      const FormColumn& c = form_.columns[i];
      Table& t = out_->table(c.table);
      Row row = NewRow(text, t, c.row, c.labels[0]);
      FISCAL_RETURN_IF_ERROR(Money(text, i, 0, &t, &row));
      FISCAL_RETURN_IF_ERROR(Keep(std::move(row), &t));
    }
    return absl::OkStatus();
  }

  const TextTable& text_;
  const FormTable& form_;
  const std::set<std::string>& units_;
  const std::string& before_;
  Disclosure* out_;
  std::vector<TextRow> rows_;
};

// 类 whose names no list has are told by the document's own table 3.
void ResolveClasses(Disclosure* d) {
  std::map<std::string, std::string> by_name;
  for (const Row& row : d->table(3).rows) {
    if (row.code.size() == 3) by_name[FoldName(row.label)] = row.code;
  }
  for (int n : {1, 4}) {
    for (Row& row : d->table(n).rows) {
      if (!absl::StartsWith(row.key, "class.")) continue;
      const auto own = by_name.find(row.other_label);
      if (own != by_name.end() && d->table(n).Find("class." + own->second) == nullptr) {
        row.code = own->second;
        row.key = "class." + row.code;
      }
      row.other_label.clear();
    }
  }
}

// Figures stand for what rounds to them. A table is printed with as many digits everywhere, some
// without their trailing zeros; a figure with more digits than the others does not make these more
// exact.
void SetIntervals(Disclosure* d) {
  for (int n = 1; n <= disclosure::kTables; ++n) {
    Table& t = d->table(n);
    std::map<int, int> counts;
    for (const Row& row : t.rows) {
      for (const Cell& cell : row.cells) {
        if (!cell.blank()) ++counts[cell.decimals];
      }
    }
    int most = 0;
    for (const auto& [decimals, count] : counts) {
      if (count >= most) {
        most = count;
        t.decimals = decimals;
      }
    }
    for (Row& row : t.rows) {
      for (Cell& cell : row.cells) {
        if (cell.blank()) continue;
        disclosure::SetInterval(
            disclosure::PlaceFen(t.unit, std::max<int>(t.decimals, cell.decimals)), &cell);
      }
    }
  }
}

// The layout of a table of which the form has two, by the words of its heading.
void ChooseVariant(const disclosure::Form& form, TextTable* table) {
  for (const FormTable& other : form.tables) {
    if (other.number != table->form->number || other.heading_word.empty()) continue;
    for (const TextLine& line : table->lines) {
      if (absl::StrContains(line.folded, other.heading_word)) {
        table->form = &other;
        return;
      }
    }
  }
}

}  // namespace

absl::StatusOr<Disclosure> Read(absl::string_view text, const std::set<std::string>& unit_names,
                                const std::vector<disclosure::Form>& forms) {
  FISCAL_ASSIGN_OR_RETURN(Text cut, CutText(text, forms));
  Disclosure d;
  d.document = true;
  d.form = cut.form->id;
  d.fiscal_year = cut.fiscal_year;
  d.department_name = cut.department_name;
  d.department = cut.department;
  d.labels = cut.labels;
  d.unit = cut.tables[0].unit;
  std::string before;
  for (const TextLine& line : cut.rest) {
    if (line.number < cut.tables[0].title_line) before += line.folded;
  }
  for (TextTable& table : cut.tables) {
    ChooseVariant(*cut.form, &table);
    FISCAL_RETURN_IF_ERROR(TableReader(table, unit_names, before, &d).Run());
  }
  if (!d.table(1).any()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "table 1, line ", d.table(1).title_line, ": it has no figures: this is an empty template"));
  }
  ResolveClasses(&d);
  SetIntervals(&d);
  ReadForms(cut.rest, &d);
  if (d.forms.size() > kFormsMax)
    return absl::InvalidArgumentError(absl::StrCat("line ", d.forms[kFormsMax].line, ": more than ",
                                                   kFormsMax, " performance forms"));
  ReadNarrative(*cut.form, cut.rest, &d);
  return d;
}

}  // namespace fiscal::importer
