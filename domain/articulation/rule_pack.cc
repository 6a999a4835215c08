#include "domain/articulation/rule_pack.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/check.h"
#include "base/csv.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "domain/articulation/text_rules.h"
#include "domain/data/shipped.h"
#include "domain/disclosure/names.h"

namespace fiscal::articulation {
namespace {

using disclosure::Cell;
using disclosure::Disclosure;
using disclosure::Row;
using disclosure::Table;

// ---- Reading the language ----

class Scanner {
 public:
  explicit Scanner(absl::string_view text) : rest_(text) {}

  bool Take(absl::string_view word) {
    Skip();
    if (!absl::StartsWith(rest_, word)) return false;
    const absl::string_view after = rest_.substr(word.size());
    if (absl::ascii_isalpha(static_cast<unsigned char>(word.back())) && !after.empty() &&
        (absl::ascii_isalnum(static_cast<unsigned char>(after[0])) || after[0] == '_'))
      return false;
    rest_ = after;
    return true;
  }
  bool done() {
    Skip();
    return rest_.empty();
  }
  std::string Until(char end) {
    Skip();
    const size_t at = std::min(rest_.find(end), rest_.size());
    std::string out(absl::StripAsciiWhitespace(rest_.substr(0, at)));
    rest_.remove_prefix(std::min(at + 1, rest_.size()));
    return out;
  }
  bool Table(int* table) {
    Skip();
    if (Take("N[")) {
      *table = disclosure::kNarrative;
      return true;
    }
    if (Take("F[")) {
      *table = disclosure::kForms;
      return true;
    }
    if (!absl::StartsWith(rest_, "T")) return false;
    const size_t open = rest_.find('[');
    if (open == absl::string_view::npos || !absl::SimpleAtoi(rest_.substr(1, open - 1), table))
      return false;
    rest_.remove_prefix(open + 1);
    return *table >= 1 && *table <= disclosure::kTables;
  }
  std::string rest() const { return std::string(rest_.substr(0, 40)); }

 private:
  void Skip() { rest_ = absl::StripLeadingAsciiWhitespace(rest_); }
  absl::string_view rest_;
};

class CheckParser {
 public:
  explicit CheckParser(absl::string_view text) : in_(text) {}

  absl::StatusOr<RuleCheck> Run() {
    RuleCheck check;
    check.silent = in_.Take("silent");
    if (in_.Take("needs")) {
      do {
        bool known = false;
        for (const auto& a : disclosure::kAspects) {
          if (!in_.Take(a.name)) continue;
          check.needs |= a.aspect;
          known = true;
          break;
        }
        if (!known) return Bad();
      } while (in_.Take("+"));
    }
    if (in_.Take("fn")) {
      check.function = absl::StrSplit(in_.Until('\0'), ' ');
      return check;
    }
    bool quantified = false;
    while (true) {
      const bool each = in_.Take("each");
      if (!each && !in_.Take("all")) break;
      quantified = true;
      QuantifierSpec q;
      q.each = each;
      q.variable = in_.Take("r") ? 'r' : in_.Take("c") ? 'c' : '?';
      if (q.variable == '?' || !in_.Take("in") || !in_.Table(&q.table)) return Bad();
      q.pattern = in_.Until(']');
      if (in_.Take("|")) {
        if (!in_.Table(&q.also_table)) return Bad();
        q.also_pattern = in_.Until(']');
      }
      check.quantifiers.push_back(std::move(q));
      in_.Take(",");
    }
    check.some = in_.Take("some");
    if (in_.Take("when")) {
      quantified = true;
      FISCAL_ASSIGN_OR_RETURN(check.conditions, Conditions());
    }
    if (quantified && !in_.Take(":")) return Bad();
    check.alternatives.push_back({{}});
    while (true) {
      FISCAL_ASSIGN_OR_RETURN(EquationSpec e, Equation());
      check.alternatives.back().back().push_back(std::move(e));
      if (in_.Take("|")) {
        check.alternatives.push_back({{}});
      } else if (in_.Take("&")) {
        check.alternatives.back().emplace_back();
      } else if (!in_.Take(";")) {
        break;
      }
    }
    if (!in_.done()) return Bad();
    return check;
  }

 private:
  absl::Status Bad() {
    return absl::InvalidArgumentError(absl::StrCat("not understood at \"", in_.rest(), "\""));
  }

  absl::StatusOr<std::vector<ConditionSpec>> Conditions() {
    std::vector<ConditionSpec> out;
    do {
      ConditionSpec c;
      if (in_.Take("zero")) {
        c.kind = ConditionSpec::kZero;
      } else if (in_.Take("any")) {
        c.kind = ConditionSpec::kAny;
      } else if (in_.Take("own")) {
        c.kind = ConditionSpec::kOwn;
      } else if (in_.Take("one")) {
        c.kind = ConditionSpec::kOne;
      } else if (in_.Take("not one")) {
        c.kind = ConditionSpec::kNotOne;
      } else if (in_.Take("same")) {
        c.kind = ConditionSpec::kSame;
      } else if (in_.Take("has")) {
        c.kind = ConditionSpec::kHas;
      } else if (in_.Take("both")) {
        c.kind = ConditionSpec::kBoth;
      } else {
        return Bad();
      }
      if (c.kind == ConditionSpec::kOne || c.kind == ConditionSpec::kNotOne) {
        TermSpec t;
        t.kind = TermSpec::kRows;
        if (!in_.Table(&t.table)) return Bad();
        t.row = in_.Until(']');
        c.terms.push_back(t);
      } else if (c.kind == ConditionSpec::kSame) {
        for (int i = 0; i < 2; ++i) {
          FISCAL_ASSIGN_OR_RETURN(TermSpec t, OneTerm(1));
          c.terms.push_back(t);
        }
      } else if (c.kind != ConditionSpec::kHas && c.kind != ConditionSpec::kBoth) {
        FISCAL_ASSIGN_OR_RETURN(c.terms, Sum());
      }
      out.push_back(std::move(c));
    } while (in_.Take("&"));
    return out;
  }

  absl::StatusOr<TermSpec> OneTerm(int sign) {
    TermSpec t;
    t.sign = sign;
    if (in_.Take("book")) {
      t.kind = TermSpec::kBook;
      if (!in_.Take("$c")) return Bad();
      t.column = "$c";
      return t;
    }
    if (in_.Take("sum")) t.kind = TermSpec::kSum;
    if (in_.Take("rows")) t.kind = TermSpec::kRows;
    if (!in_.Table(&t.table)) return Bad();
    const std::string inside = in_.Until(']');
    const std::vector<std::string> parts = absl::StrSplit(inside, absl::MaxSplits(',', 1));
    t.row = parts[0];
    if (parts.size() > 1) t.column = parts[1];
    if (t.row.empty() || (t.kind != TermSpec::kRows && t.column.empty())) return Bad();
    return t;
  }

  absl::StatusOr<std::vector<TermSpec>> Sum() {
    std::vector<TermSpec> terms;
    int sign = 1;
    do {
      FISCAL_ASSIGN_OR_RETURN(TermSpec t, OneTerm(sign));
      terms.push_back(std::move(t));
      sign = in_.Take("+") ? 1 : in_.Take("-") ? -1 : 0;
    } while (sign != 0);
    return terms;
  }

  absl::StatusOr<EquationSpec> Equation() {
    EquationSpec e;
    FISCAL_ASSIGN_OR_RETURN(e.left, Sum());
    if (in_.Take("%=")) {
      // A percentage is one figure.
      if (e.left.size() != 1 || e.left[0].kind != TermSpec::kCell) return Bad();
      e.relation = Relation::kRatio;
      e.absolute = in_.Take("abs");
    } else if (in_.Take("<=")) {
      e.relation = Relation::kAtMost;
    } else if (!in_.Take("=")) {
      return Bad();
    }
    FISCAL_ASSIGN_OR_RETURN(e.right, Sum());
    if (e.relation == Relation::kRatio) {
      if (!in_.Take("/")) return Bad();
      FISCAL_ASSIGN_OR_RETURN(e.denominator, Sum());
    }
    if (in_.Take("when")) {
      FISCAL_ASSIGN_OR_RETURN(e.conditions, Conditions());
    }
    return e;
  }

  Scanner in_;
};

// ---- Applying it ----

bool InPattern(const Row& row, absl::string_view pattern) {
  for (absl::string_view p : absl::StrSplit(pattern, '|')) {
    if (p == "*" || p == row.key) return true;
    if (absl::ConsumePrefix(&p, "level")) {
      // Codes only: fixed rows have no level.
      if (!row.code.empty() && absl::StrCat(row.level) == p) return true;
    } else if (absl::ConsumeSuffix(&p, "*") && absl::StartsWith(row.key, p)) {
      return true;
    }
  }
  return false;
}

bool InColumns(const Table& t, size_t c, absl::string_view pattern) {
  const std::string& key = t.columns[c];
  if (pattern == "columns") return key != "amount" || t.number == 7 || t.number == 9;
  if (pattern == "parts") {
    return key != "total" && key != "amount" && !(t.number == 2 && key == "carryover");
  }
  if (absl::ConsumeSuffix(&pattern, "*")) return absl::StartsWith(key, pattern);
  return key == pattern;
}

bool IsRevenue(const Table& t, const Row& row) {
  return t.number == 7 || absl::StartsWith(row.key, "revenue.");
}

// Tables of revenue may be a flat list of items of one level; a tree starts at its 类.
bool IsFlat(const Table& t, const Row& row) {
  return std::all_of(t.rows.begin(), t.rows.end(), [&](const Row& other) {
    return other.code.empty() || IsRevenue(t, other) != IsRevenue(t, row) ||
           other.level == row.level;
  });
}

// The rows right below a row of a tree.
bool IsChild(const Table& t, const Row& parent, const Row& row) {
  if (t.number == 12 || t.number == 13) {
    if (parent.key == "department") return absl::StartsWith(row.key, "unit.");
    return row.unit >= 0 && &t.rows[static_cast<size_t>(row.unit)] == &parent;
  }
  if (row.code.empty()) return false;
  const bool revenue = absl::StartsWith(row.key, "revenue.");
  if (parent.level == 0 && parent.code.empty()) {
    if (revenue != absl::StartsWith(parent.key, "revenue.")) return false;
    if (t.number != 7 && !revenue) return row.level == 1;
    return row.level == 1 || IsFlat(t, row);
  }
  return revenue == absl::StartsWith(parent.key, "revenue.") && row.level == parent.level + 1 &&
         absl::StartsWith(row.code, parent.code);
}

// Whether a row stands at the last level of its tree: a project, an economic 款, a functional or
// revenue 项. 预备费 (227) and 年初预留 (22902) have none below them.
bool IsLast(const Table& t, const Row& row) {
  if (t.number == 6 || t.number == 12 || t.number == 13) return row.level >= 2;
  if (!row.code.empty() && IsRevenue(t, row) && IsFlat(t, row)) return true;
  return row.level >= 3 || row.code == "227" || row.code == "22902";
}

class Applier {
 public:
  Applier(const Rule& rule, const Disclosure& d) : rule_(rule), d_(d) {}

  Applied Run() {
    for (const QuantifierSpec& q : rule_.check.quantifiers) {
      if (!d_.has(q.table)) out_.no_table = true;
    }
    for (const auto& alternative : rule_.check.alternatives) {
      for (const auto& equations : alternative) {
        for (const EquationSpec& e : equations) {
          for (const auto* terms : {&e.left, &e.right, &e.denominator}) {
            for (const TermSpec& t : *terms) {
              if (t.kind != TermSpec::kBook && !d_.has(t.table) && !Optional(e))
                out_.no_table = true;
            }
          }
        }
      }
    }
    if (out_.no_table) return std::move(out_);
    for (const auto& alternative : rule_.check.alternatives) {
      instances_.clear();
      for (const auto& equations : alternative) {
        equations_ = &equations;
        Quantify(0, nullptr);
      }
      out_.alternatives.push_back(std::move(instances_));
    }
    return std::move(out_);
  }

 private:
  static bool Optional(const EquationSpec& e) {
    return std::any_of(e.conditions.begin(), e.conditions.end(), [](const ConditionSpec& c) {
      return c.kind == ConditionSpec::kHas || c.kind == ConditionSpec::kBoth;
    });
  }

  // Binds the quantifiers from `at` on; `into` collects equations of an `all`.
  void Quantify(size_t at, Instance* into) {
    if (at == rule_.check.quantifiers.size()) {
      Instance own{&rule_, {}};
      Instance* instance = into == nullptr ? &own : into;
      AddEquations(instance);
      if (into == nullptr) Finish(std::move(own));
      return;
    }
    const QuantifierSpec& q = rule_.check.quantifiers[at];
    Instance own{&rule_, {}};
    // An `all` inside an `each` belongs to the each's instance.
    Instance* const together = q.each ? into : into == nullptr ? &own : into;
    auto one = [&] { Quantify(at + 1, together); };
    if (q.variable == 'r') {
      const Row* const outer = row_;
      for (const Row& row : d_.table(q.table).rows) {
        if (!InPattern(row, q.pattern)) continue;
        row_ = &row;
        one();
      }
      if (q.also_table >= 0) {
        for (const Row& row : d_.table(q.also_table).rows) {
          if (!InPattern(row, q.also_pattern) || d_.table(q.table).Find(row.key) != nullptr)
            continue;
          row_ = &row;
          one();
        }
      }
      row_ = outer;
    } else {
      const Table& t = d_.table(q.table);
      for (size_t c = 0; c < t.columns.size(); ++c) {
        if (!InColumns(t, c, q.pattern)) continue;
        if (q.pattern == "columns" && !t.AnyIn(c)) continue;
        column_ = t.columns[c];
        one();
      }
      column_.clear();
    }
    if (!q.each && into == nullptr) Finish(std::move(own));
  }

  void Finish(Instance instance) {
    if (instance.equations.empty()) return;
    if (rule_.check.some || rule_.check.silent) {
      bool any = false;
      for (const Equation& e : instance.equations) {
        for (const auto* terms : {&e.left, &e.right}) {
          for (const Term& t : *terms)
            any = any || (t.place.cell != nullptr && !t.place.cell->blank());
        }
      }
      if (!any) return;
    }
    instances_.push_back(std::move(instance));
  }

  void AddEquations(Instance* instance) {
    if (!Hold(rule_.check.conditions, nullptr)) return;
    for (const EquationSpec& spec : *equations_) {
      Equation e;
      e.relation = spec.relation;
      e.absolute = spec.absolute;
      const bool good = Terms(spec.left, &e.left) && Terms(spec.right, &e.right) &&
                        Terms(spec.denominator, &e.denominator);
      if (!good || !Hold(spec.conditions, &e)) continue;
      if (Missing(e, Optional(spec))) continue;
      // Against nothing there is no percentage.
      if (e.relation == Relation::kRatio && Sum(e.denominator) == 0) continue;
      instance->equations.push_back(std::move(e));
    }
  }

  // A figure that the narrative does not have can't be checked.
  bool Missing(const Equation& e, bool optional) {
    for (const auto* terms : {&e.left, &e.right, &e.denominator}) {
      for (const Term& t : *terms) {
        if (t.place.table != disclosure::kNarrative || t.constant != 0) continue;
        if (t.place.row == nullptr && t.place.cell == nullptr) {
          if (t.place.column == kNoTerm) continue;
          if (!optional) out_.no_figure = true;
          return true;
        }
        if (t.place.cell == nullptr || t.place.cell->blank()) {
          if (!optional) out_.no_figure = true;
          return true;
        }
      }
    }
    return false;
  }

  static constexpr int kNoTerm = -2;

  std::string Bound(const std::string& text) const {
    std::string out = text;
    if (row_ != nullptr) out = absl::StrReplaceAll(out, {{"$r", row_->key}, {"@r", row_->code}});
    return absl::StrReplaceAll(out, {{"$c", column_}});
  }

  // False when a pattern of columns has none.
  bool Terms(const std::vector<TermSpec>& specs, std::vector<Term>* out) {
    for (const TermSpec& s : specs) {
      Term term;
      term.sign = s.sign;
      if (s.kind == TermSpec::kBook) {
        const int table = column_ == "G" ? 5 : column_ == "F" ? 8 : 9;
        term.place = At(table, "total", "total");
        out->push_back(term);
        continue;
      }
      const Table& t = d_.table(s.table);
      if (s.kind == TermSpec::kRows) {
        for (const Row& row : t.rows) term.constant += InPattern(row, s.row);
        term.place.table = s.table;
        term.place.column = kNoTerm;
        out->push_back(term);
        continue;
      }
      const std::string row = Bound(s.row), column = Bound(s.column);
      if (s.kind == TermSpec::kCell) {
        term.place = At(s.table, row, column);
        out->push_back(term);
        continue;
      }
      std::vector<size_t> columns;
      for (size_t c = 0; c < t.columns.size(); ++c) {
        if (InColumns(t, c, column)) columns.push_back(c);
      }
      if (columns.empty()) return false;
      absl::string_view pattern = row;
      const Row* parent = nullptr;
      const bool children = absl::ConsumePrefix(&pattern, "children ");
      if (children) {
        parent = t.Find(pattern);
        if (parent == nullptr) return false;
      }
      size_t found = 0;
      for (const Row& r : t.rows) {
        if (children ? !IsChild(t, *parent, r) : !InPattern(r, pattern)) continue;
        ++found;
        for (size_t c : columns) {
          term.place = {&r.cells[c], s.table, &r, static_cast<int>(c)};
          out->push_back(term);
        }
      }
      // Nothing is below the last level. Above it, a document that leaves out the rows below has a
      // sum of nothing.
      if (children && found == 0 && (!d_.document || IsLast(t, *parent))) return false;
    }
    return true;
  }

  Place At(int table, const std::string& row, const std::string& column) const {
    const Table& t = d_.table(table);
    Place place;
    place.table = table;
    place.column = t.ColumnOf(column);
    place.row = t.Find(row);
    if (place.row != nullptr && place.column >= 0)
      place.cell = &place.row->cells[static_cast<size_t>(place.column)];
    return place;
  }

  static __int128 Sum(const std::vector<Term>& terms) {
    __int128 sum = 0;
    for (const Term& t : terms) {
      if (t.place.cell != nullptr) sum += t.sign * static_cast<__int128>(t.place.cell->value);
    }
    return sum;
  }

  static bool Printed(const std::vector<Term>& terms) {
    return std::any_of(terms.begin(), terms.end(), [](const Term& t) {
      return t.place.cell != nullptr && !t.place.cell->blank();
    });
  }

  bool Hold(const std::vector<ConditionSpec>& conditions, const Equation* e) {
    for (const ConditionSpec& c : conditions) {
      std::vector<Term> terms;
      if (!Terms(c.terms, &terms)) return false;
      bool money = false;
      int64_t rows = 0;
      for (const Term& t : terms) {
        money = money || (t.place.cell != nullptr && t.place.cell->value != 0);
        rows += t.constant;
      }
      bool good = true;
      switch (c.kind) {
        case ConditionSpec::kZero:
          good = !money;
          break;
        case ConditionSpec::kAny:
          good = money;
          break;
        case ConditionSpec::kOwn:
          good = Printed(terms);
          break;
        case ConditionSpec::kOne:
          good = rows == 1;
          break;
        case ConditionSpec::kNotOne:
          good = rows != 1;
          break;
        case ConditionSpec::kSame:
          good = terms.size() == 2 && Printed({terms[0]}) && Printed({terms[1]}) &&
                 terms[0].place.cell->value == terms[1].place.cell->value;
          break;
        case ConditionSpec::kHas:
          good = e != nullptr && Printed(e->left) && HasPlace(e->right);
          break;
        case ConditionSpec::kBoth:
          good = e != nullptr && Printed(e->left) && Printed(e->right);
          break;
      }
      if (!good) return false;
    }
    return true;
  }

  static bool HasPlace(const std::vector<Term>& terms) {
    return std::any_of(terms.begin(), terms.end(),
                       [](const Term& t) { return t.place.cell != nullptr; });
  }

  const Rule& rule_;
  const Disclosure& d_;
  Applied out_;
  std::vector<Instance> instances_;
  const std::vector<EquationSpec>* equations_ = nullptr;
  const Row* row_ = nullptr;
  std::string column_;
};

// A column's name for people.
std::string ColumnName(const std::string& key) {
  static constexpr struct {
    const char *key, *name;
  } kNames[] = {{"total", "合计"},
                {"basic", "基本支出"},
                {"project", "项目支出"},
                {"personnel", "人员经费"},
                {"public", "公用经费"},
                {"this_year", "当年预算安排"},
                {"carryover", "上年结转"},
                {"amount", "金额"},
                {"G", "一般公共预算"},
                {"F", "政府性基金预算"},
                {"S", "国有资本经营预算"},
                {"A", "财政专户管理资金"},
                {"U", "单位资金"},
                {"fiscal", "财政拨款"},
                {"UB", "事业收入"},
                {"UO", "事业单位经营收入"},
                {"UX", "其他收入"},
                {"percent", "增减幅度"},
                {"change", "增减额"},
                {"share", "占比"},
                {"count", "个数"},
                {"other", "其他运转类个数"},
                {"specific", "特定目标类个数"},
                {"other_money", "其他运转类金额"},
                {"specific_money", "特定目标类金额"},
                {"money", "金额"},
                {"term.total", "实施期资金总额"},
                {"year.total", "年度资金总额"},
                {"planned", "预算安排"},
                {"last", "上年执行数"},
                {"goods", "货物"},
                {"works", "工程"},
                {"services", "服务"},
                {"basic_share", "基本支出占比"},
                {"project_share", "项目支出占比"},
                {"abroad", "因公出国（境）费"},
                {"reception", "公务接待费"},
                {"vehicles", "公务用车购置及运行费"},
                {"purchase", "公务用车购置费"},
                {"operation", "公务用车运行维护费"},
                {"actual", "实有"},
                {"quota", "编制"}};
  for (const auto& n : kNames) {
    if (key == n.key) return n.name;
  }
  return key;
}

std::string NarrativeName(const std::string& key) {
  static constexpr struct {
    const char *key, *name;
  } kNames[] = {{"income", "收入总计"},
                {"expenditure", "支出总计"},
                {"change.income", "收入变动"},
                {"change.expenditure", "支出变动"},
                {"change.general", "一般公共预算支出变动"},
                {"cause", "变动原因"},
                {"split", "支出结构"},
                {"basic", "基本支出"},
                {"personnel", "人员经费"},
                {"public", "公用经费"},
                {"three_public", "“三公”经费"},
                {"operating", "机关运行经费"},
                {"procurement", "政府采购"},
                {"managed", "纳入绩效管理的项目"},
                {"published", "公开绩效目标的项目"},
                {"overall", "整体绩效目标"},
                {"vehicles", "车辆"}};
  for (const auto& n : kNames) {
    if (key == n.key) return n.name;
  }
  return key;
}

// Words of a rule that its reading alone does not prove.
absl::Status CheckRule(const std::vector<std::string>& cells, const RuleCheck& check) {
  static constexpr absl::string_view kKinds[] = {"linear", "presence", "narrative_figure",
                                                 "text_or_count"};
  if (cells[0].empty()) return absl::InvalidArgumentError("it has no id");
  if (cells[1] != "ERROR" && cells[1] != "WARNING")
    return absl::InvalidArgumentError(absl::StrCat("unknown severity \"", cells[1], "\""));
  if (std::find(std::begin(kKinds), std::end(kKinds), cells[2]) == std::end(kKinds))
    return absl::InvalidArgumentError(absl::StrCat("unknown kind \"", cells[2], "\""));
  if (check.function.empty()) return absl::OkStatus();
  if (!KnowsTextRule(check.function[0]))
    return absl::InvalidArgumentError(
        absl::StrCat("no check is called \"", check.function[0], "\""));
  if (check.function.size() - 1 != TablesOfTextRule(check.function[0]))
    return absl::InvalidArgumentError(
        absl::StrCat(check.function[0], " is of ", TablesOfTextRule(check.function[0]), " tables"));
  for (size_t i = 1; i < check.function.size(); ++i) {
    absl::string_view name = check.function[i];
    int table = 0;
    if (!absl::ConsumePrefix(&name, "T") || !absl::SimpleAtoi(name, &table) || table < 1 ||
        table > disclosure::kTables)
      return absl::InvalidArgumentError(
          absl::StrCat("no table is called \"", check.function[i], "\""));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RulePack> ParseRules(absl::string_view csv) {
  FISCAL_ASSIGN_OR_RETURN(std::vector<CsvRow> rows, ParseCsv(csv));
  RulePack pack;
  pack.sha256 = absl::BytesToHexString(BytesOf(Sha256({csv})));
  for (size_t i = 1; i < rows.size(); ++i) {
    const std::vector<std::string>& c = rows[i].cells;
    if (c.size() != 7)
      return absl::InvalidArgumentError(absl::StrCat("line ", rows[i].line, ": not 7 cells"));
    Rule rule{c[0], c[1] == "WARNING" ? domain::Severity::kWarning : domain::Severity::kError,
              c[2], c[3],
              c[4], c[5],
              {}};
    absl::StatusOr<RuleCheck> check = CheckParser(c[6]).Run();
    if (!check.ok())
      return absl::InvalidArgumentError(absl::StrCat("line ", rows[i].line, ", rule ", rule.id,
                                                     ": ", std::string(check.status().message())));
    if (const absl::Status status = CheckRule(c, *check); !status.ok())
      return absl::InvalidArgumentError(absl::StrCat("line ", rows[i].line, ", rule ", rule.id,
                                                     ": ", std::string(status.message())));
    rule.check = *std::move(check);
    pack.rules.push_back(std::move(rule));
  }
  return pack;
}

const RulePack& ShippedRules() {
  static const auto* const pack = [] {
    absl::StatusOr<RulePack> parsed = ParseRules(domain::ShippedFile("rules.csv"));
    if (!parsed.ok()) std::fprintf(stderr, "%s\n", parsed.status().ToString().c_str());
    FISCAL_CHECK(parsed.ok(), "the shipped rules are unsound");
    return new RulePack(*std::move(parsed));
  }();
  return *pack;
}

Applied Instantiate(const Rule& rule, const Disclosure& d) { return Applier(rule, d).Run(); }

std::string PlaceName(const Disclosure& d, const Place& place) {
  const Table& t = d.table(place.table);
  std::string out = place.table == disclosure::kNarrative ? "说明"
                    : place.table == disclosure::kForms   ? "绩效目标表"
                                                          : absl::StrCat("表", place.table);
  if (place.row != nullptr) {
    const std::string label =
        place.table == disclosure::kNarrative ? NarrativeName(place.row->label) : place.row->label;
    absl::StrAppend(&out, " ");
    if (!place.row->code.empty() && place.table != disclosure::kNarrative)
      absl::StrAppend(&out, place.row->code, " ");
    absl::StrAppend(&out, label);
  }
  if (place.column >= 0 && static_cast<size_t>(place.column) < t.columns.size())
    absl::StrAppend(&out, " ", ColumnName(t.columns[static_cast<size_t>(place.column)]));
  return out;
}

CellRef RefOf(const Disclosure& d, const Place& place) {
  CellRef ref;
  ref.table = place.table;
  if (place.row != nullptr) ref.row = place.row->key;
  const Table& t = d.table(place.table);
  if (place.column >= 0 && static_cast<size_t>(place.column) < t.columns.size())
    ref.column = t.columns[static_cast<size_t>(place.column)];
  if (place.cell != nullptr) {
    ref.line = place.cell->line;
    ref.printed = place.cell->printed;
  } else if (place.row != nullptr) {
    ref.line = place.row->line;
  }
  ref.label_zh = PlaceName(d, place);
  return ref;
}

const char* Name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPassed:
      return "passed";
    case Outcome::kRoundingOnly:
      return "rounding_only";
    case Outcome::kFailed:
      return "failed";
    case Outcome::kNotApplicable:
      return "not_applicable";
    case Outcome::kInsufficientData:
      break;
  }
  return "insufficient_data";
}

const char* Name(domain::Severity severity) {
  return severity == domain::Severity::kError ? "ERROR" : "WARNING";
}

const char* Name(Verdict verdict) {
  return verdict == Verdict::kExact          ? "EXACT"
         : verdict == Verdict::kRoundingOnly ? "ROUNDING_ONLY"
                                             : "VIOLATED";
}

}  // namespace fiscal::articulation
