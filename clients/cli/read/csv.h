// Reads lists from CSV (clients/sheets/csv.h) with a heading row that names the columns.
#ifndef FISCAL_CLIENTS_CLI_READ_CSV_H_
#define FISCAL_CLIENTS_CLI_READ_CSV_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "fiscal/catalog/v1/catalog_service.pb.h"

namespace fiscal::cli {

// The entries of a list. INVALID_ARGUMENT names line and column; nothing is taken from a file with
// an error.
absl::StatusOr<std::vector<catalog::v1::CatalogEntry>> ReadEntries(const std::string& text,
                                                                   catalog::v1::CatalogList list);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_READ_CSV_H_
