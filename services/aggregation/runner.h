// The threads of the aggregation side: one that keeps the projector level with the log and wakes reads that wait for a
// position, and one that runs those reads, so that they don't delay the fold.
//
// Thread-safe.
#ifndef FISCAL_SERVICES_AGGREGATION_RUNNER_H_
#define FISCAL_SERVICES_AGGREGATION_RUNNER_H_

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "services/aggregation/projector.h"

namespace fiscal::services {

class Runner {
 public:
  // `on_failure` is called once when folding fails: totals would stand still, so the process should end.
  Runner(storage::EventLog& log, Projector& projector,
         std::function<void(absl::Status)> on_failure);
  ~Runner();

  // Calls `then(true)` once `position` is folded, `then(false)` at the deadline or when stopping; on another thread, or at once.
  void WhenFolded(domain::Position position, absl::Time deadline, std::function<void(bool)> then)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Runs `task` on the thread for waiting reads.
  void Run(std::function<void()> task) ABSL_LOCKS_EXCLUDED(mu_);
  // Idempotent.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  const Projector& projector() const { return projector_; }

 private:
  struct Waiting {
    domain::Position position;
    absl::Time deadline;
    std::function<void(bool)> then;
  };
  void Fold();
  void Work();
  void Wake(bool all) ABSL_LOCKS_EXCLUDED(mu_);

  storage::EventLog& log_;
  Projector& projector_;
  const std::function<void(absl::Status)> on_failure_;
  absl::Mutex mu_;
  std::vector<Waiting> waiting_ ABSL_GUARDED_BY(mu_);
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread folder_;
  std::thread worker_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_AGGREGATION_RUNNER_H_
