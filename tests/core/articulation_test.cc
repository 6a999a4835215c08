// The rules' parts by themselves: the solver against every corner of small systems, one equation
// alone, rules as data, rules together, and what is said to repair a mistake that was planted.
#include <fstream>
#include <numeric>
#include <random>
#include <set>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/csv.h"
#include "domain/articulation/check.h"
#include "domain/articulation/feasible.h"
#include "domain/articulation/judge.h"
#include "domain/articulation/rule_pack.h"
#include "domain/articulation/text_rules.h"
#include "domain/data/shipped.h"
#include "domain/disclosure/money.h"
#include "gtest/gtest.h"

namespace fiscal::articulation {
namespace {

using disclosure::Cell;
using disclosure::Disclosure;
using disclosure::Measure;
using disclosure::MoneyUnit;
using disclosure::Row;
using disclosure::Table;

// ---- The solver ----

// A small system: variables in boxes, sums with or without bounds.
struct Bound {
  bool low = false, high = false;
  int64_t least = 0, most = 0;
};
struct System {
  std::vector<std::pair<int64_t, int64_t>> boxes;
  std::vector<int64_t> values;
  std::vector<std::vector<int64_t>> sums;
  std::vector<Bound> bounds;
};

// An exact fraction for the corners: what is divided here is small.
struct Ratio {
  int64_t num = 0, den = 1;
};
Ratio Reduced(int64_t num, int64_t den) {
  if (den < 0) {
    num = -num;
    den = -den;
  }
  const int64_t g = std::gcd(num, den);
  return g == 0 ? Ratio{0, 1} : Ratio{num / g, den / g};
}
Ratio Minus(Ratio a, Ratio b) { return Reduced(a.num * b.den - b.num * a.den, a.den * b.den); }
Ratio Times(Ratio a, Ratio b) { return Reduced(a.num * b.num, a.den * b.den); }
Ratio Over(Ratio a, Ratio b) { return Reduced(a.num * b.den, a.den * b.num); }
bool Less(Ratio a, Ratio b) { return a.num * b.den < b.num * a.den; }

// Every corner of what the system allows: points where as many independent bounds are met as there
// are variables. A system in boxes has a solution when it has a corner, and each sum is least and
// largest in one.
class Corners {
 public:
  explicit Corners(const System& s) : s_(s), n_(s.boxes.size()) {
    for (size_t i = 0; i < n_; ++i) {
      std::vector<int64_t> unit(n_, 0);
      unit[i] = 1;
      planes_.push_back({unit, s.boxes[i].first});
      if (s.boxes[i].first != s.boxes[i].second) planes_.push_back({unit, s.boxes[i].second});
    }
    for (size_t k = 0; k < s.sums.size(); ++k) {
      const Bound& b = s.bounds[k];
      if (b.low) planes_.push_back({s.sums[k], b.least});
      if (b.high && !(b.low && b.least == b.most)) planes_.push_back({s.sums[k], b.most});
    }
    std::vector<size_t> chosen;
    Choose(0, &chosen);
  }
  bool any() const { return any_; }
  const std::vector<std::pair<Ratio, Ratio>>& ranges() const { return ranges_; }

 private:
  struct Plane {
    std::vector<int64_t> normal;
    int64_t at;
  };

  void Choose(size_t from, std::vector<size_t>* chosen) {
    if (chosen->size() == n_) {
      Meet(*chosen);
      return;
    }
    for (size_t i = from; i < planes_.size(); ++i) {
      chosen->push_back(i);
      Choose(i + 1, chosen);
      chosen->pop_back();
    }
  }

  void Meet(const std::vector<size_t>& chosen) {
    std::vector<std::vector<Ratio>> m(n_, std::vector<Ratio>(n_ + 1));
    for (size_t r = 0; r < n_; ++r) {
      for (size_t c = 0; c < n_; ++c) m[r][c] = {planes_[chosen[r]].normal[c], 1};
      m[r][n_] = {planes_[chosen[r]].at, 1};
    }
    for (size_t c = 0; c < n_; ++c) {
      size_t pivot = c;
      while (pivot < n_ && m[pivot][c].num == 0) ++pivot;
      if (pivot == n_) return;
      std::swap(m[c], m[pivot]);
      for (size_t r = 0; r < n_; ++r) {
        if (r == c || m[r][c].num == 0) continue;
        const Ratio factor = Over(m[r][c], m[c][c]);
        for (size_t k = c; k <= n_; ++k) m[r][k] = Minus(m[r][k], Times(factor, m[c][k]));
      }
    }
    std::vector<Ratio> point(n_);
    for (size_t c = 0; c < n_; ++c) {
      point[c] = Over(m[c][n_], m[c][c]);
      if (Less(point[c], {s_.boxes[c].first, 1}) || Less({s_.boxes[c].second, 1}, point[c])) return;
    }
    for (size_t k = 0; k < s_.sums.size(); ++k) {
      Ratio sum;
      for (size_t c = 0; c < n_; ++c) sum = Minus(sum, Times({-s_.sums[k][c], 1}, point[c]));
      const Bound& b = s_.bounds[k];
      if ((b.low && Less(sum, {b.least, 1})) || (b.high && Less({b.most, 1}, sum))) return;
    }
    for (size_t c = 0; c < n_; ++c) {
      if (!any_) ranges_.push_back({point[c], point[c]});
      if (Less(point[c], ranges_[c].first)) ranges_[c].first = point[c];
      if (Less(ranges_[c].second, point[c])) ranges_[c].second = point[c];
    }
    any_ = true;
  }

  const System& s_;
  const size_t n_;
  std::vector<Plane> planes_;
  bool any_ = false;
  std::vector<std::pair<Ratio, Ratio>> ranges_;
};

System RandomSystem(std::mt19937& random, size_t variables) {
  System s;
  for (size_t i = 0; i < variables; ++i) {
    const int64_t low = static_cast<int64_t>(random() % 9) - 4;
    const int64_t wide = static_cast<int64_t>(random() % 4);
    s.boxes.push_back({low, low + wide});
    s.values.push_back(low + static_cast<int64_t>(random() % static_cast<unsigned>(wide + 1)));
  }
  const size_t sums = 1 + random() % 4;
  for (size_t k = 0; k < sums; ++k) {
    std::vector<int64_t> terms;
    for (size_t i = 0; i < variables; ++i) terms.push_back(static_cast<int64_t>(random() % 3) - 1);
    s.sums.push_back(terms);
    const int64_t at = static_cast<int64_t>(random() % 9) - 4;
    switch (random() % 3) {
      case 0:
        s.bounds.push_back({false, true, 0, at});
        break;
      case 1:
        s.bounds.push_back({true, true, at, at + static_cast<int64_t>(random() % 3)});
        break;
      default:
        s.bounds.push_back({true, true, at, at});
    }
  }
  return s;
}

std::vector<std::pair<int, int64_t>> TermsOf(const std::vector<int64_t>& sum) {
  std::vector<std::pair<int, int64_t>> terms;
  for (size_t i = 0; i < sum.size(); ++i) {
    if (sum[i] != 0) terms.push_back({static_cast<int>(i), sum[i]});
  }
  return terms;
}
std::optional<int64_t> LowOf(const Bound& b) {
  return b.low ? std::optional<int64_t>(b.least) : std::nullopt;
}
std::optional<int64_t> HighOf(const Bound& b) {
  return b.high ? std::optional<int64_t>(b.most) : std::nullopt;
}

Feasible SolverOf(const System& s) {
  Feasible f;
  for (size_t i = 0; i < s.boxes.size(); ++i)
    f.AddVariable(s.values[i], s.boxes[i].first, s.boxes[i].second);
  for (size_t k = 0; k < s.sums.size(); ++k)
    f.AddSum(TermsOf(s.sums[k]), LowOf(s.bounds[k]), HighOf(s.bounds[k]));
  return f;
}

// Far outside what a few boxes can add up to.
constexpr int64_t kFree = 1000;

// The system with the bounds of `kept` (variables, then sums) and no others.
System Only(const System& s, const std::set<int>& kept) {
  System out = s;
  for (size_t i = 0; i < s.boxes.size(); ++i) {
    if (kept.count(static_cast<int>(i)) == 0) out.boxes[i] = {-kFree, kFree};
  }
  for (size_t k = 0; k < s.sums.size(); ++k) {
    if (kept.count(static_cast<int>(s.boxes.size() + k)) == 0) out.bounds[k] = {};
  }
  return out;
}

TEST(FeasibleTest, AgreesWithEveryCornerOfSmallSystems) {
  int feasible = 0, conflicts = 0;
  for (unsigned seed = 0; seed < 400; ++seed) {
    std::mt19937 random(seed);
    const System s = RandomSystem(random, seed % 40 == 0 ? 5 : 3 + seed % 2);
    const Corners corners(s);
    Feasible f = SolverOf(s);
    ASSERT_EQ(f.Check(), corners.any()) << "seed " << seed;
    ASSERT_TRUE(f.sound()) << "seed " << seed;
    if (corners.any()) {
      ++feasible;
      EXPECT_TRUE(f.conflict().empty());
      for (size_t i = 0; i < s.boxes.size(); ++i) {
        const auto range = f.Range(static_cast<int>(i));
        ASSERT_TRUE(range.has_value()) << "seed " << seed;
        const auto [least, most] = corners.ranges()[i];
        EXPECT_TRUE(range->first.num == least.num && range->first.den == least.den)
            << "seed " << seed << " least of " << i;
        EXPECT_TRUE(range->second.num == most.num && range->second.den == most.den)
            << "seed " << seed << " most of " << i;
      }
      continue;
    }
    ++conflicts;
    // What it names can't hold together, and can without any one of them.
    const std::set<int> named(f.conflict().begin(), f.conflict().end());
    ASSERT_FALSE(named.empty());
    EXPECT_FALSE(Corners(Only(s, named)).any()) << "seed " << seed;
    for (int one : named) {
      std::set<int> rest = named;
      rest.erase(one);
      EXPECT_TRUE(Corners(Only(s, rest)).any()) << "seed " << seed << " without " << one;
    }
  }
  EXPECT_GT(feasible, 80);
  EXPECT_GT(conflicts, 80);
}

TEST(FeasibleTest, BoundsComeAndGo) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(1000 + seed);
    System s = RandomSystem(random, 3);
    const std::vector<Bound> wanted = s.bounds;
    for (Bound& b : s.bounds) b = {};
    Feasible f = SolverOf(s);
    ASSERT_TRUE(f.Check()) << "nothing but boxes";
    for (int step = 0; step < 20; ++step) {
      const size_t k = random() % s.sums.size();
      const int number = static_cast<int>(s.boxes.size() + k);
      if (random() % 3 == 0) {
        s.bounds[k] = {};
        f.Release(number);
      } else {
        s.bounds[k] = wanted[k];
        f.Bind(number, LowOf(wanted[k]), HighOf(wanted[k]));
      }
      if (random() % 4 == 0 && Corners(s).any() && f.Check())
        f.Range(static_cast<int>(random() % s.boxes.size()));
      ASSERT_EQ(f.Check(), Corners(s).any()) << "seed " << seed << " step " << step;
      ASSERT_TRUE(f.sound());
    }
  }
}

TEST(FeasibleTest, SaysWhenNumbersGetTooLarge) {
  const int64_t huge = INT64_C(4000000000000000000);
  Feasible f;
  const int a = f.AddVariable(huge, huge, huge);
  const int b = f.AddSum({{a, huge}}, std::nullopt, std::nullopt);
  EXPECT_TRUE(f.sound());
  f.AddSum({{b, huge}}, 0, 0);
  EXPECT_FALSE(f.sound());
  EXPECT_FALSE(f.Check());
  // Large amounts with small coefficients are no trouble.
  Feasible g;
  const int x = g.AddVariable(huge, huge - 5, huge + 5),
            y = g.AddVariable(huge - 8, huge - 13, huge - 3);
  g.AddSum({{x, 1}, {y, -1}}, 0, 0);
  EXPECT_TRUE(g.Check());
  EXPECT_TRUE(g.sound());
}

// ---- One equation ----

Cell Money(const std::string& printed, MoneyUnit unit = MoneyUnit::kWanyuan) {
  Cell cell;
  const auto figure = disclosure::ParseFigure(printed, unit);
  if (printed.empty()) return cell;
  EXPECT_TRUE(figure.has_value()) << printed;
  cell.printed = printed;
  cell.value = figure->fen;
  cell.decimals = static_cast<uint8_t>(figure->decimals);
  disclosure::SetInterval(disclosure::PlaceFen(unit, figure->decimals), &cell);
  return cell;
}

Cell Percent(const std::string& printed) {
  Cell cell = Money(printed);
  cell.measure = Measure::kPercent;
  return cell;
}

std::vector<Term> Terms(const std::vector<Cell>& cells) {
  std::vector<Term> terms;
  for (const Cell& c : cells) terms.push_back({{&c, 1, nullptr, 0}, 1, 0});
  return terms;
}

std::string Judged(const std::string& left, Relation relation,
                   const std::vector<std::string>& right,
                   const std::vector<std::string>& denominator = {}, bool absolute = false) {
  std::vector<Cell> l, r, d;
  l.push_back(relation == Relation::kRatio ? Percent(left) : Money(left));
  for (const std::string& p : right) r.push_back(Money(p));
  for (const std::string& p : denominator) d.push_back(Money(p));
  Equation e{Terms(l), Terms(r), Terms(d), relation, absolute};
  const Holds holds = Judge(e);
  return holds == Holds::kExact ? "exact" : holds == Holds::kRounding ? "rounding" : "not";
}

TEST(JudgeTest, SumsHoldExactlyWithinRoundingOrNot) {
  const Relation is = Relation::kEqual;
  EXPECT_EQ(Judged("880.87", is, {"29.88", "15.84", "804.22", "30.93"}), "exact");
  EXPECT_EQ(Judged("311.16", is, {"286.32", "24.85"}), "rounding");
  // Halves go up: what prints 880.87 is below 880.875, and what prints 880.88 is not.
  EXPECT_EQ(Judged("880.87", is, {"880.88"}), "not");
  EXPECT_EQ(Judged("880.88", is, {"880.87"}), "not");
  EXPECT_EQ(Judged("-880.87", is, {"-880.88"}), "not");
  EXPECT_EQ(Judged("0.00", is, {"0.01"}), "not");
  EXPECT_EQ(Judged("5.00", is, {""}), "not");
  EXPECT_EQ(Judged("", is, {"", ""}), "exact");
}

TEST(JudgeTest, TheLargestRoundingOfASumOfSoManyTerms) {
  for (int n = 1; n <= 9; ++n) {
    const int64_t largest = n / 2;
    for (int64_t off : {-largest - 1, -largest, largest, largest + 1}) {
      const std::vector<std::string> terms(static_cast<size_t>(n), "10.00");
      const std::string total =
          disclosure::PrintFigure((1000 * n + off) * 10000, MoneyUnit::kWanyuan);
      EXPECT_EQ(Judged(total, Relation::kEqual, terms), off == 0 ? "exact"
                                                        : off >= -largest && off <= largest
                                                            ? "rounding"
                                                            : "not")
          << n << " terms off by " << off;
    }
  }
}

TEST(JudgeTest, BoundsHoldWithinRounding) {
  const Relation most = Relation::kAtMost;
  EXPECT_EQ(Judged("2.00", most, {"2.00"}), "exact");
  EXPECT_EQ(Judged("1.99", most, {"2.00"}), "exact");
  EXPECT_EQ(Judged("2.01", most, {"2.00"}), "not");
  EXPECT_EQ(Judged("2.01", most, {"1.00", "1.00"}), "rounding");
  EXPECT_EQ(Judged("2.02", most, {"1.00", "1.00"}), "not");
  EXPECT_EQ(Judged("-3.00", most, {""}), "exact");
}

TEST(JudgeTest, PercentagesOfWhatIsPrinted) {
  const Relation ratio = Relation::kRatio;
  EXPECT_EQ(Judged("14.54", ratio, {"149.90"}, {"880.87", "149.90"}), "exact");
  EXPECT_EQ(Judged("14.54", ratio, {"-149.90"}, {"880.87", "149.90"}, true), "exact");
  EXPECT_EQ(Judged("14.54", ratio, {"-149.90"}, {"880.87", "149.90"}), "not");
  EXPECT_EQ(Judged("12.90", ratio, {"3.68"}, {"24.85", "3.68"}), "exact");
  EXPECT_EQ(Judged("14.81", ratio, {"3.68"}, {"24.85", "3.68"}), "not");
  EXPECT_EQ(Judged("33.33", ratio, {"1.00"}, {"3.00"}), "exact");
  EXPECT_EQ(Judged("33.34", ratio, {"1.00"}, {"3.00"}), "rounding");
  EXPECT_EQ(Judged("33.60", ratio, {"1.00"}, {"3.00"}), "not");
  EXPECT_EQ(Judged("33", ratio, {"1.00"}, {"3.00"}), "exact");
  EXPECT_EQ(Judged("5.00", ratio, {"1.00"}, {""}), "not");
  EXPECT_EQ(Judged("0.00", ratio, {"1.00"}, {""}), "exact");
}

TEST(JudgeTest, ACoarserUnitRoundsTheFiner) {
  auto judged = [](const std::string& wanyuan, const std::string& yuan) {
    const std::vector<Cell> l = {Money(wanyuan)}, r = {Money(yuan, MoneyUnit::kYuan)};
    const Holds there = Judge({Terms(l), Terms(r), {}, Relation::kEqual, false});
    EXPECT_EQ(there, Judge({Terms(r), Terms(l), {}, Relation::kEqual, false})) << yuan;
    return there;
  };
  EXPECT_EQ(judged("171.01", "1,710,062.00"), Holds::kExact);
  EXPECT_EQ(judged("171.01", "1,710,050.00"), Holds::kExact);
  EXPECT_EQ(judged("171.01", "1,710,149.99"), Holds::kExact);
  EXPECT_EQ(judged("171.01", "1,710,150.00"), Holds::kNot);
  EXPECT_EQ(judged("171.01", "1,710,049.99"), Holds::kNot);
}

TEST(JudgeTest, WhatWouldMakeItHold) {
  const std::vector<Cell> l = {Money("10.00")}, r = {Money("5.00"), Money("4.00")};
  const Equation e{Terms(l), Terms(r), {}, Relation::kEqual, false};
  auto printed = [](const std::vector<int64_t>& wanted) {
    std::vector<std::string> out;
    for (int64_t v : wanted) out.push_back(disclosure::PrintFigure(v, MoneyUnit::kWanyuan));
    return out.empty() ? "" : out[0];
  };
  EXPECT_EQ(printed(Wanted(e, &l[0])), "9.00");
  EXPECT_EQ(printed(Wanted(e, &r[0])), "6.00");
  EXPECT_EQ(printed(Wanted(e, &r[1])), "5.00");
  for (const Cell* cell : {&l[0], &r[0], &r[1]}) {
    for (int64_t v : Wanted(e, cell)) EXPECT_NE(Judge(e, {cell, v}), Holds::kNot);
  }
  // On both sides it can't repair anything.
  const Equation both{{{{&l[0], 1, nullptr, 0}, 1, 0}},
                      {{{&l[0], 1, nullptr, 0}, 1, 0}, {{&r[0], 1, nullptr, 0}, 1, 0}},
                      {},
                      Relation::kEqual,
                      false};
  EXPECT_TRUE(Wanted(both, &l[0]).empty());
  const std::vector<Cell> percent = {Percent("14.81")}, num = {Money("3.68")},
                          den = {Money("24.85"), Money("3.68")};
  const Equation ratio{Terms(percent), Terms(num), Terms(den), Relation::kRatio, false};
  EXPECT_EQ(printed(Wanted(ratio, &percent[0])), "12.90");
}

// ---- Rules as data ----

constexpr const char* kHeader = "rule,severity,kind,form,source,formula,check\n";

RulePack Pack(const std::vector<std::string>& rules) {
  auto pack = ParseRules(absl::StrCat(kHeader, absl::StrJoin(rules, "\n"), "\n"));
  EXPECT_TRUE(pack.ok()) << pack.status();
  return pack.ok() ? *std::move(pack) : RulePack();
}
std::string Linear(const std::string& id, const std::string& check) {
  return absl::StrCat(id, ",ERROR,linear,*,here,,\"", check, "\"");
}

TEST(RulePackTest, WhatIsNotUnderstoodIsNamedByItsLine) {
  const std::string good = Linear("A", "T3[total,total] = sum T3[level1,total]");
  for (const char* bad : {
           "B,ERROR,linear,*,here,T3[total,total] = T1[income.total,amount]",
           "B,ERROR,linear,*,here,,",
           "B,ERROR,linear,*,here,,\"T3[total,total]\"",
           "B,ERROR,linear,*,here,,\"T3[total,total] = \"",
           "B,ERROR,linear,*,here,,\"T3[total] = T1[income.total,amount]\"",
           "B,ERROR,linear,*,here,,\"T14[total,total] = T1[income.total,amount]\"",
           "B,ERROR,linear,*,here,,\"T3[total,total] = T1[income.total,amount] and more\"",
           "B,ERROR,linear,*,here,,\"each x in T3[*]: T3[$r,total] = T3[$r,basic]\"",
           "B,ERROR,linear,*,here,,\"each r in T3[*] T3[$r,total] = T3[$r,basic]\"",
           "B,ERROR,linear,*,here,,\"when maybe: T3[total,total] = T3[total,basic]\"",
           "B,ERROR,linear,*,here,,\"N[x,percent] %= N[x,change]\"",
           "B,ERROR,linear,*,here,,\"sum N[x,percent] %= N[x,change] / N[x,last]\"",
           "B,FATAL,linear,*,here,,\"T3[total,total] = T3[total,basic]\"",
           "B,ERROR,guess,*,here,,\"T3[total,total] = T3[total,basic]\"",
           "B,ERROR,text_or_count,*,here,,fn astrology",
           "B,ERROR,text_or_count,*,here,,fn tree",
           "B,ERROR,text_or_count,*,here,,fn tree T99",
           "B,ERROR,text_or_count,*,here,,fn same_codes T2",
           ",ERROR,linear,*,here,,\"T3[total,total] = T3[total,basic]\"",
       }) {
    const auto pack = ParseRules(absl::StrCat(kHeader, good, "\n", bad, "\n"));
    EXPECT_EQ(pack.status().code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_TRUE(absl::StrContains(pack.status().message(), "line 3")) << pack.status();
  }
}

TEST(RulePackTest, EveryRuleOfTheListIsInThePack) {
  std::ifstream file("tests/data/rules_expected.csv");
  std::stringstream text;
  text << file.rdbuf();
  const auto rows = ParseCsv(text.str());
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 102u);
  for (size_t i = 1; i < rows->size(); ++i) {
    const std::vector<std::string>& c = (*rows)[i].cells;
    bool found = false;
    for (const Rule& rule : ShippedRules().rules) {
      if (rule.id != c[0]) continue;
      found = true;
      EXPECT_STREQ(Name(rule.severity), c[1].c_str()) << c[0];
      EXPECT_EQ(rule.kind, c[2]) << c[0];
    }
    EXPECT_TRUE(found) << c[0];
  }
}

TEST(RulePackTest, EveryCheckByNameExists) {
  int named = 0;
  for (const Rule& rule : ShippedRules().rules) {
    if (rule.check.function.empty()) continue;
    ++named;
    EXPECT_TRUE(KnowsTextRule(rule.check.function[0])) << rule.id;
  }
  EXPECT_GT(named, 20);
  EXPECT_FALSE(KnowsTextRule("astrology"));
}

TEST(RulePackTest, TheFingerprintIsOfEveryByte) {
  const std::string csv(domain::ShippedFile("rules.csv"));
  const auto pack = ParseRules(csv);
  ASSERT_TRUE(pack.ok());
  EXPECT_EQ(pack->sha256.size(), 64u);
  EXPECT_EQ(pack->sha256, ShippedRules().sha256);
  const auto other = ParseRules(absl::StrReplaceAll(csv, {{"T1-01,ERROR", "T1-01,WARNING"}}));
  const auto comment = ParseRules(absl::StrReplaceAll(csv, {{"domain 5.1", "domain 5.l"}}));
  ASSERT_TRUE(other.ok() && comment.ok());
  EXPECT_NE(other->sha256, pack->sha256);
  EXPECT_NE(comment->sha256, pack->sha256);
  EXPECT_EQ(Check(Disclosure(), *pack).rules_sha256, pack->sha256);
}

// ---- Rules together ----

void AddRow(Table* t, const std::string& key, int level, const std::vector<std::string>& printed) {
  Row row;
  row.key = row.label = key;
  row.level = level;
  if (level > 0 && t->number != 1) row.code = key;
  for (const std::string& p : printed) row.cells.push_back(Money(p));
  t->rows.push_back(std::move(row));
}

Table& AddTable(Disclosure* d, int number, const std::vector<std::string>& columns) {
  Table& t = d->table(number);
  t.number = t.form_number = number;
  t.unit = MoneyUnit::kWanyuan;
  t.columns = columns;
  return t;
}

const RuleOutcome& OutcomeOf(const Report& report, const std::string& rule) {
  for (const RuleOutcome& o : report.outcomes) {
    if (o.rule == rule) return o;
  }
  ADD_FAILURE() << "nothing is said of " << rule;
  static const RuleOutcome none;
  return none;
}

TEST(CheckTest, RulesThatHoldAloneWithinRoundingButNotTogether) {
  Disclosure d;
  Table& t = AddTable(&d, 1, {"amount"});
  AddRow(&t, "a", 0, {"1.01"});
  AddRow(&t, "b", 0, {"0.50"});
  AddRow(&t, "c", 0, {"0.50"});
  AddRow(&t, "d", 0, {"0.99"});
  AddRow(&t, "e", 0, {"2.01"});
  AddRow(&t, "f", 0, {"1.00"});
  AddRow(&t, "g", 0, {"1.00"});
  // b + c is at least 1.005 by A and below 0.995 by B.
  const std::string a = Linear("A", "T1[a,amount] = T1[b,amount] + T1[c,amount]");
  const std::string b = Linear("B", "T1[d,amount] = T1[b,amount] + T1[c,amount]");
  const std::string beside = Linear("C", "T1[e,amount] = T1[f,amount] + T1[g,amount]");
  for (const auto& rules : {std::vector<std::string>{a, beside}, {b, beside}, {beside}}) {
    const Report alone = Check(d, Pack(rules));
    EXPECT_EQ(alone.verdict, Verdict::kRoundingOnly);
    EXPECT_TRUE(alone.conflicts.empty());
  }
  const Report report = Check(d, Pack({a, b, beside}));
  EXPECT_EQ(report.verdict, Verdict::kViolated);
  EXPECT_TRUE(report.failed());
  ASSERT_EQ(report.conflicts.size(), 1u);
  EXPECT_EQ(report.conflicts[0].rules, (std::vector<std::string>{"A", "B"}));
  std::set<std::string> cells;
  for (const CellRef& c : report.conflicts[0].cells) cells.insert(c.row);
  EXPECT_EQ(cells, (std::set<std::string>{"a", "d"}));
  EXPECT_EQ(OutcomeOf(report, "A").outcome, Outcome::kRoundingOnly);
  EXPECT_EQ(OutcomeOf(report, "B").outcome, Outcome::kFailed);
  EXPECT_EQ(OutcomeOf(report, "C").outcome, Outcome::kRoundingOnly);
  EXPECT_TRUE(absl::StrContains(OutcomeOf(report, "B").message, "not together with A"));
}

// A level above the last without rows below it: nothing adds up to its money. A flat list has no
// levels.
TEST(CheckTest, RowsLeftOutBelowAnother) {
  const RulePack pack = Pack({Linear("H",
                                     "each r in T7[total|level1|level2|level3], each c in "
                                     "T7[columns]: T7[$r,$c] = sum T7[children $r,$c]")});
  auto verdict = [&](const std::vector<std::pair<std::string, std::string>>& rows) {
    Disclosure d;
    d.document = true;
    Table& t = AddTable(&d, 7, {"amount"});
    AddRow(&t, "total", 0, {"5.00"});
    for (const auto& [code, amount] : rows)
      AddRow(&t, code, static_cast<int>(code.size() - 1) / 2, {amount});
    return Check(d, pack).verdict;
  };
  EXPECT_EQ(verdict({{"10301", "3.00"}, {"10306", "2.00"}}), Verdict::kExact);
  EXPECT_EQ(verdict({{"1030101", "3.00"}, {"1030102", "2.00"}}), Verdict::kExact);
  EXPECT_EQ(verdict({{"103", "5.00"}, {"10301", "5.00"}, {"1030101", "3.00"}, {"1030102", "2.00"}}),
            Verdict::kExact);
  EXPECT_EQ(verdict({{"103", "5.00"}, {"10301", "5.00"}}), Verdict::kViolated);
  EXPECT_EQ(verdict({{"103", "5.00"}, {"1030101", "5.00"}}), Verdict::kViolated);
  EXPECT_EQ(verdict({{"10301", "5.00"}, {"1030101", "5.00"}}), Verdict::kViolated);
}

TEST(CheckTest, TheVerdictIsOfLinearErrors) {
  Disclosure d;
  Table& t = AddTable(&d, 1, {"amount"});
  AddRow(&t, "a", 0, {"1.00"});
  AddRow(&t, "b", 0, {"2.00"});
  const std::string check = "T1[a,amount] = T1[b,amount]";
  auto verdict = [&](const std::string& severity, const std::string& kind) {
    const Report r =
        Check(d, Pack({absl::StrCat("A,", severity, ",", kind, ",*,here,,\"", check, "\"")}));
    EXPECT_EQ(OutcomeOf(r, "A").outcome, Outcome::kFailed);
    EXPECT_EQ(r.failed(), severity == "ERROR");
    return r.verdict;
  };
  EXPECT_EQ(verdict("ERROR", "linear"), Verdict::kViolated);
  EXPECT_EQ(verdict("WARNING", "linear"), Verdict::kExact);
  EXPECT_EQ(verdict("ERROR", "narrative_figure"), Verdict::kExact);
  // Another form's rules do not apply.
  const Report other =
      Check(d, Pack({absl::StrCat("A,ERROR,linear,shanxi-13,here,,\"", check, "\"")}));
  EXPECT_EQ(OutcomeOf(other, "A").outcome, Outcome::kNotApplicable);
}

// ---- What would repair it ----

// Two tables by code that agree, and what the text says of last year.
Disclosure Consistent() {
  Disclosure d;
  d.document = true;
  d.unit = MoneyUnit::kWanyuan;
  for (int n : {3, 5}) {
    Table& t = AddTable(&d, n, {"total", "basic", "project"});
    AddRow(&t, "total", 0, {"880.87", "311.16", "569.71"});
    AddRow(&t, "201", 1, {"684.09", "264.38", "419.71"});
    AddRow(&t, "20101", 2, {"684.09", "264.38", "419.71"});
    AddRow(&t, "2010101", 3, {"234.67", "234.51", "0.16"});
    AddRow(&t, "2010102", 3, {"170.00", "20.45", "149.55"});
    AddRow(&t, "2010199", 3, {"279.42", "9.42", "270.00"});
    AddRow(&t, "208", 1, {"196.78", "46.78", "150.00"});
    AddRow(&t, "20805", 2, {"196.78", "46.78", "150.00"});
    AddRow(&t, "2080505", 3, {"196.78", "46.78", "150.00"});
  }
  Table& n = d.table(disclosure::kNarrative);
  n.unit = MoneyUnit::kWanyuan;
  n.columns = {"amount", "change", "percent", "last"};
  Row row;
  row.key = row.label = "operating";
  row.cells = {Money("24.85"), Money("3.68"), Percent("12.90"), Money("51.37")};
  n.rows.push_back(row);
  return d;
}

const RulePack& TreePack() {
  static const auto* const pack = new RulePack(Pack({
      Linear("H3",
             "each r in T3[total|level1|level2], each c in T3[columns]: T3[$r,$c] = sum "
             "T3[children $r,$c]"),
      Linear("H5",
             "each r in T5[total|level1|level2], each c in T5[columns]: T5[$r,$c] = sum "
             "T5[children $r,$c]"),
      Linear("R3", "each r in T3[*]: T3[$r,total] = sum T3[$r,parts]"),
      Linear("R5", "each r in T5[*]: T5[$r,total] = sum T5[$r,parts]"),
      "P,ERROR,narrative_figure,*,here,,\"N[operating,percent] %= abs N[operating,change] / "
      "N[operating,amount] + N[operating,change]\"",
  }));
  return *pack;
}

Cell* At(Disclosure* d, int table, const std::string& row, const std::string& column) {
  Row* r = d->table(table).Find(row);
  return r == nullptr ? nullptr : &r->cells[static_cast<size_t>(d->table(table).ColumnOf(column))];
}

// The best diagnosis of the first rule that failed: "kind row column suggested".
std::string Best(const Disclosure& d) {
  const Report report = Check(d, TreePack());
  EXPECT_EQ(report.failed(), true);
  for (const RuleOutcome& o : report.outcomes) {
    if (o.outcome != Outcome::kFailed) continue;
    if (o.diagnoses.empty()) return o.rule + " has none";
    const Diagnosis& best = o.diagnoses[0];
    EXPECT_FALSE(best.text_zh.empty());
    return absl::StrCat(best.kind, " ", best.cell.row, " ", best.cell.column, " ", best.suggested);
  }
  return "nothing failed";
}

TEST(DiagnosisTest, TheConsistentOneHolds) {
  const Report report = Check(Consistent(), TreePack());
  EXPECT_EQ(report.verdict, Verdict::kExact);
  for (const RuleOutcome& o : report.outcomes)
    EXPECT_EQ(o.outcome, Outcome::kPassed) << o.rule << " " << o.message;
}

TEST(DiagnosisTest, APlantedFigureIsFoundWithItsKind) {
  const struct {
    const char *row, *column, *printed, *best;
  } edits[] = {
      {"2010101", "basic", "243.51", "digit_swapped 2010101 basic 234.51"},
      {"2010101", "basic", "23.51", "digit_dropped 2010101 basic 234.51"},
      {"2010101", "basic", "2344.51", "digit_doubled 2010101 basic 234.51"},
      {"2010101", "basic", "284.51", "digit_wrong 2010101 basic 234.51"},
      {"2010101", "basic", "2345.10", "point_shifted 2010101 basic 234.51"},
      {"2010101", "project", "1600.00", "factor_10000 2010101 project 0.16"},
      {"2010102", "project", "-149.55", "sign 2010102 project 149.55"},
      {"2010102", "project", "", "missing_figure 2010102 project 149.55"},
      // What the text says the year before had.
      {"2010102", "basic", "51.37", "last_years_figure 2010102 basic 20.45"},
  };
  for (const auto& e : edits) {
    for (int table : {3, 5}) {
      Disclosure d = Consistent();
      *At(&d, table, e.row, e.column) = Money(e.printed);
      EXPECT_EQ(Best(d), e.best) << "table " << table << " " << e.printed;
    }
  }
}

TEST(DiagnosisTest, RowsThatMovedOrAreLeftOut) {
  // A figure printed a row too low, where its neighbour's belongs.
  Disclosure shifted = Consistent();
  *At(&shifted, 5, "2010101", "basic") = Money("20.45");
  EXPECT_EQ(Best(shifted), "other 2010101 basic 234.51");
  *At(&shifted, 5, "2010102", "basic") = Money("234.51");
  EXPECT_EQ(Best(shifted), "shifted_row 2010101 basic 234.51");
  Disclosure omitted = Consistent();
  std::vector<Row>& rows = omitted.table(5).rows;
  rows.erase(rows.begin() + 4);
  EXPECT_EQ(Best(omitted), "omitted_row 20101 total 170.00");
  // The only row below another.
  Disclosure only = Consistent();
  only.table(5).rows.pop_back();
  EXPECT_EQ(Best(only), "omitted_row 20805 total 196.78");
}

TEST(DiagnosisTest, APercentageOverAnotherBase) {
  Disclosure d = Consistent();
  *At(&d, disclosure::kNarrative, "operating", "percent") = Percent("14.81");
  EXPECT_EQ(Best(d), "wrong_denominator operating percent 12.90");
}

}  // namespace
}  // namespace fiscal::articulation
