// Text cut into tables, with cells at the positions they were printed at: a blank is not a dropped column.
#ifndef FISCAL_CLIENTS_IMPORTER_DOCUMENT_H_
#define FISCAL_CLIENTS_IMPORTER_DOCUMENT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "clients/importer/money.h"

namespace fiscal::importer {

struct TextRow {
  // From 1.
  int line = 0;
  // Without leading and trailing blanks; at least one.
  std::vector<std::string> cells;
};

struct RawTable {
  // 1 to 13, by its title; printed labels are not relied on.
  int number = 0;
  std::string title;
  int title_line = 0;
  DocumentUnit unit = DocumentUnit::kUnknown;
  std::string department_name;
  // 注：本表无数据.
  bool says_empty = false;
  std::vector<TextRow> rows;
};

struct Document {
  std::vector<RawTable> tables;
  // Rows with cells after the tables: narrative tables and performance forms.
  std::vector<TextRow> after;
  std::string department_name;
  int fiscal_year = 0;
};

// INVALID_ARGUMENT names line and reason: not UTF-8, a table twice, tables missing, text between rows, no unit.
absl::StatusOr<Document> ReadDocument(absl::string_view text);

}  // namespace fiscal::importer

#endif  // FISCAL_CLIENTS_IMPORTER_DOCUMENT_H_
