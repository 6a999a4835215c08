#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "clients/cli/print/comparison_text.h"
#include "clients/cli/print/sheet_writer.h"
#include "clients/cli/print/statutory_grid.h"
#include "clients/cli/print/statutory_text.h"
#include "clients/cli/print/table_compare.h"
#include "clients/importer/reader.h"
#include "domain/disclosure/code_lists.h"
#include "domain/disclosure/money.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "re2/re2.h"
#include "tests/support/statutory_tables.h"

namespace fiscal::cli {
namespace {

namespace d = fiscal::disclosure::v1;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kReference[] = "tests/data/documents/lvliang_finance_office_2024.txt";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

disclosure::Disclosure Document(const std::string& path) {
  auto read = importer::Read(ReadFile(path));
  EXPECT_TRUE(read.ok()) << read.status();
  return *std::move(read);
}

const disclosure::Form& Shanxi() { return *disclosure::FindForm("shanxi-13"); }

d::GetTablesResponse Response(const disclosure::Disclosure& document) {
  return testing::ToResponse(document, *disclosure::FindForm(document.form));
}

d::StatutoryTable* TableOf(d::GetTablesResponse* response, int canonical) {
  for (d::StatutoryTable& t : *response->mutable_tables()) {
    if (t.canonical_number() == canonical) return &t;
  }
  return nullptr;
}

d::StatutoryRow* RowOf(d::StatutoryTable* table, const std::string& key) {
  for (d::StatutoryRow& r : *table->mutable_rows()) {
    if (r.key() == key) return &r;
  }
  return nullptr;
}

// Table 11 by hand: a total and rows "NAME AMOUNT" in the first column.
d::GetTablesResponse Units(const std::vector<std::pair<std::string, int64_t>>& units) {
  d::GetTablesResponse response;
  response.set_form("shanxi-13");
  response.set_name("甲局");
  d::StatutoryTable* t = response.add_tables();
  t->set_number(11);
  t->set_canonical_number(11);
  t->set_title("2024年财政拨款安排机关运行经费预算表");
  t->set_unit("万元");
  for (const auto& [key, label] :
       std::vector<std::pair<const char*, const char*>>{{"total", "合计"},
                                                        {"G", "一般公共预算"},
                                                        {"F", "政府性基金预算"},
                                                        {"S", "国有资本经营预算"}}) {
    d::StatutoryColumn* c = t->add_columns();
    c->set_key(key);
    c->set_label(label);
  }
  int n = 0;
  for (const auto& [name, fen] : units) {
    d::StatutoryRow* r = t->add_rows();
    r->set_key(absl::StrCat("unit.", ++n));
    r->set_label(name);
    for (int i = 0; i < 4; ++i) {
      d::StatutoryCell* cell = r->add_cells();
      if (i > 1 || fen == 0) continue;
      cell->set_amount_fen(fen);
      cell->set_printed(disclosure::PrintFigure(fen, disclosure::MoneyUnit::kWanyuan));
      cell->set_query("expenditure fund=G");
    }
  }
  return response;
}

std::string Csv(const d::GetTablesResponse& response, const disclosure::Form& form) {
  const auto grids = LayOut(response, form);
  EXPECT_TRUE(grids.ok()) << grids.status();
  std::stringstream out;
  PrintTablesCsv(response, *grids, out);
  return out.str();
}

// ---- text ----

TEST(TablesTextTest, OneTableAsCsvIsHeadingAndRows) {
  EXPECT_EQ(Csv(Units({{"甲局", 248500000}, {"乙所, 本级", -10000}, {"丙", 0}}), Shanxi()),
            "\xef\xbb\xbf"
            "单位名称,合计,一般公共预算,政府性基金预算,国有资本经营预算\r\n"
            "甲局,248.50,248.50,,\r\n"
            "\"乙所, 本级\",-0.01,-0.01,,\r\n"
            "丙,,,,\r\n");
}

TEST(TablesTextTest, CsvIsExactWhereThePrintedFigureIsRounded) {
  d::GetTablesResponse response = Units({{"甲局", 12345}, {"乙局", -1}});
  d::StatutoryCell* zero = response.mutable_tables(0)->mutable_rows(1)->mutable_cells(1);
  zero->set_amount_fen(0);
  zero->set_printed("0.00");
  EXPECT_THAT(Csv(response, Shanxi()),
              HasSubstr("\r\n甲局,0.012345,0.012345,,\r\n乙局,-0.000001,0.00,,\r\n"));
}

TEST(TablesTextTest, CsvRunsNoFormula) {
  const std::string csv = Csv(Units({{"=1+1", 10000},
                                     {"＝HYPERLINK()", 10000},
                                     {"-2+3", 10000},
                                     {"－甲", 10000},
                                     {"＋甲", 10000},
                                     {"＠甲", 10000},
                                     {"@甲", 10000},
                                     {"+甲", 10000},
                                     {"\t甲", 10000}}),
                              Shanxi());
  for (const char* cell : {"\n'=1+1,0.01", "\n'＝HYPERLINK(),0.01", "\n'-2+3,0.01", "\n'－甲,",
                           "\n'＋甲,", "\n'＠甲,", "\n'@甲,", "\n'+甲,", "\n'\t甲,"})
    EXPECT_THAT(csv, HasSubstr(cell));
}

TEST(TablesTextTest, SeveralTablesHaveTitlesAndEmptyLines) {
  const std::string csv = Csv(Response(Document(kReference)), Shanxi());
  EXPECT_THAT(csv, HasSubstr("\xef\xbb\xbf"
                             "2024年预算收支总表,吕梁市人民政府金融工作办公室,单位：万元\r\n"
                             "项目,金额,项目,合计,当年预算安排,上年结转安排\r\n"
                             "一、一般公共预算,880.87,一、一般公共服务支出,,,\r\n"));
  // What has one name on both sides shares a line, whatever stands above it.
  EXPECT_THAT(
      csv, HasSubstr("\r\n本年收入合计,880.87,本年支出合计,880.87,880.87,\r\n"
                     "上年结转,,年终结转,,,\r\n收入总计,880.87,支出总计,880.87,880.87,\r\n\r\n"));
  EXPECT_THAT(csv, HasSubstr("\r\n本年收入合计,880.87,本年支出合计,880.87,880.87,,\r\n"
                             "上年财政拨款结转,,年终结转,,,,\r\n一、一般公共预算,,,,,,\r\n"));
  EXPECT_THAT(csv, HasSubstr("\r\n2080505,机关事业单位基本养老保险缴费支出,29.88,29.88,\r\n"));
}

TEST(TablesTextTest, CodesOfTheOtherFormStandInTheirColumns) {
  const disclosure::Disclosure document =
      Document("tests/data/documents/putuo_commerce_2025_dept.txt");
  const std::string csv = Csv(Response(document), *disclosure::FindForm("shanghai-9"));
  EXPECT_THAT(csv, HasSubstr("\r\n类,款,项,功能分类科目名称,合计,基本支出,项目支出\r\n"));
  EXPECT_THAT(csv, HasSubstr("\r\n208,,,社会保障和就业支出,"));
  EXPECT_THAT(csv, HasSubstr("\r\n208,05,,行政事业单位养老支出,"));
  EXPECT_THAT(csv, HasSubstr("\r\n208,05,01,行政单位离退休,"));
  EXPECT_THAT(csv, HasSubstr("\r\n合计,,,,371514655.00,"));
  // Tables 10 and 11 are one in print.
  EXPECT_THAT(
      csv, HasSubstr("\r\n合计,因公出国(境)费,公务接待费,小计,购置费,运行费,机关运行经费预算数\r\n"
                     "1.00,,1.00,,,,171.01\r\n"));
}

TEST(TablesTextTest, TerminalTablesHaveTitleNameUnitAndNote) {
  const d::GetTablesResponse response = Response(Document(kReference));
  const auto grids = LayOut(response, Shanxi());
  ASSERT_TRUE(grids.ok());
  ASSERT_EQ(grids->size(), 13);
  std::stringstream out;
  PrintTables(response, *grids, out);
  EXPECT_THAT(out.str(), HasSubstr("2024年预算收入总表\n吕梁市人民政府金融工作办公室  单位：万元\n"
                                   "科目编码  科目名称"));
  EXPECT_THAT(out.str(), HasSubstr("注：本表无数据\n"));
}

TEST(TablesTextTest, JsonHasEveryAmountExactly) {
  d::GetTablesResponse response = Units({{"甲\"局\"", INT64_MAX}});
  response.set_position("42");
  response.mutable_tables(0)->mutable_rows(0)->mutable_cells(0)->set_printed("1");
  d::Narrative* n = response.mutable_narrative();
  n->set_expenditure_fen(5);
  n->add_sentences("支出预算。");
  std::stringstream out;
  PrintTablesJson(response, out);
  EXPECT_THAT(out.str(),
              HasSubstr("{\"position\":\"42\",\"form\":\"shanxi-13\",\"name\":\"甲局\""));
  EXPECT_THAT(out.str(),
              HasSubstr("{\"key\":\"unit.1\",\"label\":\"甲\\\"局\\\"\",\"level\":0,\"cells\":"
                        "[{\"column\":\"total\",\"amount_fen\":\"9223372036854775807\","
                        "\"printed\":\"1\",\"query\":\"expenditure fund=G\"}"));
  EXPECT_THAT(out.str(), HasSubstr("\"expenditure_fen\":\"5\""));
  EXPECT_THAT(out.str(), Not(HasSubstr("prior_expenditure_fen")));
}

TEST(TablesTextTest, ColumnsTheFormDoesNotHaveAreRefused) {
  d::GetTablesResponse response = Units({{"甲", 1}});
  response.mutable_tables(0)->mutable_columns(3)->set_key("X");
  EXPECT_TRUE(absl::IsFailedPrecondition(LayOut(response, Shanxi()).status()));
  response = Units({{"甲", 1}});
  response.mutable_tables(0)->mutable_rows(0)->mutable_cells()->RemoveLast();
  EXPECT_TRUE(absl::IsFailedPrecondition(LayOut(response, Shanxi()).status()));
}

// ---- comparison ----

TableComparison Compare(const d::GetTablesResponse& response,
                        const disclosure::Disclosure& document) {
  return CompareTables(response, *disclosure::FindForm(response.form()), document, true);
}

std::string Text(const TableComparison& comparison) {
  std::string out;
  for (const TableDifference& x : comparison.differences)
    absl::StrAppend(&out, x.table, " ", x.row, " ", x.column, ": ", x.ledger, " / ", x.document,
                    "\n");
  return out;
}

TEST(CompareTest, EveryFixtureEqualsItself) {
  for (const char* path : {kReference, "tests/data/documents/many_units_2024.txt",
                           "tests/data/documents/putuo_commerce_2025_dept.txt",
                           "tests/data/documents/putuo_commerce_2025_unit.txt",
                           "tests/data/documents/putuo_wanli_2023_dept.txt"}) {
    const disclosure::Disclosure document = Document(path);
    EXPECT_EQ(Text(Compare(Response(document), document)), "") << path;
  }
}

TEST(CompareTest, TheReferenceHasThirteenTables) {
  const disclosure::Disclosure document = Document(kReference);
  const TableComparison comparison = Compare(Response(document), document);
  EXPECT_EQ(comparison.tables, 13);
  EXPECT_GT(comparison.cells, 500);
  std::stringstream out;
  PrintComparison(comparison, out);
  EXPECT_EQ(out.str(), absl::StrCat("13 tables, ", comparison.cells, " cells: all equal\n"));
}

TEST(CompareTest, OneFigureOffByACent) {
  const disclosure::Disclosure document = Document(kReference);
  d::GetTablesResponse response = Response(document);
  d::StatutoryCell* cell = RowOf(TableOf(&response, 3), "2080505")->mutable_cells(0);
  cell->set_amount_fen(29890000);
  cell->set_printed("29.89");
  const TableComparison comparison = Compare(response, document);
  EXPECT_EQ(Text(comparison), "3 2080505 total: 29.89 / 29.88\n");
  std::stringstream out, json;
  PrintComparison(comparison, out);
  EXPECT_THAT(out.str(), HasSubstr("机关事业单位基本养老保险缴费支出"));
  EXPECT_THAT(out.str(), HasSubstr("合计"));
  EXPECT_THAT(out.str(), HasSubstr(" cells: 1 difference\n"));
  PrintComparisonJson(comparison, json);
  EXPECT_THAT(json.str(), HasSubstr("\"table\":3,\"row\":\"2080505\""));
  EXPECT_THAT(json.str(), HasSubstr("\"column\":\"total\",\"column_label\":\"合计\",\"ledger\":"
                                    "\"29.89\",\"document\":\"29.88\",\"line\":"));
}

TEST(CompareTest, BlankZeroAndDashAreOne) {
  disclosure::Disclosure document = Document(kReference);
  d::GetTablesResponse response = Response(document);
  d::StatutoryRow* row = RowOf(TableOf(&response, 1), "income.F");
  for (const char* nothing : {"0", "0.00", "-", "—", "", "０．００"}) {
    row->mutable_cells(0)->set_printed(nothing);
    EXPECT_EQ(Text(Compare(response, document)), "") << nothing;
  }
  row->mutable_cells(0)->set_printed("0.01");
  EXPECT_EQ(Text(Compare(response, document)), "1 income.F amount: 0.01 / \n");
}

TEST(CompareTest, OtherUnitsAndDigitsAreRoundedAsTheDocumentPrints) {
  const disclosure::Disclosure document = Document(kReference);
  d::GetTablesResponse response = Response(document);
  // The ledger prints 元, exactly; 298,796.00 is 29.88 in 万元.
  d::StatutoryTable* table = TableOf(&response, 3);
  table->set_unit("元");
  for (d::StatutoryRow& row : *table->mutable_rows()) {
    for (d::StatutoryCell& cell : *row.mutable_cells()) {
      if (cell.printed().empty()) continue;
      cell.set_amount_fen(cell.amount_fen() - 400);
      cell.set_printed(
          disclosure::PrintFigure(cell.amount_fen(), disclosure::MoneyUnit::kYuan, 2, true));
    }
  }
  EXPECT_EQ(Text(Compare(response, document)), "");
  RowOf(table, "2080505")->mutable_cells(0)->set_amount_fen(29874999);
  EXPECT_THAT(Text(Compare(response, document)), HasSubstr("3 2080505 total: "));
}

TEST(CompareTest, KnownNamesAreOneAndOthersAreNot) {
  const disclosure::Disclosure document = Document(kReference);
  d::GetTablesResponse response = Response(document);
  // Width, ordinals, names the form knows for a fixed row.
  RowOf(TableOf(&response, 1), "income.G")->set_label("一般公共预算资金");
  RowOf(TableOf(&response, 1), "class.208")->set_label("社会保障和就业支出");
  RowOf(TableOf(&response, 6), "30213")->set_label("维修（护）费");
  RowOf(TableOf(&response, 10), "abroad")->set_label("因公出国(境)费用");
  RowOf(TableOf(&response, 11), "total")->set_label("合计");
  RowOf(TableOf(&response, 12), "department")->set_label("合计");
  EXPECT_EQ(Text(Compare(response, document)), "");
  RowOf(TableOf(&response, 3), "2080505")->set_label("其他支出");
  EXPECT_EQ(Text(Compare(response, document)),
            "3 2080505 label: 其他支出 / 机关事业单位基本养老保险缴费支出\n");
}

TEST(CompareTest, AliasOfAList) {
  disclosure::Disclosure document = Document(kReference);
  const d::GetTablesResponse response = Response(document);
  int aliases = 0;
  for (const auto& entry : disclosure::ShippedLists().functional.entries()) {
    disclosure::Row* row = document.table(3).Find(entry.code);
    if (row == nullptr || entry.names.size() < 2) continue;
    row->label = entry.names[1];
    ++aliases;
  }
  EXPECT_GT(aliases, 0);
  EXPECT_EQ(Text(Compare(response, document)), "");
}

TEST(CompareTest, RowsWithMoneyOnOneSide) {
  const disclosure::Disclosure document = Document(kReference);
  d::GetTablesResponse response = Response(document);
  d::StatutoryTable* table = TableOf(&response, 5);
  for (int i = 0; i < table->rows_size(); ++i) {
    if (table->rows(i).key() == "2170199") table->mutable_rows()->DeleteSubrange(i, 1);
  }
  d::StatutoryRow* row = table->add_rows();
  row->set_key("2170101x");
  for (int i = 0; i < 3; ++i) row->add_cells();
  EXPECT_EQ(Text(Compare(response, document)),
            "5 2170199 total:  / 420.00\n5 2170199 project:  / 420.00\n");
  row->mutable_cells(1)->set_printed("1.00");
  EXPECT_THAT(Text(Compare(response, document)), HasSubstr("5 2170101x basic: 1.00 / \n"));
}

TEST(CompareTest, UnitsAreToldByNameAndProjectsByUnit) {
  const disclosure::Disclosure document = Document("tests/data/documents/many_units_2024.txt");
  d::GetTablesResponse response = Response(document);
  // The ledger has its units in another order: the last rows come first, with numbers of their own.
  for (int n : {11, 12}) {
    d::StatutoryTable* table = TableOf(&response, n);
    std::vector<std::vector<d::StatutoryRow>> units;
    d::StatutoryTable moved = *table;
    moved.clear_rows();
    for (const d::StatutoryRow& row : table->rows()) {
      if (absl::StartsWith(row.key(), "unit.")) {
        units.push_back({row});
      } else if (units.empty()) {
        *moved.add_rows() = row;
      } else {
        units.back().push_back(row);
      }
    }
    EXPECT_GT(units.size(), 1);
    int number = 0;
    for (auto unit = units.rbegin(); unit != units.rend(); ++unit) {
      (*unit)[0].set_key(absl::StrCat("unit.", ++number));
      for (const d::StatutoryRow& row : *unit) *moved.add_rows() = row;
    }
    *table = moved;
  }
  EXPECT_EQ(Text(Compare(response, document)), "");
}

TEST(CompareTest, TablesNotAskedForAreNotCompared) {
  const disclosure::Disclosure document = Document(kReference);
  d::GetTablesResponse response = Response(document);
  response.mutable_tables()->DeleteSubrange(1, 12);
  EXPECT_EQ(CompareTables(response, Shanxi(), document, false).tables, 1);
  EXPECT_EQ(Text(CompareTables(response, Shanxi(), document, false)), "");
  EXPECT_THAT(Text(CompareTables(response, Shanxi(), document, true)),
              HasSubstr("2 total total:  / 880.87\n"));
}

TEST(CompareTest, OfAnotherFormWhatBothHave) {
  // The reference, as if it had been printed on the other form: 元, no sums of the year, one strip
  // for tables 10 and 11.
  const disclosure::Disclosure document = Document(kReference);
  d::GetTablesResponse response = Response(document);
  response.set_form("shanghai-9");
  for (int n : {7, 9, 11, 12, 13}) {
    for (int i = 0; i < response.tables_size(); ++i) {
      if (response.tables(i).canonical_number() == n)
        response.mutable_tables()->DeleteSubrange(i, 1);
    }
  }
  d::StatutoryTable* income = TableOf(&response, 2);
  income->mutable_columns(1)->set_key("fiscal");
  RowOf(TableOf(&response, 1), "income.year")->set_key("income.fiscal");
  d::StatutoryTable* strip = TableOf(&response, 10);
  strip->set_number(9);
  strip->clear_rows();
  strip->clear_columns();
  d::StatutoryRow* row = strip->add_rows();
  for (const char* key : {"10.total", "10.operation", "11.total"}) {
    strip->add_columns()->set_key(key);
    row->add_cells()->set_printed(absl::StartsWith(key, "10") ? "2.00" : "24.85");
    row->mutable_cells(row->cells_size() - 1)
        ->set_amount_fen(absl::StartsWith(key, "10") ? 2000000 : 24850000);
  }
  const disclosure::Form& shanghai = *disclosure::FindForm("shanghai-9");
  EXPECT_EQ(Text(CompareTables(response, shanghai, document, true)), "");
  row->mutable_cells(2)->set_printed("24.86");
  RowOf(income, "221")->set_key("222");
  EXPECT_EQ(Text(CompareTables(response, shanghai, document, true)),
            "2 222 total: 30.93 / \n2 221 total:  / 30.93\n11 total total: 24.86 / 24.85\n");
}

TEST(CompareTest, TheTwoLayoutsOfATableShareColumns) {
  const disclosure::Disclosure unit = Document("tests/data/documents/putuo_commerce_2025_unit.txt");
  const disclosure::Disclosure whole =
      Document("tests/data/documents/putuo_commerce_2025_dept.txt");
  EXPECT_GT(unit.table(1).columns.size(), whole.table(1).columns.size());
  EXPECT_EQ(Text(CompareTables(Response(whole), *disclosure::FindForm("shanghai-9"), unit, true)),
            "");
  EXPECT_EQ(Text(CompareTables(Response(unit), *disclosure::FindForm("shanghai-9"), whole, true)),
            "");
}

// ---- workbook ----

// The files of a zip archive.
std::map<std::string, std::string> Unzip(const std::string& bytes) {
  std::map<std::string, std::string> files;
  auto number = [&](size_t at, int size) {
    uint32_t n = 0;
    for (int i = size - 1; i >= 0; --i)
      n = n << 8 | static_cast<unsigned char>(bytes.at(at + static_cast<size_t>(i)));
    return n;
  };
  const size_t end = bytes.rfind("PK\x05\x06");
  if (end == std::string::npos) return files;
  size_t at = number(end + 16, 4);
  for (uint32_t n = number(end + 10, 2); n > 0; --n) {
    const uint32_t method = number(at + 10, 2), packed = number(at + 20, 4),
                   size = number(at + 24, 4);
    const uint32_t name = number(at + 28, 2), local = number(at + 42, 4);
    std::string out(size, '\0');
    const size_t data = local + 30 + number(local + 26, 2) + number(local + 28, 2);
    if (method == 0) {
      out = bytes.substr(data, size);
    } else {
      z_stream stream = {};
      EXPECT_EQ(inflateInit2(&stream, -MAX_WBITS), Z_OK);
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + data));
      stream.avail_in = packed;
      stream.next_out = reinterpret_cast<Bytef*>(out.data());
      stream.avail_out = size;
      EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
      inflateEnd(&stream);
    }
    files[bytes.substr(at + 46, name)] = out;
    at += 46 + name + number(at + 30, 2) + number(at + 32, 2);
  }
  return files;
}

std::string Unescaped(const std::string& xml) {
  return absl::StrReplaceAll(xml, {{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&amp;", "&"}});
}

struct SheetCell {
  bool text = false;
  std::string value;
};

// Cells that hold something, by "B7".
std::map<std::string, SheetCell> Cells(const std::map<std::string, std::string>& files, int sheet) {
  std::vector<std::string> strings;
  std::string item;
  re2::StringPiece rest(files.at("xl/sharedStrings.xml"));
  static const RE2 kString("<si><t[^>]*>([^<]*)</t></si>");
  while (RE2::FindAndConsume(&rest, kString, &item)) strings.push_back(Unescaped(item));
  std::map<std::string, SheetCell> cells;
  static const RE2 kCell("<c r=\"([A-Z]+[0-9]+)\"([^>]*)><v>([^<]*)</v></c>");
  re2::StringPiece xml(files.at(absl::StrCat("xl/worksheets/sheet", sheet, ".xml")));
  std::string place, attributes, value;
  while (RE2::FindAndConsume(&xml, kCell, &place, &attributes, &value)) {
    const bool text = absl::StrContains(attributes, "t=\"s\"");
    cells[place] = {text, text ? strings.at(std::stoul(value)) : value};
  }
  return cells;
}

std::string Place(size_t row, size_t column) {
  return absl::StrCat(std::string(1, static_cast<char>('A' + column)), row + 1);
}

TEST(WorkbookTest, SheetsHoldTheFiguresOfAllTables) {
  for (const char* path : {kReference, "tests/data/documents/many_units_2024.txt",
                           "tests/data/documents/putuo_commerce_2025_unit.txt"}) {
    const disclosure::Disclosure document = Document(path);
    const disclosure::Form& form = *disclosure::FindForm(document.form);
    const d::GetTablesResponse response = Response(document);
    const auto grids = LayOut(response, form);
    ASSERT_TRUE(grids.ok());
    const auto bytes = WriteWorkbook(response, form, {});
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    const auto files = Unzip(*bytes);
    int sheet = 0, figures = 0;
    for (const Grid& grid : *grids) {
      const auto cells = Cells(files, ++sheet);
      const size_t title = form.table_label.empty() ? 0 : 1;
      EXPECT_EQ(cells.at(Place(title, 0)).value, grid.title);
      const size_t first = title + 2 + static_cast<size_t>(grid.heading_lines);
      for (size_t r = 0; r < grid.rows.size(); ++r) {
        for (size_t c = 0; c < grid.rows[r].size(); ++c) {
          const GridCell& cell = grid.rows[r][c];
          const std::string& expected = cell.figure != nullptr ? cell.figure->printed() : cell.text;
          const auto it = cells.find(Place(first + r, c));
          if (expected.empty()) {
            EXPECT_TRUE(it == cells.end()) << path << " " << sheet << " " << Place(first + r, c);
            continue;
          }
          ASSERT_TRUE(it != cells.end()) << path << " " << sheet << " " << Place(first + r, c);
          EXPECT_EQ(it->second.text, cell.figure == nullptr);
          if (cell.figure == nullptr) {
            EXPECT_EQ(it->second.value, expected);
            continue;
          }
          const double value = std::stod(it->second.value);
          const double scale = grid.unit == disclosure::MoneyUnit::kYuan ? 1e2 : 1e6;
          EXPECT_EQ(std::llround(value * scale), cell.figure->amount_fen());
          ++figures;
        }
      }
      EXPECT_THAT(files.at(absl::StrCat("xl/worksheets/sheet", sheet, ".xml")),
                  Not(HasSubstr("<f>")));
    }
    EXPECT_EQ(sheet, form.id == "shanxi-13" ? 13 : 9);
    EXPECT_GT(figures, 100) << path;
  }
}

TEST(WorkbookTest, TheSameTablesGiveTheSameBytesAnywhere) {
  const d::GetTablesResponse response = Response(Document(kReference));
  const auto first = WriteWorkbook(response, Shanxi(), {});
  ASSERT_TRUE(first.ok());
  // Another day and another zone.
  setenv("TZ", "America/New_York", 1);
  tzset();
  const auto second = WriteWorkbook(response, Shanxi(), {});
  unsetenv("TZ");
  tzset();
  ASSERT_TRUE(second.ok());
  EXPECT_TRUE(*first == *second);
  const auto files = Unzip(*first);
  EXPECT_THAT(files.at("docProps/core.xml"), HasSubstr("2000-01-01T00:00:00Z"));
  // Times of the archive's files are fixed.
  for (size_t at = first->find("PK\x01\x02"); at != std::string::npos;
       at = first->find("PK\x01\x02", at + 1))
    EXPECT_EQ(first->substr(at + 12, 4), first->substr(first->find("PK\x01\x02") + 12, 4));
}

TEST(WorkbookTest, FormulasAreTextAndHugeAmountsAreExact) {
  d::GetTablesResponse response =
      Units({{"=1+1", INT64_MAX}, {"<&\"甲\">", -10000}, {"乙", 123456789012345678}});
  const auto bytes = WriteWorkbook(response, Shanxi(), {true});
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  const auto files = Unzip(*bytes);
  const auto cells = Cells(files, 1);
  EXPECT_EQ(cells.at("A1").value, "预算公开表11");
  EXPECT_EQ(cells.at("A3").value, "单位名称：甲局");
  EXPECT_EQ(cells.at("E3").value, "单位：万元");
  EXPECT_TRUE(cells.at("A6").text);
  EXPECT_EQ(cells.at("A6").value, "=1+1");
  // No double is this amount: what is printed stands there as text.
  EXPECT_TRUE(cells.at("B6").text);
  EXPECT_EQ(cells.at("B6").value, "9223372036854.78");
  EXPECT_EQ(cells.at("A7").value, "<&\"甲\">");
  EXPECT_FALSE(cells.at("B7").text);
  EXPECT_EQ(cells.at("B7").value, "-0.01");
  EXPECT_TRUE(cells.at("B8").text);
}

TEST(WorkbookTest, PagesAreAsTheFormPrintsThem) {
  d::GetTablesResponse response = Response(Document(kReference));
  response.mutable_narrative()->add_sentences("支出预算880.87万元。");
  const auto bytes = WriteWorkbook(response, Shanxi(), {});
  ASSERT_TRUE(bytes.ok());
  const auto files = Unzip(*bytes);
  EXPECT_THAT(files.at("xl/workbook.xml"), HasSubstr("name=\"表12\""));
  EXPECT_THAT(files.at("xl/workbook.xml"), HasSubstr("name=\"情况说明\""));
  EXPECT_THAT(files.at("xl/worksheets/sheet1.xml"), HasSubstr("paperSize=\"9\""));
  EXPECT_THAT(files.at("xl/worksheets/sheet1.xml"), HasSubstr("orientation=\"portrait\""));
  EXPECT_THAT(files.at("xl/worksheets/sheet2.xml"), HasSubstr("orientation=\"landscape\""));
  // 项目 over code and name, 本年收入 over six columns, 上年结转 over both lines.
  for (const char* merged : {"A4:B4", "C4:H4", "I4:I5", "A2:I2", "A6:B6"})
    EXPECT_THAT(files.at("xl/worksheets/sheet2.xml"),
                HasSubstr(absl::StrCat("ref=\"", merged, "\"")));
  // Of an empty table: its 合计 and the note.
  EXPECT_THAT(files.at("xl/sharedStrings.xml"), HasSubstr("注：本表无数据"));
}

}  // namespace
}  // namespace fiscal::cli
