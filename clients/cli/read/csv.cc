#include "clients/cli/read/csv.h"

#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "clients/cli/read/names.h"
#include "clients/sheets/csv.h"

namespace fiscal::cli {

namespace {

// The rows of a list by the names in its heading.
class ListRows {
 public:
  explicit ListRows(const std::vector<sheets::Row>& rows) : rows_(rows) {
    for (size_t i = 0; i < rows[0].cells.size(); ++i) {
      const std::string name(absl::StripAsciiWhitespace(rows[0].cells[i].text));
      columns_[absl::AsciiStrToLower(name)] = i;
    }
    if (columns_.count("parent") > 0) columns_.emplace("parent_code", columns_["parent"]);
  }

  bool Has(const std::string& column) const { return columns_.count(column) > 0; }
  bool Next() { return ++at_ < rows_.size(); }
  const sheets::Row& row() const { return rows_[at_]; }
  // Empty where there is no such column.
  std::string Cell(const std::string& column) const {
    auto it = columns_.find(column);
    if (it == columns_.end()) return "";
    return std::string(absl::StripAsciiWhitespace(row().cells[it->second].text));
  }
  absl::Status Wrong(absl::string_view column, absl::string_view what) const {
    return absl::InvalidArgumentError(
        absl::StrCat("line ", row().number, ", column ", column, ": ", what));
  }

 private:
  const std::vector<sheets::Row>& rows_;
  std::map<std::string, size_t> columns_;
  size_t at_ = 0;
};

absl::Status ReadAgency(const ListRows& rows, catalog::v1::CatalogEntry* e) {
  e->set_department_code(rows.Cell("department_code"));
  if (e->department_code().empty()) return rows.Wrong("department_code", "is empty");
  if (const std::string text = rows.Cell("kind"); !text.empty()) {
    const auto kind = ParseAgencyKind(text);
    if (!kind) return rows.Wrong("kind", absl::StrCat("\"", text, "\" is not 行政, 参公 or 事业"));
    e->set_kind(*kind);
  }
  e->set_valid_from(rows.Cell("valid_from"));
  e->set_valid_to(rows.Cell("valid_to"));
  const std::string must = absl::AsciiStrToLower(rows.Cell("must_report"));
  if (must == "true" || must == "1" || must == "yes" || must == "是") {
    e->set_must_report(true);
  } else if (!must.empty() && must != "false" && must != "0" && must != "no" && must != "否") {
    return rows.Wrong("must_report", absl::StrCat("\"", must, "\" is neither true nor false"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<catalog::v1::CatalogEntry>> ReadEntries(const std::string& text,
                                                                   catalog::v1::CatalogList list) {
  FISCAL_ASSIGN_OR_RETURN(const sheets::Sheet sheet, sheets::ReadCsv(text));
  if (sheet.rows.empty()) return absl::InvalidArgumentError("line 1: a heading row is missing");
  const size_t columns = sheet.rows[0].cells.size();
  ListRows rows(sheet.rows);
  const bool agencies = list == catalog::v1::CATALOG_LIST_AGENCY;
  for (const char* name : {"code", "name", agencies ? "department_code" : "parent_code"}) {
    if (!rows.Has(name))
      return absl::InvalidArgumentError(absl::StrCat("line 1: column ", name, " is missing"));
  }
  std::vector<catalog::v1::CatalogEntry> entries;
  while (rows.Next()) {
    if (const size_t cells = rows.row().cells.size(); cells != columns) {
      return absl::InvalidArgumentError(absl::StrCat("line ", rows.row().number, ": ", cells,
                                                     " cells, the heading has ", columns));
    }
    catalog::v1::CatalogEntry e;
    e.set_code(rows.Cell("code"));
    e.set_name(rows.Cell("name"));
    if (e.code().empty()) return rows.Wrong("code", "is empty");
    if (e.name().empty()) return rows.Wrong("name", "is empty");
    if (agencies) {
      FISCAL_RETURN_IF_ERROR(ReadAgency(rows, &e));
    } else {
      e.set_parent_code(rows.Cell("parent_code"));
    }
    for (absl::string_view alias : absl::StrSplit(rows.Cell("aliases"), '|', absl::SkipEmpty()))
      e.add_aliases(std::string(alias));
    entries.push_back(std::move(e));
  }
  if (entries.empty()) return absl::InvalidArgumentError("the list has no entries");
  return entries;
}

}  // namespace fiscal::cli
