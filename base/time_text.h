// Times as people write them.
#ifndef FISCAL_BASE_TIME_TEXT_H_
#define FISCAL_BASE_TIME_TEXT_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace fiscal {

// RFC 3339 with a zone; a bare date is the end of that day in Asia/Shanghai.
std::optional<absl::Time> ParseTimeOrDate(absl::string_view text);

// Whole seconds in UTC, "2026-03-01T08:00:00Z".
std::string UtcText(absl::Time time);

}  // namespace fiscal

#endif  // FISCAL_BASE_TIME_TEXT_H_
