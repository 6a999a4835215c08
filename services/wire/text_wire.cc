#include "services/wire/text_wire.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"

namespace fiscal::services::wire {

absl::StatusOr<domain::Moment> ParsePosition(absl::string_view text, absl::string_view field) {
  const std::optional<domain::Moment> moment = domain::Moment::Parse(text);
  if (moment.has_value()) return *moment;
  return domain::Refuse(
      {{domain::Reason::kPositionInvalid, std::string(field), "",
        absl::StrCat("must be a position as an answer gave it, or its digits, not '", text, "'")}});
}

std::string EventNumber(domain::Position position) {
  return position.zero() ? "" : absl::StrCat(position.value());
}

void ToTimestamp(int64_t micros, google::protobuf::Timestamp* out) {
  int64_t seconds = micros / 1000000, rest = micros % 1000000;
  if (rest < 0) {
    --seconds;
    rest += 1000000;
  }
  out->set_seconds(seconds);
  out->set_nanos(static_cast<int32_t>(rest * 1000));
}

absl::StatusOr<int64_t> ToMicros(const google::protobuf::Timestamp& time, absl::string_view field) {
  // 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z, the times that a Timestamp may have.
  if (time.seconds() < -62135596800 || time.seconds() > 253402300799) {
    return domain::Refuse({{domain::Reason::kQueryInvalid, std::string(field), "",
                            "no time of the years 1 to 9999"}});
  }
  if (time.nanos() < 0 || time.nanos() > 999999999) {
    return domain::Refuse({{domain::Reason::kQueryInvalid, absl::StrCat(field, ".nanos"), "",
                            absl::StrCat("must be 0 to 999999999, not ", time.nanos())}});
  }
  return time.seconds() * 1000000 + time.nanos() / 1000;
}

}  // namespace fiscal::services::wire
