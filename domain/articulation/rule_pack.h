// Articulation rules (勾稽关系) as data: domain/data/rules.csv. domain/data/README.md explains the
// language of its checks.
//
//   rules.csv --> RulePack --(a disclosure)--> Instance: equations over cells --> check.h
#ifndef FISCAL_DOMAIN_ARTICULATION_RULE_PACK_H_
#define FISCAL_DOMAIN_ARTICULATION_RULE_PACK_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "domain/articulation/report.h"
#include "domain/disclosure/disclosure.h"

namespace fiscal::articulation {

// A part of a check, as written.
struct TermSpec {
  enum Kind : uint8_t { kCell, kSum, kRows, kBook } kind = kCell;
  int sign = 1;
  int table = 0;
  std::string row, column;
};

enum class Relation : uint8_t { kEqual, kAtMost, kRatio };

struct ConditionSpec {
  enum Kind : uint8_t { kZero, kAny, kOwn, kHas, kBoth, kOne, kNotOne, kSame } kind = kZero;
  std::vector<TermSpec> terms;
};

struct EquationSpec {
  std::vector<TermSpec> left, right;
  // kRatio: left is a percentage, right over denominator.
  std::vector<TermSpec> denominator;
  Relation relation = Relation::kEqual;
  bool absolute = false;
  std::vector<ConditionSpec> conditions;
};

struct QuantifierSpec {
  // True for an instance each; false for all in one.
  bool each = true;
  char variable = 'r';
  int table = 0;
  std::string pattern;
  // A second table whose rows count too.
  int also_table = -1;
  std::string also_pattern;
};

struct RuleCheck {
  std::vector<QuantifierSpec> quantifiers;
  std::vector<ConditionSpec> conditions;
  // Alternatives of instances of equations: `A | B` hold in one of the two, `A & B` are instances
  // of their own, `A; B` belong to one.
  std::vector<std::vector<std::vector<EquationSpec>>> alternatives;
  // True: instances without any figure do not count.
  bool some = false;
  // True for a rule that is silent where there is nothing to check.
  bool silent = false;
  // Aspects that lines must tell: disclosure::Aspect as bits.
  uint32_t needs = 0;
  // A check by name with its arguments, instead of equations.
  std::vector<std::string> function;
};

struct Rule {
  std::string id;
  domain::Severity severity = domain::Severity::kError;
  // linear, presence, narrative_figure, text_or_count.
  std::string kind;
  // A form's id, or *.
  std::string form;
  std::string source;
  std::string formula;
  RuleCheck check;
};

struct RulePack {
  std::vector<Rule> rules;
  std::string sha256;
};

// INVALID_ARGUMENT names the line.
absl::StatusOr<RulePack> ParseRules(absl::string_view csv);
// The one that ships, parsed once.
const RulePack& ShippedRules();

// A cell with its place; `cell` is nullptr where nothing can stand, which counts as no money.
struct Place {
  const disclosure::Cell* cell = nullptr;
  int table = 0;
  const disclosure::Row* row = nullptr;
  int column = 0;
};

struct Term {
  Place place;
  int sign = 1;
  // The number of rows, for a term that counts rows.
  int64_t constant = 0;
};

struct Equation {
  std::vector<Term> left, right, denominator;
  Relation relation = Relation::kEqual;
  bool absolute = false;
};

struct Instance {
  const Rule* rule = nullptr;
  std::vector<Equation> equations;
};

// A rule applied to a disclosure.
struct Applied {
  // One set for each alternative.
  std::vector<std::vector<Instance>> alternatives;
  // True when the form lacks a table of the rule.
  bool no_table = false;
  // True when a figure of the narrative was not found.
  bool no_figure = false;
};
Applied Instantiate(const Rule& rule, const disclosure::Disclosure& d);

// The place of a row or a column of a table, in words.
std::string PlaceName(const disclosure::Disclosure& d, const Place& place);
CellRef RefOf(const disclosure::Disclosure& d, const Place& place);

}  // namespace fiscal::articulation

#endif  // FISCAL_DOMAIN_ARTICULATION_RULE_PACK_H_
