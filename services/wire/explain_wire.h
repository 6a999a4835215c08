// proto/fiscal/aggregation/v1 <-> explanations, comparisons, coverage and consolidated totals.
#ifndef FISCAL_SERVICES_WIRE_EXPLAIN_WIRE_H_
#define FISCAL_SERVICES_WIRE_EXPLAIN_WIRE_H_

#include "domain/consolidated.h"
#include "domain/coverage.h"
#include "domain/explanation.h"
#include "fiscal/aggregation/v1/aggregation_service.pb.h"

namespace fiscal::services::wire {

// The inverse of ToFilter.
void ToProto(const domain::TotalFilter& filter, aggregation::v1::TotalFilter* out);
// The following return TOTAL_OUT_OF_RANGE when an amount, or a difference of two, doesn't fit.
absl::Status ToProto(const domain::Contribution& contribution, aggregation::v1::Contribution* out);
absl::Status ToProto(const domain::ChangeExplanation& change,
                     aggregation::v1::ExplainChangeResponse* out);
absl::Status ToProto(const domain::Consolidated& consolidated,
                     aggregation::v1::GetConsolidatedTotalResponse* out);
// Amounts, change and percentages of `field`; shares are of the two totals.
absl::Status FillComparison(domain::Fen left, domain::Fen right, domain::Fen left_total,
                            domain::Fen right_total, absl::string_view field,
                            aggregation::v1::TotalComparison* out);
void ToProto(const domain::Coverage& coverage, aggregation::v1::Coverage* out);
void ToProto(const domain::AgencyCoverage& agency, aggregation::v1::AgencyCoverage* out);

}  // namespace fiscal::services::wire

#endif  // FISCAL_SERVICES_WIRE_EXPLAIN_WIRE_H_
