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
  struct Options {
    // Reads that wait for a position; more are refused.
    size_t reads_waiting_max = 8192;
  };
  // `on_failure` is called once when folding fails: totals would stand still, so the process should end.
  Runner(storage::EventLog& log, Projector& projector, Options options,
         std::function<void(absl::Status)> on_failure);
  ~Runner();

  // Calls `then` with OK once `position` is folded, with POSITION_TIMEOUT at the deadline, QUEUE_FULL or DRAINING; on another
  // thread, or at once.
  void WhenFolded(domain::Position position, absl::Time deadline,
                  std::function<void(absl::Status)> then) ABSL_LOCKS_EXCLUDED(mu_);
  // Runs `task` on the thread for waiting reads.
  void Run(std::function<void()> task) ABSL_LOCKS_EXCLUDED(mu_);
  // Ends the reads that wait, and those to come; folding goes on. Idempotent.
  void Drain() ABSL_LOCKS_EXCLUDED(mu_);
  // Idempotent.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);
  size_t reads_waiting() const ABSL_LOCKS_EXCLUDED(mu_);
  // The age of the oldest event that is not folded; 0 when there is none.
  absl::Duration behind() const;

  const Projector& projector() const { return projector_; }
  const Options& options() const { return options_; }

 private:
  struct Waiting {
    domain::Position position;
    absl::Time deadline;
    std::function<void(absl::Status)> then;
  };
  void Fold();
  void Work();
  // Those whose position or deadline came; with draining_, all.
  void Wake() ABSL_LOCKS_EXCLUDED(mu_);

  storage::EventLog& log_;
  Projector& projector_;
  const Options options_;
  const std::function<void(absl::Status)> on_failure_;
  mutable absl::Mutex mu_;
  std::vector<Waiting> waiting_ ABSL_GUARDED_BY(mu_);
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mu_);
  bool draining_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread folder_;
  std::thread worker_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_AGGREGATION_RUNNER_H_
