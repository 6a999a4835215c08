// Spreadsheets: any bytes are budgets or are refused with a place, without a crash. The first byte
// says what the others are: CSV, a whole archive, or the XML of the sheet, the strings or the
// formats of a workbook that is otherwise good.
#include <cstdint>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "clients/cli/read/line_items.h"
#include "tests/clients/sheets/workbooks.h"

namespace {

// A workbook whose nth part from the end is this, or the inside of a sheet.
std::string WorkbookWith(size_t from_end, absl::string_view xml) {
  if (from_end == 0) return fiscal::testing::Zip(fiscal::testing::RawWorkbook(xml));
  fiscal::testing::Parts parts = fiscal::testing::RawWorkbook(
      "<sheetData><row><c t=\"s\"><v>0</v></c><c t=\"s\"><v>2</v></c></row></sheetData>");
  parts[parts.size() - 1 - from_end].second = std::string(xml);
  return fiscal::testing::Zip(parts);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  fiscal::cli::LineItemOptions options;
  if (data[0] & 8) {
    options.division_code = "141100";
    options.agency_code = "101001";
    options.fiscal_year = 2024;
    options.stage = fiscal::budget::v1::STAGE_APPROVED;
  }
  const int kind = data[0] % 8;
  const fiscal::cli::LineItemFile file =
      kind < 4
          ? fiscal::cli::LineItemFile::Read("a.csv", bytes, options)
          : fiscal::cli::LineItemFile::Read(
                "a.xlsx",
                kind == 4 ? std::string(bytes) : WorkbookWith(static_cast<size_t>(kind - 5), bytes),
                options);
  if (file.problem_count() == 0 && file.budgets().empty()) std::abort();
  for (const fiscal::cli::SheetProblem& problem : file.problems()) {
    if (problem.place.empty() || problem.message.empty()) std::abort();
  }
  for (size_t i = 0; i < file.budgets().size(); ++i) {
    const auto& budget = file.budgets()[i];
    if (budget.line_items_size() == 0) std::abort();
    for (int k = 0; k < budget.line_items_size(); ++k) {
      const auto& line = budget.line_items(k);
      if (file.PlaceOf(i, absl::StrCat("line_items[", k, "].amount_fen")).empty()) std::abort();
      if (file.problem_count() == 0 &&
          (line.line_id().empty() || line.amount_fen() % line.precision_fen() != 0))
        std::abort();
    }
  }
  return 0;
}
