#include "clients/cli/print/table_compare.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "domain/disclosure/code_lists.h"
#include "domain/disclosure/money.h"
#include "domain/disclosure/names.h"

namespace fiscal::cli {
namespace {

namespace d = fiscal::disclosure::v1;
using disclosure::CodeList;
using disclosure::FoldName;
using disclosure::Form;
using disclosure::FormColumn;
using disclosure::FormRow;
using disclosure::FormTable;
using disclosure::MoneyUnit;

// Without separators and width; empty where no money is printed.
std::string Plain(absl::string_view printed) {
  std::string text = absl::StrReplaceAll(FoldName(printed), {{",", ""}});
  if (disclosure::IsBlank(text) || text.find_first_not_of("-0.") == std::string::npos) return "";
  return text;
}

int DecimalsOf(absl::string_view plain) {
  const size_t point = plain.find('.');
  return point == absl::string_view::npos ? 0 : static_cast<int>(plain.size() - point - 1);
}

// The two sides of a comparison, and the place of its answer.
struct Question {
  const Form& form;
  const d::GetTablesResponse& ledger;
  const disclosure::Disclosure& document;
  TableComparison* out;
};

// A row of either side.
struct Side {
  const d::StatutoryRow* ledger = nullptr;
  const disclosure::Row* document = nullptr;
};

class TableCompare {
 public:
  TableCompare(const Question& question, const d::StatutoryTable& ledger, bool strip)
      : question_(question),
        ledger_(ledger),
        document_(question.document.table(ledger.canonical_number())),
        number_(ledger.canonical_number()),
        unit_(ledger.unit() == "元" ? MoneyUnit::kYuan : MoneyUnit::kWanyuan),
        strip_(strip),
        other_form_(question.document.form != question.ledger.form()),
        out_(question.out) {
    int layouts = 0;
    for (const FormTable& t : question.form.tables) layouts += t.canonical == number_ ? 1 : 0;
    shared_columns_ = layouts > 1 || other_form_;
  }

  void Run() {
    MatchUnits();
    std::vector<std::string> order;
    std::map<std::string, Side> rows;
    const std::vector<std::string> ledger_keys = LedgerAddresses();
    const std::vector<std::string> document_keys = DocumentAddresses();
    for (size_t i = 0; i < ledger_keys.size(); ++i) {
      const auto [it, fresh] = rows.try_emplace(ledger_keys[i]);
      if (fresh) order.push_back(ledger_keys[i]);
      it->second.ledger = &ledger_.rows(static_cast<int>(i));
    }
    for (size_t i = 0; i < document_keys.size(); ++i) {
      const auto [it, fresh] = rows.try_emplace(document_keys[i]);
      if (fresh) order.push_back(document_keys[i]);
      it->second.document = &document_.rows[i];
    }
    for (const std::string& key : order) {
      const Side& row = rows[key];
      if (row.ledger != nullptr && row.document != nullptr) {
        if (!strip_) CompareNames(row);
      } else if (other_form_ && !BothHaveKind(row)) {
        continue;
      }
      CompareRow(row);
    }
  }

 private:
  // ---- which rows are one ----

  static bool IsUnit(absl::string_view key) { return absl::StartsWith(key, "unit."); }
  static bool IsProject(absl::string_view key) { return absl::StartsWith(key, "project."); }

  // Units have numbers by where they stand; the same name is the same unit, the others go by
  // number.
  void MatchUnits() {
    std::map<std::string, std::string> by_name;
    for (const d::StatutoryRow& row : ledger_.rows()) {
      if (IsUnit(row.key())) by_name.emplace(FoldName(row.label()), row.key());
    }
    std::set<std::string> taken;
    for (const disclosure::Row& row : document_.rows) {
      const auto it = IsUnit(row.key) ? by_name.find(FoldName(row.label)) : by_name.end();
      if (it != by_name.end() && taken.insert(it->second).second) units_[row.key] = it->second;
    }
    for (const disclosure::Row& row : document_.rows) {
      if (!IsUnit(row.key) || units_.count(row.key) > 0) continue;
      units_[row.key] = taken.insert(row.key).second ? row.key : absl::StrCat(row.key, "?");
    }
  }

  // Projects of one unit and name are told by their order from the largest down.
  struct Named {
    std::string unit, name;
    int64_t fen;
    size_t at;
  };
  static void Number(std::vector<Named> projects, std::vector<std::string>* addresses) {
    std::stable_sort(projects.begin(), projects.end(), [](const Named& a, const Named& b) {
      return std::tie(a.unit, a.name, b.fen) < std::tie(b.unit, b.name, a.fen);
    });
    int nth = 0;
    for (size_t i = 0; i < projects.size(); ++i) {
      const Named& p = projects[i];
      const bool same = i > 0 && projects[i - 1].unit == p.unit && projects[i - 1].name == p.name;
      nth = same ? nth + 1 : 0;
      (*addresses)[p.at] = absl::StrCat(p.unit, "/project.", p.name, "#", nth);
    }
  }

  // "30101" of "30101/NAME".
  static std::string CodeOf(const std::string& key) { return key.substr(0, key.find('/')); }

  // A 款 paired once on both sides is one whatever it is paired with.
  bool PairedOnce(const std::string& code) const {
    return std::count_if(ledger_.rows().begin(), ledger_.rows().end(),
                         [&](const d::StatutoryRow& r) { return CodeOf(r.key()) == code; }) <= 1 &&
           std::count_if(document_.rows.begin(), document_.rows.end(),
                         [&](const disclosure::Row& r) { return CodeOf(r.key) == code; }) <= 1;
  }

  std::string Pair(const std::string& key, const std::string& other) const {
    const std::string code = CodeOf(key);
    if (other.empty() || PairedOnce(code)) return other.empty() ? key : code;
    const std::string folded = FoldName(other);
    const std::vector<std::string> codes = disclosure::ShippedLists().gov_economic.Named(folded, 0);
    return absl::StrCat(code, "/", codes.empty() ? folded : codes[0]);
  }

  std::vector<std::string> LedgerAddresses() const {
    std::vector<std::string> out;
    std::vector<Named> projects;
    std::string unit;
    for (const d::StatutoryRow& row : ledger_.rows()) {
      if (IsUnit(row.key())) unit = row.key();
      if (IsProject(row.key())) {
        const int64_t fen = row.cells_size() > 0 ? row.cells(0).amount_fen() : 0;
        projects.push_back({unit, FoldName(row.label()), fen, out.size()});
      }
      out.push_back(Pair(row.key(), row.other_label()));
    }
    Number(std::move(projects), &out);
    return out;
  }

  std::vector<std::string> DocumentAddresses() const {
    std::vector<std::string> out;
    std::vector<Named> projects;
    std::string unit;
    for (const disclosure::Row& row : document_.rows) {
      if (IsUnit(row.key)) unit = units_.at(row.key);
      if (IsProject(row.key)) {
        projects.push_back(
            {unit, FoldName(row.label), row.cells.empty() ? 0 : row.cells[0].value, out.size()});
      }
      out.push_back(IsUnit(row.key) ? unit : Pair(row.key, row.other_label));
    }
    Number(std::move(projects), &out);
    return out;
  }

  // Whether both tables have rows of the kind of one that stands on one side: another form may have
  // no units, or other sums.
  bool BothHaveKind(const Side& row) const {
    const std::string kind = KindOf(row.ledger != nullptr ? row.ledger->key() : row.document->key);
    return std::any_of(ledger_.rows().begin(), ledger_.rows().end(),
                       [&](const d::StatutoryRow& r) { return KindOf(r.key()) == kind; }) &&
           std::any_of(document_.rows.begin(), document_.rows.end(),
                       [&](const disclosure::Row& r) { return KindOf(r.key) == kind; });
  }

  // "class", "unit", "project", "code", or the key of a row the form fixes.
  static std::string KindOf(const std::string& key) {
    for (const char* kind : {"class.", "unit.", "project."}) {
      if (absl::StartsWith(key, kind)) return kind;
    }
    return !key.empty() && absl::ascii_isdigit(static_cast<unsigned char>(key[0])) ? "code" : key;
  }

  // ---- cells ----

  std::string ColumnLabel(const std::string& key) const {
    for (const d::StatutoryColumn& c : ledger_.columns()) {
      if (c.key() == key) return c.label();
    }
    for (const FormTable& t : question_.form.tables) {
      for (const FormColumn& c : t.columns) {
        if (t.canonical == number_ && c.key == key && !c.labels.empty()) return c.labels[0];
      }
    }
    return key;
  }

  void Differ(const Side& row, const std::string& column, std::string ledger, std::string document,
              int line) {
    TableDifference out;
    out.table = number_;
    out.row = row.ledger != nullptr ? row.ledger->key() : row.document->key;
    out.row_label = row.ledger != nullptr ? row.ledger->label() : row.document->label;
    out.column = column;
    out.column_label = column == "label"         ? "名称"
                       : column == "other_label" ? "政府预算支出经济科目名称"
                                                 : ColumnLabel(column);
    out.ledger = std::move(ledger);
    out.document = std::move(document);
    out.line = line;
    out_->differences.push_back(std::move(out));
  }

  bool SameFigure(const d::StatutoryCell& ledger, const disclosure::Cell& document) const {
    const std::string ours = Plain(ledger.printed()), theirs = Plain(document.printed);
    const bool same_unit = unit_ == document_.unit;
    if (same_unit && ours == theirs) return true;
    // Digits are the table's: some figures are printed without their last zeros.
    const int digits = std::max<int>(document_.decimals, document.decimals);
    const int64_t stated = theirs.empty() ? 0 : document.value;
    if (same_unit && (ours.empty() || DecimalsOf(ours) == digits)) {
      const auto figure = disclosure::ParseFigure(ours, unit_);
      return ours.empty() ? stated == 0 : figure && figure->fen == stated;
    }
    return disclosure::PrintFigure(ledger.amount_fen(), document_.unit, digits) ==
           disclosure::PrintFigure(stated, document_.unit, digits);
  }

  void CompareRow(const Side& row) {
    std::set<std::string> done;
    for (int i = 0; row.ledger != nullptr && i < ledger_.columns_size(); ++i) {
      const d::StatutoryColumn& column = ledger_.columns(i);
      if (column.side() != row.ledger->side() || i >= row.ledger->cells_size()) continue;
      done.insert(column.key());
      const d::StatutoryCell& ours = row.ledger->cells(i);
      const int at = document_.ColumnOf(column.key());
      if (at < 0 && shared_columns_) continue;
      const disclosure::Cell* theirs = row.document != nullptr && at >= 0
                                           ? &row.document->cells[static_cast<size_t>(at)]
                                           : nullptr;
      if (theirs == nullptr) {
        if (Plain(ours.printed()).empty()) continue;
        ++out_->cells;
        Differ(row, column.key(), ours.printed(), "",
               row.document != nullptr ? row.document->line : 0);
        continue;
      }
      ++out_->cells;
      if (!SameFigure(ours, *theirs))
        Differ(row, column.key(), ours.printed(), theirs->printed, theirs->line);
    }
    if (row.document == nullptr) return;
    for (size_t i = 0; i < row.document->cells.size(); ++i) {
      const std::string& column = document_.columns[i];
      const disclosure::Cell& theirs = row.document->cells[i];
      if (done.count(column) > 0 || Plain(theirs.printed).empty()) continue;
      if (shared_columns_ && !HasColumn(column)) continue;
      ++out_->cells;
      Differ(row, column, "", theirs.printed, theirs.line);
    }
  }

  bool HasColumn(const std::string& key) const {
    return std::any_of(ledger_.columns().begin(), ledger_.columns().end(),
                       [&](const d::StatutoryColumn& c) { return c.key() == key; });
  }

  // ---- names ----

  // Whether the form knows both as labels of the row.
  bool FormKnows(const std::string& key, const std::string& a, const std::string& b) const {
    for (const FormTable& t : question_.form.tables) {
      for (const FormRow& row : t.rows) {
        if (t.canonical != number_ || row.key != key) continue;
        auto known = [&](const std::string& name) {
          return std::any_of(row.labels.begin(), row.labels.end(), [&](const std::string& label) {
            return std::string(disclosure::WithoutOrdinal(FoldName(label))) == name;
          });
        };
        if (known(a) && known(b)) return true;
      }
    }
    return false;
  }

  void CompareNames(const Side& row) {
    const disclosure::CodeLists& lists = disclosure::ShippedLists();
    const std::string ours(disclosure::WithoutOrdinal(FoldName(row.ledger->label())));
    const std::string theirs(disclosure::WithoutOrdinal(FoldName(row.document->label)));
    const std::string key = CodeOf(row.ledger->key());
    absl::string_view code = key;
    absl::ConsumePrefix(&code, "class.");
    const bool economic = number_ == 6;
    if (ours != theirs && !IsSum(row.ledger->key(), ours, theirs) &&
        !disclosure::SameName(economic ? lists.dept_economic : lists.functional, code, ours,
                              theirs) &&
        !FormKnows(row.ledger->key(), ours, theirs))
      Differ(row, "label", row.ledger->label(), row.document->label, row.document->line);
    const std::string our_other = FoldName(row.ledger->other_label());
    const std::string their_other = FoldName(row.document->other_label);
    if (our_other == their_other || !HasOthers()) return;
    const std::vector<std::string> codes = lists.gov_economic.Named(our_other, 0);
    const bool known = std::any_of(codes.begin(), codes.end(), [&](const std::string& c) {
      return disclosure::SameName(lists.gov_economic, c, our_other, their_other);
    });
    if (!known)
      Differ(row, "other_label", row.ledger->other_label(), row.document->other_label,
             row.document->line);
  }

  // Only where both print the governments' names.
  bool HasOthers() const {
    return std::any_of(ledger_.rows().begin(), ledger_.rows().end(),
                       [](const d::StatutoryRow& r) { return !r.other_label().empty(); }) &&
           std::any_of(document_.rows.begin(), document_.rows.end(),
                       [](const disclosure::Row& r) { return !r.other_label.empty(); });
  }

  // The row above all others is called by the department's name or 合计.
  bool IsSum(const std::string& key, const std::string& ours, const std::string& theirs) const {
    if (key != "total" && key != "revenue.total" && key != "department") return false;
    const std::set<std::string> names = {"合计", "部门合计", FoldName(question_.ledger.name()),
                                         FoldName(question_.document.department_name)};
    return names.count(ours) > 0 && names.count(theirs) > 0;
  }

  const Question& question_;
  const d::StatutoryTable& ledger_;
  const disclosure::Table& document_;
  const int number_;
  const MoneyUnit unit_;
  // The ledger's rows were columns of a strip: their names are headings.
  const bool strip_;
  const bool other_form_;
  TableComparison* out_;
  // Columns that one side does not print are no difference: the form has two layouts, or the forms
  // are two.
  bool shared_columns_ = false;
  // The document's units to the ledger's.
  std::map<std::string, std::string> units_;
};

bool IsStrip(const Form& form, const d::StatutoryTable& table) {
  return std::any_of(form.tables.begin(), form.tables.end(), [&](const FormTable& f) {
    return f.number == table.number() && f.layout == disclosure::Layout::kStrip;
  });
}

// The tables whose figures a strip has in one row: its column "10.abroad" is a row of table 10.
void CutStrip(const d::StatutoryTable& strip, std::map<int, d::StatutoryTable>* tables,
              std::set<int>* strips) {
  for (int i = 0; strip.rows_size() > 0 && i < strip.columns_size(); ++i) {
    const std::string& key = strip.columns(i).key();
    const size_t point = key.find('.');
    int number = 0;
    if (point == std::string::npos || !absl::SimpleAtoi(key.substr(0, point), &number)) continue;
    strips->insert(number);
    d::StatutoryTable& t = (*tables)[number];
    if (t.columns_size() == 0) {
      t.set_number(strip.number());
      t.set_canonical_number(number);
      t.set_unit(strip.unit());
      t.add_columns()->set_key("total");
      t.mutable_columns(0)->set_label("合计");
    }
    d::StatutoryRow* row = t.add_rows();
    row->set_key(key.substr(point + 1));
    row->set_label(strip.columns(i).label());
    *row->add_cells() = strip.rows(0).cells(i);
  }
}

}  // namespace

TableComparison CompareTables(const d::GetTablesResponse& ledger, const Form& form,
                              const disclosure::Disclosure& document, bool all) {
  TableComparison out;
  const Question question{form, ledger, document, &out};
  std::map<int, d::StatutoryTable> tables;
  std::set<int> strips, numbers;
  for (const d::StatutoryTable& t : ledger.tables()) {
    if (IsStrip(form, t)) {
      CutStrip(t, &tables, &strips);
    } else {
      tables[t.canonical_number()] = t;
    }
  }
  for (int n = 1; n <= disclosure::kTables; ++n) {
    const auto it = tables.find(n);
    // A table that one side does not have is one without rows, unless the forms differ or it was
    // not asked for.
    d::StatutoryTable none;
    none.set_canonical_number(n);
    none.set_unit(std::string(disclosure::UnitName(document.table(n).unit)));
    const d::StatutoryTable& ours = it == tables.end() ? none : it->second;
    const bool both = it != tables.end() && document.has(n);
    if (!both && (document.form != ledger.form() || (it == tables.end() && !all) ||
                  (it == tables.end() && !document.has(n))))
      continue;
    // Tables that a form prints as one count as one.
    numbers.insert(document.has(n) ? document.table(n).form_number : n);
    TableCompare(question, ours, strips.count(n) > 0).Run();
  }
  out.tables = static_cast<int>(numbers.size());
  return out;
}

}  // namespace fiscal::cli
