// The 9-table Shanghai form, as a program that keeps the layout of a page prints its text.
//
// Figures stand right-aligned in columns measured in characters. Where a page ends inside a table
// the columns move a little, and the header may or may not be printed again.

#include <algorithm>
#include <cstdlib>

#include "tests/corpus/codes.h"
#include "tests/corpus/layout.h"

namespace fiscal::corpus {
namespace {

const Fund kBookFunds[] = {Fund::kGeneral, Fund::kGovernment, Fund::kState};

class Shanghai {
 public:
  Shanghai(const Ledger& ledger, Random& random) : ledger_(ledger), random_(random) {
    style_.unit_fen = kYuanFen;
    style_.commas = true;
    style_.decimals = random_.Chance(60) ? 2 : 0;
    const int64_t zero = random_.Between(0, 99);
    style_.zero = zero < 55 ? "" : zero < 95 ? "0" : "-";
    if (style_.decimals == 2 && zero >= 85 && zero < 95) style_.zero = "0.00";
    narrative_commas_ = random_.Chance(50);
    spaced_rows_ = random_.Chance(40);
    wrap_ = random_.Chance(40) ? int(random_.Between(13, 17)) : 0;
    numbered_ = int(random_.Between(0, 2));
    executed_ = random_.Chance(50);
    from_printed_ = random_.Chance(40);
    tight_ = random_.Chance(35);
    document_.form_feeds = random_.Chance(50);
    year_ = std::to_string(ledger_.year);
    last_year_ = std::to_string(ledger_.year - 1);
    what_ = ledger_.of_one_unit ? "单位" : "部门";
    titled_ = ledger_.of_one_unit ? "预算单位" : "部门";
  }

  Document LayOut() {
    MakeCells();
    Front();
    Narrative();
    Table1();
    CodeTablePages(2, "收入预算总表", t2_);
    CodeTablePages(3, "支出预算总表", t3_);
    Table4();
    CodeTablePages(5, "一般公共预算支出功能分类预算表", t5_);
    FundTable(8, "政府性基金预算支出功能分类预算表", "政府性基金预算", Fund::kGovernment);
    FundTable(9, "国有资本经营预算支出功能分类预算表", "国有资本经营预算", Fund::kState);
    Table8();
    Table9();
    Relations();
    Others();
    return std::move(document_);
  }

 private:
  void Text(const std::string& text) { document_.AddText(text); }
  void Blank() { document_.AddText(""); }
  void Blanks(int count) {
    for (int i = 0; i < count; ++i) Blank();
  }
  void Gap() {
    if (spaced_rows_) Blank();
  }
  int Money(int table, const std::string& row, const std::string& column, int64_t fen) {
    return document_.AddMoney(table, row, column, fen, style_);
  }
  int Length(int cell) const { return CharacterCount(document_.cells[size_t(cell)].printed); }

  // What 单位资金 and 专户 money is called here: 1 事业收入, 2 经营收入, 3 其他收入; 0 财政拨款.
  static int IncomeKind(const Leaf& leaf) {
    if (InBooks(leaf.fund)) return 0;
    return leaf.fund == Fund::kAccount ? 1 : 1 + leaf.income;
  }

  int64_t All() const {
    return ledger_.Sum([](const Leaf&) { return true; });
  }
  int64_t OfFund(Fund fund) const {
    return ledger_.Sum([&](const Leaf& leaf) { return leaf.fund == fund; });
  }
  int64_t OfIncome(int kind) const {
    return ledger_.Sum([&](const Leaf& leaf) { return IncomeKind(leaf) == kind; });
  }

  void MakeCells() {
    t2_ = AddCodeTable(document_, 2, "T2", ledger_.Items([](const Leaf&) { return true; }),
                       {"合计", "财政拨款收入", "事业收入", "事业单位经营收入", "其他收入"}, style_,
                       [&](const std::string& code, size_t column) {
                         return ledger_.Sum([&](const Leaf& leaf) {
                           return StartsWith(leaf.functional, code) &&
                                  (column == 0 || IncomeKind(leaf) == int(column) - 1);
                         });
                       });
    t3_ = Expenditure(3, "T3", [](const Leaf&) { return true; });
    t5_ = Expenditure(5, "T5", [](const Leaf& leaf) { return leaf.fund == Fund::kGeneral; });
    for (const auto& [code, row] : t2_.cells) {
      document_.Relate("T2-01", row[0], std::vector<int>(row.begin() + 1, row.end()));
    }
    for (const auto& [code, row] : t3_.cells) document_.Relate("T3-01", row[0], {row[1], row[2]});
    for (const auto& [code, row] : t5_.cells) document_.Relate("T5-01", row[0], {row[1], row[2]});
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

  // Splits long running text into lines as a page would, never inside a figure.
  void Paragraph(std::vector<Piece> pieces, const std::string& indent) {
    constexpr int kWidthMax = 126;
    std::vector<Piece> line = {{indent}};
    int width = int(indent.size());
    const auto flush = [&] {
      document_.AddLine(std::move(line));
      line.clear();
      width = 0;
    };
    for (const Piece& piece : pieces) {
      if (piece.cell >= 0) {
        const int size = Length(piece.cell);
        if (width + size > kWidthMax) flush();
        line.push_back(piece);
        width += size;
        continue;
      }
      std::string words;
      for (size_t at = 0; at < piece.text.size();) {
        size_t size = 1;
        while (at + size < piece.text.size() &&
               (static_cast<unsigned char>(piece.text[at + size]) & 0xC0) == 0x80) {
          ++size;
        }
        const int wide = size > 1 ? 2 : 1;
        const bool inside_number = size == 1 && at > 0 &&
                                   std::isalnum(static_cast<unsigned char>(piece.text[at])) &&
                                   std::isalnum(static_cast<unsigned char>(piece.text[at - 1]));
        if (width + wide > kWidthMax && !inside_number && piece.text.compare(at, 1, "%") != 0) {
          line.push_back({words});
          words.clear();
          flush();
        }
        words += piece.text.substr(at, size);
        width += wide;
        at += size;
      }
      line.push_back({words});
    }
    flush();
  }
  void Prose(const std::string& text, const std::string& indent = "  ") {
    Paragraph({{text}}, indent);
  }
  void Centred(const std::string& text) {
    document_.AddLine({{text, -1, int(random_.Between(18, 32))}});
  }

  void Front() {
    Text(ledger_.place + year_ + "年区级" + what_ + "预算");
    Blank();
    Text(ledger_.of_one_unit ? "   预算单位：" + ledger_.department
                             : "   预算主管部门：" + ledger_.department);
    Blank();
    document_.AddPageBreak();
    Centred("目   录");
    Blank();
    Text("一、" + what_ + "主要职能");
    Text("二、" + what_ + "机构设置");
    Text("三、名词解释");
    Text("四、" + what_ + "预算编制说明");
    Text("五、" + what_ + "预算表");
    static const char* const kTitles[] = {"财务收支预算总表",
                                          "收入预算总表",
                                          "支出预算总表",
                                          "财政拨款收支预算总表",
                                          "一般公共预算支出功能分类预算表",
                                          "政府性基金预算支出功能分类预算表",
                                          "国有资本经营预算支出功能分类预算表",
                                          "一般公共预算基本支出部门预算经济分类预算表"};
    for (int i = 0; i < 8; ++i) {
      Text("  " + std::to_string(i + 1) + (i < 3 ? ". " : "．") + year_ + "年" + titled_ +
           kTitles[i]);
    }
    Text("  9. " + year_ + "年" + what_ + "“三公”经费和机关运行经费预算表");
    Text("六、其他相关情况说明");
    Blank();
    document_.AddPageBreak();
    Centred(ledger_.department + "主要职能");
    Blank();
    Prose(ledger_.department + "负责本区相关行业的管理和公共服务，拟订工作计划并组织落实。");
    Text("  主要职能包括：");
    Prose("1、执行国家和本市的有关规定，提出本区的具体办法。");
    Prose("2、组织所属单位开展业务工作，做好日常服务和监督。");
    Prose("3、承办区里交办的其他事项。");
    Blank();
    document_.AddPageBreak();
    Centred(ledger_.department + "机构设置");
    Blank();
    if (!ledger_.of_one_unit) {
      int kinds[3] = {0, 0, 0};
      for (const Unit& unit : ledger_.units) ++kinds[int(unit.kind)];
      Prose(ledger_.department + what_ + "预算是包括本部以及下属" +
            std::to_string(ledger_.units.size() - 1) + "家预算单位的综合收支计划。");
      Prose("本部门中，行政单位" + std::to_string(kinds[0]) + "家，参公单位" +
            std::to_string(kinds[1]) + "家，事业单位" + std::to_string(kinds[2]) +
            "家，具体包括：");
      for (size_t i = 0; i < ledger_.units.size(); ++i) {
        Text("  " + std::to_string(i + 1) + ". " + ledger_.units[i].name +
             (i == 0 ? "（本部）。" : "。"));
      }
    } else {
      Prose(ledger_.department + (ledger_.AllAdministrative() ? "是行政单位，" : "是事业单位，") +
            "设" + std::to_string(random_.Between(3, 12)) + "个内设机构。");
    }
    Blank();
    document_.AddPageBreak();
    Centred("名词解释");
    Blank();
    Prose("（一）基本支出预算：指维持单位日常运转的年度支出计划，分人员经费和公用经费。");
    Prose("（二）项目支出预算：指为完成特定任务，在基本支出之外编制的年度支出计划。");
    Prose("（三）“三公”经费：指用区级财政拨款安排的出国（境）、公务用车和公务接待支出。");
    Prose("（四）机关运行经费：指行政单位和参公单位用一般公共预算财政拨款安排的日常公用经费。");
    Blank();
    document_.AddPageBreak();
  }

  Sentence Begin() {
    Sentence sentence(document_, from_printed_);
    sentence.UseCommas(narrative_commas_);
    return sentence;
  }

  void Narrative() {
    const int64_t all = All();
    const int64_t books = OfIncome(0);
    const int64_t before = ledger_.previous_income_fen;
    const auto against = [&](Sentence& s, const std::string& row, int64_t fen, int64_t previous) {
      s << "比" + last_year_ + "年预算";
      if (fen == previous) {
        s << "持平";
        return;
      }
      s << (fen > previous ? "增加" : "减少");
      s.Money(row, "比上年", std::abs(fen - previous));
      s << "万元";
    };
    Centred(year_ + "年" + what_ + "预算编制说明");
    Blank();
    {
      Sentence s = Begin();
      s << year_ + "年，" + ledger_.department + "收入预算";
      income_ = s.Money("收入预算", "编制说明", all);
      s << "万元，其中：财政拨款收入";
      s.Money("财政拨款收入", "编制说明", books);
      s << "万元，";
      against(s, "财政拨款收入", books, before);
      static const char* const kKinds[] = {"", "事业收入", "事业单位经营收入", "其他收入"};
      for (int kind = 1; kind < 4; ++kind) {
        s << std::string("；") + kKinds[kind];
        s.Money(kKinds[kind], "编制说明", OfIncome(kind));
        s << "万元";
      }
      s << "。";
      Paragraph(s.Take(), "    ");
    }
    {
      Sentence s = Begin();
      s << "支出预算";
      spent_ = s.Money("支出预算", "编制说明", all);
      s << "万元，其中：财政拨款支出预算";
      s.Money("财政拨款支出预算", "编制说明", books);
      s << "万元，";
      against(s, "财政拨款支出预算", books, before);
      s << "。财政拨款支出预算中，一般公共预算拨款支出预算";
      s.Money("一般公共预算拨款支出预算", "编制说明", OfFund(Fund::kGeneral));
      s << "万元，";
      against(s, "一般公共预算拨款支出预算", OfFund(Fund::kGeneral), ledger_.previous_general_fen);
      s << "；政府性基金拨款支出预算";
      s.Money("政府性基金拨款支出预算", "编制说明", OfFund(Fund::kGovernment));
      s << "万元，";
      against(s, "政府性基金拨款支出预算", OfFund(Fund::kGovernment), OfFund(Fund::kGovernment));
      s << "；国有资本经营预算拨款支出预算";
      s.Money("国有资本经营预算拨款支出预算", "编制说明", OfFund(Fund::kState));
      s << "万元，";
      against(s, "国有资本经营预算拨款支出预算", OfFund(Fund::kState), OfFund(Fund::kState));
      s << "。";
      Paragraph(s.Take(), "    ");
    }
    Text("    财政拨款收入支出变化的主要原因是项目安排有所调整。");
    Text("    财政拨款支出主要内容如下：");
    Blank();
    const bool only_general = books == OfFund(Fund::kGeneral);
    int number = 0;
    for (const std::string& item :
         ledger_.Items([](const Leaf& leaf) { return InBooks(leaf.fund); })) {
      const int64_t fen = ledger_.Sum(
          [&](const Leaf& leaf) { return InBooks(leaf.fund) && leaf.functional == item; });
      const std::string name = FunctionalName(item);
      Sentence s = Begin();
      ++number;
      s << std::to_string(number) + ". “" + FunctionalName(item.substr(0, 3)) + "（类）" +
               FunctionalName(item.substr(0, 5)) + "（款）" + name + "（项）”";
      const int amount = s.Money(item, "主要内容", fen);
      if (only_general) document_.Relate("N-07", amount, {t5_.At(item, 0)});
      s << "万元，主要用于" + name + "。";
      if (executed_) {
        const bool fresh = random_.Chance(12);
        const int64_t previous = fresh ? 0
                                 : random_.Chance(10)
                                     ? fen
                                     : fen / 100 * random_.Between(30, 180) / 10000 * 10000;
        s << last_year_ + "年当年预算执行数为";
        const int executed = s.Money(item, "执行数", previous);
        s << "万元，" + year_ + "年预算安排";
        const int planned = s.Money(item, "预算安排", fen);
        if (only_general) document_.Relate("N-07", planned, {t5_.At(item, 0)});
        s << "万元，比" + last_year_ + "年预算执行数";
        if (previous == fen) {
          s << "持平";
        } else {
          s << (previous < fen ? "增加" : "减少");
          if (previous == 0) {
            s << "100.00";
          } else {
            const int percent = s.Percent(item, "比执行数%", fen - previous, previous, fen);
            RelatePercent(document_, "N-03", percent, {{planned, 1}, {executed, -1}},
                          {{executed, 1}});
          }
          s << "%";
        }
        s << "。主要原因是：" + name + "经费有所调整。";
      }
      Paragraph(s.Take(), "  ");
      if (random_.Chance(60)) Blank();
      if (number % 11 == 0) document_.AddPageBreak();
    }
    Blank();
    document_.AddPageBreak();
  }

  std::string TableTitle(const std::string& rest) const { return year_ + "年" + titled_ + rest; }

  void Head(const std::string& title, const std::string& unit) {
    document_.AddLine({{title, -1, int(random_.Between(15, 34))}});
    document_.AddLine(
        {{(ledger_.of_one_unit ? "编制单位：" : "编制部门：") + ledger_.department},
         {(unit == "万元" ? "单位:" : "单位：") + unit, -1, int(random_.Between(62, 90))}});
    Blank();
  }

  // A header line: words ending at given columns.
  void Headings(const std::vector<std::pair<std::string, int>>& words) {
    std::vector<Piece> pieces;
    for (const auto& [word, left] : words) pieces.push_back({word, -1, std::max(0, left)});
    document_.AddLine(std::move(pieces));
  }

  // Columns of figures: each a band wide enough for its longest figure and its heading, which
  // stands in its middle.
  struct Columns {
    int start = 0;
    std::vector<int> edges;

    int Centre(size_t column, const std::string& word) const {
      // A wide character takes the room of two figures on the page and of one in the text, so a
      // heading set in the middle of its column stands left of the middle here.
      const int left = column == 0 ? start : edges[column - 1];
      return std::max(left + 2, (left + edges[column]) / 2 - CharacterCount(word) * 3 / 4);
    }
  };
  Columns MakeColumns(int start, const std::vector<std::vector<int>>& rows,
                      const std::vector<int>& headings, bool loose) {
    Columns columns{start, {}};
    int at = start;
    for (size_t column = 0; column < headings.size(); ++column) {
      int longest = headings[column] + 2;
      for (const auto& row : rows) longest = std::max(longest, Length(row[column]));
      at += longest + 1 + int(loose ? random_.Between(2, 6) : random_.Between(0, 2));
      columns.edges.push_back(at);
    }
    return columns;
  }
  // A figure's edge: fonts of unequal width move it by a character now and then.
  Piece Figure(int cell, int edge) {
    return {"", cell, -1, edge - (Length(cell) > 11 ? int(random_.Between(0, 1)) : 0)};
  }

  std::pair<std::string, std::string> Split(const std::string& name) const {
    if (wrap_ == 0 || CharacterCount(name) <= wrap_) return {name, ""};
    size_t at = 0;
    for (int count = 0; count < wrap_; ++count) {
      ++at;
      while (at < name.size() && (static_cast<unsigned char>(name[at]) & 0xC0) == 0x80) ++at;
    }
    return {name.substr(0, at), name.substr(at)};
  }
  int NameWidth(const std::vector<std::string>& names) const {
    int width = 12;
    for (const std::string& name : names) {
      width = std::max(width, CharacterCount(Split(name).first));
    }
    return width;
  }

  void Table1() {
    const bool unit = ledger_.of_one_unit;
    Head(TableTitle("财务收支预算总表"), "元");
    const std::string mark = unit ? "、" : ". ";
    const std::string inset = unit ? "  " : "";
    const std::vector<std::pair<std::string, int64_t>> incomes = {
        {"一、财政拨款收入", OfIncome(0)},
        {inset + "1" + mark + (numbered_ == 0 ? "一般公共预算" : "一般公共预算资金"),
         OfFund(Fund::kGeneral)},
        {inset + "2" + mark + "政府性基金", OfFund(Fund::kGovernment)},
        {inset + "3" + mark + "国有资本经营预算", OfFund(Fund::kState)},
        {"二、事业收入", OfIncome(1)},
        {"三、事业单位经营收入", OfIncome(2)},
        {"四、其他收入", OfIncome(3)}};
    std::vector<std::string> columns = {"预算数"};
    if (unit) columns = {"合计", "人员经费", "公用经费", "项目支出"};
    const auto row_of = [&](const std::string& label, const std::string& code) {
      std::vector<int> row;
      for (size_t column = 0; column < columns.size(); ++column) {
        row.push_back(Money(1, label, columns[column], ledger_.Sum([&](const Leaf& leaf) {
          return StartsWith(leaf.functional, code) &&
                 (column == 0 || int(leaf.category) == int(column) - 1);
        })));
      }
      if (unit) document_.Relate("T1-04", row[0], {row[1], row[2], row[3]});
      return row;
    };
    std::vector<std::vector<int>> rows;
    std::vector<std::string> labels;
    for (const Named& named : Classes()) {
      if (ledger_.Sum([&](const Leaf& leaf) { return StartsWith(leaf.functional, named.code); }) ==
          0)
        continue;
      rows.push_back(row_of(named.name, named.code));
      labels.push_back(Ordinal(int(rows.size())) + "、" + named.name);
      t1_class_[named.code] = rows.back();
    }
    const std::vector<int> total = row_of("支出总计", "");
    t1_spent_ = total;
    for (const auto& [label, fen] : incomes) t1_income_.push_back(Money(1, label, "预算数", fen));
    t1_total_income_ = Money(1, "收入总计", "预算数", All());
    std::vector<std::vector<int>> all = rows;
    all.push_back(total);
    TwoSided(
        incomes.size(), [&](size_t i) { return incomes[i].first; }, t1_income_, labels, rows,
        t1_total_income_, total, unit ? "unit" : "department", all, 1);
    document_.Relate("T1-01", t1_income_[0], {t1_income_[1], t1_income_[2], t1_income_[3]});
    document_.Relate("T1-01", t1_total_income_,
                     {t1_income_[0], t1_income_[4], t1_income_[5], t1_income_[6]});
    for (size_t column = 0; column < columns.size(); ++column) {
      std::vector<int> parts;
      for (const auto& row : rows) parts.push_back(row[column]);
      document_.Relate("T1-03a", total[column], parts);
    }
    document_.Relate("T1-06", t1_total_income_, {total[0]});
  }

  // Tables 1 and 4: income at the left, expenditure by 类 at the right.
  template <typename Label>
  void TwoSided(size_t incomes, Label label, const std::vector<int>& income_cells,
                const std::vector<std::string>& labels, const std::vector<std::vector<int>>& rows,
                int income_total, const std::vector<int>& total, const std::string& heading,
                const std::vector<std::vector<int>>& all, int table) {
    int left_label = 8;
    for (size_t i = 0; i < incomes; ++i)
      left_label = std::max(left_label, CharacterCount(label(i)));
    int left_edge = left_label + 4 + int(random_.Between(2, 12)) + Length(income_total);
    const int right_label = left_edge + 1 + int(random_.Between(0, 1));
    const std::vector<int> headings = heading == "books"  ? std::vector<int>{8, 8, 7, 8}
                                      : heading == "unit" ? std::vector<int>{8, 8, 8, 8}
                                                          : std::vector<int>{8};
    const Columns columns = MakeColumns(
        right_label + NameWidth(labels) + int(random_.Between(0, 5)), all, headings, !tight_);
    const std::vector<int>& edges = columns.edges;
    const auto centre = [&](size_t column, const std::string& word) {
      return columns.Centre(column, word);
    };
    if (heading == "books") {
      Headings({{"财政拨款收入", left_edge / 2 - 3}, {"财政拨款支出", right_label + 18}});
      Gap();
      Headings({{"项目", 4},
                {"预算数", left_edge - 8},
                {"项目", right_label + 6},
                {"合计", centre(0, "合计")},
                {"一般公共预算", centre(1, "一般公共预算")},
                {"政府性基金预算", centre(2, "政府性基金预算")},
                {"国有资本经营预算", centre(3, "国有资本经营预算")}});
    } else if (heading == "unit") {
      Headings({{"本年收入", left_edge / 2 - 2}, {"本年支出", right_label + 20}});
      Headings({{"预算数", centre(2, "预算数")}});
      Headings({{"项目", 5},
                {"预算数", left_edge - 8},
                {"项目", right_label + 6},
                {"基本支出", centre(1, "基本支出") + 4}});
      Headings({{"合计", centre(0, "合计")}, {"项目支出", centre(3, "项目支出")}});
      Headings({{"人员经费", centre(1, "人员经费")}, {"公用经费", centre(2, "公用经费")}});
    } else {
      Headings({{"本年收入", left_edge / 2 - 2}, {"本年支出", right_label + 12}});
      Gap();
      Headings({{"项目", left_label / 2 + 4},
                {"预算数", left_edge - 8},
                {"项目", right_label + 8},
                {"预算数", centre(0, "预算数")}});
    }
    Gap();
    for (size_t i = 0; i < std::max(incomes, rows.size()); ++i) {
      std::vector<Piece> pieces;
      if (i < incomes) {
        pieces.push_back({label(i)});
        pieces.push_back(Figure(income_cells[i], left_edge));
      }
      if (i >= rows.size()) {
        document_.AddLine(std::move(pieces));
        Gap();
        continue;
      }
      const auto [head, rest] = Split(labels[i]);
      std::vector<int> lines;
      const bool around = !rest.empty() && i >= incomes && random_.Chance(60);
      pieces.push_back({head, -1, right_label});
      if (around) {  // the figures between the two halves of the name
        lines.push_back(int(document_.lines.size()));
        document_.AddLine(std::move(pieces));
        pieces.clear();
      }
      for (size_t column = 0; column < edges.size(); ++column) {
        pieces.push_back(Figure(rows[i][column], edges[column]));
      }
      lines.push_back(int(document_.lines.size()));
      document_.AddLine(std::move(pieces));
      if (!rest.empty()) {
        lines.push_back(int(document_.lines.size()));
        document_.AddLine({{rest, -1, right_label}});
      } else {
        Gap();
      }
      // Only the last: a gap in the numbers of the others would give the loss away.
      if (rows.size() > 1 && i >= incomes && i + 1 == rows.size()) {
        document_.removables.push_back({table, labels[i], lines, rows[i]});
      }
    }
    if (rows.size() > 1) document_.runs.push_back(rows);
    Blanks(int(random_.Between(2, 4)));
    std::vector<Piece> pieces = {{"收入总计", -1, int(random_.Between(3, 9))},
                                 Figure(income_total, left_edge),
                                 {"支出总计", -1, right_label + int(random_.Between(3, 8))}};
    for (size_t column = 0; column < edges.size(); ++column) {
      pieces.push_back(Figure(total[column], edges[column]));
    }
    document_.AddLine(std::move(pieces));
    Blank();
    document_.AddPageBreak();
  }

  // Where codes, names and figures of a table stand on one page.
  struct Page {
    int code_left = 0, second = 6, third = 11, name = 16;
    Columns columns;
  };

  Page NewPage(const std::vector<std::vector<int>>& rows, int name_width, int table) {
    const bool economic = table == 6;
    Page page;
    page.code_left = economic ? int(random_.Between(0, 1)) : 0;
    page.second = page.code_left + 6;
    page.third = page.second + 5;
    page.name = page.code_left + (economic ? 12 : 16);
    const std::vector<int> headings =
        table == 2 ? std::vector<int>{8, 7, 6, 6, 6} : std::vector<int>{8, 6, 6};
    page.columns =
        MakeColumns(page.name + name_width + int(random_.Between(0, 6)), rows, headings, !tight_);
    return page;
  }

  void CodeHeadings(int table, const std::string& over, const Page& page) {
    const auto centre = [&](size_t column, const std::string& word) {
      return page.columns.Centre(column, word);
    };
    Headings({{"项目", page.name + 3},
              {over, (page.columns.edges.front() + page.columns.edges.back()) / 2 -
                         CharacterCount(over) / 2}});
    Gap();
    if (table == 2) {
      Headings({{"功能分类科目编码", 0}, {"事业单位", centre(3, "事业单位")}});
      Headings({{"功能分类科目名称", page.name + 3},
                {"合计", centre(0, "合计")},
                {"财政拨款收入", centre(1, "财政拨款收入")},
                {"事业收入", centre(2, "事业收入")},
                {"其他收入", centre(4, "其他收入")}});
      Headings({{"类", 0}, {"款", 6}, {"项", 12}, {"经营收入", centre(3, "经营收入")}});
    } else if (table == 6) {
      if (ledger_.of_one_unit) {
        Headings({{"经济分类科目编码", 1}});
      } else {
        Headings({{"部门预算经济分类科目", 0}});
      }
      std::vector<std::pair<std::string, int>> words;
      if (!ledger_.of_one_unit) words.push_back({"编码", 4});
      words.push_back(
          {ledger_.of_one_unit ? "部门经济分类科目名称" : "经济分类科目名称", page.name + 3});
      words.push_back({"合计", centre(0, "合计")});
      words.push_back({"人员经费", centre(1, "人员经费")});
      words.push_back({"公用经费", centre(2, "公用经费")});
      Headings(words);
      Headings({{"类", 1}, {"款", 8}});
    } else {
      Headings({{"功能分类科目编码", 0}});
      Headings({{"功能分类科目名称", page.name + 3},
                {"合计", centre(0, "合计")},
                {"基本支出", centre(1, "基本支出")},
                {"项目支出", centre(2, "项目支出")}});
      Headings({{"类", 0}, {"款", 6}, {"项", 12}});
    }
    if (table != 6 || random_.Chance(50)) Gap();
  }

  // A long table: rows by code, the row of all last, pages between.
  std::map<std::string, std::vector<int>> PagedRows(
      int table, const std::string& over, const std::vector<std::string>& codes,
      const std::function<std::string(const std::string&)>& name_of,
      const std::map<std::string, std::vector<int>>& cells) {
    std::map<std::string, std::vector<int>> line_of;
    std::vector<std::vector<int>> rows;
    std::vector<std::string> names;
    for (const auto& [code, row] : cells) rows.push_back(row);
    for (const std::string& code : codes) names.push_back(name_of(code));
    const int width = NameWidth(names);
    const bool repeat = random_.Chance(50);
    const int rows_max = int(spaced_rows_ ? random_.Between(14, 20) : random_.Between(15, 34));
    Page page = NewPage(rows, width, table);
    CodeHeadings(table, over, page);
    int on_page = 0;
    for (const std::string& code : codes) {
      if (on_page == rows_max) {
        if (!spaced_rows_) Blank();
        document_.AddPageBreak();
        page = NewPage(rows, width, table);
        if (repeat) CodeHeadings(table, over, page);
        on_page = 0;
      }
      ++on_page;
      const auto [head, rest] = Split(name_of(code));
      std::vector<Piece> pieces = {{code.substr(0, 3), -1, page.code_left}};
      if (code.size() > 3) pieces.push_back({code.substr(3, 2), -1, page.second});
      if (code.size() > 5) pieces.push_back({code.substr(5, 2), -1, page.third});
      pieces.push_back({head, -1, page.name});
      const std::vector<int>& row = cells.at(code);
      for (size_t column = 0; column < row.size(); ++column) {
        pieces.push_back(Figure(row[column], page.columns.edges[column]));
      }
      line_of[code].push_back(int(document_.lines.size()));
      document_.AddLine(std::move(pieces));
      if (!rest.empty()) {
        line_of[code].push_back(int(document_.lines.size()));
        document_.AddLine({{rest, -1, page.name}});
      } else {
        Gap();
      }
    }
    std::vector<Piece> pieces = {{"合计", -1, page.name + int(random_.Between(1, 4))}};
    const std::vector<int>& total = cells.at("");
    for (size_t column = 0; column < total.size(); ++column) {
      pieces.push_back(Figure(total[column], page.columns.edges[column]));
    }
    document_.AddLine(std::move(pieces));
    Blank();
    document_.AddPageBreak();
    return line_of;
  }

  void CodeTablePages(int table, const std::string& title, const CodeTable& cells) {
    Head(TableTitle(title), "元");
    const std::string over = table == 2 ? "收入预算" : table == 3 ? "支出预算" : "一般公共预算支出";
    const auto line_of = PagedRows(table, over, cells.codes, FunctionalName, cells.cells);
    AllowRowErrors(document_, table, cells, line_of);
  }

  void FundTable(int table, const std::string& title, const std::string& book, Fund fund) {
    Head(TableTitle(title), "元");
    if (OfFund(fund) > 0) {
      const CodeTable cells = Expenditure(table, "T" + std::to_string(table),
                                          [&](const Leaf& leaf) { return leaf.fund == fund; });
      for (const auto& [code, row] : cells.cells) {
        document_.Relate("T" + std::to_string(table) + "-01", row[0], {row[1], row[2]});
      }
      PagedRows(table, book + "支出", cells.codes, FunctionalName, cells.cells);
      return;
    }
    Headings({{"项目", 15}, {book + "支出", 44}});
    Gap();
    Text("功能分类科目编码");
    Headings({{"功能分类科目名称", 19}, {"合计", 38}, {"基本支出", 45}, {"项目支出", 55}});
    Text(" 类   款   项");
    Blanks(4);
    Headings({{"合计", 15}});
    Text(std::string(random_.Chance(60) ? "注:" : "注：") + "本" + what_ + year_ + "年无" + book +
         "财政拨款安排的预算，故本表为空表。");
    Blank();
    document_.AddPageBreak();
  }

  void Table4() {
    Head(TableTitle("财政拨款收支预算总表"), "元");
    static const char* const kIncomes[] = {"一、一般公共预算资金", "二、政府性基金",
                                           "三、国有资本经营预算"};
    static const char* const kColumns[] = {"合计", "一般公共预算", "政府性基金预算",
                                           "国有资本经营预算"};
    const auto row_of = [&](const std::string& label, const std::string& code) {
      std::vector<int> row;
      for (int column = 0; column < 4; ++column) {
        row.push_back(Money(4, label, kColumns[column], ledger_.Sum([&](const Leaf& leaf) {
          return InBooks(leaf.fund) && StartsWith(leaf.functional, code) &&
                 (column == 0 || leaf.fund == kBookFunds[column - 1]);
        })));
      }
      document_.Relate("T4-03", row[0], {row[1], row[2], row[3]});
      return row;
    };
    std::vector<std::vector<int>> rows;
    std::vector<std::string> labels;
    for (const Named& named : Classes()) {
      if (ledger_.Sum([&](const Leaf& leaf) {
            return InBooks(leaf.fund) && StartsWith(leaf.functional, named.code);
          }) == 0) {
        continue;
      }
      rows.push_back(row_of(named.name, named.code));
      labels.push_back(Ordinal(int(rows.size())) + "、" + named.name);
      document_.Relate("X-07", rows.back()[1], {t5_.At(named.code, 0)});
    }
    const std::vector<int> total = row_of("支出总计", "");
    std::vector<int> incomes;
    for (int i = 0; i < 3; ++i)
      incomes.push_back(Money(4, kIncomes[i], "预算数", OfFund(kBookFunds[i])));
    const int income_total = Money(4, "收入总计", "预算数", OfIncome(0));
    std::vector<std::vector<int>> all = rows;
    all.push_back(total);
    TwoSided(
        3, [&](size_t i) { return std::string(kIncomes[i]); }, incomes, labels, rows, income_total,
        total, "books", all, 4);
    document_.Relate("T4-01", income_total, incomes);
    for (size_t column = 0; column < 4; ++column) {
      std::vector<int> parts;
      for (const auto& row : rows) parts.push_back(row[column]);
      document_.Relate("T4-02", total[column], parts);
    }
    document_.Relate("T4-04", income_total, {total[0]});
    document_.Relate("X-05", incomes[0], {t1_income_[1]});
    document_.Relate("X-06", total[1], {t5_.At("", 0)});
  }

  // 一般公共预算基本支出 by economic class: T6 of the 13-table form.
  void Table8() {
    Head(TableTitle("一般公共预算基本支出部门预算经济分类预算表"), "元");
    static const char* const kColumns[] = {"合计", "人员经费", "公用经费"};
    std::map<std::string, std::vector<int>> cells;
    std::vector<std::string> codes;
    const auto add = [&](const std::string& code) {
      std::vector<int> row;
      for (int column = 0; column < 3; ++column) {
        row.push_back(Money(
            6, code.empty() ? "合计" : code, kColumns[column], ledger_.Sum([&](const Leaf& leaf) {
              return leaf.fund == Fund::kGeneral && IsBasic(leaf) &&
                     StartsWith(leaf.economic, code) &&
                     (column == 0 || (leaf.category == Category::kPersonnel) == (column == 1));
            })));
      }
      cells[code] = row;
      document_.Relate(code.empty() ? "T6-03" : "T6-02", row[0], {row[1], row[2]});
    };
    add("");
    const auto has = [&](const std::string& code) {
      return ledger_.Sum([&](const Leaf& leaf) {
        return leaf.fund == Fund::kGeneral && IsBasic(leaf) && StartsWith(leaf.economic, code);
      }) > 0;
    };
    std::vector<std::string> classes;
    std::map<std::string, std::vector<std::string>> children;
    for (const std::string code3 : {"301", "302", "303", "310"}) {
      if (!has(code3)) continue;
      classes.push_back(code3);
      codes.push_back(code3);
      add(code3);
      for (const Economic& economic : Economics()) {
        if (!StartsWith(economic.code, code3) || !has(economic.code)) continue;
        codes.push_back(economic.code);
        children[code3].push_back(economic.code);
        add(economic.code);
      }
    }
    const auto line_of = PagedRows(
        6, "一般公共预算基本支出", codes,
        [](const std::string& code) {
          return code.size() == 3 ? EconomicClassName(code) : std::string(EconomicOf(code).name);
        },
        cells);
    for (size_t column = 0; column < 3; ++column) {
      std::vector<int> heads;
      for (const std::string& code3 : classes) {
        heads.push_back(cells[code3][column]);
        std::vector<int> parts;
        for (const std::string& code : children[code3]) parts.push_back(cells[code][column]);
        document_.Relate("T6-01", cells[code3][column], parts);
      }
      document_.Relate("T6-04", cells[""][column], heads);
    }
    for (const std::string& code3 : classes) {
      RowRun run;
      for (const std::string& code : children[code3]) {
        run.push_back(cells[code]);
        if (children[code3].size() > 1) {
          document_.removables.push_back({6, code, line_of.at(code), cells[code]});
        }
      }
      if (run.size() > 1) document_.runs.push_back(run);
    }
    t6_total_ = cells[""];
  }

  int64_t InBasic(const std::string& economic) const {
    return ledger_.Sum(
        [&](const Leaf& leaf) { return leaf.economic == economic && leaf.fund == Fund::kGeneral; });
  }

  void Table9() {
    Head(year_ + "年" + what_ + "“三公”经费和机关运行经费预算表", "万元");
    abroad_ = InBasic("30212") + ledger_.abroad_fen;
    reception_ = InBasic("30217") + ledger_.reception_fen;
    purchase_ = ledger_.vehicle_purchase_fen;
    running_ = InBasic("30231") + ledger_.vehicle_running_fen;
    office_ = ledger_.Sum([&](const Leaf& leaf) {
      return leaf.category == Category::kPublic && leaf.fund == Fund::kGeneral &&
             ledger_.units[size_t(leaf.unit)].kind != UnitKind::kInstitution;
    });
    MoneyStyle wan;
    wan.commas = style_.commas && random_.Chance(50);
    wan.zero = style_.zero;
    const int shift = int(random_.Between(0, 6));
    const std::vector<std::tuple<std::string, int64_t, int>> columns = {
        {"合计", abroad_ + reception_ + purchase_ + running_, 12 + shift},
        {"因公出国(境)费", abroad_, 27 + shift},
        {"公务接待费", reception_, 40 + shift},
        {"小计", purchase_ + running_, 52 + shift},
        {"购置费", purchase_, 64 + shift},
        {"运行费", running_, 76 + shift},
        {"机关运行经费预算数", office_, 94 + shift}};
    const std::string dated = random_.Chance(50) ? year_ + "年" : "";
    Headings({{dated + "“三公”经费预算数", 30 + shift}});
    Gap();
    Headings({{dated + "机关运行经费预算", 80 + shift}});
    Headings({{"公务用车购置及运行费", 53 + shift}});
    Headings({{"数", 89 + shift}});
    Headings({{"合计", 6 + shift}, {"因公出国(境)费", 16 + shift}, {"公务接待费", 33 + shift}});
    Headings({{"小计", 48 + shift}, {"购置费", 59 + shift}, {"运行费", 71 + shift}});
    Blanks(2);
    std::vector<Piece> pieces;
    std::vector<int> cells;
    for (size_t i = 0; i < columns.size(); ++i) {
      const auto& [name, fen, edge] = columns[i];
      cells.push_back(document_.AddMoney(i < 6 ? 10 : 11, name, "预算数", fen, wan));
      pieces.push_back({"", cells.back(), -1, edge});
    }
    document_.AddLine(std::move(pieces));
    document_.Relate("T10-02", cells[0], {cells[1], cells[2], cells[3]});
    document_.Relate("T10-01", cells[3], {cells[4], cells[5]});
    t10_total_ = cells[0];
    if (office_ > 0) t11_ = cells[6];
    Blank();
    document_.AddPageBreak();
  }

  void Relations() {
    document_.Relate("X-01", t1_total_income_, {t2_.At("", 0)});
    document_.Relate("X-02", t1_income_[0], {t2_.At("", 1)});
    for (int kind = 1; kind < 4; ++kind) {
      document_.Relate("X-02", t1_income_[size_t(3 + kind)], {t2_.At("", size_t(kind + 1))});
    }
    document_.Relate("X-03", t1_spent_[0], {t3_.At("", 0)});
    for (const auto& [code, row] : t1_class_) document_.Relate("X-04", row[0], {t3_.At(code, 0)});
    const bool general_only = All() == OfFund(Fund::kGeneral);
    for (const auto& [code, row] : t3_.cells) {
      for (size_t column = 0; general_only && column < 3; ++column) {
        document_.Relate("T5-02", row[column], {t5_.At(code, column)});
      }
    }
    document_.Relate("X-08", t6_total_[0], {t5_.At("", 1)});
    if (t11_ >= 0 && ledger_.AllAdministrative()) document_.Relate("X-13", t11_, {t6_total_[2]});
    document_.Relate("N-01", income_, {t1_total_income_});
    document_.Relate("N-02", spent_, {t1_spent_[0]});
  }

  void Others() {
    Centred("其他相关情况说明");
    Blank();
    Text(" 一、" + year_ + "年“三公”经费预算情况说明");
    {
      Sentence s = Begin();
      s << year_ + "年“三公”经费预算数为";
      document_.Relate("N-13",
                       s.Money("三公经费", "其他说明", abroad_ + reception_ + purchase_ + running_),
                       {t10_total_});
      s << "万元，与" + last_year_ + "年预算持平。其中：";
      Paragraph(s.Take(), "    ");
    }
    const auto same = "万元，与" + last_year_ + "年预算持平，主要原因是安排与上年一致";
    {
      Sentence s = Begin();
      s << "（一）因公出国（境）费";
      s.Money("因公出国（境）费", "其他说明", abroad_);
      s << same + "。";
      Paragraph(s.Take(), "   ");
    }
    {
      Sentence s = Begin();
      s << "（二）公务用车购置及运行费";
      s.Money("公务用车购置及运行费", "其他说明", purchase_ + running_);
      s << same + "。其中：公务用车购置费";
      s.Money("公务用车购置费", "其他说明", purchase_);
      s << same + "；公务用车运行费";
      s.Money("公务用车运行费", "其他说明", running_);
      s << same + "。";
      Paragraph(s.Take(), "   ");
    }
    {
      Sentence s = Begin();
      s << "（三）公务接待费";
      s.Money("公务接待费", "其他说明", reception_);
      s << same + "。";
      Paragraph(s.Take(), "   ");
    }
    Text(" 二、机关运行经费预算");
    {
      Sentence s = Begin();
      s << year_ + "年" + ledger_.department + "财政拨款的机关运行经费预算为";
      const int office = s.Money("机关运行经费", "其他说明", office_);
      if (t11_ >= 0) document_.Relate("N-14", office, {t11_});
      s << "万元。";
      Paragraph(s.Take(), "    ");
    }
    Text(" 三、政府采购预算情况");
    {
      Sentence s = Begin();
      s << year_ + "年度本" + what_ + "政府采购预算";
      const int total = s.Money("政府采购", "其他说明",
                                ledger_.goods_fen + ledger_.works_fen + ledger_.services_fen);
      s << "万元，其中：政府采购货物预算";
      const int goods = s.Money("货物", "其他说明", ledger_.goods_fen);
      s << "万元、政府采购工程预算";
      const int works = s.Money("工程", "其他说明", ledger_.works_fen);
      s << "万元、政府采购服务预算";
      const int services = s.Money("服务", "其他说明", ledger_.services_fen);
      s << "万元。";
      document_.Relate("N-17", total, {goods, works, services});
      Paragraph(s.Take(), "    ");
    }
    Text(" 四、绩效目标设置情况");
    {
      Sentence s = Begin();
      s << year_ + "年度，本" + what_ + "编报绩效目标的项目共";
      s.Count("绩效目标项目", "其他说明", int64_t(ledger_.projects.size()));
      s << "个，涉及项目预算资金";
      s.Money("绩效目标项目", "其他说明金额",
              ledger_.Sum([](const Leaf& leaf) { return !IsBasic(leaf); }));
      s << "万元。";
      Paragraph(s.Take(), "    ");
    }
    Text(" 五、国有资产占有使用情况");
    {
      static const char* const kKinds[] = {
          "部级领导干部用车", "主要领导干部用车", "机要通信用车", "应急保障用车",
          "执法执勤用车",     "特种专业技术用车", "其他用车"};
      int64_t sum = 0;
      for (const int64_t count : ledger_.vehicles) sum += count;
      Sentence s = Begin();
      s << "截至" + last_year_ + "年8月31日，" + ledger_.department + "共有车辆";
      Relation relation;
      relation.rule = "A-01";
      relation.terms.push_back({s.Count("车辆", "其他说明", sum), 1});
      s << "辆，其中：";
      for (int kind = 0; kind < 7; ++kind) {
        s << kKinds[kind];
        relation.terms.push_back(
            {s.Count(kKinds[kind], "其他说明", ledger_.vehicles[size_t(kind)]), -1});
        s << (kind < 6 ? "辆、" : "辆；单价100万元（含）以上设备（不含车辆）0台（套）。");
      }
      document_.relations.push_back(relation);
      Paragraph(s.Take(), "    ");
    }
    Blank();
    document_.AddPageBreak();
    const size_t described =
        std::min<size_t>(ledger_.projects.size(), size_t(random_.Between(0, 3)));
    for (size_t project = 0; project < described; ++project) {
      Centred(ledger_.projects[project].name + "情况说明");
      Blank();
      Text(" 一、项目概述");
      Text("    围绕年度任务开展相关工作。");
      Text(" 二、立项依据");
      Text("    单位职责和年度工作安排。");
      Text(" 三、实施主体");
      Text("    " + ledger_.department);
      Text(" 四、实施周期");
      Text("    " + year_ + ".1.1-" + year_ + ".12.31");
      Text(" 五、绩效目标");
      Text("    按计划完成各项任务。");
      Blank();
      document_.AddPageBreak();
    }
  }

  const Ledger& ledger_;
  Random& random_;
  Document document_;
  MoneyStyle style_;
  std::string year_, last_year_, what_, titled_;
  bool narrative_commas_ = false, spaced_rows_ = false, executed_ = false, from_printed_ = false,
       tight_ = false;
  int wrap_ = 0, numbered_ = 0;
  CodeTable t2_, t3_, t5_;
  std::vector<int> t1_income_, t1_spent_, t6_total_;
  std::map<std::string, std::vector<int>> t1_class_;
  int t1_total_income_ = -1, t10_total_ = -1, t11_ = -1, income_ = -1, spent_ = -1;
  int64_t abroad_ = 0, reception_ = 0, purchase_ = 0, running_ = 0, office_ = 0;
};

}  // namespace

Document LayOutShanghai(const Ledger& ledger, Random& random) {
  return Shanghai(ledger, random).LayOut();
}

}  // namespace fiscal::corpus
