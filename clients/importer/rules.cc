#include "clients/importer/rules.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"

namespace fiscal::importer {
namespace {

constexpr absl::string_view kFundNames[] = {"一般公共预算", "政府性基金预算", "国有资本经营预算",
                                            "财政专户管理资金", "单位资金"};
// The 30 类 in the order the form prints them.
constexpr absl::string_view kClasses[] = {"201", "202", "203", "204", "205", "206", "207", "208",
                                          "209", "210", "211", "212", "213", "214", "215", "216",
                                          "217", "219", "220", "221", "222", "223", "224", "227",
                                          "229", "230", "231", "232", "233", "234"};

class Checker {
 public:
  Checker(Tables& t, const CatalogView& catalog) : t_(t), catalog_(catalog) {}

  std::vector<RuleOutcome> Run() {
    Balance();
    CodeTables();
    Between();
    Economic();
    Smaller();
    Projects();
    for (TableReport& report : t_.reports) {
      std::string rules;
      for (const std::string& rule : rules_[report.number])
        absl::StrAppend(&rules, rules.empty() ? "" : " ", rule);
      report.checked_against = rules;
      report.figures_checked =
          std::min(report.figures_read, static_cast<int>(checked_[report.number].size()));
    }
    return std::move(out_);
  }

 private:
  using Severity = budget::v1::Severity;

  std::string Print(int64_t fen) const { return PrintFigure(fen, t_.unit); }

  // Notes that cells of a table stand in a rule.
  void Touch(int table, const std::string& rule, const Row& row) {
    rules_[table].insert(rule);
    for (size_t i = 0; i < row.cells.size(); ++i) {
      if (row.cells[i].printed)
        checked_[table].insert({row.line, row.code + row.name + std::to_string(i)});
    }
  }

  // left = right, both sums of `terms` rounded figures (0 for figures printed twice).
  void Equal(const std::string& rule, int table, const std::string& place, int64_t left,
             int64_t right, size_t terms, Severity severity = budget::v1::SEVERITY_ERROR) {
    rules_[table].insert(rule);
    const __int128 difference = static_cast<__int128>(left) - right;
    if (difference == 0) return;
    const __int128 tolerance =
        static_cast<__int128>(t_.grain()) * static_cast<int64_t>((terms + 1) / 2);
    const bool rounding = (difference < 0 ? -difference : difference) <= tolerance;
    const std::string where = absl::StrCat("table ", table, ", ", place);
    Add(rule, rounding ? RuleOutcome::kRounding : RuleOutcome::kFailed, severity, table, where,
        absl::StrCat(Print(left), " is not ", Print(right), rounding ? ", within rounding" : ""),
        absl::StrCat("表", table, " ", place, "：", Print(left), rounding ? " 与 " : " 不等于 ",
                     Print(right), rounding ? " 之差在四舍五入范围内" : ""));
  }

  void AtMost(const std::string& rule, int table, const std::string& place, int64_t left,
              int64_t right, Severity severity) {
    rules_[table].insert(rule);
    if (left <= right) return;
    Add(rule, RuleOutcome::kFailed, severity, table, absl::StrCat("table ", table, ", ", place),
        absl::StrCat(Print(left), " is more than ", Print(right)),
        absl::StrCat("表", table, " ", place, "：", Print(left), " 大于 ", Print(right)));
  }

  void Add(const std::string& rule, RuleOutcome::Kind kind, Severity severity, int table,
           std::string place, std::string message, std::string zh) {
    if (kind == RuleOutcome::kFailed && table >= 1)
      ++t_.reports[static_cast<size_t>(table - 1)].differences;
    out_.push_back(
        {rule, severity, kind, table, std::move(place), std::move(message), std::move(zh)});
  }

  void Presence(const std::string& rule, int table, bool any) {
    const bool says = t_.raw(table).says_empty;
    rules_[table].insert(rule);
    if (any != says) return;
    Add(rule, RuleOutcome::kFailed, budget::v1::SEVERITY_ERROR, table,
        absl::StrCat("table ", table),
        any ? "it has figures and the note 注：本表无数据"
            : "it has no figures and not the note 注：本表无数据",
        any ? absl::StrCat("表", table, "有数据却注明本表无数据")
            : absl::StrCat("表", table, "无数据却未注明"));
  }

  static std::string Named(const Row& row) {
    return absl::StrCat("row ", row.code.empty() ? row.name : row.code);
  }

  // One balance: sums at both sides.
  void OneBalance(int n, BalanceTable& b, const std::vector<std::string>& names) {
    const std::string p = absl::StrCat("T", n);
    const bool t1 = n == 1;
    int64_t sum = 0;
    size_t terms = 0;
    for (const Row& row : b.income) {
      if (row.cells.empty()) continue;
      sum += row.at(0);
      terms += row.cells[0].printed;
      Touch(n, t1 ? "T1-01" : "T4-01", row);
    }
    Touch(n, t1 ? "T1-01" : "T4-01", b.income_total);
    Equal(t1 ? "T1-01" : "T4-01", n, "本年收入合计", b.income_total.at(0), sum, terms);
    int64_t carry = b.carry_in.at(0);
    if (!t1) {
      int64_t books = 0;
      for (const Row& row : b.carry_in_books) {
        books += row.at(0);
        Touch(n, "T4-01", row);
      }
      if (!b.carry_in.cells[0].printed) {
        carry = books;
      } else {
        Equal("T4-01", n, "上年财政拨款结转", carry, books, 3);
      }
    }
    Touch(n, t1 ? "T1-02" : "T4-04", b.carry_in);
    Touch(n, t1 ? "T1-02" : "T4-04", b.income_grand);
    Equal(t1 ? "T1-02" : "T4-04", n, "收入总计", b.income_grand.at(0), b.income_total.at(0) + carry,
          carry == 0 ? 0 : 2);
    const std::string column_rules[] = {"T1-03a", "T1-03b", "T1-03c"};
    for (size_t c = 0; c < b.expenditure_total.cells.size(); ++c) {
      int64_t total = 0;
      size_t count = 0;
      for (const Row& row : b.classes) {
        total += row.at(c);
        count += row.cells[c].printed;
      }
      // A form may leave the parts of its total rows blank; then only the first column is a check.
      if (c > 0 && !b.expenditure_total.cells[c].printed && total == 0) continue;
      Equal(t1 ? column_rules[c] : "T4-02", n, absl::StrCat("本年支出合计, column ", names[c]),
            b.expenditure_total.at(c), total, count);
    }
    std::vector<Row> rows = b.classes;
    rows.push_back(b.expenditure_total);
    for (const Row& row : rows) {
      if (!row.any()) continue;
      int64_t parts = 0;
      size_t printed = 0;
      for (size_t c = 1; c < row.cells.size(); ++c) {
        parts += row.at(c);
        printed += row.cells[c].printed;
      }
      Touch(n, t1 ? "T1-04" : "T4-03", row);
      Equal(t1 ? "T1-04" : "T4-03", n, absl::StrCat(Named(row), ", ", names[0]), row.at(0), parts,
            printed > 1 ? printed : 0);
    }
    Touch(n, t1 ? "T1-05" : "T4-04", b.carry_out);
    Touch(n, t1 ? "T1-05" : "T4-04", b.expenditure_grand);
    for (size_t c = 0; c < b.expenditure_grand.cells.size(); ++c) {
      if (c > 0 && !b.expenditure_grand.cells[c].printed) continue;
      Equal(t1 ? "T1-05" : "T4-04", n, absl::StrCat("支出总计, column ", names[c]),
            b.expenditure_grand.at(c), b.expenditure_total.at(c) + b.carry_out.at(c),
            b.carry_out.at(c) == 0 ? 0 : 2);
    }
    Equal(t1 ? "T1-06" : "T4-04", n, "收入总计 and 支出总计", b.income_grand.at(0),
          b.expenditure_grand.at(0), 0);
  }

  void Balance() {
    OneBalance(1, t_.t1, {"合计", "当年预算安排", "上年结转安排"});
    OneBalance(4, t_.t4, {"小计", "一般公共预算", "政府性基金预算", "国有资本经营预算"});
    rules_[1].insert("T1-07");
    if (t_.t1.classes.size() != 30) {
      Add("T1-07", RuleOutcome::kFailed, budget::v1::SEVERITY_WARNING, 1, "table 1",
          absl::StrCat("it lists ", t_.t1.classes.size(), " 类, not 30"),
          absl::StrCat("表1列示", t_.t1.classes.size(), "类，不是30类"));
    }
    for (int n : {1, 4}) {
      std::string problem;
      (n == 1 ? codes1_ : codes4_) = ClassCodes(t_, n == 1 ? t_.t1 : t_.t4, catalog_, &problem);
      if (!problem.empty()) {
        Add("X-04b", RuleOutcome::kFailed, budget::v1::SEVERITY_ERROR, n,
            absl::StrCat("table ", n, ", ", problem), "a 类 with money can't be told from its name",
            absl::StrCat("表", n, "的类无法识别：", problem));
      }
    }
  }

  void Hierarchy(int n, const CodeTable& table, const std::vector<std::string>& names) {
    const std::string p = absl::StrCat("T", n);
    if (!table.total.has_value()) return;
    Touch(n, p + "-H3", *table.total);
    for (const Row& row : table.rows) Touch(n, p + "-H3", row);
    for (size_t c = 0; c < names.size(); ++c) {
      auto sum_below = [&](const std::string& code, size_t length, int64_t* sum, size_t* terms) {
        *sum = 0;
        *terms = 0;
        size_t children = 0;
        for (const Row& row : table.rows) {
          if (row.code.size() != length || row.code.compare(0, code.size(), code) != 0) continue;
          *sum += row.at(c);
          *terms += row.cells[c].printed;
          ++children;
        }
        return children > 0;
      };
      int64_t sum;
      size_t terms;
      if (sum_below("", 3, &sum, &terms))
        Equal(p + "-H3", n, absl::StrCat("合计, column ", names[c]), table.total->at(c), sum,
              terms);
      for (const Row& row : table.rows) {
        if (row.code.size() == 3 && sum_below(row.code, 5, &sum, &terms)) {
          Equal(p + "-H3", n, absl::StrCat(Named(row), ", column ", names[c]), row.at(c), sum,
                terms);
        }
        if (row.code.size() == 5 && sum_below(row.code, 7, &sum, &terms)) {
          Equal(p + "-H5", n, absl::StrCat(Named(row), ", column ", names[c]), row.at(c), sum,
                terms);
        }
      }
    }
    rules_[n].insert(p + "-TREE");
    for (const Row& row : table.rows) {
      if (row.code.size() > 3 && table.Find(row.code.substr(0, row.code.size() - 2)) == nullptr) {
        Add(p + "-TREE", RuleOutcome::kFailed, budget::v1::SEVERITY_ERROR, n,
            absl::StrCat("table ", n, ", line ", row.line, ", ", Named(row)),
            absl::StrCat("its parent row ", row.code.substr(0, row.code.size() - 2), " is missing"),
            absl::StrCat("表", n, " ", row.code, "缺少上级行"));
      }
    }
  }

  void Split(const std::string& rule, int n, const CodeTable& table) {
    std::vector<const Row*> rows;
    if (table.total.has_value()) rows.push_back(&*table.total);
    for (const Row& row : table.rows) rows.push_back(&row);
    for (const Row* row : rows) {
      Touch(n, rule, *row);
      const size_t printed = row->cells[1].printed + row->cells[2].printed;
      Equal(rule, n, absl::StrCat("line ", row->line, ", ", Named(*row)), row->at(0),
            row->at(1) + row->at(2), printed > 1 ? 2 : 0);
    }
  }

  void CodeTables() {
    Hierarchy(2, t_.t2,
              {"合计", "一般公共预算", "政府性基金", "国有资本经营预算", "财政专户管理资金",
               "单位资金", "上年结转"});
    const std::vector<std::string> split = {"合计", "基本支出", "项目支出"};
    Hierarchy(3, t_.t3, split);
    Hierarchy(5, t_.t5, split);
    Hierarchy(8, t_.t8, split);
    Hierarchy(9, t_.t9_expenditure, split);
    Hierarchy(7, t_.t7, {"合计"});
    Split("T3-01", 3, t_.t3);
    Split("T5-01", 5, t_.t5);
    Split("T8-01", 8, t_.t8);
    Split("T9-01", 9, t_.t9_expenditure);
    // The heading leaves open whether 合计 includes 上年结转: the variant that more rows hold in is the document's.
    std::vector<const Row*> rows;
    if (t_.t2.total.has_value()) rows.push_back(&*t_.t2.total);
    for (const Row& row : t_.t2.rows) rows.push_back(&row);
    auto parts = [](const Row& row, bool carry) {
      int64_t sum = carry ? row.at(6) : 0;
      for (size_t c = 1; c <= 5; ++c) sum += row.at(c);
      return sum;
    };
    size_t without = 0, with = 0;
    for (const Row* row : rows) {
      without += row->at(0) == parts(*row, false);
      with += row->at(0) == parts(*row, true);
    }
    t2_includes_carry_ = with > without;
    for (const Row* row : rows) {
      Touch(2, "T2-01", *row);
      size_t printed = 0;
      for (size_t c = 1; c <= 6; ++c) printed += row->cells[c].printed;
      Equal("T2-01", 2, absl::StrCat("line ", row->line, ", ", Named(*row)), row->at(0),
            parts(*row, t2_includes_carry_), printed > 1 ? printed : 0);
    }
    rules_[2].insert("T2-02");
    rules_[3].insert("T2-02");
    for (int pass = 0; pass < 2; ++pass) {
      const CodeTable& here = pass == 0 ? t_.t2 : t_.t3;
      const CodeTable& there = pass == 0 ? t_.t3 : t_.t2;
      for (const Row& row : here.rows) {
        const Row* other = there.Find(row.code);
        if (other == nullptr) {
          Add("T2-02", RuleOutcome::kFailed, budget::v1::SEVERITY_ERROR, 2 + pass,
              absl::StrCat("table ", 2 + pass, ", line ", row.line, ", ", Named(row)),
              absl::StrCat("table ", 3 - pass, " has no such row"),
              absl::StrCat("表", 2 + pass, "有", row.code, "，表", 3 - pass, "没有"));
        } else if (pass == 0 && FoldName(other->name) != FoldName(row.name)) {
          Add("T2-02", RuleOutcome::kFailed, budget::v1::SEVERITY_WARNING, 2,
              absl::StrCat("table 2, line ", row.line, ", ", Named(row)),
              absl::StrCat("its name is ", row.name, ", in table 3 ", other->name),
              absl::StrCat("科目", row.code, "名称不一致"));
        }
      }
    }
  }

  int64_t CarryIn() const { return t_.t1.carry_in.at(0); }
  static int64_t Total(const std::optional<Row>& row, size_t c) {
    return row.has_value() ? row->at(c) : 0;
  }

  void Between() {
    const int64_t t2_total = Total(t_.t2.total, 0), t2_carry = Total(t_.t2.total, 6);
    Equal("X-01", 2, "合计 against table 1 收入总计",
          t2_includes_carry_ ? t2_total : t2_total + t2_carry, t_.t1.income_grand.at(0),
          t2_includes_carry_ || t2_carry == 0 ? 0 : 2);
    for (size_t f = 0; f < 5; ++f) {
      Equal("X-02", 2,
            absl::StrCat("合计, column ", std::string(kFundNames[f]), " against table 1"),
            Total(t_.t2.total, f + 1), t_.t1.income[f].at(0), 0);
    }
    Equal("X-02", 2, "合计, column 上年结转 against table 1", t2_carry, CarryIn(), 0);
    Equal("X-03", 3, "合计 against table 1 本年支出合计", Total(t_.t3.total, 0),
          t_.t1.expenditure_total.at(0), 0);
    std::set<std::string> seen;
    for (size_t i = 0; i < t_.t1.classes.size(); ++i) {
      const Row& row = t_.t1.classes[i];
      if (!row.any() || codes1_[i].empty()) continue;
      seen.insert(codes1_[i]);
      const Row* other = t_.t3.Find(codes1_[i]);
      Equal("X-04", 1, absl::StrCat(row.name, " against table 3 row ", codes1_[i]), row.at(0),
            other == nullptr ? 0 : other->at(0), 0);
    }
    rules_[3].insert("X-04b");
    for (const Row& row : t_.t3.rows) {
      if (row.code.size() == 3 && row.any() && row.at(0) != 0 && seen.count(row.code) == 0) {
        Add("X-04b", RuleOutcome::kFailed, budget::v1::SEVERITY_ERROR, 3,
            absl::StrCat("table 3, line ", row.line, ", ", Named(row)),
            "table 1 has no money in this 类", absl::StrCat("表3有", row.name, "，表1没有"));
      }
    }
    for (size_t f = 0; f < 3; ++f) {
      Equal("X-05", 4, absl::StrCat("income ", std::string(kFundNames[f]), " against table 1"),
            t_.t4.income[f].at(0), t_.t1.income[f].at(0), 0);
    }
    // Table 4 includes carried-over money, tables 5, 8 and 9 leave it out.
    const int64_t books[] = {Total(t_.t5.total, 0), Total(t_.t8.total, 0),
                             Total(t_.t9_expenditure.total, 0)};
    const int tables[] = {5, 8, 9};
    int64_t carry_all = 0;
    for (const Row& row : t_.t4.carry_in_books) carry_all += row.at(0);
    const bool carry_by_book =
        t_.t4.carry_in.at(0) == carry_all || !t_.t4.carry_in.cells[0].printed;
    for (size_t f = 0; f < 3; ++f) {
      const int64_t spent = t_.t4.expenditure_total.at(f + 1),
                    carry = t_.t4.carry_in_books[f].at(0);
      const std::string place = absl::StrCat("本年支出合计, column ", std::string(kFundNames[f]),
                                             " against table ", tables[f]);
      if (carry == 0 && (carry_by_book || t_.t4.carry_in.at(0) == 0)) {
        Equal("X-06", 4, place, spent, books[f], 0);
      } else if (carry_by_book && t_.t4.carry_out.at(f + 1) == 0 && t_.t4.carry_out.at(0) == 0) {
        Equal("X-06", 4, place + " and what is carried in", spent, books[f] + carry, 2);
      } else {
        AtMost("X-06", tables[f],
               absl::StrCat("合计 against table 4 column ", std::string(kFundNames[f])), books[f],
               spent, budget::v1::SEVERITY_ERROR);
      }
    }
    const bool carry_any = carry_all != 0 || t_.t4.carry_in.at(0) != 0;
    for (size_t i = 0; i < t_.t4.classes.size(); ++i) {
      const Row& row = t_.t4.classes[i];
      if (codes4_[i].empty()) continue;
      const Row* other = t_.t5.Find(codes4_[i]);
      const int64_t general = other == nullptr ? 0 : other->at(0);
      const std::string place =
          absl::StrCat(row.name, ", 一般公共预算 against table 5 row ", codes4_[i]);
      if (carry_any) {
        AtMost("X-07", 4, place, general, row.at(1), budget::v1::SEVERITY_ERROR);
      } else {
        Equal("X-07", 4, place, row.at(1), general, 0);
      }
    }
    // Row by row: table 5 is table 3 where all money is 一般公共 of the year, a part of it elsewhere.
    bool general_only = CarryIn() == 0;
    for (size_t f = 1; f < 5; ++f) general_only = general_only && t_.t1.income[f].at(0) == 0;
    for (const Row& row : t_.t3.rows) {
      const Row* five = t_.t5.Find(row.code);
      const Row* eight = t_.t8.Find(row.code);
      const Row* nine = t_.t9_expenditure.Find(row.code);
      for (size_t c = 0; c < 3; ++c) {
        const int64_t parts =
            (five ? five->at(c) : 0) + (eight ? eight->at(c) : 0) + (nine ? nine->at(c) : 0);
        const std::string place = absl::StrCat("row ", row.code, ", column ",
                                               c == 0   ? "合计"
                                               : c == 1 ? "基本支出"
                                                        : "项目支出",
                                               ": tables 5, 8 and 9 against table 3");
        if (general_only) {
          Equal("T5-02", 5, place, parts, row.at(c), 0);
        } else {
          AtMost("T5-02", 5, place, parts, row.at(c), budget::v1::SEVERITY_ERROR);
        }
      }
    }
    for (const CodeTable* table : {&t_.t5, &t_.t8, &t_.t9_expenditure}) {
      const int n = table == &t_.t5 ? 5 : table == &t_.t8 ? 8 : 9;
      for (const Row& row : table->rows) {
        if (t_.t3.Find(row.code) == nullptr) {
          Add("T5-02", RuleOutcome::kFailed, budget::v1::SEVERITY_ERROR, n,
              absl::StrCat("table ", n, ", line ", row.line, ", ", Named(row)),
              "table 3 has no such row", absl::StrCat("表", n, "有", row.code, "，表3没有"));
        }
      }
    }
    auto has = [](const CodeTable& t) {
      bool any = t.total.has_value() && t.total->any();
      for (const Row& row : t.rows) any = any || row.any();
      return any;
    };
    Presence("T7-00", 7, has(t_.t7));
    Presence("T8-00", 8, has(t_.t8));
    Presence("T9-00", 9, has(t_.t9_income) || has(t_.t9_expenditure));
    Equal("X-10", 7, "合计 against table 1 政府性基金预算", Total(t_.t7.total, 0),
          t_.t1.income[1].at(0), 0);
    Equal("X-10", 9, "income 合计 against table 1 国有资本经营预算", Total(t_.t9_income.total, 0),
          t_.t1.income[2].at(0), 0);
  }

  void Economic() {
    std::array<int64_t, 3> tops{};
    std::array<size_t, 3> counts{};
    for (const Tables::Economic& e : t_.t6) {
      Touch(6, "T6-01", e.top);
      for (size_t c = 0; c < 3; ++c) {
        int64_t sum = 0;
        size_t terms = 0;
        for (const Row& item : e.items) {
          sum += item.at(c);
          terms += item.cells[c].printed;
        }
        tops[c] += e.top.at(c);
        counts[c] += e.top.cells[c].printed;
        if (!e.items.empty()) {
          Equal("T6-01", 6,
                absl::StrCat(e.top.name, ", column ",
                             c == 0   ? "合计"
                             : c == 1 ? "人员经费"
                                      : "公用经费"),
                e.top.at(c), sum, terms);
        }
      }
      std::vector<const Row*> rows = {&e.top};
      for (const Row& item : e.items) rows.push_back(&item);
      for (const Row* row : rows) {
        Touch(6, "T6-02", *row);
        const size_t printed = row->cells[1].printed + row->cells[2].printed;
        Equal("T6-02", 6, absl::StrCat("line ", row->line, ", ", row->name), row->at(0),
              row->at(1) + row->at(2), printed > 1 ? 2 : 0);
      }
    }
    if (t_.t6_total.has_value()) {
      Touch(6, "T6-03", *t_.t6_total);
      Equal("T6-03", 6, "合计", t_.t6_total->at(0), t_.t6_total->at(1) + t_.t6_total->at(2), 2);
      for (size_t c = 0; c < 3; ++c) {
        Equal("T6-04", 6,
              absl::StrCat("合计, column ", c == 0   ? "合计"
                                            : c == 1 ? "人员经费"
                                                     : "公用经费"),
              t_.t6_total->at(c), tops[c], counts[c]);
      }
    }
    Equal("X-08", 6, "合计 against table 5 基本支出", Total(t_.t6_total, 0), Total(t_.t5.total, 1),
          0);
    // Pairs that hold in nearly every real budget: worth a look where they don't.
    auto item = [&](absl::string_view name) {
      int64_t sum = 0;
      for (const Tables::Economic& e : t_.t6) {
        for (const Row& row : e.items) {
          if (FoldName(row.name) == name) sum += row.at(0);
        }
      }
      return sum;
    };
    auto basic = [&](const char* code) {
      const Row* row = t_.t5.Find(code);
      return row == nullptr ? 0 : row->at(1);
    };
    if (t_.t6_total.has_value()) {
      Equal("X-09a", 6, "住房公积金 against table 5 row 2210201", item("住房公积金"),
            basic("2210201"), 0, budget::v1::SEVERITY_WARNING);
      Equal("X-09b", 6, "机关事业单位基本养老保险缴费 against table 5 row 2080505",
            item("机关事业单位基本养老保险缴费"), basic("2080505"), 0,
            budget::v1::SEVERITY_WARNING);
      Equal("X-09c", 6, "公务员医疗补助缴费 against table 5 row 2101103",
            item("公务员医疗补助缴费"), basic("2101103"), 0, budget::v1::SEVERITY_WARNING);
      Equal("X-09d", 6, "职工基本医疗保险缴费 against table 5 rows 2101101 and 2101102",
            item("职工基本医疗保险缴费"), basic("2101101") + basic("2101102"), 2,
            budget::v1::SEVERITY_WARNING);
    }
  }

  void Books(const std::string& rule, int n, const Row& row, size_t last) {
    int64_t sum = 0;
    size_t printed = 0;
    for (size_t c = 1; c < last; ++c) {
      sum += row.at(c);
      printed += row.cells[c].printed;
    }
    Touch(n, rule, row);
    Equal(rule, n, absl::StrCat("line ", row.line, ", ", row.name), row.at(0), sum,
          printed > 1 ? printed : 0);
  }

  void Smaller() {
    for (size_t c = 0; c < 4; ++c) {
      const std::string column = c == 0 ? "合计" : std::string(kFundNames[c - 1]);
      const size_t vehicle = t_.t10[3].cells[c].printed + t_.t10[4].cells[c].printed;
      Equal("T10-01", 10, absl::StrCat("公务用车购置及运行费, column ", column), t_.t10[2].at(c),
            t_.t10[3].at(c) + t_.t10[4].at(c), vehicle > 1 ? 2 : 0);
      const size_t kinds =
          t_.t10[0].cells[c].printed + t_.t10[1].cells[c].printed + t_.t10[2].cells[c].printed;
      Equal("T10-02", 10, absl::StrCat("合计, column ", column), t_.t10[5].at(c),
            t_.t10[0].at(c) + t_.t10[1].at(c) + t_.t10[2].at(c), kinds > 1 ? kinds : 0);
    }
    for (const Row& row : t_.t10) Books("T10-03", 10, row, 4);
    int64_t vehicles = 0;
    for (const Tables::Economic& e : t_.t6) {
      for (const Row& row : e.items) {
        if (FoldName(row.name) == "公务用车运行维护费") vehicles += row.at(0);
      }
    }
    AtMost("X-12", 10, "table 6 公务用车运行维护费 against table 10", vehicles, t_.t10[4].at(0),
           budget::v1::SEVERITY_WARNING);
    for (size_t c = 0; t_.t11_total.has_value() && c < 4; ++c) {
      int64_t sum = 0;
      size_t printed = 0;
      for (const Row& row : t_.t11_units) {
        sum += row.at(c);
        printed += row.cells[c].printed;
      }
      Equal("T11-01", 11,
            absl::StrCat("部门合计, column ", c == 0 ? "合计" : std::string(kFundNames[c - 1])),
            t_.t11_total->at(c), sum, printed > 1 ? printed : 0);
    }
    if (t_.t11_total.has_value()) Books("T11-02", 11, *t_.t11_total, 4);
    for (const Row& row : t_.t11_units) Books("T11-02", 11, row, 4);
    const int64_t operating = Total(t_.t11_total, 0), publics = Total(t_.t6_total, 2);
    rules_[11].insert("X-13");
    if (operating != publics) {
      // Smaller where a department has 事业 units, which the document does not tell; never larger.
      const bool more = operating > publics;
      Add("X-13", RuleOutcome::kFailed,
          more ? budget::v1::SEVERITY_ERROR : budget::v1::SEVERITY_WARNING, 11,
          "table 11, 合计 against table 6 公用经费",
          absl::StrCat(Print(operating), more ? " is more than " : " is less than ",
                       Print(publics)),
          absl::StrCat("表11机关运行经费 ", Print(operating), more ? " 大于" : " 小于",
                       "表6公用经费 ", Print(publics)));
    }
  }

  void OneProjectTable(int n, const ProjectTable& table) {
    if (!table.department.has_value()) return;
    const size_t columns = table.department->cells.size();
    Books("T12-03", n, *table.department, columns);
    for (size_t c = 0; c < columns; ++c) {
      int64_t units = 0;
      size_t printed = 0;
      for (const auto& u : table.units) {
        units += u.unit.at(c);
        printed += u.unit.cells[c].printed;
        int64_t projects = 0;
        size_t rows = 0;
        for (const Row& p : u.projects) {
          projects += p.at(c);
          rows += p.cells[c].printed;
        }
        Equal("T12-02", n,
              absl::StrCat("line ", u.unit.line, ", ", u.unit.name, ", column ", c + 2),
              u.unit.at(c), projects, rows > 1 ? rows : 0);
      }
      Equal("T12-01", n, absl::StrCat("line ", table.department->line, ", column ", c + 2),
            table.department->at(c), units, printed > 1 ? printed : 0);
    }
    for (const auto& u : table.units) {
      Books("T12-03", n, u.unit, columns);
      for (const Row& p : u.projects) Books("T12-03", n, p, columns);
    }
  }

  void Projects() {
    OneProjectTable(12, t_.t12);
    OneProjectTable(13, t_.t13);
    const int64_t year = Total(t_.t12.department, 0), carried = Total(t_.t13.department, 0);
    Presence("T13-00", 13, t_.t13.department.has_value() && t_.t13.department->any());
    Equal("X-14", 12, "合计 (with table 13) against table 3 项目支出", year + carried,
          Total(t_.t3.total, 2), carried == 0 ? 0 : 2);
    AtMost("X-11", 13, "合计 against table 1 上年结转安排", carried,
           std::max(CarryIn(), t_.t1.expenditure_total.at(2)), budget::v1::SEVERITY_ERROR);
  }

  Tables& t_;
  const CatalogView& catalog_;
  bool t2_includes_carry_ = false;
  std::vector<std::string> codes1_, codes4_;
  std::map<int, std::set<std::string>> rules_;
  std::map<int, std::set<std::pair<int, std::string>>> checked_;
  std::vector<RuleOutcome> out_;
};

}  // namespace

std::vector<std::string> ClassCodes(const Tables& tables, const BalanceTable& table,
                                    const CatalogView& catalog, std::string* problem) {
  std::map<std::string, std::string> by_name;
  for (const CatalogView::Code& c : catalog.functional) {
    if (c.code.size() != 3) continue;
    by_name[FoldName(c.name)] = c.code;
    for (const std::string& alias : c.aliases) by_name[FoldName(alias)] = c.code;
  }
  for (const Row& row : tables.t3.rows) {
    if (row.code.size() == 3) by_name[FoldName(row.name)] = row.code;
  }
  std::vector<std::string> codes(table.classes.size());
  for (size_t i = 0; i < table.classes.size(); ++i) {
    auto it = by_name.find(FoldName(table.classes[i].name));
    if (it != by_name.end()) {
      codes[i] = it->second;
    } else if (table.classes.size() == 30) {
      codes[i] = std::string(kClasses[i]);
    } else if (table.classes[i].any() && problem->empty()) {
      *problem = absl::StrCat("line ", table.classes[i].line, ", ", table.classes[i].name);
    }
  }
  return codes;
}

std::vector<RuleOutcome> CheckTables(Tables& tables, const CatalogView& catalog) {
  return Checker(tables, catalog).Run();
}

}  // namespace fiscal::importer
