// What a posting or a catalog list of another system must be before it becomes an event here: what a client's submission would be
// refused for is refused of it too (docs/adr/0008).
//
//   federation/upstream --> Intake --(PostingFault, CatalogFault)--> event, or the upstream is refused
//
// Pure functions of the message alone; what needs the catalog, the owners or what was taken over before is asked by the intake.
#ifndef FISCAL_DOMAIN_POSTING_CHECK_H_
#define FISCAL_DOMAIN_POSTING_CHECK_H_

#include <string>

#include "domain/event.h"
#include "domain/fold.h"

namespace fiscal::domain {

// Of one posting, and of one catalog list.
constexpr size_t kPostingBytesMax = 64 << 20;
constexpr size_t kCatalogBytesMax = 16 << 20;
constexpr size_t kCatalogEntriesMax = 100000;
// Postings that are committed at once: the budgets of a reallocation.
constexpr size_t kGroupPostingsMax = 100;

// What is wrong with it, as part of a sentence that names the field ("functional code 5000 has not 3, 5 or 7 digits"); empty when
// nothing is. REQUIRES: its cells were decoded, so that they are in order and their projects are in its list.
std::string PostingFault(const Posting& posting);

// The same of a catalog list, beside what Catalog::Check finds.
std::string CatalogFault(const CatalogEvent& event);

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_POSTING_CHECK_H_
