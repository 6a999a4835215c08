// One seed's run: clients, a service process that is killed and started again, stores that fail,
// and the model beside it.
#ifndef FISCAL_TESTS_SIMULATION_WORLD_H_
#define FISCAL_TESTS_SIMULATION_WORLD_H_

#include <cstdint>
#include <string>

#include "tests/simulation/tenants.h"
#include "tests/simulation/watchers.h"

namespace fiscal::simulation {

// What a planted bug changes; the suite must notice each (see simulation_test.cc).
enum class Bug {
  kNone,
  kAcknowledgeBeforeSync,
  kForgetRequest,
  kLoseCells,
  kForgetUpstream,
  // Verify compares agencies' cells after it has taken amounts of unwritten postings back, and not
  // what those say of projects.
  kTakeBackAmounts
};

struct Outcome {
  // Empty when every check held; else the first that did not.
  std::string failure;
  // Digest over everything answered: equal for equal seeds.
  std::string trace_hash;
  int events = 0;
  int crashes = 0;
  int faults = 0;
  // Watches that went on where they were cut.
  int resumes = 0;
  // Reallocations that were kept.
  int reallocations = 0;
  // Comparisons of all totals with the log, and those of them in which an unwritten posting of a
  // statement that already had cells in the store names or drops projects.
  int verifications = 0;
  int open_projects = 0;
  // Where authority is enforced: requests that were refused for want of a right, orders about
  // grants, and events that a reader of a part of the log was not shown.
  int denied = 0;
  int orders = 0;
  int hidden = 0;
};

// Authority is enforced in one seed of four.
Outcome RunSeed(uint64_t seed, Bug bug = Bug::kNone, WatchBug watch_bug = WatchBug::kNone,
                TenantBug tenant_bug = TenantBug::kNone);

// A short run in which many statements name, rename and drop projects, and all totals are compared
// with the log at every turn.
Outcome RunVerifySeed(uint64_t seed, Bug bug = Bug::kNone);

}  // namespace fiscal::simulation

#endif  // FISCAL_TESTS_SIMULATION_WORLD_H_
