#include "clients/sheets/decimal.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace fiscal::sheets {
namespace {

// Room for any double; keeps loops over exponents short.
constexpr int kExponentMax = 400;

size_t DigitsAt(absl::string_view text, size_t at) {
  size_t n = 0;
  while (at + n < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[at + n]))) ++n;
  return n;
}

void Normalize(Decimal* value) {
  std::string& digits = value->digits;
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  while (!digits.empty() && digits.back() == '0') {
    digits.pop_back();
    ++value->exponent;
  }
  if (digits.empty()) *value = Decimal();
}

}  // namespace

std::optional<Decimal> ParseDecimal(absl::string_view text) {
  Decimal value;
  size_t i = 0;
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) value.negative = text[i++] == '-';
  const size_t whole = DigitsAt(text, i);
  if (whole == 0 || whole > kExponentMax) return std::nullopt;
  value.digits = std::string(text.substr(i, whole));
  i += whole;
  if (i < text.size() && text[i] == '.') {
    const size_t fraction = DigitsAt(text, i + 1);
    if (fraction == 0 || fraction > kExponentMax) return std::nullopt;
    value.digits += std::string(text.substr(i + 1, fraction));
    value.exponent = -static_cast<int>(fraction);
    i += 1 + fraction;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    bool down = false;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) down = text[i++] == '-';
    const size_t length = DigitsAt(text, i);
    if (length == 0 || length > 3) return std::nullopt;
    int exponent = 0;
    for (size_t k = 0; k < length; ++k) exponent = exponent * 10 + (text[i + k] - '0');
    if (exponent > kExponentMax) return std::nullopt;
    value.exponent += down ? -exponent : exponent;
    i += length;
  }
  if (i != text.size()) return std::nullopt;
  Normalize(&value);
  return value;
}

Decimal Rounded(Decimal value, int digits) {
  const size_t keep = static_cast<size_t>(digits);
  if (value.digits.size() <= keep) return value;
  const bool up = value.digits[keep] >= '5';
  value.exponent += static_cast<int>(value.digits.size() - keep);
  value.digits.resize(keep);
  if (up) {
    size_t i = keep;
    while (i > 0 && value.digits[i - 1] == '9') value.digits[--i] = '0';
    if (i == 0) {
      value.digits.insert(value.digits.begin(), '1');
    } else {
      ++value.digits[i - 1];
    }
  }
  Normalize(&value);
  return value;
}

std::optional<int64_t> Scaled(const Decimal& value, int places) {
  if (value.digits.empty()) return 0;
  const int zeros = value.exponent + places;
  if (zeros < 0 || value.digits.size() + static_cast<size_t>(zeros) > 19) return std::nullopt;
  // 19 digits fit 128 bits.
  __int128 scaled = 0;
  for (char digit : value.digits) scaled = scaled * 10 + (digit - '0');
  for (int i = 0; i < zeros; ++i) scaled *= 10;
  if (value.negative) scaled = -scaled;
  if (scaled > INT64_MAX || scaled < INT64_MIN) return std::nullopt;
  return static_cast<int64_t>(scaled);
}

std::string Print(const Decimal& value) {
  if (value.digits.empty()) return "0";
  std::string text = value.digits;
  if (value.exponent >= 0) {
    text.append(static_cast<size_t>(value.exponent), '0');
  } else {
    const size_t fraction = static_cast<size_t>(-value.exponent);
    if (text.size() <= fraction) text.insert(0, fraction + 1 - text.size(), '0');
    text.insert(text.end() - static_cast<long>(fraction), '.');
  }
  return value.negative ? "-" + text : text;
}

int Decimals(const Decimal& value) { return value.exponent < 0 ? -value.exponent : 0; }

}  // namespace fiscal::sheets
