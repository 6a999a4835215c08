// The number in a position that an answer gave, where a test or a load counts with it.
#ifndef FISCAL_TESTS_SUPPORT_POSITION_H_
#define FISCAL_TESTS_SUPPORT_POSITION_H_

#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace fiscal::testing {

// False when `text` does not begin with a number.
inline bool ReadPosition(absl::string_view text, uint64_t* number) {
  return absl::SimpleAtoi(text.substr(0, text.find('-')), number);
}

// 0 for no position.
inline uint64_t PositionNumber(absl::string_view text) {
  uint64_t number = 0;
  return ReadPosition(text, &number) ? number : 0;
}

}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_SUPPORT_POSITION_H_
