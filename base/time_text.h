// Times as people write them.
#ifndef FISCAL_BASE_TIME_TEXT_H_
#define FISCAL_BASE_TIME_TEXT_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace fiscal {

// RFC 3339 with a zone; a bare date is the end of that day in Asia/Shanghai.
std::optional<absl::Time> ParseTimeOrDate(absl::string_view text);

}  // namespace fiscal

#endif  // FISCAL_BASE_TIME_TEXT_H_
