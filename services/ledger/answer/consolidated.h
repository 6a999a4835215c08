// A division's total with the transfers between levels of government inside it taken out once.
//
//   cells of transfers by receiver (domain/fold.cc), income of each receiver's own level
//   --> Consolidate
//
// For each receiver, direction and fund, the smaller of two sums is taken out of both directions of
// the total: payments that payers inside state, receipts that the receiver states. The rest stays
// and is a finding.
#ifndef FISCAL_SERVICES_LEDGER_ANSWER_CONSOLIDATED_H_
#define FISCAL_SERVICES_LEDGER_ANSWER_CONSOLIDATED_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "domain/consolidated.h"
#include "services/ledger/answer/totals_reader.h"

namespace fiscal::services {

// `filter` has a division, year, stage, direction and perhaps a fund.
absl::StatusOr<domain::Consolidated> Consolidate(const Projector& projector,
                                                 const TotalsReader& reader,
                                                 const domain::TotalFilter& filter,
                                                 domain::Position position, Work& work);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_ANSWER_CONSOLIDATED_H_
