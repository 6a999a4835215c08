// proto/fiscal/aggregation/v1 <-> explanations, comparisons, coverage and consolidated totals.
#ifndef FISCAL_SERVICES_WIRE_EXPLAIN_WIRE_H_
#define FISCAL_SERVICES_WIRE_EXPLAIN_WIRE_H_

#include "fiscal/aggregation/v1/aggregation_service.pb.h"
#include "services/ledger/answer/consolidated.h"
#include "services/ledger/answer/explain.h"
#include "services/ledger/answer/statuses.h"

namespace fiscal::services::wire {

// The inverse of ToFilter.
void ToProto(const TotalFilter& filter, aggregation::v1::TotalFilter* out);
// These: TOTAL_OUT_OF_RANGE when an amount, or a difference of two, doesn't fit.
absl::Status ToProto(const Contribution& contribution, aggregation::v1::Contribution* out);
absl::Status ToProto(const ChangeExplanation& change, aggregation::v1::ExplainChangeResponse* out);
absl::Status ToProto(const Consolidated& consolidated,
                     aggregation::v1::GetConsolidatedTotalResponse* out);
// Amounts, change and percentages of `field`; shares are of the two totals.
absl::Status FillComparison(domain::Fen left, domain::Fen right, domain::Fen left_total,
                            domain::Fen right_total, absl::string_view field,
                            aggregation::v1::TotalComparison* out);
void ToProto(const Coverage& coverage, aggregation::v1::Coverage* out);
void ToProto(const AgencyCoverage& agency, aggregation::v1::AgencyCoverage* out);

}  // namespace fiscal::services::wire

#endif  // FISCAL_SERVICES_WIRE_EXPLAIN_WIRE_H_
