#include "tests/clients/sheets/workbooks.h"

#include <unistd.h>
#include <zip.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace fiscal::testing {
namespace {

constexpr char kMain[] = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
constexpr char kRelations[] = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

std::string Relationships(const std::vector<std::pair<std::string, std::string>>& targets) {
  std::string xml =
      "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">";
  for (size_t i = 0; i < targets.size(); ++i) {
    absl::StrAppend(&xml, "<Relationship Id=\"rId", i + 1, "\" Type=\"", kRelations, "/",
                    targets[i].first, "\" Target=\"", targets[i].second, "\"/>");
  }
  return xml + "</Relationships>";
}

}  // namespace

std::string WriteWorkbook(const std::function<void(lxw_workbook*)>& fill) {
  // The library writes to paths only.
  std::string path = (std::filesystem::temp_directory_path() / "fiscal-book-XXXXXX").string();
  const int file = mkstemp(path.data());
  if (file < 0) std::abort();
  close(file);
  lxw_workbook* workbook = workbook_new(path.c_str());
  fill(workbook);
  if (workbook_close(workbook) != LXW_NO_ERROR) std::abort();
  std::ifstream in(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  std::filesystem::remove(path);
  return bytes;
}

void FillSheet(lxw_workbook* workbook, const char* name,
               const std::vector<std::vector<std::string>>& rows) {
  lxw_worksheet* sheet = workbook_add_worksheet(workbook, name);
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t c = 0; c < rows[r].size(); ++c) {
      const std::string& text = rows[r][c];
      const auto row = static_cast<lxw_row_t>(r);
      const auto column = static_cast<lxw_col_t>(c);
      double number = 0;
      if (text.empty()) continue;
      if (text[0] != '\'' && absl::SimpleAtod(text, &number)) {
        worksheet_write_number(sheet, row, column, number, nullptr);
      } else {
        worksheet_write_string(sheet, row, column, text.c_str() + (text[0] == '\'' ? 1 : 0),
                               nullptr);
      }
    }
  }
}

std::string Zip(const Parts& parts) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* out = zip_source_buffer_create(nullptr, 0, 0, &error);
  zip_t* archive = zip_open_from_source(out, ZIP_CREATE | ZIP_TRUNCATE, &error);
  if (archive == nullptr) std::abort();
  zip_source_keep(out);
  for (const auto& [name, content] : parts) {
    zip_source_t* part = zip_source_buffer(archive, content.data(), content.size(), 0);
    if (zip_file_add(archive, name.c_str(), part, ZIP_FL_ENC_UTF_8) < 0) std::abort();
  }
  if (zip_close(archive) != 0) std::abort();
  zip_stat_t stat;
  zip_source_stat(out, &stat);
  std::string bytes(stat.size, '\0');
  zip_source_open(out);
  if (zip_source_read(out, bytes.data(), bytes.size()) != static_cast<zip_int64_t>(bytes.size()))
    std::abort();
  zip_source_close(out);
  zip_source_free(out);
  return bytes;
}

Parts RawWorkbook(absl::string_view sheet_xml) {
  return {
      {"_rels/.rels", Relationships({{"officeDocument", "xl/workbook.xml"}})},
      {"xl/workbook.xml",
       absl::StrCat(
           "<workbook xmlns=\"", kMain, "\" xmlns:r=\"", kRelations,
           "\"><sheets><sheet name=\"明细\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>")},
      {"xl/_rels/workbook.xml.rels", Relationships({{"worksheet", "worksheets/sheet1.xml"},
                                                    {"sharedStrings", "/xl/sharedStrings.xml"},
                                                    {"styles", "./styles.xml"}})},
      {"xl/sharedStrings.xml",
       absl::StrCat("<sst xmlns=\"", kMain,
                    "\"><si><t>A</t></si><si><t>B</t></si><si><r><t>C</t></r>",
                    "<r><t xml:space=\"preserve\"> D</t></r><rPh sb=\"0\" "
                    "eb=\"1\"><t>x</t></rPh></si></sst>")},
      {"xl/styles.xml",
       absl::StrCat(
           "<styleSheet xmlns=\"", kMain,
           "\"><numFmts><numFmt numFmtId=\"200\" formatCode=\"000000\"/><numFmt numFmtId=\"201\" "
           "formatCode=\"0!.0,&quot;万&quot;\"/></numFmts><cellStyleXfs><xf "
           "numFmtId=\"14\"/></cellStyleXfs>",
           "<cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"10\"/><xf "
           "numFmtId=\"200\"/>",
           "<xf numFmtId=\"201\"/></cellXfs></styleSheet>")},
      {"xl/worksheets/sheet1.xml",
       absl::StrCat("<worksheet xmlns=\"", kMain, "\">", std::string(sheet_xml), "</worksheet>")},
  };
}

}  // namespace fiscal::testing
