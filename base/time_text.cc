#include "base/time_text.h"

#include "absl/strings/ascii.h"

namespace fiscal {

std::optional<absl::Time> ParseTimeOrDate(absl::string_view text) {
  // Abseil's parser also takes spaces around a time, and words for times without end.
  if (text.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(text.front())) ||
      text.find(' ') != absl::string_view::npos)
    return std::nullopt;
  absl::Time time;
  if (text.size() == 10) {
    const absl::TimeZone shanghai = absl::FixedTimeZone(8 * 60 * 60);
    if (!absl::ParseTime("%Y-%m-%d", text, shanghai, &time, nullptr)) return std::nullopt;
    return time + absl::Hours(24) - absl::Microseconds(1);
  }
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) return std::nullopt;
  return time;
}

std::string UtcText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

}  // namespace fiscal
