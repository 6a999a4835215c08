// The result of checking a disclosure.
#ifndef FISCAL_DOMAIN_ARTICULATION_REPORT_H_
#define FISCAL_DOMAIN_ARTICULATION_REPORT_H_

#include <string>
#include <vector>

#include "domain/types.h"

namespace fiscal::articulation {

enum class Outcome { kPassed, kRoundingOnly, kFailed, kNotApplicable, kInsufficientData };
// The verdict of all linear rules together.
enum class Verdict { kExact, kRoundingOnly, kViolated };

// A figure: table 1 to 13; 0 the narrative, 14 the performance forms.
struct CellRef {
  int table = 0;
  std::string row;
  std::string column;
  // Line of the document; 0 where there is none.
  int line = 0;
  std::string printed;
  // As a person finds it: "表3 208 社会保障和就业支出 项目支出".
  std::string label_zh;
};

// One edit that would repair what failed; the best first.
struct Diagnosis {
  // digit_swapped, digit_dropped, digit_doubled, digit_wrong, point_shifted, factor_10000, sign,
  // omitted_row, shifted_row, last_years_figure, wrong_denominator, missing_figure, other.
  std::string kind;
  CellRef cell;
  // The figure that should stand there, as it would be printed; for omitted_row the amount left
  // out.
  std::string suggested;
  // Failed checks that the edit restores.
  int restored = 0;
  // Passed checks that the edit would break.
  int broken = 0;
  std::string text_zh;
};

struct RuleOutcome {
  std::string rule;
  domain::Severity severity = domain::Severity::kError;
  std::string kind;
  Outcome outcome = Outcome::kPassed;
  std::string message;
  std::string message_zh;
  std::string expected;
  std::string printed;
  std::string difference;
  std::vector<CellRef> cells;
  std::vector<Diagnosis> diagnoses;
};

// Figures and rules that can't hold together though each rule holds alone; without any one of them
// the rest can.
struct Conflict {
  std::vector<std::string> rules;
  std::vector<CellRef> cells;
};

struct Report {
  Verdict verdict = Verdict::kExact;
  // In the order of the rule pack.
  std::vector<RuleOutcome> outcomes;
  std::vector<Conflict> conflicts;
  // SHA-256 of the rule pack, lower-case hexadecimal.
  std::string rules_sha256;

  // True when an ERROR rule failed.
  bool failed() const {
    for (const RuleOutcome& o : outcomes) {
      if (o.outcome == Outcome::kFailed && o.severity == domain::Severity::kError) return true;
    }
    return false;
  }
};

// "passed", "rounding_only", "failed", "not_applicable", "insufficient_data".
const char* Name(Outcome outcome);
// "ERROR", "WARNING".
const char* Name(domain::Severity severity);
// "EXACT", "ROUNDING_ONLY", "VIOLATED".
const char* Name(Verdict verdict);

}  // namespace fiscal::articulation

#endif  // FISCAL_DOMAIN_ARTICULATION_REPORT_H_
