// Statutory tables laid out as the form prints them: headings over columns, rows of cells, both
// sides beside each other.
//
//   GetTables --> LayOut --> terminal, CSV, workbook
//
// Plain values that point into the response, which must outlive them.
#ifndef FISCAL_CLIENTS_CLI_PRINT_STATUTORY_GRID_H_
#define FISCAL_CLIENTS_CLI_PRINT_STATUTORY_GRID_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "domain/disclosure/form.h"
#include "fiscal/disclosure/v1/disclosure_service.pb.h"

namespace fiscal::cli {

struct GridColumn {
  enum class Kind : uint8_t { kCode, kName, kAmount };
  Kind kind = Kind::kAmount;
  // Its own heading, without those above it.
  std::string label;
  // True in the right half of a table with two sides.
  bool right_side = false;
};

// A heading over one or more columns and lines.
struct GridHeading {
  int line = 0, column = 0;
  int lines = 1, columns = 1;
  std::string text;
};

struct GridCell {
  // Codes and names; empty where `figure` says all.
  std::string text;
  // nullptr where the cell is no figure.
  const disclosure::v1::StatutoryCell* figure = nullptr;
  // Columns it takes; the cells behind it that it covers are there too, empty.
  int columns = 1;
  // Steps to the right, for trees without codes.
  int indent = 0;
  bool centred = false;
};

struct Grid {
  // The table's place in the form.
  int number = 0;
  std::string title, note;
  disclosure::MoneyUnit unit = disclosure::MoneyUnit::kUnknown;
  bool landscape = false;
  std::vector<GridColumn> columns;
  int heading_lines = 0;
  std::vector<GridHeading> headings;
  std::vector<std::vector<GridCell>> rows;
};

// FAILED_PRECONDITION: the response does not fit the form, so that a figure would have no place.
absl::StatusOr<std::vector<Grid>> LayOut(const disclosure::v1::GetTablesResponse& response,
                                         const disclosure::Form& form);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_PRINT_STATUTORY_GRID_H_
