#include "clients/cli/csv.h"

#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "clients/cli/names.h"
#include "clients/sheets/csv.h"

namespace fiscal::cli {

absl::StatusOr<std::vector<catalog::v1::CatalogEntry>> ReadEntries(const std::string& text,
                                                                   catalog::v1::CatalogList list) {
  const absl::StatusOr<sheets::Sheet> sheet = sheets::ReadCsv(text);
  if (!sheet.ok()) return sheet.status();
  const std::vector<sheets::Row>& rows = sheet->rows;
  if (rows.empty()) return absl::InvalidArgumentError("line 1: a heading row is missing");
  std::map<std::string, size_t> columns;
  for (size_t i = 0; i < rows[0].cells.size(); ++i) {
    columns[absl::AsciiStrToLower(std::string(absl::StripAsciiWhitespace(rows[0].cells[i].text)))] =
        i;
  }
  if (columns.count("parent") > 0) columns.emplace("parent_code", columns["parent"]);
  std::vector<std::string> required = {"code", "name"};
  const bool agencies = list == catalog::v1::CATALOG_LIST_AGENCY;
  required.push_back(agencies ? "department_code" : "parent_code");
  for (const std::string& name : required) {
    if (columns.count(name) == 0)
      return absl::InvalidArgumentError(absl::StrCat("line 1: column ", name, " is missing"));
  }
  std::vector<catalog::v1::CatalogEntry> entries;
  for (size_t r = 1; r < rows.size(); ++r) {
    const sheets::Row& row = rows[r];
    if (row.cells.size() != rows[0].cells.size()) {
      return absl::InvalidArgumentError(absl::StrCat("line ", row.number, ": ", row.cells.size(),
                                                     " cells, the heading has ",
                                                     rows[0].cells.size()));
    }
    auto cell = [&](const std::string& name) {
      auto it = columns.find(name);
      return it == columns.end()
                 ? std::string()
                 : std::string(absl::StripAsciiWhitespace(row.cells[it->second].text));
    };
    catalog::v1::CatalogEntry e;
    e.set_code(cell("code"));
    e.set_name(cell("name"));
    if (e.code().empty())
      return absl::InvalidArgumentError(
          absl::StrCat("line ", row.number, ", column code: is empty"));
    if (e.name().empty())
      return absl::InvalidArgumentError(
          absl::StrCat("line ", row.number, ", column name: is empty"));
    if (!agencies) e.set_parent_code(cell("parent_code"));
    if (agencies) {
      e.set_department_code(cell("department_code"));
      if (e.department_code().empty()) {
        return absl::InvalidArgumentError(
            absl::StrCat("line ", row.number, ", column department_code: is empty"));
      }
      if (!cell("kind").empty()) {
        const auto kind = ParseAgencyKind(cell("kind"));
        if (!kind) {
          return absl::InvalidArgumentError(absl::StrCat("line ", row.number, ", column kind: \"",
                                                         cell("kind"),
                                                         "\" is not 行政, 参公 or 事业"));
        }
        e.set_kind(*kind);
      }
      e.set_valid_from(cell("valid_from"));
      e.set_valid_to(cell("valid_to"));
      const std::string must = absl::AsciiStrToLower(cell("must_report"));
      if (must == "true" || must == "1" || must == "yes" || must == "是") {
        e.set_must_report(true);
      } else if (!must.empty() && must != "false" && must != "0" && must != "no" && must != "否") {
        return absl::InvalidArgumentError(absl::StrCat(
            "line ", row.number, ", column must_report: \"", must, "\" is neither true nor false"));
      }
    }
    for (absl::string_view alias : absl::StrSplit(cell("aliases"), '|', absl::SkipEmpty()))
      e.add_aliases(std::string(alias));
    entries.push_back(std::move(e));
  }
  if (entries.empty()) return absl::InvalidArgumentError("the list has no entries");
  return entries;
}

}  // namespace fiscal::cli
