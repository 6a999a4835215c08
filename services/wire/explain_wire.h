// proto/fiscal/aggregation/v1 <-> explanations, comparisons, coverage and consolidated totals.
#ifndef FISCAL_SERVICES_WIRE_EXPLAIN_WIRE_H_
#define FISCAL_SERVICES_WIRE_EXPLAIN_WIRE_H_

#include "fiscal/aggregation/v1/aggregation_service.pb.h"
#include "services/aggregation/consolidated.h"
#include "services/aggregation/explain.h"
#include "services/aggregation/statuses.h"

namespace fiscal::services::wire {

// The inverse of ToFilter.
void ToProto(const TotalFilter& filter, aggregation::v1::TotalFilter* out);
void ToProto(const Contribution& contribution, aggregation::v1::Contribution* out);
void ToProto(const ChangeExplanation& change, aggregation::v1::ExplainChangeResponse* out);
void ToProto(const Coverage& coverage, aggregation::v1::Coverage* out);
void ToProto(const AgencyCoverage& agency, aggregation::v1::AgencyCoverage* out);
void ToProto(const Consolidated& consolidated, aggregation::v1::GetConsolidatedTotalResponse* out);
// Amounts, change and percentages; shares are of the two totals.
void FillComparison(int64_t left_fen, int64_t right_fen, int64_t left_total_fen,
                    int64_t right_total_fen, aggregation::v1::TotalComparison* out);

}  // namespace fiscal::services::wire

#endif  // FISCAL_SERVICES_WIRE_EXPLAIN_WIRE_H_
