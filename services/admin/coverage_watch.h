// Agencies that have not reported, by configured deadline.
//
//   reader.cc, every minute --(Refresh)--> CoverageWatch --(found)--> system_parts.h
//
// Thread-safe.
#ifndef FISCAL_SERVICES_ADMIN_COVERAGE_WATCH_H_
#define FISCAL_SERVICES_ADMIN_COVERAGE_WATCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "fiscal/config/v1/config.pb.h"
#include "services/ledger/fold/projector.h"

namespace fiscal::services {

// A coverage deadline as configured, with how many agencies meet it.
struct DeadlineCoverage {
  std::string division_code;
  int32_t fiscal_year = 0;
  std::string stage;
  // InfiniteFuture for none.
  absl::Time due = absl::InfiniteFuture();
  // Agencies that must report, and those of them that have not.
  int64_t agencies = 0;
  int64_t missing = 0;
};

class CoverageWatch {
 public:
  CoverageWatch(const Projector& projector, const config::v1::AggregationConfig& config);
  // Asks the totals, at the cost of GetCoverage. A division that the catalog does not know yet has
  // no agencies that must report.
  void Refresh() ABSL_LOCKS_EXCLUDED(mu_);
  // The result of the last Refresh.
  std::vector<DeadlineCoverage> found() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  const Projector& projector_;
  const config::v1::AggregationConfig config_;
  mutable absl::Mutex mu_;
  std::vector<DeadlineCoverage> found_ ABSL_GUARDED_BY(mu_);
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_ADMIN_COVERAGE_WATCH_H_
