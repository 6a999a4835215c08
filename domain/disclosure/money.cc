#include "domain/disclosure/money.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace fiscal::disclosure {

bool IsBlank(absl::string_view cell) {
  cell = absl::StripAsciiWhitespace(cell);
  return cell.empty() || cell == "-" || cell == "—" || cell == "－" || cell == "--" || cell == "——";
}

std::optional<Figure> ParseFigure(absl::string_view cell, MoneyUnit unit) {
  cell = absl::StripAsciiWhitespace(cell);
  const bool negative = !cell.empty() && cell[0] == '-';
  if (negative) cell.remove_prefix(1);
  const size_t point = cell.find('.');
  const absl::string_view whole = cell.substr(0, point);
  const absl::string_view fraction =
      point == absl::string_view::npos ? absl::string_view() : cell.substr(point + 1);
  if (whole.empty() || (point != absl::string_view::npos && fraction.empty())) return std::nullopt;
  // Separators, where there are any, stand before every group of three.
  std::string digits;
  const size_t comma = whole.find(',');
  if (comma != absl::string_view::npos) {
    if (comma == 0 || comma > 3 || (whole.size() - comma) % 4 != 0) return std::nullopt;
    for (size_t i = 0; i < whole.size(); ++i) {
      const bool place = i >= comma && (i - comma) % 4 == 0;
      if ((whole[i] == ',') != place) return std::nullopt;
    }
  }
  for (char c : whole) {
    if (c == ',') continue;
    if (!absl::ascii_isdigit(c)) return std::nullopt;
    digits += c;
  }
  for (char c : fraction) {
    if (!absl::ascii_isdigit(c)) return std::nullopt;
  }
  const int scale = ScaleOf(unit);
  if (static_cast<int>(fraction.size()) > scale || digits.size() > 16) return std::nullopt;
  Figure figure;
  figure.decimals = static_cast<int>(fraction.size());
  __int128 value = 0;
  for (char c : digits) value = value * 10 + (c - '0');
  for (int i = 0; i < scale; ++i) {
    value = value * 10 +
            (i < static_cast<int>(fraction.size()) ? fraction[static_cast<size_t>(i)] - '0' : 0);
  }
  if (value > INT64_MAX) return std::nullopt;
  figure.fen = negative ? -static_cast<int64_t>(value) : static_cast<int64_t>(value);
  return figure;
}

bool LooksLikeFigure(absl::string_view cell) {
  cell = absl::StripAsciiWhitespace(cell);
  bool digit = false;
  for (char c : cell) {
    if (absl::ascii_isdigit(c)) {
      digit = true;
    } else if (c != '.' && c != ',' && c != '-') {
      return false;
    }
  }
  return digit;
}

int64_t PlaceFen(MoneyUnit unit, int decimals) {
  int64_t place = 1;
  for (int i = decimals; i < ScaleOf(unit); ++i) place *= 10;
  return place;
}

std::string PrintFigure(int64_t fen, MoneyUnit unit, int decimals, bool separators) {
  const uint64_t place = static_cast<uint64_t>(PlaceFen(unit, decimals));
  const uint64_t magnitude = fen < 0 ? ~static_cast<uint64_t>(fen) + 1 : static_cast<uint64_t>(fen);
  const uint64_t units =
      magnitude / place + (magnitude % place >= place - magnitude % place ? 1 : 0);
  std::string digits = absl::StrCat(units);
  const size_t fraction = static_cast<size_t>(decimals);
  if (digits.size() <= fraction) digits.insert(0, fraction + 1 - digits.size(), '0');
  const std::string tail = digits.substr(digits.size() - fraction);
  digits.resize(digits.size() - fraction);
  if (separators) {
    for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  }
  return absl::StrCat(fen < 0 && units != 0 ? "-" : "", digits, fraction == 0 ? "" : ".", tail);
}

absl::string_view UnitName(MoneyUnit unit) {
  return unit == MoneyUnit::kYuan ? "元" : unit == MoneyUnit::kWanyuan ? "万元" : "";
}

}  // namespace fiscal::disclosure
