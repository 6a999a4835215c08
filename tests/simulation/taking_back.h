// A planted bug: how agencies' cells were once compared with the log, which cried wolf.
#ifndef FISCAL_TESTS_SIMULATION_TAKING_BACK_H_
#define FISCAL_TESTS_SIMULATION_TAKING_BACK_H_

#include "services/ledger/compare/verify.h"

namespace fiscal::simulation {

// Computes agencies' cells to the end, takes back amounts and counts of what is not written, but
// not the projects it names or drops, and compares with what is.
absl::StatusOr<services::VerifyResult> VerifyTakingBack(const services::Projector& projector);

}  // namespace fiscal::simulation

#endif  // FISCAL_TESTS_SIMULATION_TAKING_BACK_H_
