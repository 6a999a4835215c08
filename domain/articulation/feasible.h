// Decides whether figures known to within intervals can satisfy linear equations together. Exact,
// no floating point.
//
// The simplex of Dutertre and de Moura (A Fast Linear-Arithmetic Solver for DPLL(T), 2006):
// variables with bounds, a tableau of sums, Bland's rule. Starting at the printed values, nearly
// every sum holds already, so few pivots are made. The contradiction it names is minimal: without
// any one of its bounds the rest can hold.
#ifndef FISCAL_DOMAIN_ARTICULATION_FEASIBLE_H_
#define FISCAL_DOMAIN_ARTICULATION_FEASIBLE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace fiscal::articulation {

// An exact fraction in 128 bits. Overflow makes it unsound, which spreads.
struct Fraction {
  __int128 num = 0;
  __int128 den = 1;
  bool sound = true;
};

class Feasible {
 public:
  // A figure with its printed value and the interval of its true one. Returns its number.
  int AddVariable(int64_t value, int64_t low, int64_t high);
  // low <= sum of coefficients times variables <= high, where bounds are given. Returns its number
  // among the variables.
  int AddSum(const std::vector<std::pair<int, int64_t>>& terms, std::optional<int64_t> low,
             std::optional<int64_t> high);
  // Bounds of a sum that was added without.
  void Bind(int sum, std::optional<int64_t> low, std::optional<int64_t> high);
  // Removes the bounds of a sum.
  void Release(int sum);

  // True when all bounds can hold together. Else `conflict()` are the variables and sums of a
  // minimal contradiction.
  bool Check();
  const std::vector<int>& conflict() const { return conflict_; }
  // The least and the largest a variable can be. REQUIRES: Check() was true. nullopt where numbers
  // got too large.
  std::optional<std::pair<Fraction, Fraction>> Range(int variable);
  // False once numbers got too large: nothing is known then.
  bool sound() const { return sound_; }

 private:
  struct Variable {
    Fraction value;
    std::optional<Fraction> low, high;
    // Its row while it is basic, else -1.
    int row = -1;
  };
  // basic = sum of coefficient times nonbasic.
  struct Row {
    int basic = 0;
    std::map<int, Fraction> terms;
  };

  void Update(int nonbasic, const Fraction& value);
  void Pivot(int row, int nonbasic);
  std::optional<Fraction> Extreme(int variable, bool largest);

  std::vector<Variable> variables_;
  std::vector<Row> rows_;
  std::vector<int> conflict_;
  bool sound_ = true;
};

}  // namespace fiscal::articulation

#endif  // FISCAL_DOMAIN_ARTICULATION_FEASIBLE_H_
