#include "domain/articulation/feasible.h"

#include "base/check.h"

namespace fiscal::articulation {
namespace {

constexpr int kPivotsMax = 20000;

__int128 Gcd(__int128 a, __int128 b) {
  if (a < 0) a = -a;
  if (b < 0) b = -b;
  while (b != 0) {
    const __int128 r = a % b;
    a = b;
    b = r;
  }
  return a;
}

Fraction Make(__int128 num, __int128 den, bool sound) {
  if (den < 0) {
    num = -num;
    den = -den;
  }
  if (den != 1) {
    const __int128 g = Gcd(num, den);
    if (g > 1) {
      num /= g;
      den /= g;
    }
  }
  return {num, den, sound};
}

Fraction Of(int64_t value) { return {value, 1, true}; }

Fraction operator*(const Fraction& a, const Fraction& b) {
  __int128 num, den;
  const bool over =
      __builtin_mul_overflow(a.num, b.num, &num) || __builtin_mul_overflow(a.den, b.den, &den);
  return over ? Fraction{0, 1, false} : Make(num, den, a.sound && b.sound);
}

Fraction operator+(const Fraction& a, const Fraction& b) {
  __int128 x, y, num, den;
  const bool over =
      __builtin_mul_overflow(a.num, b.den, &x) || __builtin_mul_overflow(b.num, a.den, &y) ||
      __builtin_add_overflow(x, y, &num) || __builtin_mul_overflow(a.den, b.den, &den);
  return over ? Fraction{0, 1, false} : Make(num, den, a.sound && b.sound);
}

Fraction Negative(const Fraction& a) { return {-a.num, a.den, a.sound}; }
Fraction operator-(const Fraction& a, const Fraction& b) { return a + Negative(b); }

Fraction Inverse(const Fraction& a) { return Make(a.den, a.num, a.sound); }

// -1, 0, 1.
int Compare(const Fraction& a, const Fraction& b) {
  if (a.den == b.den) return a.num < b.num ? -1 : a.num > b.num;
  const Fraction d = a - b;
  return d.num < 0 ? -1 : d.num > 0;
}

bool IsZero(const Fraction& a) { return a.num == 0; }

}  // namespace

int Feasible::AddVariable(int64_t value, int64_t low, int64_t high) {
  variables_.push_back({Of(value), Of(low), Of(high), -1});
  return static_cast<int>(variables_.size()) - 1;
}

int Feasible::AddSum(const std::vector<std::pair<int, int64_t>>& terms, std::optional<int64_t> low,
                     std::optional<int64_t> high) {
  Row row;
  Fraction value;
  auto add = [&](int variable, const Fraction& coefficient) {
    Fraction& c = row.terms[variable];
    c = c + coefficient;
    if (IsZero(c)) row.terms.erase(variable);
  };
  for (const auto& [variable, coefficient] : terms) {
    const Variable& v = variables_[static_cast<size_t>(variable)];
    value = value + v.value * Of(coefficient);
    if (v.row < 0) {
      add(variable, Of(coefficient));
    } else {
      for (const auto& [other, c] : rows_[static_cast<size_t>(v.row)].terms)
        add(other, c * Of(coefficient));
    }
  }
  row.basic = static_cast<int>(variables_.size());
  variables_.push_back({value, std::nullopt, std::nullopt, static_cast<int>(rows_.size())});
  const int sum = row.basic;
  rows_.push_back(std::move(row));
  Bind(sum, low, high);
  return sum;
}

void Feasible::Bind(int sum, std::optional<int64_t> low, std::optional<int64_t> high) {
  Variable& v = variables_[static_cast<size_t>(sum)];
  v.low = low ? std::optional<Fraction>(Of(*low)) : std::nullopt;
  v.high = high ? std::optional<Fraction>(Of(*high)) : std::nullopt;
  if (v.row >= 0) return;
  // A variable that is not basic stays within its bounds.
  if (v.low && Compare(v.value, *v.low) < 0) Update(sum, *v.low);
  if (v.high && Compare(v.value, *v.high) > 0) Update(sum, *v.high);
}

void Feasible::Release(int sum) {
  variables_[static_cast<size_t>(sum)].low.reset();
  variables_[static_cast<size_t>(sum)].high.reset();
}

void Feasible::Update(int nonbasic, const Fraction& value) {
  Variable& v = variables_[static_cast<size_t>(nonbasic)];
  const Fraction change = value - v.value;
  for (Row& row : rows_) {
    auto it = row.terms.find(nonbasic);
    if (it == row.terms.end()) continue;
    Variable& basic = variables_[static_cast<size_t>(row.basic)];
    basic.value = basic.value + it->second * change;
    sound_ = sound_ && basic.value.sound;
  }
  v.value = value;
}

void Feasible::Pivot(int at, int nonbasic) {
  Row& row = rows_[static_cast<size_t>(at)];
  const int basic = row.basic;
  const Fraction inverse = Inverse(row.terms.at(nonbasic));
  // nonbasic = basic / a - the rest / a.
  std::map<int, Fraction> terms;
  terms[basic] = inverse;
  for (const auto& [other, c] : row.terms) {
    if (other != nonbasic) terms[other] = Negative(c * inverse);
  }
  row.basic = nonbasic;
  row.terms = std::move(terms);
  variables_[static_cast<size_t>(nonbasic)].row = at;
  variables_[static_cast<size_t>(basic)].row = -1;
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (static_cast<int>(i) == at) continue;
    auto it = rows_[i].terms.find(nonbasic);
    if (it == rows_[i].terms.end()) continue;
    const Fraction factor = it->second;
    rows_[i].terms.erase(it);
    for (const auto& [other, c] : rows_[static_cast<size_t>(at)].terms) {
      Fraction& place = rows_[i].terms[other];
      place = place + factor * c;
      sound_ = sound_ && place.sound;
      if (IsZero(place)) rows_[i].terms.erase(other);
    }
  }
}

bool Feasible::Check() {
  conflict_.clear();
  for (int pivots = 0; sound_; ++pivots) {
    if (pivots > kPivotsMax) sound_ = false;
    // The basic variable of the least number that is out of its bounds.
    int worst = -1;
    bool below = false;
    for (const Row& row : rows_) {
      const Variable& v = variables_[static_cast<size_t>(row.basic)];
      const bool low = v.low && Compare(v.value, *v.low) < 0;
      const bool high = v.high && Compare(v.value, *v.high) > 0;
      if ((low || high) && (worst < 0 || row.basic < worst)) {
        worst = row.basic;
        below = low;
      }
    }
    if (worst < 0) return true;
    Variable& v = variables_[static_cast<size_t>(worst)];
    const int at = v.row;
    int enter = -1;
    for (const auto& [other, c] : rows_[static_cast<size_t>(at)].terms) {
      const Variable& o = variables_[static_cast<size_t>(other)];
      const bool up = (c.num > 0) == below;
      const bool room =
          up ? !o.high || Compare(o.value, *o.high) < 0 : !o.low || Compare(o.value, *o.low) > 0;
      if (room) {
        enter = other;
        break;
      }
    }
    if (enter < 0) {
      conflict_.push_back(worst);
      for (const auto& [other, c] : rows_[static_cast<size_t>(at)].terms)
        conflict_.push_back(other);
      return false;
    }
    const Fraction target = below ? *v.low : *v.high;
    const Fraction step =
        (target - v.value) * Inverse(rows_[static_cast<size_t>(at)].terms.at(enter));
    const Fraction moved = variables_[static_cast<size_t>(enter)].value + step;
    Update(enter, moved);
    Pivot(at, enter);
  }
  return false;
}

std::optional<Fraction> Feasible::Extreme(int variable, bool largest) {
  for (int pivots = 0; pivots < kPivotsMax && sound_; ++pivots) {
    Variable& v = variables_[static_cast<size_t>(variable)];
    // The objective over nonbasic variables.
    std::map<int, Fraction> objective;
    if (v.row < 0) {
      objective[variable] = Of(1);
    } else {
      objective = rows_[static_cast<size_t>(v.row)].terms;
    }
    int enter = -1;
    bool up = false;
    for (const auto& [other, c] : objective) {
      const Variable& o = variables_[static_cast<size_t>(other)];
      const bool raise = (c.num > 0) == largest;
      const bool room =
          raise ? !o.high || Compare(o.value, *o.high) < 0 : !o.low || Compare(o.value, *o.low) > 0;
      if (room) {
        enter = other;
        up = raise;
        break;
      }
    }
    if (enter < 0) return v.value;
    // How far it can go before a basic variable, or itself, meets a bound.
    Variable& e = variables_[static_cast<size_t>(enter)];
    std::optional<Fraction> best;
    int leave = -1;
    auto limit = [&](const Fraction& distance, int row) {
      const int order = best ? Compare(distance, *best) : -1;
      if (order < 0 ||
          (order == 0 && row >= 0 && leave >= 0 &&
           rows_[static_cast<size_t>(row)].basic < rows_[static_cast<size_t>(leave)].basic)) {
        best = distance;
        leave = row;
      }
    };
    if (up && e.high) limit(*e.high - e.value, -1);
    if (!up && e.low) limit(e.value - *e.low, -1);
    for (size_t i = 0; i < rows_.size(); ++i) {
      auto it = rows_[i].terms.find(enter);
      if (it == rows_[i].terms.end()) continue;
      const Variable& b = variables_[static_cast<size_t>(rows_[i].basic)];
      const bool rises = (it->second.num > 0) == up;
      Fraction rate = it->second;
      if (rate.num < 0) rate = Negative(rate);
      if (rises && b.high) limit((*b.high - b.value) * Inverse(rate), static_cast<int>(i));
      if (!rises && b.low) limit((b.value - *b.low) * Inverse(rate), static_cast<int>(i));
    }
    if (!best) return std::nullopt;
    Update(enter, up ? e.value + *best : e.value - *best);
    if (leave >= 0) Pivot(leave, enter);
  }
  sound_ = false;
  return std::nullopt;
}

std::optional<std::pair<Fraction, Fraction>> Feasible::Range(int variable) {
  const auto low = Extreme(variable, false);
  if (!low) return std::nullopt;
  const auto high = Extreme(variable, true);
  if (!high) return std::nullopt;
  return std::make_pair(*low, *high);
}

}  // namespace fiscal::articulation
