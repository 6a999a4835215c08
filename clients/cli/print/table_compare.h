// Compares what the ledger says with what a document prints, cell by cell.
//
//   GetTables + importer::Read --> CompareTables --> fiscal tables --compare
//
// Figures are equal when the texts are, whatever their width and separators; blank, 0, 0.00 and a
// dash are one. Where the document prints in another unit or with other digits, the exact amount is
// rounded as the document prints. Names are equal without what counts them, and when the lists that
// ship or the form know both for the same code or row. Where the document has another form, what
// both forms have is compared.
#ifndef FISCAL_CLIENTS_CLI_PRINT_TABLE_COMPARE_H_
#define FISCAL_CLIENTS_CLI_PRINT_TABLE_COMPARE_H_

#include <string>
#include <vector>

#include "domain/disclosure/disclosure.h"
#include "domain/disclosure/form.h"
#include "fiscal/disclosure/v1/disclosure_service.pb.h"

namespace fiscal::cli {

struct TableDifference {
  // 1 to 13, as in the 13-table form.
  int table = 0;
  // Keys; the column is "label" or "other_label" where names differ.
  std::string row, column;
  // As people read them.
  std::string row_label, column_label;
  // The figures of the two sides; empty for a side without one.
  std::string ledger, document;
  // Line of the document, 0 where the row is not in it.
  int line = 0;
};

struct TableComparison {
  int tables = 0;
  // Figures compared, blank ones included.
  int cells = 0;
  std::vector<TableDifference> differences;
};

// `all` says that the response has every table of its form, so that one missing there is a
// difference.
TableComparison CompareTables(const disclosure::v1::GetTablesResponse& ledger,
                              const disclosure::Form& form, const disclosure::Disclosure& document,
                              bool all);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_PRINT_TABLE_COMPARE_H_
