// The tables of small statements, from their lines: a case for each rule of the builder.
#include "domain/disclosure/builder.h"

#include "absl/strings/str_cat.h"
#include "domain/disclosure/lines_source.h"
#include "gtest/gtest.h"

namespace fiscal::disclosure {
namespace {

using domain::Analysis;
using domain::Category;
using domain::Direction;
using domain::Fund;
using domain::FundingYear;

// A line of a test: "30101/50101" in `economic`.
struct Stated {
  Direction direction = Direction::kExpenditure;
  domain::Code functional = 0;
  Fund fund = Fund::kGeneral;
  Category category = Category::kNone;
  int64_t fen = 0;
  domain::Code dept = 0;
  domain::Code gov = 0;
  Analysis analysis = Analysis::kNone;
  std::string project;
  std::string note;
  domain::Code revenue = 0;
  FundingYear year = FundingYear::kThisYear;
  int precision = 0;
};

domain::Line ToLine(const Stated& s) {
  domain::Line line;
  line.functional = s.functional;
  line.revenue = s.revenue;
  line.dept_economic = s.dept;
  line.gov_economic = s.gov;
  line.project_code = s.project;
  line.note = s.note;
  line.amount_fen = s.fen;
  line.precision_class = static_cast<uint8_t>(s.precision);
  line.attributes.direction = s.direction;
  line.attributes.fund = s.fund;
  line.attributes.category = s.category;
  line.attributes.funding_year = s.year;
  line.attributes.analysis = s.analysis;
  return line;
}

struct Lines {
  std::vector<Stated> stated;
  std::vector<domain::Line> lines;
  StatementLines statement;

  explicit Lines(std::vector<Stated> all) : stated(std::move(all)) {
    for (const Stated& s : stated) lines.push_back(ToLine(s));
    statement.agency_name = "示例局";
  }
};

Disclosure BuildOf(const Lines& s, const std::string& form = "shanxi-13", bool unit = false) {
  StatementLines statement = s.statement;
  statement.lines = &s.lines;
  LinesSource source(std::move(statement));
  auto built = Build(*FindForm(form), {2024, "示例局", unit}, source);
  EXPECT_TRUE(built.ok()) << built.status();
  return built.ok() ? *built : Disclosure();
}

// The rows of a table with money as text: "total 3.00 1.00 2.00".
std::string Text(const Table& t) {
  std::string out;
  for (const Row& row : t.rows) {
    if (!row.any()) continue;
    absl::StrAppend(&out, row.key);
    for (const Cell& cell : row.cells)
      absl::StrAppend(&out, " ", cell.blank() ? "." : cell.printed);
    out += "\n";
  }
  return out;
}

// ---- statements with every code on their lines ----

constexpr Direction kIn = Direction::kIncome, kOut = Direction::kExpenditure;

Lines Full() {
  return Lines({
      {kIn, 2080505, Fund::kGeneral, Category::kNone, 300000000},
      {kIn, 2170101, Fund::kUnitBusiness, Category::kNone, 5000000},
      {kOut, 2080505, Fund::kGeneral, Category::kPersonnel, 100000000, 30108, 50102},
      {kOut, 2170101, Fund::kGeneral, Category::kPersonnel, 50000000, 30101, 50101},
      {kOut, 2170101, Fund::kGeneral, Category::kPersonnel, 20000000, 30101, 50501},
      {kOut, 2170101, Fund::kGeneral, Category::kPublic, 7000000, 30231, 50208},
      {kOut, 2170102, Fund::kGeneral, Category::kSpecificTarget, 90000000, 30217, 50206,
       Analysis::kNone, "P2"},
      {kOut, 2170102, Fund::kUnitBusiness, Category::kOtherOperating, 4000000, 30299, 50299,
       Analysis::kNone, "P1"},
      {kOut, 2170102, Fund::kGeneral, Category::kProject, 1000000, 30299, 50299, Analysis::kNone,
       "P1", "", 0, FundingYear::kCarryover},
  });
}

TEST(BuilderTest, CountedLinesAnswerAnalyses) {
  Lines full = Full();
  full.statement.project_names = {{"P1", "会议"}, {"P2", "培训"}};
  const Disclosure d = BuildOf(full);
  EXPECT_EQ(Text(d.table(3)),
            "total 272.00 177.00 95.00\n"
            "208 100.00 100.00 .\n20805 100.00 100.00 .\n2080505 100.00 100.00 .\n"
            "217 172.00 77.00 95.00\n21701 172.00 77.00 95.00\n2170101 77.00 77.00 .\n"
            "2170102 95.00 . 95.00\n");
  EXPECT_EQ(Text(d.table(6)),
            "total 177.00 170.00 7.00\n301 170.00 170.00 .\n30101 50.00 50.00 .\n"
            "30101/工资福利支出 20.00 20.00 .\n30108 100.00 100.00 .\n302 7.00 . 7.00\n"
            "30231 7.00 . 7.00\n");
  EXPECT_EQ(Text(d.table(10)),
            "reception 90.00 90.00 . .\nvehicles 7.00 7.00 . .\noperation 7.00 7.00 . .\n"
            "total 97.00 97.00 . .\n");
  EXPECT_EQ(Text(d.table(11)), "total 7.00 7.00 . .\nunit.1 7.00 7.00 . .\n");
  EXPECT_EQ(Text(d.table(12)),
            "department 94.00 90.00 . . . 4.00\nunit.1 94.00 90.00 . . . 4.00\n"
            "project.培训 90.00 90.00 . . . .\nproject.会议 4.00 . . . . 4.00\n");
  EXPECT_EQ(Text(d.table(13)),
            "department 1.00 1.00 . .\nunit.1 1.00 1.00 . .\nproject.会议 1.00 1.00 . .\n");
  EXPECT_TRUE(d.table(7).says_empty);
  EXPECT_TRUE(d.table(8).says_empty);
  EXPECT_EQ(d.table(1).title, "2024年预算收支总表");
}

TEST(BuilderTest, BalancesAddUp) {
  Lines full = Full();
  full.statement.carry_forward_fen = 2000000;
  const Disclosure d = BuildOf(full);
  EXPECT_EQ(d.table(1).rows.size(), 8u + 30u + 3u);
  EXPECT_EQ(Text(d.table(1)),
            "income.G 300.00 . . .\nincome.U 5.00 . . .\nincome.year 305.00 . . .\n"
            "income.total 305.00 . . .\nclass.208 . 100.00 100.00 .\n"
            "class.217 . 172.00 171.00 1.00\nexpenditure.year . 272.00 271.00 1.00\n"
            "expenditure.carry . 2.00 . .\nexpenditure.total . 274.00 271.00 1.00\n");
  EXPECT_EQ(d.table(1).Find("class.208")->label, "八、社会保障和就业支出");
  EXPECT_EQ(d.table(4).Value("income.total", "amount"), 300000000);
  EXPECT_EQ(d.table(4).Value("expenditure.year", "total"), 268000000);
}

TEST(BuilderTest, FormOfADistrict) {
  const Lines full = Full();
  Disclosure d = BuildOf(full, "shanghai-9", true);
  EXPECT_EQ(d.table(1).title, "2024年预算单位财务收支预算总表");
  EXPECT_EQ(Text(d.table(1)),
            "income.fiscal 3,000,000.00 . . . .\nincome.G 3,000,000.00 . . . .\n"
            "income.UB 50,000.00 . . . .\nincome.total 3,050,000.00 . . . .\n"
            "class.208 . 1,000,000.00 1,000,000.00 . .\n"
            "class.217 . 1,720,000.00 700,000.00 70,000.00 950,000.00\n"
            "expenditure.total . 2,720,000.00 1,700,000.00 70,000.00 950,000.00\n");
  EXPECT_EQ(d.table(1).Find("class.217")->label, "二、金融支出");
  // Codes alone: what they are paired with is added up; 合计 stands last.
  EXPECT_EQ(Text(d.table(6)),
            "301 1,700,000.00 1,700,000.00 .\n30101 700,000.00 700,000.00 .\n"
            "30108 1,000,000.00 1,000,000.00 .\n302 70,000.00 . 70,000.00\n"
            "30231 70,000.00 . 70,000.00\ntotal 1,770,000.00 1,700,000.00 70,000.00\n");
  EXPECT_EQ(Text(d.table(10)), "total 97.00\nreception 90.00\nvehicles 7.00\noperation 7.00\n");
  EXPECT_EQ(Text(d.table(11)), "total 7.00\n");
  d = BuildOf(full, "shanghai-9", false);
  EXPECT_EQ(d.table(1).columns.size(), 2u);
}

TEST(BuilderTest, MemoLinesStandBeforeCountedOnes) {
  Lines full = Full();
  full.lines.push_back(ToLine({kOut, 0, Fund::kGeneral, Category::kPersonnel, 60000000, 30101,
                               50101, Analysis::kBasicEconomic}));
  full.lines.push_back(ToLine(
      {kOut, 0, Fund::kGeneral, Category::kNone, 3000000, 30212, 0, Analysis::kThreePublic}));
  const Disclosure d = BuildOf(full);
  // The first figure of table 6 is basic expenditure by function; the rest the analysis.
  EXPECT_EQ(Text(d.table(6)), "total 177.00 60.00 .\n301 60.00 60.00 .\n30101 60.00 60.00 .\n");
  EXPECT_EQ(Text(d.table(10)), "abroad 3.00 3.00 . .\ntotal 3.00 3.00 . .\n");
  // No memo line of these analyses.
  EXPECT_EQ(Text(d.table(11)), "total 7.00 7.00 . .\nunit.1 7.00 7.00 . .\n");
}

TEST(BuilderTest, UnitsOfADepartmentComeFromNotesAndProjects) {
  Lines s({{kOut, 0, Fund::kGeneral, Category::kPublic, 5000000, 0, 0, Analysis::kOperating, "",
            "乙所"},
           {kOut, 0, Fund::kGeneral, Category::kPublic, 3000000, 0, 0, Analysis::kOperating, "",
            "甲站"},
           {kOut, 0, Fund::kGeneral, Category::kProject, 2000000, 0, 0, Analysis::kProject, "P1"},
           {kOut, 0, Fund::kGeneral, Category::kProject, 4000000, 0, 0, Analysis::kProject, "P2"},
           {kOut, 0, Fund::kGeneral, Category::kProject, 8000000, 0, 0, Analysis::kProject, "P3"}});
  s.statement.department_scope = true;
  s.statement.project_names = {{"P1", "修路"}, {"P2", "修路"}, {"P3", "修桥"}};
  s.statement.project_units = {{"P1", "甲站"}, {"P2", "丙队"}, {"P3", "甲站"}};
  const Disclosure d = BuildOf(s);
  EXPECT_EQ(Text(d.table(11)), "total 8.00 8.00 . .\nunit.1 5.00 5.00 . .\nunit.2 3.00 3.00 . .\n");
  EXPECT_EQ(d.table(11).Find("unit.1")->label, "乙所");
  EXPECT_EQ(Text(d.table(12)),
            "department 14.00 14.00 . . . .\nunit.1 10.00 10.00 . . . .\n"
            "project.修桥 8.00 8.00 . . . .\nproject.修路 2.00 2.00 . . . .\n"
            "unit.2 4.00 4.00 . . . .\nproject.修路#2 4.00 4.00 . . . .\n");
  EXPECT_EQ(d.table(12).Find("project.修路#2")->unit, 4);
  EXPECT_EQ(d.table(12).Find("unit.2")->label, "丙队");
}

TEST(BuilderTest, RevenueStandsByItsOwnCodes) {
  Lines s({{kIn, 2120899, Fund::kGovernmentFund, Category::kNone, 30000000},
           {kIn, 0, Fund::kGovernmentFund, Category::kNone, 30000000, 0, 0, Analysis::kClassSplit,
            "", "", 103014801},
           {kIn, 2230101, Fund::kStateCapital, Category::kNone, 1000000, 0, 0, Analysis::kNone, "",
            "", 1030601},
           {kOut, 2230101, Fund::kStateCapital, Category::kProject, 1000000}});
  const Disclosure d = BuildOf(s);
  EXPECT_EQ(Text(d.table(7)),
            "total 30.00\n103 30.00\n10301 30.00\n1030148 30.00\n103014801 30.00\n");
  EXPECT_FALSE(d.table(7).says_empty);
  EXPECT_EQ(d.table(9).Value("2230101", "project"), 1000000);
}

TEST(BuilderTest, FiguresAreIntervalsOfTheirLines) {
  Lines s({{kOut, 2080505, Fund::kGeneral, Category::kBasic, 100000, 0, 0, Analysis::kNone, "", "",
            0, FundingYear::kThisYear, 2},
           {kOut, 2080505, Fund::kGeneral, Category::kBasic, 200100, 0, 0, Analysis::kNone, "", "",
            0, FundingYear::kThisYear, 1},
           {kOut, 2080506, Fund::kGeneral, Category::kBasic, 30}});
  const Disclosure d = BuildOf(s);
  const Cell& cell = *d.table(3).At("2080505", "basic");
  EXPECT_EQ(cell.value, 300100);
  EXPECT_EQ(cell.printed, "0.30");
  EXPECT_EQ(cell.low, 300100 - 5000 - 50);
  EXPECT_EQ(cell.high, 300100 + 5000 + 50 - 1);
  // Money too small to print is not blank.
  EXPECT_EQ(d.table(3).At("2080506", "basic")->printed, "0.00");
  const Cell& sum = *d.table(1).At("expenditure.total", "total");
  EXPECT_EQ(sum.low, 300130 - 5050);
  EXPECT_EQ(sum.high, 300130 + 5050 - 1);
}

}  // namespace
}  // namespace fiscal::disclosure
