#include "domain/articulation/judge.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace fiscal::articulation {
namespace {

using disclosure::Cell;
using disclosure::Measure;

int64_t PlaceOf(const Cell& cell) {
  // An interval is as wide as one in the last place, less one.
  return std::max<int64_t>(1, cell.high - cell.low + 1);
}

// The amounts that give the percentage that is printed: it moves one way with the amount, so
// halving finds them.
std::vector<int64_t> WantedOfRatio(const Equation& e, const Cell* cell) {
  std::vector<int64_t> out;
  const Cell* percent = e.left[0].place.cell;
  int64_t largest = 1000000;
  for (const auto* terms : {&e.right, &e.denominator}) {
    for (const Term& t : *terms) {
      if (t.place.cell != nullptr)
        largest =
            std::max(largest, t.place.cell->value < 0 ? -t.place.cell->value : t.place.cell->value);
    }
  }
  if (percent == nullptr || largest > INT64_MAX / 64) return out;
  const int64_t sign = cell->value < 0 ? -1 : 1;
  auto above = [&](int64_t magnitude, bool* known) {
    int64_t expected = 0;
    *known = ExpectedPercent(e, &expected, {cell, sign * magnitude});
    return expected > percent->value;
  };
  int64_t low = 1, high = largest * 16;
  bool a = false, b = false;
  const bool at_low = above(low, &a), at_high = above(high, &b);
  if (!a || !b || at_low == at_high) return out;
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    bool known = false;
    (above(middle, &known) == at_low && known ? low : high) = middle;
  }
  const int64_t place = PlaceOf(*cell);
  const int64_t nominal = high / place * place;
  for (int64_t k = 0; k <= 40; ++k) {
    for (int64_t v : {nominal - k * place, nominal + k * place}) {
      if (v > 0 && Judge(e, {cell, sign * v}) != Holds::kNot) out.push_back(sign * v);
      if (k == 0) break;
    }
  }
  return out;
}

}  // namespace

Side SideOf(const std::vector<Term>& terms, const Edit& edit) {
  Side side;
  side.width = 0;
  for (const Term& t : terms) {
    int64_t value = t.constant, low = t.constant, high = t.constant;
    if (const Cell* cell = t.place.cell; cell != nullptr) {
      value = cell->value;
      low = cell->low;
      high = cell->high;
      if (cell == edit.cell) {
        value = edit.value;
        low = edit.value - (cell->value - cell->low);
        high = edit.value + (cell->high - cell->value);
      }
    }
    side.value += t.sign * static_cast<__int128>(value);
    side.low += t.sign > 0 ? low : -static_cast<__int128>(high);
    side.high += t.sign > 0 ? high : -static_cast<__int128>(low);
  }
  side.width = side.high - side.low;
  return side;
}

bool ExpectedPercent(const Equation& e, int64_t* percent, const Edit& edit) {
  Side num = SideOf(e.right, edit), den = SideOf(e.denominator, edit);
  if (den.value == 0) return false;
  __int128 n = num.value, d = den.value;
  if (e.absolute && n < 0) n = -n;
  if (d < 0) {
    n = -n;
    d = -d;
  }
  const Cell* cell = e.left[0].place.cell;
  if (cell == nullptr) return false;
  // Percentages are in millionths of a percent: 100 % is 10^8.
  const int64_t place = disclosure::PlaceFen(disclosure::MoneyUnit::kWanyuan, cell->decimals);
  const __int128 rounded = ((n < 0 ? -n : n) * 200000000 + d * place) / (2 * d * place);
  *percent = static_cast<int64_t>(n < 0 ? -rounded : rounded) * place;
  return true;
}

Holds Judge(const Equation& e, const Edit& edit) {
  const Side left = SideOf(e.left, edit), right = SideOf(e.right, edit);
  if (e.relation == Relation::kAtMost) {
    if (left.value <= right.value) return Holds::kExact;
    // A figure printed in a coarser unit is what the finer one rounds to.
    if (left.width > right.width && e.left.size() == 1 && left.low <= right.value)
      return Holds::kExact;
    return left.low <= right.high ? Holds::kRounding : Holds::kNot;
  }
  if (e.relation == Relation::kRatio) {
    int64_t expected = 0;
    if (!ExpectedPercent(e, &expected, edit)) return left.value == 0 ? Holds::kExact : Holds::kNot;
    if (expected == left.value) return Holds::kExact;
    // The extremes of the ratio over the intervals.
    __int128 n0 = right.low, n1 = right.high;
    if (e.absolute && n1 <= 0) {
      const __int128 swap = -n0;
      n0 = -n1;
      n1 = swap;
    } else if (e.absolute && n0 < 0) {
      n1 = std::max(n1, -n0);
      n0 = 0;
    }
    const Side den = SideOf(e.denominator, edit);
    if (den.low <= 0) return Holds::kNot;
    const __int128 scale = 100000000;
    const __int128 least = n0 >= 0 ? n0 * scale / den.high : n0 * scale / den.low - 1;
    const __int128 most = n1 >= 0 ? n1 * scale / den.low + 1 : n1 * scale / den.high;
    return left.low <= most && least <= left.high ? Holds::kRounding : Holds::kNot;
  }
  if (left.value == right.value) return Holds::kExact;
  // A figure printed in a coarser unit is what the finer one rounds to.
  const bool coarser = left.width > right.width && e.left.size() == 1 && left.low <= right.value &&
                       right.value <= left.high;
  const bool finer = right.width > left.width && e.right.size() == 1 && right.low <= left.value &&
                     left.value <= right.high;
  if (coarser || finer) return Holds::kExact;
  return left.low <= right.high && right.low <= left.high ? Holds::kRounding : Holds::kNot;
}

std::vector<int64_t> Wanted(const Equation& e, const Cell* cell) {
  std::vector<int64_t> out;
  if (e.relation == Relation::kRatio) {
    int64_t expected = 0;
    if (e.left[0].place.cell == cell) {
      if (ExpectedPercent(e, &expected)) out.push_back(expected);
      return out;
    }
    return WantedOfRatio(e, cell);
  }
  int sign = 0;
  for (const Term& t : e.left) sign += t.place.cell == cell ? t.sign : 0;
  for (const Term& t : e.right) sign -= t.place.cell == cell ? t.sign : 0;
  if (sign != 1 && sign != -1) return out;
  const Side left = SideOf(e.left), right = SideOf(e.right);
  const __int128 residual = right.value - left.value;
  const __int128 middle = cell->value + sign * residual;
  if (middle > INT64_MAX / 2 || middle < -(INT64_MAX / 2)) return out;
  const int64_t place = PlaceOf(*cell);
  // To the digits the figure has.
  auto rounded = [place](int64_t v) {
    const int64_t r = ((v % place) + place) % place;
    return r * 2 >= place ? v - r + place : v - r;
  };
  const int64_t nominal = rounded(static_cast<int64_t>(middle));
  out.push_back(nominal);
  // The room that rounding leaves beside it.
  const __int128 slack = (left.width + right.width) / 2;
  for (int64_t k = 1; k * static_cast<__int128>(place) <= slack && k <= 12; ++k) {
    for (int64_t v : {nominal - k * place, nominal + k * place}) {
      if (Judge(e, {cell, v}) != Holds::kNot) out.push_back(v);
    }
  }
  return out;
}

std::string PrintLike(const Cell& cell, int64_t value, disclosure::MoneyUnit unit) {
  if (cell.measure == Measure::kCount) return absl::StrCat(value);
  if (cell.measure == Measure::kPercent) {
    return disclosure::PrintFigure(value < 0 ? -value : value, disclosure::MoneyUnit::kWanyuan,
                                   std::max<int>(cell.decimals, 2));
  }
  const int decimals =
      cell.blank() ? (unit == disclosure::MoneyUnit::kYuan ? 0 : 2) : cell.decimals;
  const bool separators = cell.printed.find(',') != std::string::npos;
  return disclosure::PrintFigure(value, unit, decimals, separators);
}

}  // namespace fiscal::articulation
