// Typed tables as line items, memo lines and projects.
//
// T3's and T5's leaf rows count expenditure, T2's count income; tables 6, 7, 10 to 13 analyse money those lines count. line_ids are
// derived from table, code and column, so that the same row keeps its id when its amount changes.
#ifndef FISCAL_CLIENTS_IMPORTER_LINES_H_
#define FISCAL_CLIENTS_IMPORTER_LINES_H_

#include <vector>

#include "absl/status/status.h"
#include "clients/importer/forms.h"
#include "clients/importer/tables.h"

namespace fiscal::importer {

// Fills lines and projects of result->request and its findings. INVALID_ARGUMENT when an economic name is in no list.
absl::Status MakeLines(Tables& tables, const std::vector<Form>& forms, const CatalogView& catalog,
                       Result* result);

}  // namespace fiscal::importer

#endif  // FISCAL_CLIENTS_IMPORTER_LINES_H_
