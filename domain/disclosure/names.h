// Names as they are compared: prints differ in width, brackets and blanks.
#ifndef FISCAL_DOMAIN_DISCLOSURE_NAMES_H_
#define FISCAL_DOMAIN_DISCLOSURE_NAMES_H_

#include <string>

#include "absl/strings/string_view.h"

namespace fiscal::disclosure {

// NFKC without blanks, zero-width characters and byte order marks: full-width forms become plain
// ones.
std::string FoldName(absl::string_view name);

// The text without its ordinal: "八、社会保障和就业支出", "1. 一般公共预算", "①公务用车购置费"
// (folded) and "（一）…".
absl::string_view WithoutOrdinal(absl::string_view folded);

// True when it starts with a Chinese number and 、.
bool HasChineseOrdinal(absl::string_view text);

// 1 is 一, 10 is 十, 21 is 二十一. REQUIRES: 1 <= n <= 99.
std::string ChineseNumber(int n);

}  // namespace fiscal::disclosure

#endif  // FISCAL_DOMAIN_DISCLOSURE_NAMES_H_
