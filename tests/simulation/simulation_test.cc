#include <cstdlib>
#include <iostream>
#include <string>

#include "gtest/gtest.h"
#include "tests/simulation/world.h"

namespace fiscal::simulation {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t fallback) {
  const char* value = std::getenv(name);
  return value == nullptr ? fallback : std::strtoull(value, nullptr, 10);
}

TEST(SimulationTest, SeedsHold) {
  const uint64_t only = FromEnvironment("FISCAL_SIM_SEED", 0);
  const uint64_t count = only != 0 ? 1 : FromEnvironment("FISCAL_SIM_SEEDS", 2000);
  const uint64_t first = only != 0 ? only : FromEnvironment("FISCAL_SIM_FIRST", 1);
  int64_t events = 0, crashes = 0, faults = 0, resumes = 0, reallocations = 0, open_projects = 0;
  int64_t denied = 0, orders = 0, hidden = 0;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const Outcome run = RunSeed(seed);
    ASSERT_EQ(run.failure, "") << "replay with FISCAL_SIM_SEED=" << seed;
    events += run.events;
    crashes += run.crashes;
    faults += run.faults;
    resumes += run.resumes;
    reallocations += run.reallocations;
    open_projects += run.open_projects;
    denied += run.denied;
    orders += run.orders;
    hidden += run.hidden;
    // One seed in fifty runs twice: the same seed must do the same, bit for bit.
    if (seed % 50 == 0) {
      ASSERT_EQ(RunSeed(seed).trace_hash, run.trace_hash) << "seed " << seed;
    }
  }
  std::cout << count << " seeds from " << first << ": " << events << " events, " << crashes
            << " crashes, " << faults << " failed operations, " << resumes << " resumed watches, "
            << reallocations << " reallocations, " << orders << " orders about grants, " << denied
            << " requests denied, " << hidden << " events hidden, 0 violations\n";
  if (count >= 100) {
    EXPECT_GT(crashes, 0);
    EXPECT_GT(faults, 0);
    EXPECT_GT(resumes, 0);
    EXPECT_GT(reallocations, 0);
    EXPECT_GT(open_projects, 0);
    EXPECT_GT(orders, 0);
    EXPECT_GT(denied, 0);
    EXPECT_GT(hidden, 0);
  }
}

// Totals that agree with the log are never said to differ. Histories count in which a comparison
// came while an unwritten posting said something of the projects of a statement that had cells in
// the store.
TEST(SimulationTest, VerifyAgreesWithUnwrittenProjects) {
  const uint64_t only = FromEnvironment("FISCAL_SIM_SEED", 0);
  const uint64_t wanted = only != 0 ? 1 : FromEnvironment("FISCAL_VERIFY_HISTORIES", 500);
  uint64_t histories = 0, seeds = 0;
  int64_t verifications = 0;
  for (uint64_t seed = only != 0 ? only : 1; histories < wanted && seeds < 10 * wanted; ++seed) {
    const Outcome run = RunVerifySeed(seed);
    ASSERT_EQ(run.failure, "") << "replay with FISCAL_SIM_SEED=" << seed;
    ++seeds;
    histories += run.open_projects > 0 ? 1 : 0;
    verifications += run.verifications;
  }
  std::cout << histories << " histories with projects in unwritten postings, of " << seeds << "; "
            << verifications << " verifications agree\n";
  if (only == 0) {
    EXPECT_EQ(histories, wanted);
  }
}

// A checker that finds nothing in a broken system is worth nothing.
TEST(SimulationTest, PlantedBugsAreFound) {
  for (Bug bug : {Bug::kAcknowledgeBeforeSync, Bug::kForgetRequest, Bug::kLoseCells,
                  Bug::kForgetUpstream, Bug::kTakeBackAmounts}) {
    uint64_t found = 0;
    for (uint64_t seed = 1; seed <= 200 && found == 0; ++seed) {
      if (!RunSeed(seed, bug).failure.empty()) found = seed;
    }
    EXPECT_NE(found, 0u) << "bug " << static_cast<int>(bug) << " was not found by 200 seeds";
  }
}

// How many of the short histories notice the false alarm.
TEST(SimulationTest, TakingBackAmountsOnlyIsFound) {
  int found = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed)
    found += RunVerifySeed(seed, Bug::kTakeBackAmounts).failure.empty() ? 0 : 1;
  std::cout << found << " of 100 histories find it\n";
  EXPECT_GT(found, 30);
}

TEST(SimulationTest, PlantedWatchBugsAreFound) {
  for (WatchBug bug : {WatchBug::kLosePosition, WatchBug::kRepeatPosition, WatchBug::kSkipTooFar}) {
    uint64_t found = 0;
    for (uint64_t seed = 1; seed <= 200 && found == 0; ++seed) {
      if (!RunSeed(seed, Bug::kNone, bug).failure.empty()) found = seed;
    }
    EXPECT_NE(found, 0u) << "watch bug " << static_cast<int>(bug) << " was not found by 200 seeds";
  }
}

TEST(SimulationTest, PlantedTenantBugsAreFound) {
  for (TenantBug bug : {TenantBug::kPermitAll, TenantBug::kShowAll}) {
    uint64_t found = 0;
    for (uint64_t seed = 1; seed <= 200 && found == 0; ++seed) {
      if (!RunSeed(seed, Bug::kNone, WatchBug::kNone, bug).failure.empty()) found = seed;
    }
    EXPECT_NE(found, 0u) << "tenant bug " << static_cast<int>(bug) << " was not found by 200 seeds";
  }
}

}  // namespace
}  // namespace fiscal::simulation
