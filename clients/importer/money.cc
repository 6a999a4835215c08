#include "clients/importer/money.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace fiscal::importer {

bool IsBlank(absl::string_view cell) {
  cell = absl::StripAsciiWhitespace(cell);
  return cell.empty() || cell == "-" || cell == "—" || cell == "－" || cell == "--" || cell == "——";
}

std::optional<Figure> ParseFigure(absl::string_view cell, DocumentUnit unit) {
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
  const int scale = unit == DocumentUnit::kYuan ? 2 : 6;
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

std::string PrintFigure(int64_t fen, DocumentUnit unit) {
  const uint64_t magnitude = fen < 0 ? ~static_cast<uint64_t>(fen) + 1 : static_cast<uint64_t>(fen);
  const char* sign = fen < 0 ? "-" : "";
  if (unit == DocumentUnit::kYuan)
    return absl::StrFormat("%s%d.%02d", sign, magnitude / 100, magnitude % 100);
  const uint64_t rest = magnitude % 1000000;
  if (rest % 10000 == 0)
    return absl::StrFormat("%s%d.%02d", sign, magnitude / 1000000, rest / 10000);
  return absl::StrFormat("%s%d.%06d", sign, magnitude / 1000000, rest);
}

}  // namespace fiscal::importer
