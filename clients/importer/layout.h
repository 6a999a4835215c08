// Rows of a table as cells in the columns of its form, from lines with tabs and from lines laid out
// by blanks.
//
//   TextTable --> rows of cells --> reader.h
//
// Laid out lines have no cells: figures are put into columns by where they stand on each page.
// Where columns are blank, so that more than one place is possible, headings decide; where they
// don't, the sums that rows and trees must make; what is still open is refused.
#ifndef FISCAL_CLIENTS_IMPORTER_LAYOUT_H_
#define FISCAL_CLIENTS_IMPORTER_LAYOUT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/importer/text.h"

namespace fiscal::importer {

struct TextRow {
  // From 1.
  int line = 0;
  // As many as the layout has: code, name and figures; two names and figures; label, figure, label
  // and figures; ...
  std::vector<std::string> cells;
  // The line of each cell's figure where rows are broken over lines.
  std::vector<int> lines;
};

// Headings are left out. INVALID_ARGUMENT names table, line and reason.
absl::StatusOr<std::vector<TextRow>> CutRows(const TextTable& table);

}  // namespace fiscal::importer

#endif  // FISCAL_CLIENTS_IMPORTER_LAYOUT_H_
