// Codes, names and positions between protos and the domain, shared by the other wire files.
#ifndef FISCAL_SERVICES_WIRE_TEXT_WIRE_H_
#define FISCAL_SERVICES_WIRE_TEXT_WIRE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "domain/event.h"
#include "domain/reason.h"
#include "domain/types.h"
#include "google/protobuf/timestamp.pb.h"

namespace fiscal::services::wire {

using domain::ParseDivision;

// Positions are opaque to clients.
std::string FormatPosition(domain::Position position);
// INVALID_ARGUMENT with POSITION_INVALID.
absl::StatusOr<domain::Position> ParsePosition(absl::string_view text);

void ToTimestamp(int64_t micros, google::protobuf::Timestamp* out);

// Page tokens: a position in a listing, bound to the question it belongs to.
std::string MakePageToken(absl::string_view question, absl::string_view place);
// The place; INVALID_ARGUMENT with PAGE_TOKEN_INVALID when the token is of another question.
absl::StatusOr<std::string> ReadPageToken(absl::string_view question, absl::string_view token);

// `asked` bounded to `max`, `fallback` for 0. INVALID_ARGUMENT when negative.
absl::StatusOr<size_t> PageSize(int32_t asked, size_t fallback, size_t max);

}  // namespace fiscal::services::wire

#endif  // FISCAL_SERVICES_WIRE_TEXT_WIRE_H_
