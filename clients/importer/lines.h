// A disclosure as line items, memo lines and projects.
//
// T3's, T5's, T8's and T9's leaf rows count expenditure, T2's count income; the other tables
// analyse money that those lines count. line_ids are derived from table, code and column, so that
// the same row keeps its id when its amount changes.
#ifndef FISCAL_CLIENTS_IMPORTER_LINES_H_
#define FISCAL_CLIENTS_IMPORTER_LINES_H_

#include <vector>

#include "clients/importer/importer.h"
#include "domain/disclosure/disclosure.h"

namespace fiscal::importer {

// Fills lines and projects of result->request, its findings, and where each table's figures went.
void MakeLines(const disclosure::Disclosure& d, const CatalogView& catalog, Result* result);

}  // namespace fiscal::importer

#endif  // FISCAL_CLIENTS_IMPORTER_LINES_H_
