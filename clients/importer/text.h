// Text cut into lines whose pieces keep the places they were printed at, and lines into tables: a
// blank is not a dropped column.
//
//   text (from a file, or from PDF by pdf.h) --> Text --> reader.h
#ifndef FISCAL_CLIENTS_IMPORTER_TEXT_H_
#define FISCAL_CLIENTS_IMPORTER_TEXT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "domain/disclosure/form.h"
#include "domain/disclosure/money.h"

namespace fiscal::importer {

using disclosure::MoneyUnit;

// A run of characters without a blank, at its place in the line.
struct Piece {
  std::string text;
  std::string folded;
  // First character and the one after the last, counted in characters.
  int x0 = 0;
  int x1 = 0;
  // An amount, or a dash in the place of one.
  bool figure = false;
};

struct TextLine {
  // From 1.
  int number = 0;
  // The first of a page.
  bool page_start = false;
  bool tabbed = false;
  // The whole line folded.
  std::string folded;
  // The cells of a line with tabs, trimmed, as many as were printed.
  std::vector<std::string> cells;
  // The pieces of a line without tabs.
  std::vector<Piece> pieces;
};

// A table's lines, without title and what names department and unit.
struct TextTable {
  const disclosure::FormTable* form = nullptr;
  std::string title;
  int title_line = 0;
  MoneyUnit unit = MoneyUnit::kUnknown;
  std::string department_name;
  bool says_empty = false;
  std::vector<TextLine> lines;
};

struct Text {
  const disclosure::Form* form = nullptr;
  int fiscal_year = 0;
  std::string department_name;
  // It is of a department with its units, by its own words.
  bool department = true;
  // In the form's order.
  std::vector<TextTable> tables;
  // Everything else, in order.
  std::vector<TextLine> rest;
  // Numbered labels of tables as printed.
  std::vector<std::string> labels;
};

// INVALID_ARGUMENT names line and reason: not UTF-8, no form's tables, a table twice or out of
// order, no unit.
absl::StatusOr<Text> CutText(absl::string_view text, const std::vector<disclosure::Form>& forms);

}  // namespace fiscal::importer

#endif  // FISCAL_CLIENTS_IMPORTER_TEXT_H_
