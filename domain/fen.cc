#include "domain/fen.h"

#include "absl/strings/str_cat.h"
#include "domain/reason.h"

namespace fiscal::domain {

std::string FormatFen(Fen fen) {
  // From the last digit on, without the absolute value, which the smallest number has not.
  std::string digits;
  const bool negative = fen < 0;
  do {
    const int digit = static_cast<int>(fen % 10);
    digits.push_back(static_cast<char>('0' + (negative ? -digit : digit)));
    fen /= 10;
  } while (fen != 0);
  if (negative) digits.push_back('-');
  return std::string(digits.rbegin(), digits.rend());
}

absl::Status RefuseTotal(Fen fen, absl::string_view field) {
  Refusal refusal;
  refusal.reason = Reason::kTotalOutOfRange;
  refusal.message =
      absl::StrCat(field, ": ", FormatFen(fen), " fen is more than an answer can hold");
  refusal.metadata = {{"field", std::string(field)}, {"amount_fen", FormatFen(fen)}};
  return ToStatus(refusal);
}

absl::StatusOr<int64_t> ToInt64(Fen fen, absl::string_view field) {
  if (FitsInt64(fen)) return static_cast<int64_t>(fen);
  return RefuseTotal(fen, field);
}

}  // namespace fiscal::domain
