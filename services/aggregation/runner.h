// The thread of the aggregation side: it keeps the projector level with the log and wakes reads
// that wait for a position, which then run where all reads run (services/rpc/read_executor.h).
//
// Thread-safe.
#ifndef FISCAL_SERVICES_AGGREGATION_RUNNER_H_
#define FISCAL_SERVICES_AGGREGATION_RUNNER_H_

#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "services/ledger/fold/projector.h"
#include "services/ledger/work.h"

namespace fiscal::services {

class Runner {
 public:
  struct Options {
    // Reads that wait for a position, and those of them of one caller; more are refused.
    size_t reads_waiting_max = 8192;
    size_t reads_waiting_per_caller_max = 1024;
  };
  // `on_failure` is called once when folding fails: totals would stand still, so the process should
  // end.
  Runner(storage::EventLog& log, Projector& projector, Options options,
         std::function<void(absl::Status)> on_failure);
  ~Runner();

  using Then = std::function<void(const absl::Status&)>;
  // Calls `then` with OK once `position` is folded, with POSITION_TIMEOUT at the deadline (at a
  // copy REPLICA_BEHIND), CANCELLED after Forget, QUEUE_FULL or DRAINING; at once, or on the
  // folding thread, which it must not keep.
  void WhenFolded(domain::Position position, absl::Time deadline, const std::string& caller,
                  const Work* work, Then then) ABSL_LOCKS_EXCLUDED(mu_);
  // After work->Cancel(): the read that waits with it, if any, waits no longer.
  void Forget(const Work* work) ABSL_LOCKS_EXCLUDED(mu_);
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
    absl::Time deadline;
    std::string caller;
    const Work* work;
    Then then;
  };
  // By position, and within it as they came.
  using Place = std::pair<domain::Position, uint64_t>;
  // What is to be told to whom, without the lock.
  using Told = std::vector<std::pair<Then, absl::Status>>;

  void Fold();
  // Those whose position came; with `all`, also those whose deadline did, or all when draining.
  // Returns the next deadline, with `all`.
  absl::Time Wake(bool all) ABSL_LOCKS_EXCLUDED(mu_);
  void Take(std::map<Place, Waiting>::iterator it, absl::Status outcome, Told* told)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  storage::EventLog& log_;
  Projector& projector_;
  const Options options_;
  const std::function<void(absl::Status)> on_failure_;
  mutable absl::Mutex mu_;
  std::map<Place, Waiting> waiting_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<const Work*, Place> places_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, size_t> by_caller_ ABSL_GUARDED_BY(mu_);
  uint64_t came_ ABSL_GUARDED_BY(mu_) = 0;
  bool draining_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread folder_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_AGGREGATION_RUNNER_H_
