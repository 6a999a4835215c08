// Checks a disclosure against the articulation rules.
//
//   Disclosure --> instances of each rule --> judged, linear ones together --> diagnosed --> Report
//
// Each printed figure is an interval of half a unit in its last place; a rule is EXACT when the
// printed figures satisfy it, ROUNDING_ONLY when figures of these intervals can, with all other
// linear rules at once, VIOLATED when not. Pure.
#ifndef FISCAL_DOMAIN_ARTICULATION_CHECK_H_
#define FISCAL_DOMAIN_ARTICULATION_CHECK_H_

#include "domain/articulation/report.h"
#include "domain/articulation/rule_pack.h"
#include "domain/disclosure/disclosure.h"

namespace fiscal::articulation {

Report Check(const disclosure::Disclosure& d, const RulePack& rules = ShippedRules());

}  // namespace fiscal::articulation

#endif  // FISCAL_DOMAIN_ARTICULATION_CHECK_H_
