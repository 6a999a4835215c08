// One equation by itself: the values of its sides, and whether it holds.
#ifndef FISCAL_DOMAIN_ARTICULATION_JUDGE_H_
#define FISCAL_DOMAIN_ARTICULATION_JUDGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "domain/articulation/rule_pack.h"

namespace fiscal::articulation {

enum class Holds : uint8_t { kExact, kRounding, kNot };

// A sum of figures and the interval its true value lies in.
struct Side {
  __int128 value = 0, low = 0, high = 0;
  // Finest interval among its figures.
  __int128 width = 0;
};

// A figure as if `cell` stood for `value`; nullptr leaves all as printed.
struct Edit {
  const disclosure::Cell* cell = nullptr;
  int64_t value = 0;
};

Side SideOf(const std::vector<Term>& terms, const Edit& edit = {});
Holds Judge(const Equation& e, const Edit& edit = {});
// Computes the percentage of a ratio, in the scale of its cell and rounded to its digits. False
// when the base is 0.
bool ExpectedPercent(const Equation& e, int64_t* percent, const Edit& edit = {});

// Values of `cell` that would make the equation hold, the middle one first; empty where none would.
std::vector<int64_t> Wanted(const Equation& e, const disclosure::Cell* cell);

// In the measure of the cell: "12.90", "420.00", "8".
std::string PrintLike(const disclosure::Cell& cell, int64_t value, disclosure::MoneyUnit unit);

}  // namespace fiscal::articulation

#endif  // FISCAL_DOMAIN_ARTICULATION_JUDGE_H_
