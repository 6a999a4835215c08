#include "services/ledger/compare/verifier.h"

#include <utility>

#include "base/log.h"
#include "domain/reason.h"

namespace fiscal::services {

absl::StatusOr<VerifyResult> Verifier::Run(std::function<bool()> cancelled) {
  {
    absl::MutexLock lock(&mu_);
    if (state_.running) {
      return domain::Refuse(
          domain::Reason::kCheckRunning,
          "somebody else's verify is under way: fiscal admin status tells how far");
    }
    state_.running = true;
    state_.progress = {};
  }
  VerifyOptions options = options_;
  options.cancelled = std::move(cancelled);
  options.progress = [this](const VerifyProgress& progress) {
    absl::MutexLock lock(&mu_);
    state_.progress = progress;
  };
  absl::StatusOr<VerifyResult> result = Verify(projector_, log_store_, options);
  if (result.ok()) {
    for (const std::string& difference : result->differences)
      logging::Error("what is derived differs from the log", {{"what", difference}});
  }
  absl::MutexLock lock(&mu_);
  state_.running = false;
  if (result.ok()) {
    state_.last_run = clock_.Now();
    state_.difference_count = static_cast<int64_t>(result->differences.size());
  }
  return result;
}

Verifier::State Verifier::state() const {
  absl::MutexLock lock(&mu_);
  return state_;
}

}  // namespace fiscal::services
