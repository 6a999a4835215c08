// Rules over words, counts of rows and what is present: the checks the rule pack calls by name.
#ifndef FISCAL_DOMAIN_ARTICULATION_TEXT_RULES_H_
#define FISCAL_DOMAIN_ARTICULATION_TEXT_RULES_H_

#include <string>
#include <vector>

#include "domain/articulation/report.h"
#include "domain/articulation/rule_pack.h"
#include "domain/disclosure/disclosure.h"

namespace fiscal::articulation {

// One instance of such a rule.
struct TextFinding {
  Outcome outcome = Outcome::kPassed;
  std::string message;
  std::string message_zh;
  std::vector<CellRef> cells;
};

// Instances of the check; empty where it does not apply. REQUIRES: the name is one of those known,
// see KnowsTextRule.
std::vector<TextFinding> RunTextRule(const Rule& rule, const disclosure::Disclosure& d);
bool KnowsTextRule(const std::string& name);
// The number of tables that the check takes. REQUIRES: it is known.
size_t TablesOfTextRule(const std::string& name);

}  // namespace fiscal::articulation

#endif  // FISCAL_DOMAIN_ARTICULATION_TEXT_RULES_H_
