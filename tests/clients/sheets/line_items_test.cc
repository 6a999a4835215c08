// Spreadsheets of line items as budgets: what is read, and what is refused with its place.
#include "clients/cli/read/line_items.h"

#include <fstream>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "clients/cli/read/line_item_columns.h"
#include "gtest/gtest.h"
#include "tests/clients/sheets/workbooks.h"

namespace fiscal::cli {
namespace {

using ::fiscal::testing::FillSheet;
using ::fiscal::testing::RawWorkbook;
using ::fiscal::testing::WriteWorkbook;
using ::fiscal::testing::Zip;
using Rows = std::vector<std::vector<std::string>>;

LineItemOptions Flags() {
  LineItemOptions options;
  options.division_code = "141100";
  options.agency_code = "101001";
  options.fiscal_year = 2024;
  options.stage = budget::v1::STAGE_APPROVED;
  return options;
}

std::string Problems(const LineItemFile& file) {
  std::string out;
  for (const SheetProblem& problem : file.problems()) {
    absl::StrAppend(&out, out.empty() ? "" : "\n", problem.place, ": ", problem.message);
    // The same in Chinese, with what stands there.
    EXPECT_FALSE(problem.message_zh.empty()) << problem.message;
    const size_t open = problem.message.find('"'), close = problem.message.find('"', open + 1);
    if (close != std::string::npos) {
      EXPECT_NE(problem.message_zh.find(problem.message.substr(open, close + 1 - open)),
                std::string::npos)
          << problem.message_zh;
    }
  }
  return out;
}

// The problems, or every budget in one line without the names of the fields that all lines have.
std::string Show(const LineItemFile& file) {
  if (file.problem_count() > 0) return Problems(file);
  std::string out;
  for (const submission::v1::SubmitBudgetRequest& budget : file.budgets()) {
    absl::StrAppend(&out, out.empty() ? "" : "\n", budget.budget().division_code(), "/",
                    budget.budget().agency_code(), "/", budget.budget().fiscal_year(), "/",
                    budget.budget().stage(), ":");
    for (const budget::v1::LineItem& line : budget.line_items()) {
      absl::StrAppend(&out, " ", line.line_id(), " ", line.functional_code(), "=",
                      line.amount_fen(), "/", line.precision_fen(),
                      line.project_code().empty() ? "" : " @" + line.project_code(), ";");
    }
    for (const budget::v1::Project& project : budget.projects())
      absl::StrAppend(&out, " ", project.project_code(), "=", project.name(), ";");
  }
  return out;
}

std::string Csv(const std::string& text, const LineItemOptions& options = Flags()) {
  return Show(LineItemFile::Read("b.csv", text, options));
}

std::string Xlsx(const Rows& rows, const LineItemOptions& options = Flags()) {
  return Show(LineItemFile::Read(
      "b.xlsx", WriteWorkbook([&](lxw_workbook* workbook) { FillSheet(workbook, "明细", rows); }),
      options));
}

// One line of a CSV file with this amount under this heading: its fen and precision, or what is
// wrong.
std::string Amount(const std::string& heading, const std::string& amount) {
  const std::string shown =
      Csv(absl::StrCat("line_id,direction,functional_code,", heading, "\na,支出,205,", amount));
  const size_t equals = shown.find("205=");
  return equals == std::string::npos ? shown.substr(shown.find("): ") + 3)
                                     : shown.substr(equals + 4, shown.size() - equals - 5);
}

// The same for a number cell of a workbook, as its XML.
std::string NumberAmount(const std::string& heading, const std::string& number) {
  const std::string text = "<c t=\"inlineStr\"><is><t>";
  const std::string bytes = Zip(RawWorkbook(
      absl::StrCat("<sheetData><row>", text, "line_id</t></is></c>", text, "direction</t></is></c>",
                   text, "functional_code</t></is></c>", text, heading, "</t></is></c></row><row>",
                   text, "a</t></is></c>", text, "支出</t></is></c><c><v>205</v></c><c><v>", number,
                   "</v></c></row></sheetData>")));
  const std::string shown = Show(LineItemFile::Read("b.xlsx", bytes, Flags()));
  const size_t equals = shown.find("205=");
  return equals == std::string::npos ? shown.substr(shown.find(": ") + 2)
                                     : shown.substr(equals + 4, shown.size() - equals - 5);
}

TEST(LineItemsTest, TheExampleIsRead) {
  std::ifstream in("docs/examples/line_items.csv", std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  EXPECT_EQ(Csv(text, {}),
            "141100/101001/2024/1: Q1 2050202=327148614/1; Q2 2050202=6042563/1; Q3 "
            "2050203=262544335/1 @XM-01; Q4 2050203=8000000/1 @XM-01; Q5 2050202=603735512/1; "
            "XM-01=示例设备购置;\n"
            "141100/101002/2024/1: Q1 2050202=533172386/1; Q2 2050202=12000000/1 @XM-02; "
            "XM-02=示例教师培训;");
}

TEST(LineItemsTest, EveryElementByItsEnglishAndChineseName) {
  const std::string values =
      "L1,expenditure,2050202,,30101,50101,GENERAL,PERSONNEL,this-year,P1,名称,12.50,141121,"
      "goods,\"a, b\",项目支出\n";
  const std::string english =
      "line_id,direction,functional_code,revenue_code,dept_economic_code,gov_economic_code,fund,"
      "category,funding_year,project_code,project_name,amount_yuan,receiving_division_code,"
      "procurement_kind,note,analysis\n";
  const std::string chinese =
      "明细编号,收支方向,功能科目编码,收入分类科目,部门支出经济分类,政府支出经济分类,资金性质,"
      "支出类别,资金年度,项目代码,项目名称, 金额 (元) ,接收方区划,政府采购类型,备注,备查分析\n";
  const LineItemFile one = LineItemFile::Read("b.csv", english + values, Flags());
  const LineItemFile two = LineItemFile::Read("b.csv", chinese + values, Flags());
  ASSERT_EQ(Problems(one), "");
  ASSERT_EQ(Problems(two), "");
  ASSERT_EQ(one.budgets().size(), 1u);
  EXPECT_EQ(one.budgets()[0].line_items(0).ShortDebugString(),
            "line_id: \"L1\" direction: DIRECTION_EXPENDITURE functional_code: \"2050202\" "
            "dept_economic_code: \"30101\" gov_economic_code: \"50101\" fund: FUND_GENERAL "
            "category: CATEGORY_PERSONNEL funding_year: FUNDING_YEAR_THIS_YEAR project_code: "
            "\"P1\" amount_fen: 1250 precision_fen: 1 analysis: ANALYSIS_PROJECT "
            "procurement_kind: PROCUREMENT_KIND_GOODS receiving_division_code: \"141121\" note: "
            "\"a, b\"");
  EXPECT_EQ(one.budgets()[0].mode(), submission::v1::WRITE_MODE_REPLACE);
  EXPECT_EQ(one.budgets()[0].ShortDebugString(), two.budgets()[0].ShortDebugString());
}

TEST(LineItemsTest, BudgetsAreGroupedByTheirKeys) {
  const std::string heading =
      "division,agency,year,stage,line_id,direction,functional,amount_fen\n";
  EXPECT_EQ(Csv(heading + "141100,1,2024,approved,a,支出,205,1\n"
                          "141100,2,2024,approved,a,支出,205,2\n"
                          "141100000,1,2024年,年初批复,b,支出,205,3\n"
                          "\n,,,,,,,\n"
                          " 141100 ,1,2024,final,a,收入,205,4\n"
                          "141100,1,2025年度,approved,a,支出,205,5\n",
                {}),
            "141100/1/2024/3: a 205=1/1; b 205=3/1;\n"
            "141100/2/2024/3: a 205=2/1;\n"
            "141100/1/2024/5: a 205=4/1;\n"
            "141100/1/2025/3: a 205=5/1;");
  EXPECT_EQ(Csv(heading + ",1,24,soon,a,支出,205,1\n141100,,2024,,a,支出,205,1\n", {}),
            "b.csv, line 2, column division (A): is empty\n"
            "b.csv, line 2, column year (C): \"24\" is no year, for example 2024\n"
            "b.csv, line 2, column stage (D): \"soon\" is none of REQUESTED, REVIEWED, APPROVED, "
            "EXECUTED, FINAL, ADJUSTMENT, REALLOCATION, CURRENT or their Chinese names\n"
            "b.csv, line 3, column agency (B): is empty\n"
            "b.csv, line 3, column stage (D): is empty");
  LineItemOptions agency = Flags();
  agency.division_code.clear();
  agency.stage = budget::v1::STAGE_UNSPECIFIED;
  EXPECT_EQ(Csv("agency,line_id,direction,functional,amount_fen\n1,a,支出,205,1\n", agency),
            "b.csv, line 1: column division_code (行政区划代码) is missing: add it, or give "
            "--division\n"
            "b.csv, line 1, column agency (A): the file has this column and --agency is given: "
            "only one may tell\n"
            "b.csv, line 1: column stage (预算阶段) is missing: add it, or give --stage");
}

TEST(LineItemsTest, HeadingsThatAreMissingUnknownOrTwice) {
  EXPECT_EQ(Csv("序号,金额,单位名称\n1,2,3\n"),
            "b.csv, line 1, column 序号 (A): \"序号\" is no column of line items; "
            "docs/spreadsheets.md has their names\n"
            "b.csv, line 1, column 金额 (B): \"金额\" does not say the unit: write 金额（元）, "
            "金额（万元） or 金额（分）, or amount_yuan, amount_wanyuan or amount_fen\n"
            "b.csv, line 1, column 单位名称 (C): \"单位名称\" is no column of line items; "
            "docs/spreadsheets.md has their names\n"
            "b.csv, line 1: column line_id (明细编号) is missing: every line has an id that it "
            "keeps in later revisions\n"
            "b.csv, line 1: column direction (收支方向) is missing: 支出 or 收入\n"
            "b.csv, line 1: column functional_code (功能科目编码) is missing: or revenue_code "
            "(收入分类科目), where all lines are income");
  EXPECT_EQ(
      Csv("line_id,direction,revenue_code,project_name,amount_yuan,金额（万元）\n"
          "a,收入,101,x,1,1\n"),
      "b.csv, line 1, column 金额（万元） (F): \"金额（万元）\" stands a second time: column E "
      "is \"amount_yuan\"\n"
      "b.csv, line 1: column project_code (项目代码) is missing: projects are stated with "
      "their codes");
  EXPECT_EQ(Csv("line_id,direction,functional_code,project_code\na,支出,205,P\n"),
            "b.csv, line 1: column amount_yuan (金额（元）) is missing: write 金额（元）, "
            "金额（万元） or 金额（分）, or amount_yuan, amount_wanyuan or amount_fen\n"
            "b.csv, line 1: column project_name (项目名称) is missing: projects are stated with "
            "their names");
  EXPECT_EQ(Csv(""), "b.csv: there are no line items in it");
  EXPECT_EQ(Csv("hello\nworld\n"), "b.csv, line 1: there is no heading row");
  for (const auto& [sign, name] : std::vector<std::pair<std::string, std::string>>{
           {";", "semicolons (;)"}, {"\t", "tabs"}, {"|", "bars (|)"}}) {
    EXPECT_EQ(
        Csv(absl::StrReplaceAll("明细编号,功能科目编码,金额（元）\n1,2050202,1\n", {{",", sign}})),
        absl::StrCat("b.csv, line 1: the cells are separated by ", name,
                     "; save the file as CSV with commas"));
  }
  EXPECT_EQ(Csv("line_id,direction,functional_code,amount_fen\n"),
            "b.csv: there are no line items in it");
  EXPECT_EQ(Csv("a,\"b\nc"), "b.csv: line 1: a quote is not closed");
}

TEST(LineItemsTest, RowsOfCsvHaveTheirCells) {
  const std::string heading = "line_id,direction,functional_code,amount_yuan,\n";
  EXPECT_EQ(Csv(heading + "a,支出,205,\"1,234.50\"\nb,支出,205,1,,,\n"),
            "141100/101001/2024/3: a 205=123450/1; b 205=100/1;");
  EXPECT_EQ(Csv(heading + "a,支出,205\nb,支出,205,1,234.50\nc,支出,205,1,9\n"),
            "b.csv, line 2: 3 cells, the heading has 4\n"
            "b.csv, line 3, column E: stands in a column without a heading");
}

TEST(LineItemsTest, AmountsAreExactAndTheirUnitIsTold) {
  EXPECT_EQ(Amount("amount_yuan", "12.34"), "1234/1");
  EXPECT_EQ(Amount("amount_yuan", "12.3"), "1230/1");
  EXPECT_EQ(Amount("amount_yuan", "12"), "1200/100");
  EXPECT_EQ(Amount("amount_yuan", "-12.34"), "-1234/1");
  EXPECT_EQ(Amount("amount_yuan", "12.3400"), "1234/1");
  EXPECT_EQ(Amount("金额（元）", "0"), "0/100");
  EXPECT_EQ(Amount("预算金额(元)", "\"1,234,567.89\""), "123456789/1");
  EXPECT_EQ(Amount("金额（万元）", "12"), "12000000/1000000");
  EXPECT_EQ(Amount("amount_wanyuan", "12.3"), "12300000/10000");
  EXPECT_EQ(Amount("amount_wanyuan", "12.34"), "12340000/10000");
  EXPECT_EQ(Amount("amount_wanyuan", "12.345"), "12345000/100");
  EXPECT_EQ(Amount("amount_wanyuan", "12.3456"), "12345600/100");
  EXPECT_EQ(Amount("amount_wanyuan", "0.000001"), "1/1");
  EXPECT_EQ(Amount("金额（分）", "1234"), "1234/1");
  EXPECT_EQ(Amount("amount-fen", "9223372036854775807"), "9223372036854775807/1");

  EXPECT_EQ(Amount("amount_yuan", ""), "is empty; write 0 where there is no money");
  EXPECT_EQ(Amount("amount_yuan", "　"), "is empty; write 0 where there is no money");
  EXPECT_EQ(Amount("amount_yuan", "12.345"),
            "\"12.345\" is finer than a fen, and nothing is rounded");
  EXPECT_EQ(Amount("amount_fen", "0.5"), "\"0.5\" is finer than a fen, and nothing is rounded");
  EXPECT_EQ(Amount("amount_wanyuan", "0.0000001"),
            "\"0.0000001\" is finer than a fen, and nothing is rounded");
  EXPECT_EQ(Amount("amount_fen", "9223372036854775808"),
            "\"9223372036854775808\" is more than an amount can be");
  for (const char* bad : {"abc", "1.2.3", "1e5", "+1", "--1", "-", "¥5", "12元", "１２", "(3.00)",
                          "1 234", "NaN", "0x1F", ".5", "5."}) {
    EXPECT_EQ(Amount("amount_yuan", bad), absl::StrCat("\"", bad, "\" is no amount"));
  }
  for (const char* bad :
       {"1,23", "12,34,567", ",123", "1234,567", "1,234,", "1,234.5,6", "1,,234", "-,123"}) {
    EXPECT_EQ(Amount("amount_yuan", absl::StrCat("\"", bad, "\"")),
              absl::StrCat("\"", bad, "\" is no amount"));
  }
}

TEST(LineItemsTest, NumberCellsAreReadToFifteenDigits) {
  EXPECT_EQ(NumberAmount("amount_yuan", "1234.56"), "123456/1");
  EXPECT_EQ(NumberAmount("amount_yuan", "1234.5600000000001"), "123456/1");
  EXPECT_EQ(NumberAmount("amount_yuan", "1234.5599999999999"), "123456/1");
  EXPECT_EQ(NumberAmount("amount_yuan", "0.30000000000000004"), "30/1");
  EXPECT_EQ(NumberAmount("amount_yuan", "1.23456E3"), "123456/1");
  EXPECT_EQ(NumberAmount("amount_yuan", "-1200"), "-120000/100");
  EXPECT_EQ(NumberAmount("amount_wanyuan", "0.12345599999999999"), "123456/1");
  EXPECT_EQ(NumberAmount("amount_wanyuan", "880.87"), "880870000/10000");
  EXPECT_EQ(NumberAmount("amount_yuan", "9999999999999.99"), "999999999999999/1");

  EXPECT_EQ(NumberAmount("amount_yuan", "1234.5650000000001"),
            "\"1234.5650000000001\" is finer than a fen, and nothing is rounded");
  EXPECT_EQ(NumberAmount("amount_yuan", "0.001"),
            "\"0.001\" is finer than a fen, and nothing is rounded");
  EXPECT_EQ(NumberAmount("amount_yuan", "12345678901234.56"),
            "\"12345678901234.56\" has more than 15 digits down to the fen, which a number cell "
            "does not keep: format the cell as text and type it again");
  EXPECT_EQ(NumberAmount("amount_yuan", "1E+300"), "\"1E+300\" is more than an amount can be");
  EXPECT_EQ(NumberAmount("amount_yuan", "x"), "\"x\" is no amount");
}

TEST(LineItemsTest, PrecisionIsThatOfTheFinestAmountOfTheBudget) {
  const std::string heading = "agency,line_id,direction,functional_code,amount_wanyuan\n";
  LineItemOptions options = Flags();
  options.agency_code.clear();
  EXPECT_EQ(Csv(heading + "1,a,支出,205,3\n1,b,支出,205,1.25\n2,a,支出,205,3\n", options),
            "141100/1/2024/3: a 205=3000000/10000; b 205=1250000/10000;\n"
            "141100/2/2024/3: a 205=3000000/1000000;");
}

TEST(LineItemsTest, NamesOfValuesThatAreUnknown) {
  EXPECT_EQ(Csv("line_id,direction,functional_code,fund,category,funding_year,analysis,"
                "procurement_kind,amount_fen\na,up,205,gold,fun,never,no,air,1\nb,,205,,,,,,1\n"),
            "b.csv, line 2, column direction (B): \"up\" is none of EXPENDITURE, INCOME or their "
            "Chinese names\n"
            "b.csv, line 2, column fund (D): \"gold\" is none of GENERAL, GOVERNMENT_FUND, "
            "STATE_CAPITAL, FISCAL_ACCOUNT, UNIT, UNIT_BUSINESS, UNIT_OPERATING, UNIT_SUPERIOR, "
            "UNIT_SUBORDINATE, UNIT_OTHER or their Chinese names\n"
            "b.csv, line 2, column category (E): \"fun\" is none of BASIC, PERSONNEL, PUBLIC, "
            "PROJECT, OTHER_OPERATING, SPECIFIC_TARGET or their Chinese names\n"
            "b.csv, line 2, column funding_year (F): \"never\" is none of THIS_YEAR, CARRYOVER or "
            "their Chinese names\n"
            "b.csv, line 2, column analysis (G): \"no\" is none of BASIC_ECONOMIC, PROJECT, "
            "THREE_PUBLIC, OPERATING, PROCUREMENT, CLASS_SPLIT or their Chinese names\n"
            "b.csv, line 2, column procurement_kind (H): \"air\" is none of GOODS, WORKS, "
            "SERVICES or their Chinese names\n"
            "b.csv, line 3, column direction (B): is empty");
}

TEST(LineItemsTest, ProjectsAreMadeFromTheirColumns) {
  const std::string heading = "line_id,direction,functional_code,项目编码,项目名称,amount_fen\n";
  EXPECT_EQ(Csv(heading + "a,支出,205,P1,,1\nb,支出,205,P1,一,2\nc,支出,205,P2,二,3\n"
                          "d,支出,205,P1,一,4\ne,支出,205,,,5\n"),
            "141100/101001/2024/3: a 205=1/1 @P1; b 205=2/1 @P1; c 205=3/1 @P2; d 205=4/1 @P1; e "
            "205=5/1; P1=一; P2=二;");
  EXPECT_EQ(Csv(heading + "a,支出,205,P1,一,1\nb,支出,205,P1,二,2\nc,支出,205,P2,,3\n"
                          "d,支出,205,,三,4\n"),
            "b.csv, line 3, column 项目名称 (E): project P1 is \"二\" here and \"一\" in b.csv, "
            "line 2, column 项目名称 (E)\n"
            "b.csv, line 5, column 项目编码 (D): is empty, and the project's name is \"三\"\n"
            "b.csv, line 4, column 项目名称 (E): project P2 has no name in any line");
}

TEST(LineItemsTest, WorkbooksAreReadBySheetAndCell) {
  const Rows good = {
      {"2024年部门预算明细"},
      {"单位：元"},
      {"line_id", "收支", "功能科目编码", "项目代码", "项目名称", "金额（元）", "备注"},
      {"1", "支出", "2080505", "'0012", "x", "100.25", "3.5"},
      {},
      {"'b", "支出", "'2080505", "", "", "'1,000.00"}};
  EXPECT_EQ(Xlsx(good),
            "141100/101001/2024/3: 1 2080505=10025/1 @0012; b 2080505=100000/1; 0012=x;");
  EXPECT_EQ(Xlsx({{"单位：万元"},
                  {"line_id", "收支", "功能科目编码", "金额（元）"},
                  {"a", "支出", "208.5", "1.005"},
                  {"", "", "", "", "x"},
                  {"1234567890123456789", "支出", "205", "1"}}),
            "b.xlsx, sheet 明细, cell A1: says 万元, and the heading of the amounts says 元\n"
            "b.xlsx, sheet 明细, cell C3: \"208.5\" is no code: it is not a whole number\n"
            "b.xlsx, sheet 明细, cell D3: \"1.005\" is finer than a fen, and nothing is rounded\n"
            "b.xlsx, sheet 明细, cell E4: stands in a column without a heading\n"
            "b.xlsx, sheet 明细, cell A4: is empty\n"
            "b.xlsx, sheet 明细, cell B4: is empty\n"
            "b.xlsx, sheet 明细, cell D4: is empty; write 0 where there is no money\n"
            "b.xlsx, sheet 明细, cell A5: a number cell keeps 15 digits, and this has more: format "
            "the cell as text and type it again");
  EXPECT_EQ(Show(LineItemFile::Read("b.xlsx", "garbage", Flags())).substr(0, 27),
            "b.xlsx: no zip archive, or ");
}

TEST(LineItemsTest, CellsThatHoldNoValue) {
  const std::string text = "<c t=\"inlineStr\"><is><t>";
  const std::string end = "</t></is></c>";
  const std::string heading =
      absl::StrCat("<sheetData><row>", text, "line_id", end, text, "direction", end, text,
                   "functional_code", end, text, "amount_yuan", end, text, "note", end, "</row>");
  const std::string bytes = Zip(RawWorkbook(absl::StrCat(
      heading,
      "<row><c t=\"e\"><v>#REF!</v></c><c t=\"b\"><v>1</v></c><c><f>A9</f></c><c "
      "s=\"4\"><v>12345</v></c><c s=\"1\"><v>45352</v></c></row><row><c><v>1</v></c>",
      text, "支出", end,
      "<c s=\"3\"><v>205</v></c><c t=\"e\"><f>x</f><v>#DIV/0!</v></c></row><row><c><v>2</v></c>",
      text, "支出", end, "<c><v>205</v></c><c><f>SUM(1,2)</f><v>3</v></c></row></sheetData>")));
  EXPECT_EQ(
      Show(LineItemFile::Read("b.xlsx", bytes, Flags())),
      "b.xlsx, sheet 明细, cell A2: holds the error \"#REF!\"\n"
      "b.xlsx, sheet 明细, cell C2: holds a formula without a computed value: open and save the "
      "file in a spreadsheet program, or write the value\n"
      "b.xlsx, sheet 明细, cell E2: holds a date or a time: format the cell as text and type it "
      "again\n"
      "b.xlsx, sheet 明细, cell B2: holds TRUE, which is no value here\n"
      "b.xlsx, sheet 明细, cell D2: holds \"12345\" and its format shows something else: format "
      "it plainly, or as text and type it again\n"
      "b.xlsx, sheet 明细, cell C3: holds \"205\" and its format shows something else: format it "
      "plainly, or as text and type it again\n"
      "b.xlsx, sheet 明细, cell D3: holds the error \"#DIV/0!\"");
  EXPECT_EQ(
      Show(LineItemFile::Read("b.xlsx",
                              Zip(RawWorkbook(absl::StrCat(
                                  heading, "<row><c><v>1</v></c>", text, "支出", end,
                                  "<c><v>205</v></c><c><f>1+2</f><v>3</v></c></row></sheetData>"))),
                              Flags())),
      "141100/101001/2024/3: 1 205=300/100;");
}

TEST(LineItemsTest, MergedCellsAreRefusedFromTheHeadingOn) {
  const std::string bytes = WriteWorkbook([](lxw_workbook* workbook) {
    FillSheet(workbook, "明细",
              {{},
               {"line_id", "direction", "functional_code", "amount_fen", "note"},
               {"a", "支出", "", "1"},
               {"b", "支出", "", "2"}});
    lxw_worksheet* sheet = workbook_get_worksheet_by_name(workbook, "明细");
    worksheet_merge_range(sheet, 0, 0, 0, 4, "标题", nullptr);
    worksheet_merge_range(sheet, 2, 2, 3, 2, "205", nullptr);
    worksheet_merge_range(sheet, 8, 0, 9, 2, "", nullptr);
  });
  EXPECT_EQ(Show(LineItemFile::Read("b.xlsx", bytes, Flags())),
            "b.xlsx, sheet 明细, cell C3: merged with the cells up to C4: unmerge them and write "
            "the value in each");
}

TEST(LineItemsTest, SheetsOfAWorkbook) {
  const std::string bytes = WriteWorkbook([](lxw_workbook* workbook) {
    const std::vector<std::string> heading = {"line_id", "direction", "functional_code",
                                              "amount_fen"};
    FillSheet(workbook, "一", {heading, {"a", "支出", "205", "1"}});
    FillSheet(workbook, "说明", {{"填表说明"}, {"请填写"}});
    FillSheet(workbook, "二", {heading, {"b", "支出", "205", "2"}});
    FillSheet(workbook, "Sheet4", {});
    FillSheet(workbook, "旧", {heading, {"c", "支出", "205", "x"}});
    worksheet_hide(workbook_get_worksheet_by_name(workbook, "旧"));
  });
  EXPECT_EQ(Show(LineItemFile::Read("b.xlsx", bytes, Flags())),
            "b.xlsx, sheet 说明, row 1: the sheet has no heading row; name the sheets to read with "
            "--sheet");
  LineItemOptions options = Flags();
  options.sheets = {"二", "一"};
  const LineItemFile file = LineItemFile::Read("b.xlsx", bytes, options);
  EXPECT_EQ(Show(file), "141100/101001/2024/3: a 205=1/1; b 205=2/1;");
  EXPECT_EQ(file.PlaceOf(0, "line_items[1].functional_code"), "b.xlsx, sheet 二, cell C2");
  options.sheets = {"旧", "三"};
  EXPECT_EQ(Show(LineItemFile::Read("b.xlsx", bytes, options)),
            "b.xlsx: there is no sheet \"三\"\n"
            "b.xlsx, sheet 旧, cell D2: \"x\" is no amount");
  EXPECT_EQ(LineItemFile::Read("b.xlsx", bytes, Flags()).unread_sheets(),
            std::vector<std::string>{"旧"});
}

TEST(LineItemsTest, ProblemsAreBoundedAndCounted) {
  std::string text = "line_id,direction,functional_code,amount_fen\n";
  for (int i = 0; i < 1000; ++i) text += "a,支出,205,x\n";
  const LineItemFile file = LineItemFile::Read("b.csv", text, Flags());
  EXPECT_EQ(file.problem_count(), 1000);
  EXPECT_EQ(file.problems().size(), 100u);
  EXPECT_EQ(file.problems()[99].place, "b.csv, line 101, column amount_fen (D)");
  // What is quoted is short, on one line, and ends with a whole character.
  const std::string long_text = Csv(absl::StrCat(
      "line_id,direction,functional_code,amount_fen\na,支出,205,\"1\n", std::string(10, '1'),
      absl::StrReplaceAll(std::string(100, 'x'), {{"x", "币"}}), "\"\n"));
  EXPECT_EQ(long_text, absl::StrCat("b.csv, line 2, column amount_fen (D): \"1 1111111111",
                                    absl::StrReplaceAll(std::string(16, 'x'), {{"x", "币"}}),
                                    "...\" is no amount"));
}

TEST(LineItemsTest, FieldsOfTheAnswerHavePlaces) {
  LineItemOptions options = Flags();
  options.agency_code.clear();
  const LineItemFile file = LineItemFile::Read(
      "b.csv",
      "单位代码,line_id,direction,functional_code,project_code,project_name,amount_yuan\n"
      "1,a,支出,205,P,x,1\n2,a,支出,205,,,1\n2,b,支出,205,P,,1\n2,c,支出,205,P,x,1\n",
      options);
  ASSERT_EQ(Problems(file), "");
  EXPECT_EQ(file.PlaceOf(1, "line_items[1].functional_code"),
            "b.csv, line 4, column functional_code (D)");
  EXPECT_EQ(file.PlaceOf(1, "line_items[1].amount_fen"), "b.csv, line 4, column amount_yuan (G)");
  EXPECT_EQ(file.PlaceOf(1, "line_items[1].precision_fen"),
            "b.csv, line 4, column amount_yuan (G)");
  EXPECT_EQ(file.PlaceOf(1, "line_items[1].gov_economic_code"), "b.csv, line 4");
  EXPECT_EQ(file.PlaceOf(1, "line_items[1]"), "b.csv, line 4");
  EXPECT_EQ(file.PlaceOf(1, "line_items[3].note"), "");
  EXPECT_EQ(file.PlaceOf(1, "line_items[99999999999999999999].note"), "");
  EXPECT_EQ(file.PlaceOf(1, "line_items[x"), "");
  EXPECT_EQ(file.PlaceOf(1, "line_items"), "");
  EXPECT_EQ(file.PlaceOf(1, "projects[0].name"), "b.csv, line 5, column project_name (F)");
  EXPECT_EQ(file.PlaceOf(0, "projects[0].project_code"), "b.csv, line 2, column project_code (E)");
  EXPECT_EQ(file.PlaceOf(1, "budget.agency_code"), "b.csv, line 3, column 单位代码 (A)");
  EXPECT_EQ(file.PlaceOf(1, "budget.stage"), "");
  EXPECT_EQ(file.PlaceOf(1, "note"), "");
  EXPECT_EQ(file.WithPlaces(1,
                            "line_items[1].line_id: x stands at line_items[0] already. "
                            "budget.stage, budget.agency_code; projects[7].name line_items["),
            "b.csv, line 4, column line_id (B): x stands at b.csv, line 3 already. budget.stage, "
            "b.csv, line 3, column 单位代码 (A); projects[7].name line_items[");
  EXPECT_EQ(file.WithPlaces(0, "line_items[0]."), "b.csv, line 2.");
  EXPECT_EQ(file.WithPlaces(0, ""), "");
}

// ---- what is exported besides lines

TEST(LineItemsTest, EveryHeadingIsOneColumns) {
  for (int e = 0; e < kElementCount; ++e) {
    const Element element = static_cast<Element>(e);
    ASSERT_GE(ColumnOf(element).headings.size(), 2u) << e;
    for (const char* heading : ColumnOf(element).headings) {
      EXPECT_EQ(ParseHeading(heading).element, element) << heading;
      const Heading yuan = ParseHeading(absl::StrCat(heading, "（元）"));
      EXPECT_EQ(yuan.element, ColumnOf(element).amount ? element : kElementCount) << heading;
    }
  }
}

TEST(LineItemsTest, WhatIsOfTheStatementMayStandInAnyOfItsLines) {
  const std::string heading =
      "agency,line_id,direction,functional,amount_fen,precision_fen,填报口径,仅作对照,"
      "年终结转（元）,预算备注\n";
  LineItemOptions options = Flags();
  options.agency_code.clear();
  const LineItemFile file = LineItemFile::Read(
      "b.csv",
      heading +
          "101,a,支出,205,10000,10000,,,,\n101,b,支出,205,1,,全部门,是,1.50,'=x\n"
          "101,c,支出,205,1,,DEPARTMENT,TRUE,,\n102,a,支出,205,1,1,本单位,否,,\n",
      options);
  ASSERT_EQ(Problems(file), "");
  ASSERT_EQ(file.budgets().size(), 2u);
  const submission::v1::SubmitBudgetRequest& one = file.budgets()[0];
  EXPECT_EQ(one.line_items(0).precision_fen(), 10000);
  EXPECT_EQ(one.line_items(1).precision_fen(), 1);
  EXPECT_EQ(one.scope(), budget::v1::SCOPE_DEPARTMENT);
  EXPECT_EQ(one.department_code(), "101");
  EXPECT_TRUE(one.control());
  EXPECT_EQ(one.year_end_carry_forward_fen(), 150);
  EXPECT_EQ(one.note(), "=x");
  EXPECT_EQ(file.PlaceOf(0, "note"), "b.csv, line 3, column 预算备注 (J)");
  EXPECT_EQ(file.PlaceOf(0, "carry_forward_fen"), "b.csv, line 3, column 年终结转（元） (I)");
  EXPECT_FALSE(file.budgets()[1].control());
  EXPECT_FALSE(file.budgets()[1].has_year_end_carry_forward_fen());
  EXPECT_EQ(file.budgets()[1].department_code(), "");

  EXPECT_EQ(
      Csv(heading + "1,a,支出,205,1,7,own,,1,x\n1,b,支出,205,1,,,maybe,1.001,y\n"
                    "1,c,支出,205,1,,部门,,2,\n",
          options),
      "b.csv, line 2, column precision_fen (F): \"7\" is none of 1, 100, 10000, 1000000\n"
      "b.csv, line 3, column 仅作对照 (H): \"maybe\" is neither 是 nor 否\n"
      "b.csv, line 3, column 年终结转（元） (I): \"1.001\" is finer than a fen, and nothing "
      "is rounded\n"
      "b.csv, line 3, column 预算备注 (J): is \"y\" here and \"x\" in b.csv, line 2, column "
      "预算备注 (J): it is one for the whole budget\n"
      "b.csv, line 4, column 填报口径 (G): is \"全部门\" here and \"本单位\" in b.csv, line 2, "
      "column 填报口径 (G): it is one for the whole budget\n"
      "b.csv, line 4, column 年终结转（元） (I): is \"200 fen\" here and \"100 fen\" in b.csv, "
      "line 2, column 年终结转（元） (I): it is one for the whole budget");
}

// A workbook whose sheets stand in another order than they are read in.
std::string Book(const Rows& indicators, const Rows& projects, const Rows& lines) {
  return WriteWorkbook([&](lxw_workbook* workbook) {
    FillSheet(workbook, "绩效指标", indicators);
    FillSheet(workbook, "项目", projects);
    FillSheet(workbook, "明细", lines);
  });
}

TEST(LineItemsTest, ProjectsAndIndicatorsHaveSheets) {
  const Rows lines = {
      {"明细编号", "收支方向", "功能科目编码", "项目代码", "项目名称", "金额（元）"},
      {"a", "支出", "205", "P1", "'一", "1"},
      {"b", "支出", "205", "P2", "", "1"}};
  Rows projects = {{"项目代码", "项目名称", "支出类别", "项目代码为推定", "年度资金总额（万元）",
                    "实施期单位自筹（元）", "项目概况"},
                   {"P1", "", "特定目标类", "", "1.5", "", "''=概况"},
                   {"P2", "二", "", "是", "", "0", ""},
                   {"P3", "三", "", "", "", "", ""}};
  Rows indicators = {{"项目代码", "指标期间", "一级指标", "指标值"},
                     {"P2", "年度", "产出指标", "≥95%"},
                     {"P2", "", "", "'100"}};
  const LineItemFile file =
      LineItemFile::Read("b.xlsx", Book(indicators, projects, lines), Flags());
  ASSERT_EQ(Problems(file), "");
  std::string shown;
  for (const budget::v1::Project& project : file.budgets()[0].projects())
    absl::StrAppend(&shown, project.ShortDebugString(), "\n");
  EXPECT_EQ(shown,
            "project_code: \"P1\" name: \"\\344\\270\\200\" category: CATEGORY_SPECIFIC_TARGET "
            "year_funding { total_fen: 1500000 } overview: "
            "\"=\\346\\246\\202\\345\\206\\265\"\n"
            "project_code: \"P2\" name: \"\\344\\272\\214\" project_code_derived: true "
            "term_funding { self_raised_fen: 0 } "
            "indicators { period: INDICATOR_PERIOD_YEAR level1: "
            "\"\\344\\272\\247\\345\\207\\272\\346\\214\\207\\346\\240\\207\" target: "
            "\"\\342\\211\\24595%\" } indicators { target: \"100\" }\n"
            "project_code: \"P3\" name: \"\\344\\270\\211\"\n");
  EXPECT_EQ(file.PlaceOf(0, "projects[0].overview"), "b.xlsx, sheet 项目, cell G2");

  projects[3] = {"P2", "二", "", "", "x", "", ""};
  projects.push_back({"P1", "甲", "大", "?", "", "", ""});
  indicators[2] = {"P9", "明天", "", ""};
  EXPECT_EQ(Problems(LineItemFile::Read("b.xlsx", Book(indicators, projects, lines), Flags())),
            "b.xlsx, sheet 项目, cell A4: project P2 stands a second time, and first in b.xlsx, "
            "sheet 项目, row 3\n"
            "b.xlsx, sheet 项目, cell A5: project P1 stands a second time, and first in b.xlsx, "
            "sheet 项目, row 2\n"
            "b.xlsx, sheet 绩效指标, cell A3: the file has no project \"P9\" of this budget");
  LineItemOptions options = Flags();
  options.agency_code.clear();
  EXPECT_EQ(Problems(LineItemFile::Read(
                "b.xlsx",
                Book({}, {{"单位代码", "项目代码", "年度资金总额"}, {"101002", "P1", "1"}},
                     {{"单位代码", "明细编号", "收支方向", "功能科目编码", "金额（元）"},
                      {"101001", "a", "支出", "205", "1"}}),
                options)),
            "b.xlsx, sheet 项目, cell C1: \"年度资金总额\" does not say the unit: write "
            "年度资金总额（元）, 年度资金总额（万元） or 年度资金总额（分）\n"
            "b.xlsx, sheet 项目, row 2: the file has no line items of budget "
            "141100/101002/2024/APPROVED");
  // A project's sheet alone is no budget without lines.
  options = Flags();
  options.sheets = {"项目"};
  EXPECT_EQ(Problems(LineItemFile::Read(
                "b.xlsx", Book({}, {{"项目代码", "项目名称"}, {"P1", "一"}}, lines), options)),
            "b.xlsx, sheet 项目, row 2: the file has no line items of budget "
            "141100/101001/2024/APPROVED");
}

}  // namespace
}  // namespace fiscal::cli
