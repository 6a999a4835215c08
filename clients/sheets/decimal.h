// Numbers exactly as written, in decimal: no floating point anywhere.
#ifndef FISCAL_CLIENTS_SHEETS_DECIMAL_H_
#define FISCAL_CLIENTS_SHEETS_DECIMAL_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace fiscal::sheets {

// A spreadsheet keeps this many significant digits of a number somebody types. A number cell is a
// double written with up to 17, so digits behind the 15th come from binary arithmetic (1234.56 may
// be stored as 1234.5600000000001) and were not typed.
constexpr int kNumberCellDigits = 15;

// digits * 10^exponent.
struct Decimal {
  bool negative = false;
  // Neither begins nor ends with a zero; empty for zero.
  std::string digits;
  int exponent = 0;
};

// "-12.50", "1.5E+3". nullopt for anything else, and for exponents beyond those of a double.
std::optional<Decimal> ParseDecimal(absl::string_view text);

// Rounded to `digits` significant digits, halves away from zero.
Decimal Rounded(Decimal value, int digits);

// The value times 10^places as an integer. nullopt where that is not one, or does not fit.
std::optional<int64_t> Scaled(const Decimal& value, int places);

// "-12.5", without exponent.
std::string Print(const Decimal& value);

// Digits behind the point: 2 for 12.25, 0 for 1200.
int Decimals(const Decimal& value);

}  // namespace fiscal::sheets

#endif  // FISCAL_CLIENTS_SHEETS_DECIMAL_H_
