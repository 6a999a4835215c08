#include "domain/articulation/check.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "domain/articulation/diagnosis.h"
#include "domain/articulation/feasible.h"
#include "domain/articulation/judge.h"
#include "domain/articulation/text_rules.h"

namespace fiscal::articulation {
namespace {

using disclosure::Cell;
using disclosure::Disclosure;
using disclosure::MoneyUnit;

bool CountsForVerdict(const Rule& rule) {
  return rule.kind == "linear" && rule.severity == domain::Severity::kError;
}

// A number of fen in the unit, to the digits a fraction needs.
std::string PrintFraction(const Fraction& f, MoneyUnit unit) {
  // Down to a fen; ranges are wide against it.
  const __int128 whole = f.num / f.den;
  return disclosure::PrintFigure(static_cast<int64_t>(whole), unit, disclosure::ScaleOf(unit));
}

class Checker {
 public:
  Checker(const Disclosure& d, const RulePack& rules) : d_(d), rules_(rules) {}

  Report Run() {
    report_.rules_sha256 = rules_.sha256;
    for (const Rule& rule : rules_.rules) {
      if (rule.form != "*" && rule.form != d_.form) {
        Note(rule, Outcome::kNotApplicable, "");
        continue;
      }
      if ((rule.check.needs & d_.untold) != 0) {
        Note(rule, Outcome::kInsufficientData, "the lines do not tell what it needs");
        continue;
      }
      if (!rule.check.function.empty()) {
        Words(rule);
      } else {
        Equations(rule);
      }
    }
    JudgeTogether();
    Describe();
    // A rule that found nothing to check says so once, if no other of its forms did.
    for (const auto& [id, note] : notes_) {
      if (!note.seen && !note.silent) {
        RuleOutcome o;
        o.rule = id;
        o.severity = note.rule->severity;
        o.kind = note.rule->kind;
        o.outcome = note.outcome;
        o.message = note.why;
        o.message_zh =
            note.outcome == Outcome::kInsufficientData ? "缺少核对所需的数据" : "本表式不适用";
        report_.outcomes.push_back(std::move(o));
      }
    }
    Order();
    return std::move(report_);
  }

 private:
  struct NoteOf {
    const Rule* rule = nullptr;
    bool seen = false;
    bool silent = false;
    Outcome outcome = Outcome::kNotApplicable;
    std::string why;
  };

  void Note(const Rule& rule, Outcome outcome, std::string why) {
    NoteOf& note = notes_[rule.id];
    note.rule = &rule;
    note.silent = rule.check.silent;
    if (note.why.empty() || outcome == Outcome::kInsufficientData) {
      note.outcome = outcome;
      note.why = std::move(why);
    }
  }

  void Words(const Rule& rule) {
    std::vector<TextFinding> findings = RunTextRule(rule, d_);
    Note(rule, Outcome::kNotApplicable, "nothing it speaks of is in the document");
    for (TextFinding& f : findings) {
      notes_[rule.id].seen = true;
      RuleOutcome o;
      o.rule = rule.id;
      o.severity = rule.severity;
      o.kind = rule.kind;
      o.outcome = f.outcome;
      o.message = std::move(f.message);
      o.message_zh = std::move(f.message_zh);
      o.cells = std::move(f.cells);
      report_.outcomes.push_back(std::move(o));
    }
  }

  void Equations(const Rule& rule) {
    Applied applied = Instantiate(rule, d_);
    if (applied.no_table) {
      Note(rule, Outcome::kNotApplicable, "the form has no such table");
      return;
    }
    // Of two ways to read a form, the one more of it follows.
    size_t best = 0;
    size_t fewest = SIZE_MAX;
    for (size_t i = 0; i < applied.alternatives.size(); ++i) {
      size_t failed = 0;
      for (const Instance& instance : applied.alternatives[i]) {
        for (const Equation& e : instance.equations) failed += Judge(e) == Holds::kNot;
      }
      if (failed < fewest) {
        fewest = failed;
        best = i;
      }
    }
    const bool any = !applied.alternatives.empty() && !applied.alternatives[best].empty();
    if (applied.no_figure && !any) {
      Note(rule, Outcome::kInsufficientData, "the narrative does not state the figure");
    } else {
      Note(rule, Outcome::kNotApplicable, "nothing it speaks of is in the document");
    }
    if (!any) return;
    notes_[rule.id].seen = true;
    for (Instance& instance : applied.alternatives[best]) instances_.push_back(std::move(instance));
  }

  // Judges each instance alone, then the linear ones with all others at once.
  void JudgeTogether() {
    holds_.resize(instances_.size(), Holds::kExact);
    bool rounding = false;
    for (size_t i = 0; i < instances_.size(); ++i) {
      for (const Equation& e : instances_[i].equations) holds_[i] = std::max(holds_[i], Judge(e));
      rounding =
          rounding || (holds_[i] == Holds::kRounding && CountsForVerdict(*instances_[i].rule));
    }
    if (rounding) Simplex();
    for (size_t i = 0; i < instances_.size(); ++i) {
      if (!CountsForVerdict(*instances_[i].rule)) continue;
      const Verdict v = holds_[i] == Holds::kExact      ? Verdict::kExact
                        : holds_[i] == Holds::kRounding ? Verdict::kRoundingOnly
                                                        : Verdict::kViolated;
      report_.verdict = std::max(report_.verdict, v);
    }
  }

  void Simplex() {
    // All sums that the printed figures satisfy can hold together; those that need rounding are
    // added one by one.
    std::vector<size_t> doubtful;
    for (size_t i = 0; i < instances_.size(); ++i) {
      if (!CountsForVerdict(*instances_[i].rule)) continue;
      if (holds_[i] == Holds::kRounding) {
        doubtful.push_back(i);
      } else if (holds_[i] == Holds::kExact) {
        AddSums(i);
      }
    }
    solver_.Check();
    for (size_t i : doubtful) {
      const size_t first = sums_.size();
      AddSums(i);
      if (solver_.Check() || !solver_.sound()) continue;
      holds_[i] = Holds::kNot;
      Conflict conflict;
      for (int v : solver_.conflict()) {
        if (auto sum = sum_rule_.find(v); sum != sum_rule_.end()) {
          conflict.rules.push_back(instances_[sum->second].rule->id);
        } else if (auto cell = variable_cell_.find(v); cell != variable_cell_.end()) {
          conflict.cells.push_back(RefOf(d_, cell->second));
        }
      }
      std::sort(conflict.rules.begin(), conflict.rules.end());
      conflict.rules.erase(std::unique(conflict.rules.begin(), conflict.rules.end()),
                           conflict.rules.end());
      conflicts_of_[i] = report_.conflicts.size();
      report_.conflicts.push_back(std::move(conflict));
      for (size_t k = first; k < sums_.size(); ++k) solver_.Release(sums_[k]);
      solver_.Check();
    }
  }

  int Variable(const Place& place) {
    auto [it, fresh] = variables_.try_emplace(place.cell, 0);
    if (fresh) {
      const Cell& c = *place.cell;
      it->second =
          solver_.AddVariable(c.value, std::min(c.low, c.value), std::max(c.high, c.value));
      variable_cell_[it->second] = place;
    }
    return it->second;
  }

  void AddSums(size_t instance) {
    for (const Equation& e : instances_[instance].equations) {
      if (e.relation == Relation::kRatio) continue;
      std::vector<std::pair<int, int64_t>> terms;
      int64_t constant = 0;
      auto add = [&](const std::vector<Term>& side, int sign) {
        for (const Term& t : side) {
          constant += sign * t.sign * t.constant;
          // A blank is no money, exactly.
          if (t.place.cell != nullptr && !t.place.cell->blank())
            terms.push_back({Variable(t.place), sign * t.sign});
        }
      };
      add(e.left, 1);
      add(e.right, -1);
      if (terms.empty()) continue;
      const bool equal = e.relation == Relation::kEqual;
      const int sum = solver_.AddSum(
          terms, equal ? std::optional<int64_t>(-constant) : std::nullopt, -constant);
      sums_.push_back(sum);
      sum_rule_[sum] = instance;
    }
  }

  // ---- Words for what was found ----

  static std::string Join(const std::vector<Term>& terms) {
    std::vector<std::string> parts;
    for (const Term& t : terms) {
      if (t.place.cell == nullptr) {
        if (t.constant != 0) parts.push_back(absl::StrCat(t.constant));
        continue;
      }
      if (t.place.cell->blank()) continue;
      const std::string sign = t.sign < 0      ? (parts.empty() ? "-" : "－")
                               : parts.empty() ? ""
                                               : "＋";
      parts.push_back(sign + t.place.cell->printed);
      if (parts.size() > 12) {
        parts.push_back("＋…");
        break;
      }
    }
    return parts.empty() ? "0" : absl::StrJoin(parts, "");
  }

  MoneyUnit UnitOf(const Place& place) const {
    const MoneyUnit unit = d_.table(place.table).unit;
    return unit == MoneyUnit::kUnknown ? d_.unit : unit;
  }

  void Describe() {
    std::vector<size_t> failed;
    for (size_t i = 0; i < instances_.size(); ++i) {
      if (holds_[i] == Holds::kNot) failed.push_back(i);
    }
    const std::vector<std::vector<Diagnosis>> diagnoses = Diagnose(d_, instances_, failed);
    std::map<size_t, size_t> nth;
    for (size_t k = 0; k < failed.size(); ++k) nth[failed[k]] = k;
    for (size_t i = 0; i < instances_.size(); ++i) {
      const Instance& instance = instances_[i];
      RuleOutcome o;
      o.rule = instance.rule->id;
      o.severity = instance.rule->severity;
      o.kind = instance.rule->kind;
      o.outcome = holds_[i] == Holds::kExact      ? Outcome::kPassed
                  : holds_[i] == Holds::kRounding ? Outcome::kRoundingOnly
                                                  : Outcome::kFailed;
      if (auto c = conflicts_of_.find(i); c != conflicts_of_.end()) {
        const Conflict& conflict = report_.conflicts[c->second];
        o.message = absl::StrCat("holds alone within rounding, but not together with ",
                                 absl::StrJoin(conflict.rules, ", "));
        o.message_zh = absl::StrCat("单独看在四舍五入范围内，但与",
                                    absl::StrJoin(conflict.rules, "、"), "不能同时成立");
        o.cells = conflict.cells;
      }
      // The message is of the first equation that has this outcome; the cells are of all of them.
      bool said = false;
      for (const Equation& e : instance.equations) {
        if (o.outcome != Outcome::kPassed && Judge(e) == Holds::kExact) continue;
        if (!said) Say(e, &o);
        said = true;
        if (o.outcome == Outcome::kPassed) break;
        for (const auto* terms : {&e.left, &e.right, &e.denominator}) {
          for (const Term& t : *terms) {
            // Blanks matter where a figure is wanted: on the left, or where a row is missing or
            // counted.
            const bool printed = t.place.cell != nullptr && !t.place.cell->blank();
            const bool wanted = terms == &e.left || t.constant != 0;
            if (printed || wanted) o.cells.push_back(RefOf(d_, t.place));
          }
        }
      }
      if (auto k = nth.find(i); k != nth.end()) o.diagnoses = diagnoses[k->second];
      if (!o.diagnoses.empty() && o.outcome == Outcome::kFailed)
        absl::StrAppend(&o.message_zh, "。", o.diagnoses[0].text_zh);
      report_.outcomes.push_back(std::move(o));
    }
  }

  void Say(const Equation& e, RuleOutcome* o) {
    const Place* place = nullptr;
    for (const Term& t : e.left) {
      if (t.place.cell != nullptr) {
        place = &t.place;
        break;
      }
    }
    if (place == nullptr) {
      if (e.left.empty()) return;
      const std::string absent = PlaceName(d_, e.left[0].place);
      const std::string right = Join(e.right);
      o->message =
          absl::StrCat("table ", e.left[0].place.table, " has no such row, against ", right);
      o->message_zh = absl::StrCat(absent, "：缺少该行，应为", right);
      o->expected = right;
      return;
    }
    const Cell& cell = *place->cell;
    const Side left = SideOf(e.left), right = SideOf(e.right);
    const std::string where = PlaceName(d_, *place);
    o->printed = e.left.size() == 1
                     ? (cell.blank() ? "" : cell.printed)
                     : PrintLike(cell, static_cast<int64_t>(left.value), UnitOf(*place));
    int64_t expected = 0;
    if (e.relation == Relation::kRatio) {
      if (!ExpectedPercent(e, &expected)) return;
      o->expected = PrintLike(cell, expected, UnitOf(*place));
      o->difference = disclosure::PrintFigure(cell.value - expected, MoneyUnit::kWanyuan);
    } else {
      o->expected = PrintLike(cell, static_cast<int64_t>(right.value), UnitOf(*place));
      o->difference =
          PrintLike(cell, static_cast<int64_t>(left.value - right.value), UnitOf(*place));
    }
    if (o->outcome == Outcome::kPassed) return;
    const std::string sides = e.relation == Relation::kRatio
                                  ? absl::StrCat(Join(e.right), "÷(", Join(e.denominator), ")")
                                  : Join(e.right);
    if (o->outcome == Outcome::kRoundingOnly) {
      o->message =
          absl::StrCat(where, ": ", o->printed, " against ", o->expected, ", within rounding");
      o->message_zh = absl::StrCat(where, "：印为", o->printed, "，按", sides, "为", o->expected,
                                   "，差在四舍五入范围内");
      Interval(*place, o);
      return;
    }
    if (o->message.empty()) {
      o->message = absl::StrCat(where, ": ", o->printed.empty() ? "blank" : o->printed,
                                e.relation == Relation::kAtMost ? " is more than " : " is not ",
                                o->expected);
      o->message_zh = absl::StrCat(where, "：印为", o->printed.empty() ? "空白" : o->printed,
                                   e.relation == Relation::kAtMost ? "，大于" : "，应为",
                                   o->expected, "（", sides, "）");
    }
  }

  // Bounds of the true figure when all linear rules hold.
  void Interval(const Place& place, RuleOutcome* o) {
    auto it = variables_.find(place.cell);
    if (it == variables_.end()) return;
    const auto range = solver_.Range(it->second);
    if (!range) return;
    const MoneyUnit unit = UnitOf(place);
    const std::string low = PrintFraction(range->first, unit),
                      high = PrintFraction(range->second, unit);
    absl::StrAppend(&o->message, "; the true figure lies in [", low, ", ", high, "]");
    absl::StrAppend(&o->message_zh, "；真实数在", low, "至", high, "之间");
  }

  // In the order of the pack, instances as they came.
  void Order() {
    std::map<std::string, size_t> place;
    for (size_t i = 0; i < rules_.rules.size(); ++i) place.emplace(rules_.rules[i].id, i);
    std::stable_sort(
        report_.outcomes.begin(), report_.outcomes.end(),
        [&](const RuleOutcome& a, const RuleOutcome& b) { return place[a.rule] < place[b.rule]; });
  }

  const Disclosure& d_;
  const RulePack& rules_;
  Report report_;
  std::map<std::string, NoteOf> notes_;
  std::vector<Instance> instances_;
  std::vector<Holds> holds_;
  Feasible solver_;
  std::unordered_map<const Cell*, int> variables_;
  std::unordered_map<int, Place> variable_cell_;
  std::unordered_map<int, size_t> sum_rule_;
  std::vector<int> sums_;
  std::map<size_t, size_t> conflicts_of_;
};

}  // namespace

Report Check(const Disclosure& d, const RulePack& rules) { return Checker(d, rules).Run(); }

}  // namespace fiscal::articulation
