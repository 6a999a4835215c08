// Reading of spreadsheets: what a cell holds, and every way a file can be bad.
#include <random>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "clients/sheets/csv.h"
#include "clients/sheets/decimal.h"
#include "clients/sheets/kept_text.h"
#include "clients/sheets/number_format.h"
#include "clients/sheets/xlsx.h"
#include "gtest/gtest.h"
#include "tests/clients/sheets/workbooks.h"

namespace fiscal::sheets {
namespace {

using ::fiscal::testing::FillSheet;
using ::fiscal::testing::Parts;
using ::fiscal::testing::RawWorkbook;
using ::fiscal::testing::WriteWorkbook;
using ::fiscal::testing::Zip;

// "A1 x; B1 #12" of a sheet: numbers with #, dates @, disguised numbers ~, booleans ?, errors !,
// formulas without value =.
std::string Show(const Sheet& sheet) {
  std::string out;
  for (const Row& row : sheet.rows) {
    for (const Cell& cell : row.cells) {
      absl::StrAppend(&out, out.empty() ? "" : "; ", ColumnName(cell.column), row.number, " ",
                      std::string(1, " #@~?!="[static_cast<size_t>(cell.kind)]), cell.text);
    }
  }
  return out;
}

std::string ShowXlsx(const std::string& bytes, const XlsxLimits& limits = {}) {
  const auto sheets = ReadXlsx(bytes, limits);
  if (!sheets.ok()) return absl::StrCat("refused: ", std::string(sheets.status().message()));
  std::string out;
  for (const Sheet& sheet : *sheets) {
    absl::StrAppend(&out, out.empty() ? "" : " | ", sheet.name, sheet.hidden ? " (hidden)" : "",
                    ": ", Show(sheet));
  }
  return out;
}

std::string ShowRaw(absl::string_view sheet_xml) { return ShowXlsx(Zip(RawWorkbook(sheet_xml))); }

// The cells of row 1.
std::string ShowCells(absl::string_view cells_xml) {
  return ShowRaw(
      absl::StrCat("<sheetData><row r=\"1\">", std::string(cells_xml), "</row></sheetData>"));
}

std::string ShowCsv(absl::string_view bytes, const CsvLimits& limits = {}) {
  const auto sheet = ReadCsv(bytes, limits);
  return sheet.ok() ? Show(*sheet)
                    : absl::StrCat("refused: ", std::string(sheet.status().message()));
}

// The parts with one of them replaced, or removed where `content` is empty.
Parts With(const std::string& name, const std::string& content) {
  Parts parts = RawWorkbook("<sheetData/>");
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].first != name) continue;
    parts[i].second = content;
    if (content.empty()) parts.erase(parts.begin() + static_cast<long>(i));
    break;
  }
  return parts;
}

TEST(SheetTest, ColumnsAreNamedAsSpreadsheetsDo) {
  EXPECT_EQ(ColumnName(0), "A");
  EXPECT_EQ(ColumnName(25), "Z");
  EXPECT_EQ(ColumnName(26), "AA");
  EXPECT_EQ(ColumnName(701), "ZZ");
  EXPECT_EQ(ColumnName(16383), "XFD");
}

TEST(DecimalTest, IsExact) {
  auto read = [](absl::string_view text, int digits, int places) {
    const auto value = ParseDecimal(text);
    if (!value) return std::string("no number");
    const Decimal rounded = Rounded(*value, digits);
    const auto scaled = Scaled(rounded, places);
    return absl::StrCat(Print(rounded), " ", Decimals(rounded), " ",
                        scaled ? absl::StrCat(*scaled) : "none");
  };
  EXPECT_EQ(read("0", 15, 2), "0 0 0");
  EXPECT_EQ(read("-0.00", 15, 2), "0 0 0");
  EXPECT_EQ(read("0012.50", 15, 2), "12.5 1 1250");
  EXPECT_EQ(read("-.5", 15, 2), "no number");
  EXPECT_EQ(read("5.", 15, 2), "no number");
  EXPECT_EQ(read("1e3", 15, 2), "1000 0 100000");
  EXPECT_EQ(read("1.5E-3", 15, 2), "0.0015 4 none");
  EXPECT_EQ(read("1234.5600000000001", 15, 2), "1234.56 2 123456");
  EXPECT_EQ(read("1234.5599999999999", 15, 2), "1234.56 2 123456");
  EXPECT_EQ(read("0.30000000000000004", 15, 2), "0.3 1 30");
  EXPECT_EQ(read("1234.567", 15, 2), "1234.567 3 none");
  EXPECT_EQ(read("1234.5649999999999", 15, 2), "1234.565 3 none");
  EXPECT_EQ(read("999999999999999.96", 15, 2), "1000000000000000 0 100000000000000000");
  EXPECT_EQ(read("92233720368547758.07", 19, 2), "92233720368547758.07 2 9223372036854775807");
  EXPECT_EQ(read("-92233720368547758.08", 19, 2), "-92233720368547758.08 2 -9223372036854775808");
  EXPECT_EQ(read("92233720368547758.08", 19, 2), "92233720368547758.08 2 none");
  EXPECT_EQ(read("1e400", 15, 2).substr(0, 4), "1000");
  EXPECT_EQ(read("1e401", 15, 2), "no number");
  EXPECT_EQ(read("1e99999999999", 15, 2), "no number");
  EXPECT_EQ(read("nan", 15, 2), "no number");
  EXPECT_EQ(read("0x10", 15, 2), "no number");
  EXPECT_EQ(read(" 1", 15, 2), "no number");
  EXPECT_EQ(read("", 15, 2), "no number");
  EXPECT_EQ(read(std::string(100'000, '1'), 15, 2), "no number");
}

// Whatever fen a double holds to 15 digits comes back from the 17 digits it is written with.
TEST(DecimalTest, EveryAmountSurvivesANumberCell) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 200'000; ++i) {
    const int64_t fen = static_cast<int64_t>(random() % 999'999'999'999'999) >> (random() % 50);
    char text[64];
    std::snprintf(text, sizeof(text), "%.17g", static_cast<double>(fen) / 100.0);
    const auto back = Scaled(Rounded(*ParseDecimal(text), kNumberCellDigits), 2);
    ASSERT_EQ(back, fen) << text;
  }
}

TEST(NumberFormatTest, SaysWhatAPersonSees) {
  auto show = [](absl::string_view code) {
    const NumberFormat f = ReadFormat(code);
    return absl::StrCat(f.date ? "date " : "", f.scaled ? "scaled " : "", f.whole_digits_min);
  };
  EXPECT_EQ(show("General"), "1");
  EXPECT_EQ(show("G/通用格式"), "1");
  EXPECT_EQ(show("@"), "1");
  EXPECT_EQ(show("#,##0.00_ ;[Red]\\-#,##0.00\\ "), "1");
  EXPECT_EQ(show("_ ¥* #,##0.00_ ;_ ¥* \\-#,##0.00_ ;_ ¥* \"-\"??_ ;_ @_ "), "1");
  EXPECT_EQ(show("0.00\"元\""), "1");
  EXPECT_EQ(show("000000"), "6");
  EXPECT_EQ(show("0%"), "scaled 1");
  EXPECT_EQ(show("#,##0,"), "scaled 1");
  EXPECT_EQ(show("0.0,\"千\""), "scaled 1");
  EXPECT_EQ(show("0!.0,\"万\""), "scaled 2");
  EXPECT_EQ(show("0\\.0000"), "scaled 5");
  EXPECT_EQ(show("0\".\"0000"), "scaled 5");
  EXPECT_EQ(show("yyyy\\-mm\\-dd"), "date 1");
  EXPECT_EQ(show("[$-804]yyyy\"年\"m\"月\""), "date 1");
  EXPECT_EQ(show("[h]:mm"), "date 1");
  EXPECT_EQ(show("[Red]0.00"), "1");
  EXPECT_EQ(show("\"date\"0"), "1");
  EXPECT_EQ(show("\"open"), "1");
  EXPECT_EQ(show("[open"), "1");
  EXPECT_EQ(show("\\"), "1");
}

TEST(CsvTest, Cells) {
  EXPECT_EQ(ShowCsv("a,b\n1,2\n"), "A1  a; B1  b; A2  1; B2  2");
  EXPECT_EQ(ShowCsv("\xef\xbb\xbf"
                    "单位代码,\"a \"\"b\"\",\nc\"\r\n\r\n,,x"),
            "A1  单位代码; B1  a \"b\",\nc; A4  ; B4  ; C4  x");
  EXPECT_EQ(ShowCsv(""), "");
  EXPECT_EQ(ShowCsv("a"), "A1  a");
}

TEST(CsvTest, Gb18030) {
  // 单位代码, 金额（元） in GBK; then a character that only GB18030 has, in four bytes (U+3400).
  EXPECT_EQ(ShowCsv("\xb5\xa5\xce\xbb\xb4\xfa\xc2\xeb,\xbd\xf0\xb6\xee\xa3\xa8\xd4\xaa\xa3\xa9\n"),
            "A1  单位代码; B1  金额（元）");
  EXPECT_EQ(ShowCsv("\x81\x39\xee\x39,x\n"), "A1  㐀; B1  x");
  // More than one buffer of it.
  std::string long_text;
  for (int i = 0; i < 20'000; ++i) long_text += "\xb5\xa5";
  EXPECT_EQ(ShowCsv(long_text).size(), 4u + 60'000);
}

TEST(CsvTest, BadTextIsNamedByLine) {
  EXPECT_EQ(ShowCsv("a\nb\xff\n"), "refused: line 2: the text is neither UTF-8 nor GB18030");
  EXPECT_EQ(ShowCsv("\xb5\xa5\n\xb5"), "refused: line 2: the text is neither UTF-8 nor GB18030");
  EXPECT_EQ(ShowCsv("\xef\xbb\xbf"
                    "a\n\xb5\xa5\n"),
            "refused: line 2: the text is not UTF-8, as its mark says");
  EXPECT_EQ(ShowCsv(absl::string_view("a\nb\0c\n", 6)),
            "refused: line 2: a zero byte; this is no text");
  EXPECT_EQ(ShowCsv(absl::string_view("\xff\xfe"
                                      "a\0",
                                      4)),
            "refused: line 1: the text is UTF-16; save it as CSV in UTF-8");
  EXPECT_EQ(ShowCsv("a\n\"b\n\nc"), "refused: line 2: a quote is not closed");
  EXPECT_EQ(ShowCsv("a\n\"b\nc\"d\n"), "refused: line 3: text follows a closing quote");
  CsvLimits few;
  few.cells_max = 3;
  EXPECT_EQ(ShowCsv("a,b\nc,d\n", few), "refused: line 2: more than 3 cells");
  few.bytes_max = 2;
  EXPECT_EQ(ShowCsv("a,b", few), "refused: larger than 0 MB; cut it into several files");
}

TEST(XlsxTest, WhatASpreadsheetProgramWrites) {
  const std::string bytes = WriteWorkbook([](lxw_workbook* workbook) {
    FillSheet(workbook, "明细", {{"单位代码", "金额（元）"}, {}, {"'031001", "1234.56"}});
    lxw_worksheet* other = workbook_add_worksheet(workbook, "other");
    worksheet_write_boolean(other, 0, 0, 1, nullptr);
    worksheet_write_formula(other, 0, 1, "=1+1", nullptr);
    worksheet_write_formula_num(other, 0, 2, "=1+1", nullptr, 2);
    lxw_format* date = workbook_add_format(workbook);
    format_set_num_format(date, "yyyy-mm-dd");
    worksheet_write_number(other, 0, 3, 45352, date);
    worksheet_write_blank(other, 0, 4, date);
    worksheet_merge_range(other, 2, 0, 3, 1, "merged", nullptr);
    FillSheet(workbook, "hidden", {{"x"}});
    worksheet_hide(workbook_get_worksheet_by_name(workbook, "hidden"));
    workbook_add_chartsheet(workbook, "chart");
  });
  // Its formulas are uncached: the file says that it must be computed when it is opened.
  EXPECT_EQ(ShowXlsx(bytes),
            "明细: A1  单位代码; B1  金额（元）; A3  031001; B3 #1234.56 | other: A1 ?TRUE; B1 =; "
            "C1 =; D1 @45352; A3  merged | hidden (hidden): A1  x");
  const auto sheets = ReadXlsx(bytes);
  ASSERT_TRUE(sheets.ok());
  ASSERT_EQ((*sheets)[1].merged.size(), 1u);
  const Area& area = (*sheets)[1].merged[0];
  EXPECT_EQ(absl::StrCat(area.first_row, " ", area.last_row, " ", area.first_column, " ",
                         area.last_column),
            "3 4 0 1");
}

TEST(XlsxTest, Cells) {
  EXPECT_EQ(ShowCells("<c t=\"s\"><v>0</v></c><c t=\"s\"><v>2</v></c>"), "明细: A1  A; B1  C D");
  EXPECT_EQ(ShowCells("<c r=\"C1\"><v>1</v></c><c><v>2</v></c>"), "明细: C1 #1; D1 #2");
  EXPECT_EQ(ShowCells("<c t=\"inlineStr\"><is><r><t>x</t></r><rPh><t>y</t></rPh><t>z</t></is></c>"),
            "明细: A1  xz");
  EXPECT_EQ(ShowCells("<c t=\"str\"><f>A2</f><v>a_x000D_b_x005F_x_x12</v></c>"),
            "明细: A1  a\rb_x_x12");
  EXPECT_EQ(ShowCells("<c><f>1+1</f><v>2</v></c>"), "明细: A1 #2");
  EXPECT_EQ(ShowCells("<c><f>1+1</f></c><c><f>1+1</f><v></v></c><c t=\"str\"><f>x</f></c>"),
            "明细: A1 =; B1 =; C1 =");
  EXPECT_EQ(ShowCells("<c t=\"str\"><f>\"\"</f><v></v></c>"), "明细: ");
  EXPECT_EQ(ShowCells("<c t=\"e\"><v>#REF!</v></c><c t=\"e\"><f>x</f><v>#N/A</v></c>"),
            "明细: A1 !#REF!; B1 !#N/A");
  EXPECT_EQ(ShowCells("<c t=\"b\"><v>0</v></c><c t=\"d\"><v>2024-01-01</v></c>"),
            "明细: A1 ?FALSE; B1 @2024-01-01");
  EXPECT_EQ(ShowCells("<c s=\"1\"><v>45352</v></c><c s=\"2\"><v>0.5</v></c>"
                      "<c s=\"3\"><v>31001</v></c><c s=\"3\"><v>131001</v></c>"
                      "<c s=\"4\"><v>12345</v></c><c s=\"99\"><v>7</v></c>"),
            "明细: A1 @45352; B1 ~0.5; C1 ~31001; D1 #131001; E1 ~12345; F1 #7");
  EXPECT_EQ(ShowCells("<c s=\"1\"/><c><v/></c><c t=\"inlineStr\"><is><t/></is></c>"), "明细: ");
  EXPECT_EQ(ShowCells("<c><x:v xmlns:x=\"urn:x\">1</x:v><v>2</v></c>"), "明细: A1 #2");
  EXPECT_EQ(ShowRaw("<sheetData><row><c><v>1</v></c></row><row r=\"7\"/><row><c><v>2</v></c></row>"
                    "</sheetData>"),
            "明细: A1 #1; A8 #2");
}

TEST(XlsxTest, BadSheetsAreNamedByPartAndLine) {
  const std::string part = "refused: part xl/worksheets/sheet1.xml, line 1: ";
  EXPECT_EQ(ShowRaw("<sheetData>"), part + "mismatched tag");
  EXPECT_EQ(ShowCells("<c t=\"s\"><v>3</v></c>"),
            part + "cell A1 refers to a shared string that is missing");
  EXPECT_EQ(ShowCells("<c t=\"s\"><v>-1</v></c>"),
            part + "cell A1 refers to a shared string that is missing");
  EXPECT_EQ(ShowCells("<c t=\"z\"><v>1</v></c>"), part + "cell A1 is of unknown type \"z\"");
  for (const char* address :
       {"A2", "1A", "A", "1", "XFE1", "a1", "A0", "A99999999999", "A1x", "ZZZZZZZZZZZZZZZZZZZZ1"}) {
    EXPECT_EQ(ShowCells(absl::StrCat("<c r=\"", address, "\"><v>1</v></c>")),
              absl::StrCat(part, "cell \"", address, "\" is not one of row 1"));
  }
  EXPECT_EQ(ShowCells("<c r=\"B1\"><v>1</v></c><c r=\"B1\"><v>2</v></c>"),
            part + "cell B1 is not behind the one before it");
  EXPECT_EQ(ShowCells("<c r=\"XFD1\"><v>1</v></c><c><v>2</v></c>"),
            part + "cell XFE1 is not behind the one before it");
  EXPECT_EQ(ShowRaw("<sheetData><row r=\"2\"/><row r=\"2\"/></sheetData>"),
            part + "row 2 stands behind row 2");
  EXPECT_EQ(ShowRaw("<sheetData><row r=\"1048577\"/></sheetData>"),
            part + "row 1048577 stands behind row 0");
  EXPECT_EQ(ShowRaw("<sheetData><row r=\"x\"/></sheetData>"), part + "row \"x\" has no number");
  for (const char* area : {"A1:B", "B1:A1", "A2:A1", "A1:B2:C3", ""}) {
    EXPECT_EQ(ShowRaw(absl::StrCat("<mergeCells><mergeCell ref=\"", area, "\"/></mergeCells>")),
              absl::StrCat(part, "merged cells \"", area, "\" are no area"));
  }
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "<a>";
  EXPECT_EQ(ShowRaw(deep), part + "elements are nested more than 64 deep");
}

TEST(XlsxTest, NoDocumentTypesAndNoEntities) {
  const std::string laughs =
      "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]><worksheet "
      "xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">&b;</worksheet>";
  EXPECT_EQ(ShowXlsx(Zip(With("xl/worksheets/sheet1.xml", laughs))),
            "refused: part xl/worksheets/sheet1.xml, line 1: it declares a document type, which no "
            "workbook does");
  EXPECT_EQ(ShowXlsx(Zip(
                With("xl/sharedStrings.xml", "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><sst/>"))),
            "refused: part xl/sharedStrings.xml, line 1: it declares a document type, which no "
            "workbook does");
  EXPECT_EQ(ShowRaw("&undefined;"),
            "refused: part xl/worksheets/sheet1.xml, line 1: undefined entity");
}

TEST(XlsxTest, BadPackages) {
  EXPECT_EQ(ShowXlsx(Zip(With("_rels/.rels", ""))), "refused: part _rels/.rels is missing");
  EXPECT_EQ(ShowXlsx(Zip(With("xl/workbook.xml", ""))), "refused: part xl/workbook.xml is missing");
  EXPECT_EQ(ShowXlsx(Zip(With("xl/_rels/workbook.xml.rels", ""))),
            "refused: part xl/_rels/workbook.xml.rels is missing");
  EXPECT_EQ(ShowXlsx(Zip(With("xl/worksheets/sheet1.xml", ""))),
            "refused: part xl/worksheets/sheet1.xml is missing");
  EXPECT_EQ(ShowXlsx(Zip(With("xl/sharedStrings.xml", ""))),
            "refused: part xl/sharedStrings.xml is missing");
  EXPECT_EQ(ShowXlsx(Zip(With("_rels/.rels", "<x/>"))), "refused: the archive is no workbook");
  EXPECT_EQ(
      ShowXlsx(Zip(With("xl/_rels/workbook.xml.rels",
                        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/"
                        "relationships\"/>"))),
      "refused: sheet 明细 has no part");
  EXPECT_EQ(ShowXlsx(Zip({{"a.txt", "hello"}})), "refused: part _rels/.rels is missing");
  EXPECT_EQ(ShowXlsx(std::string("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8)),
            "refused: an .xls workbook or one with a password; save it as .xlsx without one");
}

TEST(XlsxTest, DamagedArchives) {
  const std::string good = Zip(RawWorkbook("<sheetData><row><c><v>1</v></c></row></sheetData>"));
  ASSERT_EQ(ShowXlsx(good), "明细: A1 #1");
  EXPECT_TRUE(absl::StartsWith(ShowXlsx(""), "refused: "));
  EXPECT_TRUE(absl::StartsWith(ShowXlsx("garbage"), "refused: no zip archive"));
  for (size_t size = 1; size < good.size(); size += 13)
    EXPECT_TRUE(absl::StartsWith(ShowXlsx(good.substr(0, size)), "refused: ")) << size;
  // A byte changed anywhere is refused, or stands where it does not matter.
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x5a);
    const std::string shown = ShowXlsx(bad);
    EXPECT_TRUE(absl::StartsWith(shown, "refused: ") || shown == "明细: A1 #1") << i << shown;
  }
}

TEST(XlsxTest, WhatItCostsIsBounded) {
  // 64 MB of one element inflate from some 64 KB.
  const std::string bomb =
      Zip(With("xl/worksheets/sheet1.xml", "<worksheet>" + std::string(64 << 20, ' ')));
  ASSERT_LT(bomb.size(), 200'000u);
  XlsxLimits limits;
  limits.inflated_bytes_max = 16 << 20;
  EXPECT_EQ(ShowXlsx(bomb, limits),
            "refused: part xl/worksheets/sheet1.xml: the workbook inflates to more than 16 MB");
  limits = {};
  limits.entries_max = 3;
  EXPECT_EQ(ShowXlsx(Zip(RawWorkbook("")), limits),
            "refused: the archive has 6 entries, more than 3");
  limits = {};
  limits.bytes_max = 10;
  EXPECT_EQ(ShowXlsx(bomb, limits), "refused: larger than 0 MB; cut it into several files");
  const std::string three =
      Zip(RawWorkbook("<sheetData><row><c t=\"s\"><v>2</v></c><c t=\"s\"><v>2</v></c><c "
                      "t=\"s\"><v>2</v></c></row></sheetData><mergeCells><mergeCell "
                      "ref=\"A1:B1\"/><mergeCell ref=\"A2:B2\"/></mergeCells>"));
  const std::string too_much =
      "refused: part xl/worksheets/sheet1.xml, line 1: more cells or text than a workbook to "
      "submit may have; cut it into several";
  limits = {};
  limits.text_bytes_max = 8;
  EXPECT_EQ(ShowXlsx(three, limits), too_much);
  limits.text_bytes_max = 9;
  EXPECT_EQ(ShowXlsx(three, limits), "明细: A1  C D; B1  C D; C1  C D");
  limits.cells_max = 2;
  EXPECT_EQ(ShowXlsx(three, limits),
            "refused: part xl/sharedStrings.xml, line 1: more than 2 shared strings");
  limits = {};
  limits.merged_max = 1;
  EXPECT_EQ(ShowXlsx(three, limits),
            "refused: part xl/worksheets/sheet1.xml, line 1: too many merged cells");
}

TEST(XlsxTest, StrictWorkbooksAreRead) {
  Parts parts = RawWorkbook("<sheetData><row><c t=\"s\"><v>1</v></c></row></sheetData>");
  for (auto& [name, content] : parts) {
    const std::pair<std::string, std::string> names[] = {
        {"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
         "http://purl.oclc.org/ooxml/spreadsheetml/main"},
        {"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
         "http://purl.oclc.org/ooxml/officeDocument/relationships"}};
    for (const auto& [from, to] : names) {
      for (size_t at = content.find(from); at != std::string::npos; at = content.find(from))
        content.replace(at, from.size(), to);
    }
  }
  EXPECT_EQ(ShowXlsx(Zip(parts)), "明细: A1  B");
}

// ---- text that is kept

TEST(KeptTextTest, AnApostropheStandsBeforeWhatWouldBeChanged) {
  for (const char* plain : {"", "甲", "a=b", "1-2", "'", "'甲", "''", "'tis", "\"", "a 'b' c"}) {
    EXPECT_EQ(KeptText(plain), plain);
    EXPECT_EQ(TextOf(plain), plain);
  }
  for (const char* kept : {"=1+1", "+1", "-1", "@a", "＝a", "＋a", "－a", "＠a", " a", "a ", "\ta",
                           "a\n", "　a", "a\u00a0", " ", "'=1", "''-1", "' a", "'a "}) {
    EXPECT_EQ(KeptText(kept), absl::StrCat("'", kept));
    EXPECT_EQ(TextOf(absl::StrCat("'", kept)), kept);
  }
  // Nothing else is undone: blanks that somebody typed are no text, apostrophes are.
  EXPECT_EQ(TextOf(" 甲　"), "甲");
  EXPECT_EQ(TextOf("=1"), "=1");
  EXPECT_EQ(TextOf(" '=1"), "'=1");
}

TEST(KeptTextTest, EveryTextIsReadBack) {
  constexpr const char* kPieces[] = {"'",  "=",      "-", "＠", " ", "\n",
                                     "　", "\u00a0", "a", "\"", ","};
  std::mt19937 random(7);
  for (int i = 0; i < 100000; ++i) {
    std::string text;
    for (uint32_t n = random() % 6; n > 0; --n) text += kPieces[random() % std::size(kPieces)];
    ASSERT_EQ(TextOf(KeptText(text)), text);
    // As a spreadsheet gets it.
    const std::string kept = KeptText(text);
    const absl::StatusOr<Sheet> sheet = ReadCsv(absl::StrCat(kByteOrderMark, CsvLine({"x", kept})));
    ASSERT_TRUE(sheet.ok());
    ASSERT_EQ(sheet->rows[0].cells[1].text, kept);
  }
}

}  // namespace
}  // namespace fiscal::sheets
