#include "tests/corpus/document.h"

#include <algorithm>
#include <cstdlib>

#include "base/check.h"

namespace fiscal::corpus {
namespace {

constexpr char kPageBreak[] = "<<<PAGE BREAK>>>";

std::string WithCommas(std::string digits) {
  for (int at = int(digits.size()) - 3; at > 0; at -= 3) digits.insert(size_t(at), ",");
  return digits;
}

int64_t Pow10(int exponent) {
  int64_t power = 1;
  while (exponent-- > 0) power *= 10;
  return power;
}

}  // namespace

int64_t MoneyStyle::QuantumFen() const { return unit_fen / Pow10(decimals); }

std::string MoneyStyle::Print(int64_t fen) const {
  const int64_t quantum = QuantumFen();
  const int64_t rounded = (std::abs(fen) + quantum / 2) / quantum;
  if (fen == 0) return zero;
  const int64_t power = Pow10(decimals);
  std::string text = std::to_string(rounded / power);
  if (commas) text = WithCommas(text);
  if (decimals > 0) {
    const std::string fraction = std::to_string(rounded % power);
    text += "." + std::string(size_t(decimals) - fraction.size(), '0') + fraction;
  }
  return fen < 0 ? "-" + text : text;
}

int Document::AddMoney(int table, const std::string& row, const std::string& column, int64_t fen,
                       const MoneyStyle& style) {
  Cell cell;
  cell.table = table;
  cell.row = row;
  cell.column = column;
  cell.style = style;
  cell.value = fen;
  cell.printed = style.Print(fen);
  cells.push_back(cell);
  return int(cells.size()) - 1;
}

int Document::AddCount(const std::string& row, const std::string& column, int64_t count) {
  Cell cell;
  cell.row = row;
  cell.column = column;
  cell.kind = CellKind::kCount;
  cell.value = count;
  cell.printed = std::to_string(count);
  cells.push_back(cell);
  return int(cells.size()) - 1;
}

int Document::AddPercent(const std::string& row, const std::string& column, int64_t hundredths,
                         const std::string& printed) {
  Cell cell;
  cell.row = row;
  cell.column = column;
  cell.kind = CellKind::kPercent;
  cell.value = hundredths;
  cell.printed = printed;
  cells.push_back(cell);
  return int(cells.size()) - 1;
}

void Document::AddLine(std::vector<Piece> pieces) {
  for (const Piece& piece : pieces) {
    if (piece.cell >= 0) cells[size_t(piece.cell)].line = int(lines.size());
  }
  lines.push_back({std::move(pieces)});
}

void Document::AddPageBreak() {
  if (!lines.empty() && !lines.back().pieces.empty() && !lines.back().pieces[0].text.empty())
    AddText("");
  AddText(kPageBreak);
}

void Document::Relate(const std::string& rule, int whole, const std::vector<int>& parts) {
  if (whole < 0) return;
  Relation relation;
  relation.rule = rule;
  relation.terms.push_back({whole, 1});
  for (const int part : parts) {
    if (part >= 0) relation.terms.push_back({part, -1});
  }
  if (relation.terms.size() > 1) relations.push_back(relation);
}

bool Document::Blank(int cell) const {
  const Cell& at = cells[size_t(cell)];
  return at.gone || at.printed.find_first_of("123456789") == std::string::npos;
}

int64_t Document::PrintedValue(int cell) const {
  const Cell& at = cells[size_t(cell)];
  if (at.gone) return 0;
  const int64_t unit = at.kind == CellKind::kMoney     ? at.style.unit_fen
                       : at.kind == CellKind::kPercent ? 100
                                                       : 1;
  int64_t whole = 0, fraction = 0, power = 1;
  bool point = false, negative = false;
  for (const char c : at.printed) {
    if (c == '-') negative = true;
    if (c == '.') point = true;
    if (c < '0' || c > '9') continue;
    if (!point) {
      whole = whole * 10 + (c - '0');
    } else {
      fraction = fraction * 10 + (c - '0');
      power *= 10;
    }
  }
  const int64_t value = whole * unit + fraction * unit / power;
  return negative ? -value : value;
}

int64_t Document::Excess(const Relation& relation) const {
  const auto sum_of = [&](const std::vector<Term>& terms, int64_t& twice_slack) {
    int64_t sum = 0;
    for (const Term& term : terms) {
      const Cell& cell = cells[size_t(term.cell)];
      sum += term.factor * PrintedValue(term.cell);
      if (cell.kind == CellKind::kMoney && cell.style.QuantumFen() > 1) {
        twice_slack += std::abs(term.factor) * cell.style.QuantumFen();
      }
    }
    return sum;
  };
  int64_t twice_slack = 0;
  const int64_t sum = sum_of(relation.terms, twice_slack) - relation.constant;
  if (relation.percent < 0) return std::abs(sum) - twice_slack / 2;
  int64_t twice_base_slack = 0;
  const int64_t base = std::abs(sum_of(relation.base, twice_base_slack));
  if (base == 0) return 0;
  // The share may lie anywhere between these, and the percentage itself was rounded once more.
  const auto hundredths = [](int64_t part, int64_t whole) {
    return double(part) * 10000.0 / double(std::max<int64_t>(whole, 1));
  };
  const double low = hundredths(std::max<int64_t>(0, std::abs(sum) - twice_slack / 2),
                                base + twice_base_slack / 2);
  const double high = hundredths(std::abs(sum) + twice_slack / 2, base - twice_base_slack / 2);
  const double printed = double(PrintedValue(relation.percent));
  const double excess = std::max(low - printed, printed - high) - 1.0;
  return excess <= 0 ? 0 : std::max<int64_t>(1, int64_t(excess));
}

Rendered Render(const Document& document) {
  Rendered rendered;
  rendered.line_numbers.resize(document.lines.size(), 0);
  int number = 1;
  std::string feed;
  for (size_t i = 0; i < document.lines.size(); ++i) {
    const Line& line = document.lines[i];
    rendered.line_numbers[i] = number;
    if (line.gone) continue;
    if (document.form_feeds && line.pieces.size() == 1 && line.pieces[0].text == kPageBreak) {
      feed = "\f";
      continue;
    }
    std::string text;
    int width = 0;
    for (const Piece& piece : line.pieces) {
      const std::string& body =
          piece.cell >= 0 ? document.cells[size_t(piece.cell)].printed : piece.text;
      if (body.empty()) continue;
      const int size = CharacterCount(body);
      int pad = 0;
      if (piece.right >= 0) pad = piece.right - size - width;
      if (piece.left >= 0) pad = piece.left - width;
      if (width > 0 && (piece.left >= 0 || piece.right >= 0)) pad = std::max(pad, 1);
      pad = std::max(pad, 0);
      text.append(size_t(pad), ' ');
      text += body;
      width += pad + size;
    }
    rendered.text += feed + text + "\n";
    feed.clear();
    ++number;
  }
  rendered.text += feed;
  return rendered;
}

std::string PrintHundredths(int64_t hundredths, bool commas) {
  std::string whole = std::to_string(hundredths / 100);
  if (commas) whole = WithCommas(whole);
  const std::string fraction = std::to_string(hundredths % 100);
  return whole + "." + std::string(2 - fraction.size(), '0') + fraction;
}

int64_t Share(int64_t part, int64_t whole) {
  part = std::abs(part);
  whole = std::abs(whole);
  if (whole == 0) return 0;
  return int64_t((__int128(part) * 20000 + whole) / (__int128(whole) * 2));
}

int CharacterCount(const std::string& text) {
  int count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

}  // namespace fiscal::corpus
