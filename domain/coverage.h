// Agencies that must report, and whether they have.
//
//   services/ledger/answer/statuses --(CoverageAt)--> AgencyCoverage, Coverage --> services/wire
#ifndef FISCAL_DOMAIN_COVERAGE_H_
#define FISCAL_DOMAIN_COVERAGE_H_

#include <cstdint>
#include <string>

#include "domain/event.h"
#include "domain/fold.h"
#include "domain/types.h"

namespace fiscal::domain {

// Numbers of fiscal.aggregation.v1.CoverageState; services/wire asserts that.
enum class CoverageState : uint8_t { kNone, kUnreported, kReceived, kCertified };

struct AgencyCoverage {
  Code division = 0;
  std::string department;
  std::string agency;
  std::string name;
  bool must_report = false;
  CoverageState state = CoverageState::kUnreported;
  // True when a statement of the whole department stands for the agency.
  bool by_department = false;
  StatementStatus status;
};

struct Coverage {
  int64_t expected = 0;
  int64_t received = 0;
  int64_t certified = 0;
  // The oldest position of the statements counted; 0 where there are none.
  Position oldest;
};

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_COVERAGE_H_
