// Decides an import of a catalog list.
//
//   CatalogImport, Standing --> Decide --> ImportDecision --> Group::Keep
#ifndef FISCAL_SERVICES_LEDGER_DECIDE_CATALOG_IMPORT_H_
#define FISCAL_SERVICES_LEDGER_DECIDE_CATALOG_IMPORT_H_

#include "absl/status/statusor.h"
#include "domain/event.h"
#include "domain/receipt.h"
#include "domain/requests.h"
#include "services/ledger/decide/standing.h"

namespace fiscal::services {

struct ImportDecision {
  // True when the request was answered before: the receipt is that answer, and nothing is kept.
  bool repeated = false;
  // Complete but for position and hash where there are changed entries: Group::Keep knows them.
  domain::RequestReceipt receipt;
  // The entries that are new or differ; where there are none, only the answer is kept.
  domain::CatalogEvent changed;
};

absl::StatusOr<ImportDecision> Decide(const domain::CatalogImport& import,
                                      const Standing& standing);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_DECIDE_CATALOG_IMPORT_H_
