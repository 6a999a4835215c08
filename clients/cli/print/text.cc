#include "clients/cli/print/text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace fiscal::cli {
namespace {

// Wide and full-width ranges of UAX #11 that budgets use.
bool IsWide(uint32_t c) {
  return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0x303e) ||
         (c >= 0x3041 && c <= 0x33ff) || (c >= 0x3400 && c <= 0x4dbf) ||
         (c >= 0x4e00 && c <= 0x9fff) || (c >= 0xa000 && c <= 0xa4cf) ||
         (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
         (c >= 0xfe30 && c <= 0xfe4f) || (c >= 0xff00 && c <= 0xff60) ||
         (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x20000 && c <= 0x3fffd);
}

// What a spreadsheet may take for the start of a formula, in either width.
bool StartsFormula(absl::string_view cell) {
  for (absl::string_view sign : {"=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"}) {
    if (cell.substr(0, sign.size()) == sign) return true;
  }
  return false;
}

// "-1,234.50" and "+3.00%": a sign, then nothing that computes.
bool IsPlainFigure(absl::string_view cell) {
  if (!cell.empty() && (cell[0] == '-' || cell[0] == '+')) cell.remove_prefix(1);
  return cell.find_first_not_of("0123456789.,%") == absl::string_view::npos;
}

void Pad(std::ostream& out, int n) {
  for (int i = 0; i < n; ++i) out << ' ';
}

}  // namespace

int DisplayWidth(absl::string_view text) {
  int width = 0;
  for (size_t i = 0; i < text.size();) {
    const unsigned char b = static_cast<unsigned char>(text[i]);
    const size_t n = b < 0x80 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
    uint32_t c = n == 1 ? b : b & (0xff >> (n + 1));
    for (size_t k = 1; k < n && i + k < text.size(); ++k)
      c = (c << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3f);
    i += n;
    if ((c >= 0x300 && c <= 0x36f) || c == 0x200b || c == 0xfeff) continue;
    width += IsWide(c) ? 2 : 1;
  }
  return width;
}

std::string FormatAmount(int64_t fen, Unit unit, bool separators) {
  // Unsigned, so that INT64_MIN has a magnitude.
  const bool negative = fen < 0;
  uint64_t magnitude = negative ? ~static_cast<uint64_t>(fen) + 1 : static_cast<uint64_t>(fen);
  // In hundredths of the unit.
  if (unit == Unit::kWanyuan) magnitude = magnitude / 10000 + (magnitude % 10000 >= 5000 ? 1 : 0);
  std::string whole = std::to_string(unit == Unit::kFen ? magnitude : magnitude / 100);
  if (separators) {
    for (int i = static_cast<int>(whole.size()) - 3; i > 0; i -= 3)
      whole.insert(static_cast<size_t>(i), ",");
  }
  std::string out = unit == Unit::kFen ? whole : absl::StrFormat("%s.%02d", whole, magnitude % 100);
  return negative && magnitude != 0 ? "-" + out : out;
}

std::string FormatYuan(int64_t fen) { return FormatAmount(fen, Unit::kYuan, false); }

std::string FormatPercent(int64_t hundredths) {
  return FormatAmount(hundredths, Unit::kYuan, false) + "%";
}

absl::string_view UnitName(Unit unit) {
  return unit == Unit::kWanyuan ? "万元" : unit == Unit::kYuan ? "元" : "分";
}

void Table::Print(std::ostream& out) const {
  std::vector<int> widths(right_.size(), 0);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  }
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      const int pad = widths[i] - DisplayWidth(row[i]);
      if (right_[i]) Pad(out, pad);
      out << row[i];
      if (i + 1 == row.size()) break;
      if (!right_[i]) Pad(out, pad);
      out << "  ";
    }
    out << "\n";
  }
}

void Table::PrintCsv(std::ostream& out) const {
  for (size_t r = 0; r < rows_.size(); ++r) {
    for (size_t i = 0; i < rows_[r].size(); ++i) {
      std::string cell = rows_[r][i];
      const bool amount = right_[i] && r > 0;
      if (StartsFormula(cell) && !(amount && IsPlainFigure(cell))) cell.insert(0, "'");
      if (cell.find_first_of(",\"\r\n") != std::string::npos) {
        std::string quoted = "\"";
        for (char c : cell) {
          if (c == '"') quoted += '"';
          quoted += c;
        }
        cell = quoted + "\"";
      }
      out << (i == 0 ? "" : ",") << cell;
    }
    out << "\r\n";
  }
}

std::string JsonString(absl::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  return out + "\"";
}

}  // namespace fiscal::cli
