// proto/fiscal/aggregation/v1 <-> the reader's questions and answers.
#ifndef FISCAL_SERVICES_WIRE_TOTALS_WIRE_H_
#define FISCAL_SERVICES_WIRE_TOTALS_WIRE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "domain/totals.h"
#include "fiscal/aggregation/v1/aggregation_service.pb.h"

namespace fiscal::services::wire {

// INVALID_ARGUMENT with every wrong field, paths below `path`.
absl::StatusOr<domain::TotalFilter> ToFilter(const aggregation::v1::TotalFilter& filter,
                                             const std::string& path);
// At least `min`, at most two dimensions; fields below `path`.
absl::StatusOr<std::vector<domain::GroupBy>> ToGroupBy(
    const google::protobuf::RepeatedPtrField<aggregation::v1::GroupBy>& group_by, int min,
    const std::string& path);
// TOTAL_OUT_OF_RANGE for `field` when the amount doesn't fit.
absl::Status ToProto(const domain::CellValue& value, absl::string_view field,
                     aggregation::v1::Total* out);
void ToProto(const std::vector<domain::GroupValue>& group,
             google::protobuf::RepeatedPtrField<aggregation::v1::GroupValue>* out);
absl::Status ToProto(const domain::TotalRow& row, aggregation::v1::Total* out);

}  // namespace fiscal::services::wire

#endif  // FISCAL_SERVICES_WIRE_TOTALS_WIRE_H_
