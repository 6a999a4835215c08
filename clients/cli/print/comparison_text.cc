#include "clients/cli/print/comparison_text.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/print/json.h"
#include "clients/cli/print/text.h"

namespace fiscal::cli {
namespace {

Table ToTable(const TableComparison& comparison) {
  Table table({true, false, false, true, true, true});
  table.Row({"表", "行", "列", "账本", "文件", "文件行"});
  for (const TableDifference& d : comparison.differences) {
    // Codes of several levels may have one name.
    const bool code = !d.row.empty() && absl::ascii_isdigit(static_cast<unsigned char>(d.row[0]));
    table.Row({absl::StrCat(d.table), code ? absl::StrCat(d.row, " ", d.row_label) : d.row_label,
               d.column_label, d.ledger, d.document, d.line == 0 ? "" : absl::StrCat(d.line)});
  }
  return table;
}

}  // namespace

void PrintComparison(const TableComparison& comparison, std::ostream& out) {
  if (!comparison.differences.empty()) ToTable(comparison).Print(out);
  out << comparison.tables << " tables, " << comparison.cells << " cells: ";
  if (comparison.differences.empty()) {
    out << "all equal\n";
  } else {
    out << comparison.differences.size()
        << (comparison.differences.size() == 1 ? " difference\n" : " differences\n");
  }
}

void PrintComparisonCsv(const TableComparison& comparison, std::ostream& out) {
  ToTable(comparison).PrintCsv(out);
}

void PrintComparisonJson(const TableComparison& comparison, std::ostream& out) {
  const Json json = {{"tables", comparison.tables},
                     {"cells", comparison.cells},
                     {"differences", JsonList(comparison.differences, [](const TableDifference& d) {
                        Json object = {{"table", d.table},
                                       {"row", d.row},
                                       {"row_label", d.row_label},
                                       {"column", d.column},
                                       {"column_label", d.column_label},
                                       {"ledger", d.ledger},
                                       {"document", d.document}};
                        AddIfAny("line", d.line, &object);
                        return object;
                      })}};
  out << OneLine(json) << "\n";
}

}  // namespace fiscal::cli
