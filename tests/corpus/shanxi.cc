// The 13-table form as tab-separated text.

#include <algorithm>
#include <tuple>

#include "tests/corpus/codes.h"
#include "tests/corpus/layout.h"

namespace fiscal::corpus {
namespace {

const Fund kFunds[] = {Fund::kGeneral, Fund::kGovernment, Fund::kState, Fund::kAccount,
                       Fund::kUnit};
const char* const kIncomeRows[] = {"一、一般公共预算", "二、政府性基金预算", "三、国有资本经营预算",
                                   "四、财政专户管理资金", "五、单位资金"};
const char* const kBooks[] = {"一般公共预算", "政府性基金预算", "国有资本经营预算"};
const char kEmptyNote[] = "注：本表无数据";

class Shanxi {
 public:
  Shanxi(const Ledger& ledger, Random& random) : ledger_(ledger), random_(random) {
    if (random_.Chance(10)) {
      style_.unit_fen = kYuanFen;
      style_.commas = random_.Chance(60);
    } else {
      style_.commas = random_.Chance(15);
    }
    const int64_t zero = random_.Between(0, 99);
    style_.zero = zero < 70 ? "" : zero < 80 ? "0.00" : zero < 90 ? "0" : "-";
    from_printed_ = random_.Chance(40);
    carry_in_total_ = random_.Chance(50);
    whole_hundred_ = random_.Chance(30);
    wide_ = random_.Chance(50);
    year_ = std::to_string(ledger_.year);
    last_year_ = std::to_string(ledger_.year - 1);
    carried_ = ledger_.AnyCarried();
    general_only_ = !ledger_.Any(Fund::kGovernment) && !ledger_.Any(Fund::kState) &&
                    !ledger_.Any(Fund::kAccount) && !ledger_.Any(Fund::kUnit);
  }

  Document LayOut() {
    Cover();
    Table1();
    Table2();
    Table3();
    Table4();
    Table5();
    Table6();
    Table7();
    Table8();
    Table9();
    Table10();
    Table11();
    Table12();
    Table13();
    Relations();
    Narrative();
    return std::move(document_);
  }

 private:
  Piece C(int cell) const { return {"", cell}; }

  // One row: pieces with tabs between.
  void Row(const std::vector<Piece>& fields) {
    std::vector<Piece> pieces;
    for (size_t i = 0; i < fields.size(); ++i) {
      if (i > 0) pieces.push_back({"\t"});
      pieces.push_back(fields[i]);
    }
    document_.AddLine(std::move(pieces));
  }
  void Text(const std::string& text) { document_.AddText(text); }
  void Blank() { document_.AddText(""); }
  void Paragraph(const std::string& text) {
    Text(text);
    Blank();
  }
  int Money(int table, const std::string& row, const std::string& column, int64_t fen) {
    return document_.AddMoney(table, row, column, fen, style_);
  }
  int Empty(int table, const std::string& row, const std::string& column) {
    MoneyStyle blank = style_;
    blank.zero = "";
    return document_.AddMoney(table, row, column, 0, blank);
  }

  void Cover() {
    Blank();
    Blank();
    Paragraph(ledger_.department);
    Paragraph(year_ + "年度部门预算公开");
    Paragraph("目 录");
    int page = 1;
    const auto entry = [&](const std::string& text) {
      Text(text + ".....\t" + std::to_string(page));
      page += int(random_.Between(0, 2));
    };
    entry("第一部分 概况");
    entry("一、本部门职责");
    entry("二、机构设置情况");
    entry("第二部分 " + year_ + "年部门预算报表");
    for (int table = 1; table <= 13; ++table) entry("表" + Ordinal(table) + Title(table));
    entry("第三部分 " + year_ + "年度部门预算情况说明");
    entry("一、部门预算收支数据变动情况及原因");
    entry("二、收入预算情况说明");
    entry("三、支出预算情况说明");
    entry("十、绩效管理情况");
    entry("第四部分 名词解释");
    Blank();
    Paragraph("第一部分 概况");
    Paragraph("一、本部门职责");
    Paragraph("（一）执行国家和上级的政策，拟订本地区的年度计划并组织落实。");
    Paragraph("（二）指导所属单位的业务工作，维护公共服务的正常秩序。");
    if (random_.Chance(50)) Paragraph("（三）承担上级交办的其他工作。");
    Paragraph("二、机构设置情况");
    static const char* const kKinds[] = {"行政单位", "参照公务员法管理的事业单位", "事业单位"};
    std::string units =
        ledger_.department + "纳入本年预算的单位共" + std::to_string(ledger_.units.size()) + "个：";
    for (size_t i = 0; i < ledger_.units.size(); ++i) {
      units += (i > 0 ? "；" : "") + ledger_.units[i].name + "（" +
               kKinds[int(ledger_.units[i].kind)] + "）";
    }
    Paragraph(units + "。");
    Paragraph("第二部分 " + year_ + "年部门预算报表");
  }

  std::string Title(int table) const {
    switch (table) {
      case 1:
        return year_ + "年预算收支总表";
      case 2:
        return year_ + "年预算收入总表";
      case 3:
        return year_ + "年预算支出总表";
      case 4:
        return year_ + "年财政拨款收支总表";
      case 5:
        return year_ + "年一般公共预算支出预算表（不含上年结转）";
      case 6:
        return year_ + "年一般公共预算安排基本支出分经济科目表（不含上年结转）";
      case 7:
        return year_ + "年政府性基金预算收入表（不含上年结转）";
      case 8:
        return year_ + "年政府性基金预算支出表（不含上年结转）";
      case 9:
        return year_ + "年国有资本经营预算收支预算表（不含上年结转）";
      case 10:
        return year_ + "年财政拨款安排“三公”经费支出预算表";
      case 11:
        return year_ + "年财政拨款安排机关运行经费预算表";
      case 12:
        return year_ + "年项目支出预算表（本年预算）";
      default:
        return year_ + "年项目支出预算表（上年结转）";
    }
  }

  void Head(int table) {
    if (table == 1 || random_.Chance(20)) {
      Paragraph((random_.Chance(70) ? "预算公开表" : "部门公开表") + std::to_string(table));
    }
    Paragraph(Title(table));
    Paragraph("部门名称：" + ledger_.department);
    const std::string unit = style_.unit_fen == kWan ? "万元" : "元";
    if (unit == "万元" && random_.Chance(table == 1 ? 40 : 5)) {
      Text("单位：万");
      Paragraph("元");
    } else {
      Paragraph("单位：" + unit);
    }
  }

  int64_t Income(Fund fund) const {
    return ledger_.Sum([&](const Leaf& leaf) { return leaf.fund == fund && !leaf.carried; });
  }
  int64_t Carried() const {
    return ledger_.Sum([](const Leaf& leaf) { return leaf.carried; });
  }
  int64_t All() const {
    return ledger_.Sum([](const Leaf&) { return true; });
  }
  int64_t Books(const std::string& code, Fund fund) const {
    return ledger_.Sum(
        [&](const Leaf& leaf) { return leaf.fund == fund && StartsWith(leaf.functional, code); });
  }

  void Table1() {
    Head(1);
    Row({{"收入"}, {""}, {"支出"}, {""}, {""}, {""}});
    Row({{"项目"},
         {year_ + "年"},
         {"项目"},
         {year_ + "年合计"},
         {"当年预算安排"},
         {"上年结转安排"}});
    RowRun run;
    for (size_t i = 0; i < Classes().size(); ++i) {
      const std::string code = Classes()[i].code;
      Piece label, amount;
      if (i < 5) {
        label.text = kIncomeRows[i];
        t1_income_.push_back(Money(1, kIncomeRows[i], year_ + "年", Income(kFunds[i])));
        amount = C(t1_income_.back());
      }
      std::vector<int> row;
      for (int column = 0; column < 3; ++column) {
        const int64_t fen = ledger_.Sum([&](const Leaf& leaf) {
          return StartsWith(leaf.functional, code) &&
                 (column == 0 || leaf.carried == (column == 2));
        });
        static const char* const kColumns[] = {"合计", "当年预算安排", "上年结转安排"};
        row.push_back(Money(1, Classes()[i].name, kColumns[column], fen));
      }
      if (document_.Blank(row[0]) && style_.zero != "0.00") {
        for (const int cell : row) document_.cells[size_t(cell)].printed.clear();
      }
      t1_class_.push_back(row);
      run.push_back(row);
      Row({label,
           amount,
           {Ordinal(int(i) + 1) + "、" + Classes()[i].name},
           C(row[0]),
           C(row[1]),
           C(row[2])});
      if (i == 20) Blank();
    }
    document_.runs.push_back(run);
    const auto total = [&](const std::string& left, int64_t left_fen, const std::string& right,
                           bool money) {
      const int income = Money(1, left, year_ + "年", left_fen);
      std::vector<int> row;
      for (int column = 0; column < 3; ++column) {
        const int64_t fen = ledger_.Sum([&](const Leaf& leaf) {
          return money && (column == 0 || leaf.carried == (column == 2));
        });
        static const char* const kColumns[] = {"合计", "当年预算安排", "上年结转安排"};
        row.push_back(money ? Money(1, right, kColumns[column], fen)
                            : Empty(1, right, kColumns[column]));
      }
      Row({{left}, C(income), {right}, C(row[0]), C(row[1]), C(row[2])});
      row.push_back(income);
      return row;
    };
    t1_year_ = total("本年收入合计", All() - Carried(), "本年支出合计", true);
    t1_carry_ = total("上年结转", Carried(), "年终结转", false);
    t1_total_ = total("收入总计", All(), "支出总计", true);
    Blank();

    document_.Relate("T1-01", t1_year_[3], t1_income_);
    document_.Relate("T1-02", t1_total_[3], {t1_year_[3], t1_carry_[3]});
    for (size_t column = 0; column < 3; ++column) {
      std::vector<int> parts;
      for (const auto& row : t1_class_) parts.push_back(row[column]);
      document_.Relate(std::string("T1-03") + "abc"[column], t1_year_[column], parts);
      document_.Relate("T1-05", t1_total_[column], {t1_year_[column]});
    }
    for (const auto& row : t1_class_) document_.Relate("T1-04", row[0], {row[1], row[2]});
    document_.Relate("T1-04", t1_year_[0], {t1_year_[1], t1_year_[2]});
    document_.Relate("T1-04", t1_total_[0], {t1_total_[1], t1_total_[2]});
    document_.Relate("T1-06", t1_total_[3], {t1_total_[0]});
  }

  // Prints a table by functional code, the row of all first.
  void CodeRows(int table, const CodeTable& cells, bool row_errors) {
    std::map<std::string, std::vector<int>> line_of;
    const auto print = [&](const std::string& code) {
      std::vector<Piece> row = {{code.empty() ? "合计" : code},
                                {code.empty() ? "" : FunctionalName(code)}};
      for (const int cell : cells.cells.at(code)) row.push_back(C(cell));
      line_of[code] = {int(document_.lines.size())};
      Row(row);
    };
    print("");
    for (const std::string& code : cells.codes) print(code);
    if (row_errors) AllowRowErrors(document_, table, cells, line_of);
    Blank();
  }

  void Table2() {
    Head(2);
    Row({{"项目"}, {""}, {"本年收入"}, {""}, {""}, {""}, {""}, {""}, {"上年结转"}});
    Row({{"科目编码"},
         {"科目名称"},
         {"合计"},
         {"一般公共预算"},
         {"政府性基金"},
         {"国有资本经营预算"},
         {"财政专户管理资金"},
         {"单位资金"},
         {""}});
    t2_ = AddCodeTable(document_, 2, "T2", ledger_.Items([](const Leaf&) { return true; }),
                       {"合计", "一般公共预算", "政府性基金", "国有资本经营预算",
                        "财政专户管理资金", "单位资金", "上年结转"},
                       style_, [&](const std::string& code, size_t column) {
                         return ledger_.Sum([&](const Leaf& leaf) {
                           if (!StartsWith(leaf.functional, code)) return false;
                           if (column == 0) return carry_in_total_ || !leaf.carried;
                           if (column == 6) return leaf.carried;
                           return !leaf.carried && leaf.fund == kFunds[column - 1];
                         });
                       });
    CodeRows(2, t2_, true);
    for (const auto& [code, row] : t2_.cells) {
      std::vector<int> parts(row.begin() + 1, row.end() - (carry_in_total_ ? 0 : 1));
      document_.Relate("T2-01", row[0], parts);
    }
  }

  CodeTable Expenditure(int table, const std::string& rule,
                        const std::function<bool(const Leaf&)>& wanted) {
    return AddCodeTable(document_, table, rule, ledger_.Items(wanted),
                        {"合计", "基本支出", "项目支出"}, style_,
                        [&](const std::string& code, size_t column) {
                          return ledger_.Sum([&](const Leaf& leaf) {
                            return wanted(leaf) && StartsWith(leaf.functional, code) &&
                                   (column == 0 || IsBasic(leaf) == (column == 1));
                          });
                        });
  }

  void ExpenditureHead() {
    Row({{"项目"}, {""}, {year_ + "年预算数"}, {""}, {""}});
    Row({{"科目编码"}, {"科目名称"}, {"合计"}, {"基本支出"}, {"项目支出"}});
  }

  void Table3() {
    Head(3);
    ExpenditureHead();
    t3_ = Expenditure(3, "T3", [](const Leaf&) { return true; });
    CodeRows(3, t3_, true);
    for (const auto& [code, row] : t3_.cells) document_.Relate("T3-01", row[0], {row[1], row[2]});
  }

  void Table4() {
    Head(4);
    Row({{"收入"}, {""}, {"支出"}, {""}, {""}, {""}, {""}});
    Row({{"项目"}, {"金额"}, {"项目"}, {"金额"}, {""}, {""}, {""}});
    Row({{""}, {""}, {""}, {"小计"}, {kBooks[0]}, {kBooks[1]}, {kBooks[2]}});
    const auto books = [&](const std::string& row, const std::string& code) {
      std::vector<int> cells;
      const int64_t sum = Books(code, kFunds[0]) + Books(code, kFunds[1]) + Books(code, kFunds[2]);
      cells.push_back(Money(4, row, "小计", sum));
      for (int book = 0; book < 3; ++book) {
        cells.push_back(Money(4, row, kBooks[book], Books(code, kFunds[book])));
      }
      if (sum == 0 && style_.zero != "0.00") {
        for (const int cell : cells) document_.cells[size_t(cell)].printed.clear();
      }
      return cells;
    };
    RowRun run;
    for (size_t i = 0; i < Classes().size(); ++i) {
      Piece label, amount;
      if (i < 3) {
        label.text = kIncomeRows[i];
        t4_income_.push_back(Money(4, kIncomeRows[i], "金额", Income(kFunds[i])));
        amount = C(t4_income_.back());
      }
      const std::vector<int> row = books(Classes()[i].name, Classes()[i].code);
      t4_class_.push_back(row);
      run.push_back(row);
      Row({label,
           amount,
           {Ordinal(int(i) + 1) + "、" + Classes()[i].name},
           C(row[0]),
           C(row[1]),
           C(row[2]),
           C(row[3])});
    }
    document_.runs.push_back(run);
    const int64_t carried = Carried();
    const int64_t income = Income(kFunds[0]) + Income(kFunds[1]) + Income(kFunds[2]);
    const int year_income = Money(4, "本年收入合计", "金额", income);
    t4_year_ = books("本年支出合计", "");
    Row({{"本年收入合计"},
         C(year_income),
         {"本年支出合计"},
         C(t4_year_[0]),
         C(t4_year_[1]),
         C(t4_year_[2]),
         C(t4_year_[3])});
    Blank();
    const int carry_income = Money(4, "上年财政拨款结转", "金额", carried);
    Row({{"上年财政拨款结转"}, C(carry_income), {"年终结转"}, {""}, {""}, {""}, {""}});
    for (int book = 0; book < 3; ++book) {
      const int64_t fen =
          ledger_.Sum([&](const Leaf& leaf) { return leaf.carried && leaf.fund == kFunds[book]; });
      t4_carry_.push_back(Money(4, "上年财政拨款结转" + std::string(kBooks[book]), "金额", fen));
      Row({{kIncomeRows[book]}, C(t4_carry_.back()), {""}, {""}, {""}, {""}, {""}});
    }
    t4_total_income_ = Money(4, "收入总计", "金额", income + carried);
    t4_total_ = books("支出总计", "");
    Row({{"收入总计"},
         C(t4_total_income_),
         {"支出总计"},
         C(t4_total_[0]),
         C(t4_total_[1]),
         C(t4_total_[2]),
         C(t4_total_[3])});
    Blank();

    document_.Relate("T4-01", year_income, t4_income_);
    for (size_t column = 0; column < 4; ++column) {
      std::vector<int> parts;
      for (const auto& row : t4_class_) parts.push_back(row[column]);
      document_.Relate("T4-02", t4_year_[column], parts);
    }
    for (const auto& row : t4_class_) document_.Relate("T4-03", row[0], {row[1], row[2], row[3]});
    document_.Relate("T4-03", t4_year_[0], {t4_year_[1], t4_year_[2], t4_year_[3]});
    document_.Relate("T4-03", t4_total_[0], {t4_total_[1], t4_total_[2], t4_total_[3]});
    document_.Relate("T4-04", t4_total_income_, {t4_total_[0]});
    document_.Relate("X-05", t4_income_[0], {t1_income_[0]});
  }

  void Table5() {
    Head(5);
    ExpenditureHead();
    t5_ = Expenditure(
        5, "T5", [](const Leaf& leaf) { return leaf.fund == Fund::kGeneral && !leaf.carried; });
    CodeRows(5, t5_, true);
    for (const auto& [code, row] : t5_.cells) document_.Relate("T5-01", row[0], {row[1], row[2]});
  }

  std::vector<int> EconomicRow(const std::string& label,
                               const std::function<bool(const Leaf&)>& wanted) {
    std::vector<int> row;
    static const char* const kColumns[] = {"合计", "人员经费", "公用经费"};
    for (int column = 0; column < 3; ++column) {
      row.push_back(Money(6, label, kColumns[column], ledger_.Sum([&](const Leaf& leaf) {
        return leaf.fund == Fund::kGeneral && !leaf.carried && IsBasic(leaf) && wanted(leaf) &&
               (column == 0 || (leaf.category == Category::kPersonnel) == (column == 1));
      })));
    }
    return row;
  }

  void Table6() {
    Head(6);
    Row({{"部门预算支出经济科目名称"},
         {"政府预算支出经济科目名称"},
         {year_ + "年预算数"},
         {""},
         {""}});
    Row({{""}, {""}, {"合计"}, {"人员经费"}, {"公用经费"}});
    t6_total_ = EconomicRow("合计", [](const Leaf&) { return true; });
    Row({{"合计"}, {""}, C(t6_total_[0]), C(t6_total_[1]), C(t6_total_[2])});
    document_.Relate("T6-03", t6_total_[0], {t6_total_[1], t6_total_[2]});
    std::vector<std::vector<int>> classes;
    for (const std::string code3 : {"301", "302", "303", "310"}) {
      const auto in_class = [&](const Leaf& leaf) { return StartsWith(leaf.economic, code3); };
      if (ledger_.Sum([&](const Leaf& leaf) {
            return in_class(leaf) && leaf.fund == Fund::kGeneral;
          }) == 0) {
        continue;
      }
      const std::vector<int> head = EconomicRow(EconomicClassName(code3), in_class);
      classes.push_back(head);
      Row({{EconomicClassName(code3)}, {""}, C(head[0]), C(head[1]), C(head[2])});
      document_.Relate("T6-02", head[0], {head[1], head[2]});
      std::vector<std::vector<int>> rows;
      std::vector<int> lines;
      std::vector<std::string> names;
      for (const Economic& economic : Economics()) {
        if (!StartsWith(economic.code, code3)) continue;
        for (const bool institution : {false, true}) {
          const auto wanted = [&](const Leaf& leaf) {
            return leaf.economic == economic.code && leaf.institution_pair == institution;
          };
          if (ledger_.Sum([&](const Leaf& leaf) {
                return wanted(leaf) && leaf.fund == Fund::kGeneral;
              }) == 0) {
            continue;
          }
          const std::vector<int> row = EconomicRow(economic.name, wanted);
          lines.push_back(int(document_.lines.size()));
          Row({{economic.name},
               {institution ? economic.government_institution : economic.government},
               C(row[0]),
               C(row[1]),
               C(row[2])});
          document_.Relate("T6-02", row[0], {row[1], row[2]});
          rows.push_back(row);
          names.push_back(economic.name);
          if (code3 == "301" || code3 == "303")
            personnel_names_.insert(economic.name);
          else
            public_names_.insert(economic.name);
        }
      }
      for (size_t column = 0; column < 3; ++column) {
        std::vector<int> parts;
        for (const auto& row : rows) parts.push_back(row[column]);
        document_.Relate("T6-01", head[column], parts);
      }
      if (rows.size() > 1) document_.runs.push_back(rows);
      for (size_t i = 0; rows.size() > 1 && i < rows.size(); ++i) {
        document_.removables.push_back({6, names[i], {lines[i]}, rows[i]});
      }
    }
    for (size_t column = 0; column < 3; ++column) {
      std::vector<int> parts;
      for (const auto& row : classes) parts.push_back(row[column]);
      document_.Relate("T6-04", t6_total_[column], parts);
    }
    Blank();
  }

  void Note() {
    Blank();
    Paragraph(kEmptyNote);
  }

  void Table7() {
    Head(7);
    Row({{"项目"}, {""}, {"政府性基金收入预算"}});
    Row({{"收入科目编码"}, {"科目名称"}, {""}});
    if (Income(Fund::kGovernment) == 0) {
      Row({{"合计"}, {""}, {""}});
      Note();
      return;
    }
    const int total = Money(7, "合计", "政府性基金收入预算", Income(Fund::kGovernment));
    Row({{"合计"}, {""}, C(total)});
    document_.Relate("X-10", total, {t4_income_[1]});
    for (const Named& revenue : FundRevenues()) {
      const int64_t fen =
          ledger_.Sum([&](const Leaf& leaf) { return leaf.revenue == revenue.code; });
      if (fen == 0) continue;
      Row({{revenue.code}, {revenue.name}, C(Money(7, revenue.code, "政府性基金收入预算", fen))});
    }
    Blank();
  }

  void Table8() {
    Head(8);
    Row({{"科目编码"}, {"科目名称"}, {"合计"}, {"基本支出"}, {"项目支出"}});
    if (Income(Fund::kGovernment) == 0) {
      Row({{"合计"}, {""}, {""}, {""}, {""}});
      Note();
      return;
    }
    CodeRows(8,
             Expenditure(
                 8, "",
                 [](const Leaf& leaf) { return leaf.fund == Fund::kGovernment && !leaf.carried; }),
             false);
  }

  void Table9() {
    Head(9);
    Row({{"国有资本经营预算收入"}, {""}, {""}, {"国有资本经营预算支出"}, {""}, {""}, {""}, {""}});
    Row({{"项目"},
         {""},
         {"国有资本经营收入预算"},
         {"科目编码"},
         {"科目名称"},
         {"合计"},
         {"基本支出"},
         {"项目支出"}});
    Row({{"收入科目编码"}, {"科目名称"}, {""}, {""}, {""}, {""}, {""}, {""}});
    if (Income(Fund::kState) == 0) {
      Row({{"合计"}, {""}, {""}, {""}, {""}, {""}, {""}, {""}});
      Note();
      return;
    }
    const CodeTable spent = Expenditure(
        9, "", [](const Leaf& leaf) { return leaf.fund == Fund::kState && !leaf.carried; });
    for (const auto& [code, row] : spent.cells) document_.Relate("T9-01", row[0], {row[1], row[2]});
    std::vector<std::vector<Piece>> left;
    for (const Named& revenue : StateRevenues()) {
      const int64_t fen =
          ledger_.Sum([&](const Leaf& leaf) { return leaf.revenue == revenue.code; });
      if (fen > 0) {
        left.push_back({{revenue.code},
                        {revenue.name},
                        C(Money(9, revenue.code, "国有资本经营收入预算", fen))});
      }
    }
    std::vector<Piece> total = {{"合计"},
                                {""},
                                C(Money(9, "合计", "国有资本经营收入预算", Income(Fund::kState))),
                                {""},
                                {""}};
    for (const int cell : spent.cells.at("")) total.push_back(C(cell));
    Row(total);
    for (size_t i = 0; i < std::max(left.size(), spent.codes.size()); ++i) {
      std::vector<Piece> row = i < left.size() ? left[i] : std::vector<Piece>(3);
      if (i < spent.codes.size()) {
        row.push_back({spent.codes[i]});
        row.push_back({FunctionalName(spent.codes[i])});
        for (const int cell : spent.cells.at(spent.codes[i])) row.push_back(C(cell));
      } else {
        row.resize(8);
      }
      Row(row);
    }
    Blank();
  }

  void BookHead(const std::string& first, const std::string& second) {
    Row({{first}, {second}, {""}, {""}, {""}});
    Row({{""}, {"合计"}, {kBooks[0]}, {kBooks[1]}, {kBooks[2]}});
  }

  int64_t InBasic(const std::string& economic) const {
    return ledger_.Sum([&](const Leaf& leaf) {
      return leaf.economic == economic && leaf.fund == Fund::kGeneral && !leaf.carried;
    });
  }

  // A row of 合计 and the three books, all of it general money.
  std::vector<int> BookRow(int table, const std::string& label, int64_t fen) {
    std::vector<int> row = {Money(table, label, "合计", fen), Money(table, label, kBooks[0], fen),
                            Money(table, label, kBooks[1], 0), Money(table, label, kBooks[2], 0)};
    Row({{label}, C(row[0]), C(row[1]), C(row[2]), C(row[3])});
    document_.Relate(table == 10 ? "T10-03" : "T11-02", row[0], {row[1], row[2], row[3]});
    return row;
  }

  void Table10() {
    Head(10);
    BookHead("项目", year_ + "年预算数");
    abroad_ = InBasic("30212") + ledger_.abroad_fen;
    reception_ = InBasic("30217") + ledger_.reception_fen;
    purchase_ = ledger_.vehicle_purchase_fen;
    running_ = InBasic("30231") + ledger_.vehicle_running_fen;
    const auto abroad = BookRow(10, "因公出国（境）费", abroad_);
    const auto reception = BookRow(10, "公务接待费", reception_);
    const auto vehicles = BookRow(10, "公务用车购置及运行费", purchase_ + running_);
    const auto purchase = BookRow(10, "①公务用车购置费", purchase_);
    const auto running = BookRow(10, "②公务用车运行维护费", running_);
    t10_total_ = BookRow(10, "合计", abroad_ + reception_ + purchase_ + running_);
    for (size_t column = 0; column < 4; ++column) {
      document_.Relate("T10-01", vehicles[column], {purchase[column], running[column]});
      document_.Relate("T10-02", t10_total_[column],
                       {abroad[column], reception[column], vehicles[column]});
    }
    Blank();
  }

  void Table11() {
    Head(11);
    BookHead("单位名称", year_ + "预算数");
    const auto office = [&](int unit) {
      return ledger_.Sum([&](const Leaf& leaf) {
        return leaf.category == Category::kPublic && leaf.fund == Fund::kGeneral && !leaf.carried &&
               ledger_.units[size_t(leaf.unit)].kind != UnitKind::kInstitution &&
               (unit < 0 || leaf.unit == unit);
      });
    };
    office_ = office(-1);
    if (office_ == 0) {
      Row({{"部门合计"}, {""}, {""}, {""}, {""}});
      Note();
      return;
    }
    t11_total_ = BookRow(11, "部门合计", office_);
    std::vector<std::vector<int>> rows;
    std::vector<int> lines;
    std::vector<std::string> names;
    for (size_t unit = 0; unit < ledger_.units.size(); ++unit) {
      if (office(int(unit)) == 0) continue;
      lines.push_back(int(document_.lines.size()));
      names.push_back(ledger_.units[unit].name);
      rows.push_back(BookRow(11, ledger_.units[unit].name, office(int(unit))));
    }
    for (size_t column = 0; column < 4; ++column) {
      std::vector<int> parts;
      for (const auto& row : rows) parts.push_back(row[column]);
      document_.Relate("T11-01", t11_total_[column], parts);
    }
    for (size_t i = 0; rows.size() > 1 && i < rows.size(); ++i) {
      document_.removables.push_back({11, names[i], {lines[i]}, rows[i]});
    }
    Blank();
  }

  // The rows of T12 or T13: department, units, projects. Returns the department's row.
  std::vector<int> ProjectRows(int table, size_t funds) {
    const bool carried = table == 13;
    static const char* const kColumns[] = {
        "合计",    "一般公共预算", "政府性基金预算", "国有资本经营预算", "财政专户管理资金",
        "单位资金"};
    const auto make = [&](const std::string& label, int unit, int project) {
      std::vector<int> row;
      for (size_t column = 0; column <= funds; ++column) {
        row.push_back(Money(table, label, kColumns[column], ledger_.Sum([&](const Leaf& leaf) {
          return leaf.project >= 0 && leaf.carried == carried && (unit < 0 || leaf.unit == unit) &&
                 (project < 0 || leaf.project == project) &&
                 (column == 0 || leaf.fund == kFunds[column - 1]);
        })));
      }
      std::vector<Piece> fields = {{label}};
      for (const int cell : row) fields.push_back(C(cell));
      Row(fields);
      document_.Relate(carried ? "T13-03" : "T12-03", row[0],
                       std::vector<int>(row.begin() + 1, row.end()));
      return row;
    };
    const auto count = [&](int unit, int project) {
      return ledger_.Sum([&](const Leaf& leaf) {
        return leaf.project >= 0 && leaf.carried == carried && (unit < 0 || leaf.unit == unit) &&
               (project < 0 || leaf.project == project);
      });
    };
    const std::vector<int> department = make(ledger_.department, -1, -1);
    std::vector<std::vector<int>> units;
    for (size_t unit = 0; unit < ledger_.units.size(); ++unit) {
      if (count(int(unit), -1) == 0) continue;
      const std::vector<int> head = make(ledger_.units[unit].name, int(unit), -1);
      units.push_back(head);
      std::vector<std::vector<int>> rows;
      std::vector<int> lines;
      std::vector<std::string> names;
      for (size_t project = 0; project < ledger_.projects.size(); ++project) {
        if (ledger_.projects[project].unit != int(unit) || count(-1, int(project)) == 0) continue;
        lines.push_back(int(document_.lines.size()));
        names.push_back(ledger_.projects[project].name);
        rows.push_back(make(names.back(), -1, int(project)));
        if (!carried) project_cells_[int(project)] = rows.back()[0];
      }
      for (size_t column = 0; column <= funds; ++column) {
        std::vector<int> parts;
        for (const auto& row : rows) parts.push_back(row[column]);
        document_.Relate(carried ? "T13-01" : "T12-02", head[column], parts);
      }
      if (rows.size() > 1) document_.runs.push_back(rows);
      for (size_t i = 0; rows.size() > 1 && i < rows.size(); ++i) {
        document_.removables.push_back({table, names[i], {lines[i]}, rows[i]});
      }
    }
    for (size_t column = 0; column <= funds; ++column) {
      std::vector<int> parts;
      for (const auto& row : units) parts.push_back(row[column]);
      document_.Relate(carried ? "T13-01" : "T12-01", department[column], parts);
    }
    return department;
  }

  int64_t ProjectMoney(bool carried) const {
    return ledger_.Sum(
        [&](const Leaf& leaf) { return leaf.project >= 0 && leaf.carried == carried; });
  }

  void Table12() {
    Head(12);
    const std::string gap = random_.Chance(40) ? " " : "";
    Row({{"项目名称"},
         {"合计"},
         {year_ + "年财政拨款"},
         {""},
         {""},
         {"财政专户管理" + gap + "资金"},
         {"单位资金"}});
    Row({{""},
         {""},
         {"一般公共预算"},
         {"政府性基金" + gap + "预算"},
         {"国有资本经营预" + gap + "算"},
         {""},
         {""}});
    Row({{"1"}, {"2"}, {"3"}, {"4"}, {"5"}, {"6"}, {"7"}});
    if (ProjectMoney(false) == 0) {
      Note();
      return;
    }
    t12_ = ProjectRows(12, 5);
    Blank();
  }

  void Table13() {
    Head(13);
    Row({{"项目名称"}, {"合计"}, {year_ + "年财政拨款"}, {""}, {""}});
    Row({{""}, {""}, {kBooks[0]}, {kBooks[1]}, {kBooks[2]}});
    Row({{"1"}, {"2"}, {"3"}, {"4"}, {"5"}});
    if (ProjectMoney(true) == 0) {
      Note();
      return;
    }
    t13_ = ProjectRows(13, 3);
    Blank();
  }

  void Relations() {
    document_.Relate("X-01", t1_total_[3], {t2_.At("", 0), carry_in_total_ ? -1 : t2_.At("", 6)});
    document_.Relate("X-02", t1_income_[0], {t2_.At("", 1)});
    document_.Relate("X-03", t1_total_[0], {t3_.At("", 0)});
    for (size_t i = 0; i < Classes().size(); ++i) {
      document_.Relate("X-04", t1_class_[i][0], {t3_.At(Classes()[i].code, 0)});
      if (!carried_) {
        document_.Relate("X-07", t4_class_[i][1], {t5_.At(Classes()[i].code, 0)});
      }
    }
    document_.Relate("X-06", t4_year_[1], {t5_.At("", 0), t4_carry_[0]});
    if (general_only_ && !carried_) {
      for (const auto& [code, row] : t3_.cells) {
        for (size_t column = 0; column < 3; ++column) {
          document_.Relate("T5-02", row[column], {t5_.At(code, column)});
        }
      }
    }
    document_.Relate("X-08", t6_total_[0], {t5_.At("", 1)});
    if (!t13_.empty()) document_.Relate("X-11", t13_[0], {t1_year_[2]});
    if (!t11_total_.empty() && ledger_.AllAdministrative()) {
      document_.Relate("X-13", t11_total_[0], {t6_total_[2]});
    }
    document_.Relate("X-14", t3_.At("", 2),
                     {t12_.empty() ? -1 : t12_[0], t13_.empty() ? -1 : t13_[0]});
  }

  Sentence Begin() {
    Sentence sentence(document_, from_printed_);
    sentence.PrintWholeHundred(whole_hundred_);
    return sentence;
  }
  void End(Sentence& sentence) {
    document_.AddLine(sentence.Take());
    Blank();
  }
  // ，下降14.54% and its like: wide or narrow punctuation, as the later parts of the reference have
  // it.
  std::string Comma() const { return wide_ ? "，" : ","; }
  std::string Colon() const { return wide_ ? "：" : ":"; }
  std::string Semicolon() const { return wide_ ? "；" : ";"; }

  // 比上年减少…万元，下降…%
  void Change(Sentence& sentence, const std::string& rule, const std::string& row, int current,
              int64_t current_fen, int64_t previous_fen, const std::string& before,
              const std::string& comma) {
    const int64_t difference = current_fen - previous_fen;
    if (difference == 0) {
      sentence << before + "持平";
      return;
    }
    const bool less = difference < 0;
    sentence << before + (less ? "减少" : "增加");
    const int amount = sentence.Money(row, "比上年", std::abs(difference));
    sentence << "万元" + comma + (less ? "下降" : "增长");
    const int percent = sentence.Percent(row, "比上年%", difference, previous_fen, current_fen);
    sentence << "%";
    RelatePercent(document_, rule, percent, {{amount, 1}}, {{current, 1}, {amount, less ? 1 : -1}});
  }

  void Narrative() {
    Text(" ");
    Paragraph("第三部分 " + year_ + "年度部门预算情况说明");
    NarrateChange();
    NarrateIncome();
    NarrateExpenditure();
    NarrateGrants();
    GeneralNarrative();
    NarrateBasics();
    NarrateThreePublicExpenses();
    NarrateOperatingExpenses();
    NarrateProcurements();
    Performance();
    Assets();
    Terms();
  }

  void NarrateChange() {
    Paragraph("一、部门预算收支数据变动情况及原因");
    const std::string& who = ledger_.department;
    const int64_t all = All(), carried = Carried();
    Sentence s = Begin();
    s << year_ + "年度" + who + "预算收入总计";
    const int income = s.Money("收入总计", "一", all);
    document_.Relate("N-01", income, {t1_total_[3]});
    s << "万元，其中：本年收入";
    s.Money("本年收入", "一", all - carried);
    s << "万元，上年结转";
    s.Money("上年结转", "一", carried);
    s << "万元，";
    Change(s, "N-03", "收入总计", income, all, ledger_.previous_income_fen, "比上年", "，");
    s << "，主要原因是项目安排有所调整；本年部门预算支出总计";
    const int spent = s.Money("支出总计", "一", all);
    document_.Relate("N-02", spent, {t1_total_[0]});
    s << "万元，其中：本年预算安排";
    s.Money("本年预算安排", "一", all - carried);
    s << "万元，上年结转";
    s.Money("上年结转", "一支出", carried);
    s << "万元，";
    Change(s, "N-03", "支出总计", spent, all, ledger_.previous_income_fen, "比上年", "，");
    s << "，主要原因是项目安排有所调整。";
    End(s);
  }

  void NarrateIncome() {
    Paragraph("二、收入预算情况说明");
    const std::string& who = ledger_.department;
    const int64_t all = All(), carried = Carried();
    Sentence s = Begin();
    s << year_ + "年度" + who + "预算收入";
    document_.Relate("N-01", s.Money("收入总计", "二", all), {t1_total_[3]});
    static const char* const kKinds[] = {"一般公共预算拨款收入", "政府性基金预算拨款收入",
                                         "国有资本经营预算拨款收入", "财政专户管理资金收入",
                                         "单位资金"};
    s << "万元，主要包括";
    for (int i = 0; i < 6; ++i) {
      const std::string row = i < 5 ? kKinds[i] : "上年结转";
      const int64_t fen = i < 5 ? Income(kFunds[i]) : carried;
      s << row;
      s.Money(row, "二", fen);
      s << "万元，占";
      s.Percent(row, "二%", fen, all, all);
      s << (i < 5 ? "%；" : "%。");
    }
    End(s);
  }

  void NarrateExpenditure() {
    Paragraph("三、支出预算情况说明");
    const std::string& who = ledger_.department;
    const int64_t all = All();
    const int64_t basic = ledger_.Sum(IsBasic);
    Sentence s = Begin();
    s << year_ + "年度" + who + "支出预算";
    const int total = s.Money("支出预算", "三", all);
    document_.Relate("N-02", total, {t1_total_[0]});
    s << "万元，其中：基本支出";
    const int basic_cell = s.Money("基本支出", "三", basic);
    document_.Relate("N-05", basic_cell, {t3_.At("", 1)});
    s << "万元，占";
    RelatePercent(document_, "N-06",
                  s.Percent("基本支出", "三%", basic, all, ledger_.previous_income_fen),
                  {{basic_cell, 1}}, {{total, 1}});
    s << "%；项目支出";
    const int projects = s.Money("项目支出", "三", all - basic);
    document_.Relate("N-05", projects, {t3_.At("", 2)});
    s << "万元，占";
    RelatePercent(document_, "N-06",
                  s.Percent("项目支出", "三%", all - basic, all, ledger_.previous_income_fen),
                  {{projects, 1}}, {{total, 1}});
    s << "%。";
    End(s);
  }

  void NarrateGrants() {
    Paragraph("四、财政拨款收支预算总体情况说明");
    const std::string& who = ledger_.department;
    const int64_t carried = Carried();
    int64_t books[3];
    for (int i = 0; i < 3; ++i) books[i] = Books("", kFunds[i]);
    const int64_t sum = books[0] + books[1] + books[2];
    Sentence s = Begin();
    s << year_ + "年度" + who + "财政拨款收支总预算";
    s.Money("财政拨款收支总预算", "四", sum);
    s << "万元。其中：一般公共预算拨款";
    s.Money("一般公共预算拨款", "四", books[0]);
    s << "万元，政府性基金预算拨款";
    s.Money("政府性基金预算拨款", "四", books[1]);
    s << "万元，国有资本经营预算拨款";
    s.Money("国有资本经营预算拨款", "四", books[2]);
    s << "万元。其中：当年拨款收入";
    s.Money("当年拨款收入", "四", sum - carried);
    s << "万元，上年结转收入";
    s.Money("上年结转收入", "四", carried);
    s << "万元。支出包括：";
    bool first = true;
    for (const Named& named : Classes()) {
      const int64_t fen = Books(named.code, kFunds[0]) + Books(named.code, kFunds[1]) +
                          Books(named.code, kFunds[2]);
      if (fen == 0) continue;
      s << (first ? "" : "、") + std::string(named.name);
      first = false;
      s.Money(named.name, "四", fen);
      s << "万元";
    }
    s << "等。";
    End(s);
  }

  void NarrateBasics() {
    Paragraph("六、一般公共预算基本支出情况说明");
    const std::string& who = ledger_.department;
    const auto basic = [&](int category) {
      return ledger_.Sum([&](const Leaf& leaf) {
        return leaf.fund == Fund::kGeneral && IsBasic(leaf) &&
               (category < 0 || int(leaf.category) == category);
      });
    };
    const auto names = [&](const std::set<std::string>& set) {
      std::vector<std::string> list(set.begin(), set.end());
      random_.Shuffle(list);
      std::string text;
      for (const std::string& name : list) text += (text.empty() ? "" : "、") + name;
      return text;
    };
    Sentence s = Begin();
    s << year_ + "年度" + who + "一般公共预算安排基本支出";
    document_.Relate("N-10", s.Money("基本支出", "六", basic(-1)), {t6_total_[0]});
    s << "万元" + Comma() + "其中" + Colon();
    End(s);
    Sentence personnel = Begin();
    personnel << "人员经费";
    document_.Relate("N-11", personnel.Money("人员经费", "六", basic(0)), {t6_total_[1]});
    personnel << "万元" + Comma() + "主要包括" + Colon() + names(personnel_names_) + "等" +
                     Semicolon();
    End(personnel);
    Sentence office = Begin();
    office << "公用经费";
    document_.Relate("N-11", office.Money("公用经费", "六", basic(1)), {t6_total_[2]});
    office << "万元" + Comma() + "主要包括" + Colon() + names(public_names_) + "等。";
    End(office);
  }

  void NarrateThreePublicExpenses() {
    Paragraph("七、“三公”经费增减变动原因说明");
    const std::string& who = ledger_.department;
    Sentence s = Begin();
    const auto same = [&](const std::string& row, int64_t fen, const std::string& comma) {
      if (fen == 0 || random_.Chance(50)) {
        s << comma + "与上年预算数相同";
      } else {
        s << comma + "比上年预算数" + (random_.Chance(50) ? "增加" : "减少");
        s.Money(row, "七比上年", Rounded(fen / 10 + 30000));
        s << "万元";
      }
    };
    s << year_ + "年" + who + "财政拨款安排的“三公”经费预算";
    document_.Relate("N-13", s.Money("三公经费", "七", abroad_ + reception_ + purchase_ + running_),
                     {t10_total_[0]});
    s << "万元与" + last_year_ + "年预算数相同。其中" + Colon();
    const std::pair<const char*, int64_t> rows[] = {{"因公出国(境)费", abroad_},
                                                    {"公务接待费", reception_},
                                                    {"公务用车购置及运行费", purchase_ + running_},
                                                    {"公务用车运行维护费", running_},
                                                    {"公务用车购置费", purchase_}};
    for (int i = 0; i < 5; ++i) {
      s << rows[i].first;
      s.Money(rows[i].first, "七", rows[i].second);
      s << "万元";
      same(rows[i].first, rows[i].second, Comma());
      s << (i == 2 || i == 4 ? "。" : Semicolon());
    }
    End(s);
  }

  void NarrateOperatingExpenses() {
    Paragraph("八、机关运行经费增减变动原因说明");
    Sentence s = Begin();
    s << "本单位机关运行经费财政拨款预算";
    const int office = s.Money("机关运行经费", "八", office_);
    if (!t11_total_.empty()) document_.Relate("N-14", office, {t11_total_[0]});
    s << "万元" + Comma();
    if (office_ == 0) {
      s << "与上年持平";
    } else {
      Change(s, "N-15", "机关运行经费", office, office_, ledger_.previous_office_fen,
             "比" + last_year_ + "年预算", Comma());
    }
    s << Comma() + "原因是日常办公支出的安排有所变化。";
    End(s);
  }

  void NarrateProcurements() {
    Paragraph("九、政府采购情况");
    const std::string& who = ledger_.department;
    Sentence s = Begin();
    s << year_ + "年" + who + "政府采购预算总额";
    const int total =
        s.Money("政府采购", "九", ledger_.goods_fen + ledger_.works_fen + ledger_.services_fen);
    s << "万元。其中：政府采购货物预算";
    const int goods = s.Money("货物", "九", ledger_.goods_fen);
    s << "万元、政府采购工程预算";
    const int works = s.Money("工程", "九", ledger_.works_fen);
    s << "万元、政府采购服务预算";
    const int services = s.Money("服务", "九", ledger_.services_fen);
    s << "万元。";
    document_.Relate("N-17", total, {goods, works, services});
    End(s);
  }

  static int64_t Rounded(int64_t fen) { return fen / 10000 * 10000; }

  void GeneralNarrative() {
    const std::string& who = ledger_.department;
    const int64_t general = Income(Fund::kGeneral);
    Paragraph("五、一般公共预算支出情况说明");
    Paragraph("(一) 一般公共预算当年支出规模变化情况");
    {
      Sentence s = Begin();
      s << year_ + "年度" + who + "一般公共预算当年支出";
      const int total = s.Money("一般公共预算当年支出", "五", general);
      s << "万元，";
      Change(s, "N-03", "一般公共预算当年支出", total, general, ledger_.previous_general_fen,
             "比上年", "，");
      s << "。";
      End(s);
    }
    Paragraph("(二) 一般公共预算当年支出结构情况");
    {
      Sentence s = Begin();
      s << year_ + "年度" + who + "一般公共预算当年支出";
      const int total = s.Money("一般公共预算当年支出", "五结构", general);
      s << "万元" + Comma() + "主要用于以下方面" + Colon();
      bool first = true;
      for (const Named& named : Classes()) {
        const int64_t fen = ledger_.Sum([&](const Leaf& leaf) {
          return leaf.fund == Fund::kGeneral && !leaf.carried &&
                 StartsWith(leaf.functional, named.code);
        });
        if (fen == 0) continue;
        s << (first ? "" : Semicolon()) + named.name;
        first = false;
        const int amount = s.Money(named.name, "五结构", fen);
        document_.Relate("N-07", amount, {t5_.At(named.code, 0)});
        s << "万元" + Comma() + "占";
        RelatePercent(document_, "N-08",
                      s.Percent(named.name, "五结构%", fen, general,
                                All() != general ? All() : ledger_.previous_general_fen),
                      {{amount, 1}}, {{total, 1}});
        s << "%";
      }
      s << "等。";
      End(s);
    }
    Paragraph("一般公共预算当年拨款结构图");
    Blank();
  }

  void Equal(const std::string& rule, const std::vector<Term>& terms, int64_t constant) {
    Relation relation;
    relation.rule = rule;
    relation.terms = terms;
    relation.constant = constant;
    document_.relations.push_back(relation);
  }

  void Performance() {
    Paragraph("十、绩效管理情况");
    Paragraph("1、整体绩效目标");
    {
      Sentence s = Begin();
      s << year_ + "年编报单位整体绩效目标，涉及资金";
      s.Money("整体绩效目标", "十", All());
      s << "万元。";
      End(s);
    }
    Paragraph("2、项目绩效目标");
    int counts[2] = {0, 0};
    int64_t money[2] = {0, 0};
    for (const auto& [project, cell] : project_cells_) {
      const int kind = ledger_.projects[size_t(project)].specific;
      ++counts[kind];
      money[kind] += ledger_.Sum([&, index = project](const Leaf& leaf) {
        return leaf.project == index && !leaf.carried;
      });
    }
    const int64_t rows = int64_t(project_cells_.size());
    const int64_t all = money[0] + money[1];
    Sentence s = Begin();
    s << year_ + "年" + ledger_.department + "纳入绩效目标管理的二级项目";
    const int managed = s.Count("二级项目", "十", rows);
    s << "个，共计金额";
    const int managed_money = s.Money("共计金额", "十", all);
    s << "万元。其中：其他运转类项目";
    const int managed_0 = s.Count("其他运转类项目", "十", counts[0]);
    s << "个，涉及金额";
    const int managed_money_0 = s.Money("其他运转类项目", "十金额", money[0]);
    s << "万元；特定目标类项目";
    const int managed_1 = s.Count("特定目标类项目", "十", counts[1]);
    s << "个，涉及金额";
    const int managed_money_1 = s.Money("特定目标类项目", "十金额", money[1]);
    s << "万元。公开项目绩效目标";
    const int shown = s.Count("公开项目", "十", rows);
    s << "个，涉及项目金额";
    s.Money("公开项目", "十金额", all);
    s << "万元，占部门（单位）项目支出总额的" << (all == 0 ? "0" : "100")
      << "%。其中：其他运转类项目";
    const int shown_0 = s.Count("公开其他运转类项目", "十", counts[0]);
    s << "个，涉及项目金额";
    s.Money("公开其他运转类项目", "十金额", money[0]);
    s << "万元；特定目标类项目";
    const int shown_1 = s.Count("公开特定目标类项目", "十", counts[1]);
    s << "个，涉及项目金额";
    s.Money("公开特定目标类项目", "十金额", money[1]);
    s << "万元。";
    End(s);
    Equal("N-19", {{managed, 1}, {managed_0, -1}, {managed_1, -1}}, 0);
    document_.Relate("N-20", managed_money, {managed_money_0, managed_money_1});
    Equal("N-21", {{shown, 1}, {shown_0, -1}, {shown_1, -1}}, 0);
    if (!t12_.empty()) document_.Relate("N-22", managed_money, {t12_[0]});
    Equal("N-23", {{managed, 1}}, rows);
    Equal("N-24", {{managed_0, 1}, {shown_0, -1}}, 0);
    Equal("N-24", {{managed_1, 1}, {shown_1, -1}}, 0);
    Paragraph("（项目绩效目标表公开情况见附件）");
    std::vector<int> order;
    for (const auto& [project, cell] : project_cells_) order.push_back(project);
    random_.Shuffle(order);
    for (const int project : order) PerformanceForm(project);
  }

  void PerformanceForm(int project) {
    const Project& about = ledger_.projects[size_t(project)];
    const std::string& unit = ledger_.units[size_t(about.unit)].name;
    Paragraph(ledger_.place + "级预算部门（单位）项目支出绩效目标表");
    Paragraph("(" + year_ + "年度)");
    const bool tight = random_.Chance(25);  // one tab fewer before the values
    const std::string gap = tight ? "\t" : "\t\t";
    const std::string tail = tight ? "\t\t\t" : "";
    const std::string rest = tight ? "\t\t\t\t\t\t" : "\t\t\t\t\t";
    MoneyStyle yuan;
    yuan.unit_fen = kYuanFen;
    yuan.decimals = 0;
    yuan.commas = true;
    yuan.zero = "0";
    const auto of_fund = [&](bool books) {
      return ledger_.Sum([&](const Leaf& leaf) {
        return leaf.project == project && !leaf.carried && InBooks(leaf.fund) == books;
      });
    };
    int64_t parts[5] = {0, 0, of_fund(true), 0, of_fund(false)};
    if (random_.Chance(15)) {
      parts[0] = parts[2] / 30000 * 10000;
      parts[2] -= parts[0];
    } else if (random_.Chance(15)) {
      parts[1] = parts[2] / 20000 * 10000;
      parts[2] -= parts[1];
    }
    static const char* const kSources[] = {"其中：中央财政资金", "省级财政资金",
                                           "市县（区）财政资金", "单位自筹", "其他资金"};
    const int64_t total = of_fund(true) + of_fund(false);
    Text("项目名称" + gap + about.name + rest);
    Text("主管部门及代码" + gap + Padded(int(ledger_.department.size() * 7 % 900), 3) + "-" +
         ledger_.department + "\t\t实施单位\t" + (tight ? "" : "\t") + unit +
         (tight ? "\t\t" : "\t"));
    Text("项目属性" + gap + (random_.Chance(70) ? "经常性项目（长期开展）" : "一次性项目") +
         "\t\t" + (random_.Chance(60) ? "项目日期" : "项目期") + gap +
         std::to_string(random_.Between(1, 5)) + "年\t");
    const bool narrow = random_.Chance(20);
    const std::string colon = narrow ? ":" : "：";
    const auto money = [&](const std::string& row, const std::string& column, int64_t fen,
                           bool blank) {
      MoneyStyle style = yuan;
      if (blank) style.zero = "";
      return document_.AddMoney(14, about.name + row, column, fen, style);
    };
    const int whole = money("", "实施期资金总额", total, false);
    const int year = money("", "年度资金总额", total, false);
    document_.AddLine({{std::string(narrow ? "项目资金 (元)" : "项目资金（元）") + gap +
                        "实施期资金总额" + colon + gap},
                       C(whole),
                       {"\t年度资金总额" + colon + gap},
                       C(year),
                       {tail}});
    std::vector<int> whole_parts, year_parts;
    for (int i = 0; i < 5; ++i) {
      whole_parts.push_back(money(kSources[i], "实施期", parts[i], i == 4));
      year_parts.push_back(money(kSources[i], "年度", parts[i], i == 4));
      document_.AddLine({{gap + kSources[i] + gap},
                         C(whole_parts.back()),
                         {"\t" + std::string(kSources[i]) + gap},
                         C(year_parts.back()),
                         {tail}});
    }
    document_.Relate("F-02", whole, whole_parts);
    document_.Relate("F-02", year, year_parts);
    document_.Relate("F-03", year, {project_cells_.at(project)});
    Text("项目概况" + gap + "围绕" + about.name + "开展年度工作。" + rest);
    Text("立项依据" + gap + "单位职责和年度工作安排。" + rest);
    Text("项目设立必要性" + gap + "保证相关工作按期完成。" + rest);
    Text("保证项目实施的制度、措施" + gap + "单位内部控制制度。" + rest);
    Text("项目实施计划" + gap + "按季度推进。" + rest);
    Text("实施期目标\t\t\t\t年度目标\t\t\t");
    Text("总体目标\t\t按计划完成" + about.name + "的各项任务，资金使用合规。\t\t\t\t按计划完成" +
         about.name + "的各项任务，资金使用合规。\t");
    Text("绩效指标\t一级指标\t二级指标\t三级指标\t指标值\t二级指标\t三级指标\t指标值");
    const std::string times = std::to_string(random_.Between(1, 12));
    Text("\t产出指标\t数量指标\t完成工作次数\t≥" + times + "次\t数量指标\t完成工作次数\t≥" + times +
         "次");
    Text("\t\t质量指标\t验收合格率\t100%\t质量指标\t验收合格率\t100%");
    Text("\t\t时效指标\t完成及时性\t及时\t时效指标\t完成及时性\t及时");
    Text("\t效益指标\t经济效益指标\t\t\t经济效益指标\t\t");
    Text("\t\t社会效益指标\t服务水平\t提高\t社会效益指标\t服务水平\t提高");
    Text("满意度指标\t服务对象满意度\t群众满意度\t≥90%\t服务对象满意度\t群众满意度\t≥90%\t");
    Text("负责人：\t\t经办人：\t\t联系电话：\t\t填报日期：\t" + last_year_ + "12201530" +
         Padded(project, 2));
    Blank();
  }

  void Assets() {
    const std::string& who = ledger_.department;
    Paragraph("十一、国有资产占有使用情况");
    Paragraph("1、车辆情况：");
    static const char* const kKinds[] = {"领导用车",     "机要通信用车",     "应急保障用车",
                                         "执法执勤用车", "特种专业技术用车", "事业单位业务用车",
                                         "其他公务用车"};
    int64_t sum = 0;
    for (const int64_t count : ledger_.vehicles) sum += count;
    Sentence s = Begin();
    s << "截至" + last_year_ + "年12月31日，" + who + "共有公务用车编制";
    s.Count("车辆编制", "十一", ledger_.vehicle_quota);
    s << "辆，实有";
    std::vector<Term> terms = {{s.Count("车辆实有", "十一", sum), 1}};
    s << "辆，其中：";
    for (int kind = 0; kind < 7; ++kind) {
      s << kKinds[kind];
      terms.push_back({s.Count(kKinds[kind], "十一", ledger_.vehicles[size_t(kind)]), -1});
      s << (kind < 6 ? "辆，" : "辆。");
    }
    End(s);
    Equal("A-01", terms, 0);
    Paragraph("2、房屋情况：");
    Paragraph("截至" + last_year_ + "年12月31日，" + who + "使用的办公用房建筑总面积" +
              std::to_string(random_.Between(120, 6000)) + "." +
              Padded(int(random_.Between(0, 99)), 2) + "平方米。");
    Paragraph("3、其他国有资产占有使用情况：");
    Paragraph("截至" + last_year_ + "年12月31日，" + who +
              "占有使用价值50万元（原值）以上的通用设备" + std::to_string(random_.Between(0, 6)) +
              "台（套）。");
    Paragraph("十二、其他说明");
    Paragraph("（一）政府购买服务指导性目录");
    Paragraph("详见" + ledger_.place + "政府购买服务指导性目录。");
    Paragraph("（二）其他");
    Paragraph("无其他需要说明的情况。");
  }

  void Terms() {
    Paragraph("第四部分 名词解释");
    Paragraph("一、基本支出：指单位维持日常运转所需的人员和公用方面的支出。");
    Paragraph("二、项目支出：指单位为完成特定任务、在基本支出以外安排的支出。");
    Paragraph("三、“三公”经费：指用财政拨款安排的出国（境）、公务用车和公务接待三类支出。");
    Paragraph("四、机关运行经费：指行政单位和参公事业单位基本支出中的公用经费。");
    Paragraph("五、上年结转：指上一年度安排、转到本年按原用途使用的资金。");
  }

  const Ledger& ledger_;
  Random& random_;
  Document document_;
  MoneyStyle style_;
  std::string year_, last_year_;
  bool from_printed_ = false, carry_in_total_ = false, whole_hundred_ = false, wide_ = false;
  bool carried_ = false, general_only_ = false;
  std::vector<int> t1_income_, t1_year_, t1_carry_, t1_total_;
  std::vector<std::vector<int>> t1_class_;
  CodeTable t2_, t3_, t5_;
  std::vector<int> t4_income_, t4_year_, t4_total_, t4_carry_;
  std::vector<std::vector<int>> t4_class_;
  int t4_total_income_ = -1;
  std::vector<int> t6_total_, t10_total_, t11_total_, t12_, t13_;
  std::map<int, int> project_cells_;  // project -> 合计 cell of T12
  std::set<std::string> personnel_names_, public_names_;
  int64_t abroad_ = 0, reception_ = 0, purchase_ = 0, running_ = 0, office_ = 0;
};

}  // namespace

Document LayOutShanxi(const Ledger& ledger, Random& random) {
  return Shanxi(ledger, random).LayOut();
}

}  // namespace fiscal::corpus
