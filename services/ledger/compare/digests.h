// Digests over agencies' leaf cells at a position, as a tree: year and stage, division, agency,
// cell.
//
//   FederationService.GetDigests, Reconcile --> DigestsAt
//   DigestsAt --> statuses, TotalsStore and the postings since
//
// Two systems with the same cells and revisions have the same digests, whatever their logs.
#ifndef FISCAL_SERVICES_LEDGER_COMPARE_DIGESTS_H_
#define FISCAL_SERVICES_LEDGER_COMPARE_DIGESTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/ledger/fold/projector.h"
#include "services/ledger/work.h"

namespace fiscal::services {

// A place in the tree; unset fields are levels below it.
struct DigestPlace {
  uint16_t year = 0;
  domain::Stage stage = domain::Stage::kNone;
  domain::Code division = 0;
  std::string agency;
};

struct DigestEntry {
  // "2024 APPROVED", "141100", "031001", or what a cell says.
  std::string key;
  Digest digest{};
  uint16_t year = 0;
  domain::Stage stage = domain::Stage::kNone;
  // Of a cell.
  domain::CellValue value;
};

// The level below `place`, ordered by key; only what is in `divisions`, everything where there are
// none.
absl::StatusOr<std::vector<DigestEntry>> DigestsAt(const Projector& projector,
                                                   const DigestPlace& place,
                                                   const std::vector<domain::Code>& divisions,
                                                   domain::Position position, Work& work);
Digest RootOf(const std::vector<DigestEntry>& entries);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_COMPARE_DIGESTS_H_
