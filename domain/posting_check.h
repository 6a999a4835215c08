// Checks of postings and catalog lists of another system before they become events here. They are
// refused for the same faults as a client's submission (docs/adr/0008).
//
//   federation/upstream --> Intake --(PostingFault, CatalogFault)--> event, or the upstream is
//       refused
//
// Pure functions of the message alone; what needs the catalog, the owners or what was taken over
// before is asked by the intake.
#ifndef FISCAL_DOMAIN_POSTING_CHECK_H_
#define FISCAL_DOMAIN_POSTING_CHECK_H_

#include <string>

#include "domain/event.h"
#include "domain/fold.h"

namespace fiscal::domain {

// Bounds of one posting and of one catalog list.
constexpr size_t kPostingBytesMax = 64 << 20;
constexpr size_t kCatalogBytesMax = 16 << 20;
constexpr size_t kCatalogEntriesMax = 100000;
// Postings that are committed at once: the budgets of a reallocation.
constexpr size_t kGroupPostingsMax = 100;

// The fault of a posting, as part of a sentence that names the field ("functional code 5000 has not
// 3, 5 or 7 digits"); empty when nothing is. REQUIRES: its cells were decoded, so that they are in
// order and their projects are in its list.
std::string PostingFault(const Posting& posting);

// The fault of a catalog list, besides those that Catalog::Check finds.
std::string CatalogFault(const CatalogEvent& event);

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_POSTING_CHECK_H_
