#include "base/csv.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace fiscal {

bool CsvReader::EndsCell() const {
  return at_ == text_.size() || text_[at_] == ',' || text_[at_] == '\n' || text_[at_] == '\r';
}

absl::Status CsvReader::ReadQuoted(int row_line, std::string* cell) {
  ++at_;
  while (true) {
    if (at_ == text_.size())
      return absl::InvalidArgumentError(absl::StrCat("line ", row_line, ": a quote is not closed"));
    const char c = text_[at_++];
    if (c == '"') {
      if (at_ == text_.size() || text_[at_] != '"') break;
      ++at_;  // two quotes are one
    }
    if (c == '\n') ++line_;
    *cell += c;
  }
  if (EndsCell()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("line ", line_, ": text follows a closing quote"));
}

absl::Status CsvReader::ReadCell(int row_line, std::string* cell) {
  if (++cells_ > cells_max_)
    return absl::InvalidArgumentError(
        absl::StrCat("line ", line_, ": more than ", cells_max_, " cells"));
  if (at_ < text_.size() && text_[at_] == '"') return ReadQuoted(row_line, cell);
  const size_t start = at_;
  while (!EndsCell()) ++at_;
  *cell = std::string(text_.substr(start, at_ - start));
  return absl::OkStatus();
}

absl::Status CsvReader::ReadRow(CsvRow* row) {
  row->line = line_;
  row->cells.clear();
  bool more = true;
  while (more) {
    FISCAL_RETURN_IF_ERROR(ReadCell(row->line, &row->cells.emplace_back()));
    more = at_ < text_.size() && text_[at_] == ',';
    if (more) ++at_;
  }
  if (at_ < text_.size() && text_[at_] == '\r') ++at_;
  if (at_ < text_.size() && text_[at_] == '\n') ++at_;
  ++line_;
  return absl::OkStatus();
}

absl::StatusOr<bool> CsvReader::Next(CsvRow* row) {
  while (at_ < text_.size()) {
    FISCAL_RETURN_IF_ERROR(ReadRow(row));
    if (row->cells.size() > 1 || !row->cells[0].empty()) return true;
  }
  return false;
}

absl::StatusOr<std::vector<CsvRow>> ParseCsv(absl::string_view text) {
  absl::ConsumePrefix(&text, "\xef\xbb\xbf");
  CsvReader reader(text);
  std::vector<CsvRow> rows;
  CsvRow row;
  while (true) {
    FISCAL_ASSIGN_OR_RETURN(const bool found, reader.Next(&row));
    if (!found) return rows;
    rows.push_back(std::move(row));
  }
}

}  // namespace fiscal
