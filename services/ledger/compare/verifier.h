// Runs Verify for one caller at a time, on the caller's thread; keeps how far it is and the result
// of the last run.
//
//   AdminService.Verify --> Verifier --> Verify;  GetStatus, /metrics --(state)--> Verifier
//
// Thread-safe.
#ifndef FISCAL_SERVICES_LEDGER_COMPARE_VERIFIER_H_
#define FISCAL_SERVICES_LEDGER_COMPARE_VERIFIER_H_

#include <functional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "services/ledger/compare/verify.h"

namespace fiscal::services {

class Verifier {
 public:
  // REQUIRES: `options` without those of a run: cancelled, progress.
  Verifier(const Projector& projector, const storage::Kv& log_store, Clock& clock,
           VerifyOptions options)
      : projector_(projector), log_store_(log_store), clock_(clock), options_(std::move(options)) {}

  // CHECK_RUNNING while it runs for another caller.
  absl::StatusOr<VerifyResult> Run(std::function<bool()> cancelled) ABSL_LOCKS_EXCLUDED(mu_);

  struct State {
    bool running = false;
    // Of the run under way.
    VerifyProgress progress;
    // The end of the last run that came to it; InfinitePast for none.
    absl::Time last_run = absl::InfinitePast();
    int64_t difference_count = 0;
  };
  State state() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  const Projector& projector_;
  const storage::Kv& log_store_;
  Clock& clock_;
  const VerifyOptions options_;
  mutable absl::Mutex mu_;
  State state_ ABSL_GUARDED_BY(mu_);
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_COMPARE_VERIFIER_H_
