// Single edits that would repair a failed check, ranked by what they restore.
//
//   failed instances + all equations --> Diagnose --> Diagnosis lists, best first
#ifndef FISCAL_DOMAIN_ARTICULATION_DIAGNOSIS_H_
#define FISCAL_DOMAIN_ARTICULATION_DIAGNOSIS_H_

#include <vector>

#include "domain/articulation/report.h"
#include "domain/articulation/rule_pack.h"
#include "domain/disclosure/disclosure.h"

namespace fiscal::articulation {

// For each instance of `failed`, an index into `instances`, its diagnoses. Pure.
std::vector<std::vector<Diagnosis>> Diagnose(const disclosure::Disclosure& d,
                                             const std::vector<Instance>& instances,
                                             const std::vector<size_t>& failed);

}  // namespace fiscal::articulation

#endif  // FISCAL_DOMAIN_ARTICULATION_DIAGNOSIS_H_
