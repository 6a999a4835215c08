// Codes, names and positions between protos and the domain, shared by the other wire files.
#ifndef FISCAL_SERVICES_WIRE_TEXT_WIRE_H_
#define FISCAL_SERVICES_WIRE_TEXT_WIRE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "domain/event.h"
#include "domain/moment.h"
#include "domain/reason.h"
#include "domain/types.h"
#include "google/protobuf/timestamp.pb.h"

namespace fiscal::services::wire {

using domain::ParseDivision;

// The text of a moment, or of a position alone, as an answer gave it; not checked against any log.
// INVALID_ARGUMENT with POSITION_INVALID, naming `field`.
absl::StatusOr<domain::Moment> ParsePosition(absl::string_view text, absl::string_view field);
// The number of an event in a row that names one; empty for 0, where the row names none. Rows are
// many: their positions are not bound, and belong to the history of the answer's own.
std::string EventNumber(domain::Position position);

void ToTimestamp(int64_t micros, google::protobuf::Timestamp* out);
// A time that a caller asks for, in whole microseconds. INVALID_ARGUMENT with QUERY_INVALID, naming
// `field`, for one outside the years 1 to 9999 or with nanoseconds that no second has.
absl::StatusOr<int64_t> ToMicros(const google::protobuf::Timestamp& time, absl::string_view field);

}  // namespace fiscal::services::wire

#endif  // FISCAL_SERVICES_WIRE_TEXT_WIRE_H_
