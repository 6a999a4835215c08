// Sums of amounts, in fen, which no number of lines overflows.
#ifndef FISCAL_DOMAIN_FEN_H_
#define FISCAL_DOMAIN_FEN_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace fiscal::domain {

// 128 bits: amounts are of 64, and a log has fewer than 2^63 lines.
using Fen = __int128;

inline bool FitsInt64(Fen fen) { return INT64_MIN <= fen && fen <= INT64_MAX; }
std::string FormatFen(Fen fen);
// TOTAL_OUT_OF_RANGE for `field` (a filter, a row, a figure), whose sum `fen` does not fit an
// int64.
absl::Status RefuseTotal(Fen fen, absl::string_view field);
// `fen` as an int64, or RefuseTotal.
absl::StatusOr<int64_t> ToInt64(Fen fen, absl::string_view field);

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_FEN_H_
