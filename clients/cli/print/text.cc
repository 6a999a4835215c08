#include "clients/cli/print/text.h"

#include <utf8proc.h>

#include <algorithm>

#include "absl/strings/str_format.h"
#include "clients/sheets/csv.h"
#include "clients/sheets/kept_text.h"

namespace fiscal::cli {
namespace {

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
  while (!text.empty()) {
    utf8proc_int32_t character = 0;
    const utf8proc_ssize_t bytes =
        utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                         static_cast<utf8proc_ssize_t>(text.size()), &character);
    // A byte that is not UTF-8 shows as one mark.
    width += bytes > 0 ? utf8proc_charwidth(character) : 1;
    text.remove_prefix(bytes > 0 ? static_cast<size_t>(bytes) : 1);
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
      whole.insert(static_cast<size_t>(i), 1, ',');
  }
  std::string out = unit == Unit::kFen ? whole : absl::StrFormat("%s.%02d", whole, magnitude % 100);
  return negative && magnitude != 0 ? "-" + out : out;
}

std::string FormatExact(int64_t fen, Unit unit) {
  if (unit != Unit::kWanyuan) return FormatAmount(fen, unit, /*separators=*/false);
  const bool negative = fen < 0;
  const uint64_t magnitude =
      negative ? ~static_cast<uint64_t>(fen) + 1 : static_cast<uint64_t>(fen);
  std::string out =
      absl::StrFormat("%s%d.%06d", negative ? "-" : "", magnitude / 1000000, magnitude % 1000000);
  // Two decimals stay, as of the other units.
  for (int i = 0; i < 4 && out.back() == '0'; ++i) out.pop_back();
  return out;
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
  out << sheets::kByteOrderMark;
  PrintCsvRows(out);
}

void Table::PrintCsvRows(std::ostream& out) const {
  for (size_t r = 0; r < rows_.size(); ++r) {
    std::vector<std::string> cells = rows_[r];
    for (size_t i = 0; i < cells.size(); ++i) {
      const bool amount = right_[i] && r > 0;
      if (!(amount && IsPlainFigure(cells[i]))) cells[i] = sheets::KeptText(cells[i]);
    }
    out << sheets::CsvLine(cells);
  }
}

}  // namespace fiscal::cli
