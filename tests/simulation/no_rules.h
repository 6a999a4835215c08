// Simulated lines mean nothing: no articulation rule is asked of them.
#ifndef FISCAL_TESTS_SIMULATION_NO_RULES_H_
#define FISCAL_TESTS_SIMULATION_NO_RULES_H_

#include "services/ledger/decide/rules_check.h"

namespace fiscal::simulation {

inline void NoRules(const domain::Catalog&, const std::vector<domain::Line>&,
                    const std::vector<domain::ProjectEntry>&, domain::Submission*) {}

}  // namespace fiscal::simulation

#endif  // FISCAL_TESTS_SIMULATION_NO_RULES_H_
