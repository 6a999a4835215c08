// Where reads run: threads of their own, so that gRPC's are free for whoever comes, in lanes that don't wait for each other.
//
//   rpc::UnaryCall --(Run)--> lane: a queue in which callers take turns --> its threads: answer, then finish
//
// Point reads are small and have threads to themselves; all other reads share the heavy lane, whose threads step back for any
// other thread of the process, and which no caller fills alone. What calls other systems has the slow lane. A
// queue is bounded in all and for each caller; who left or is past his deadline is never begun. Thread-safe.
#ifndef FISCAL_SERVICES_RPC_READ_EXECUTOR_H_
#define FISCAL_SERVICES_RPC_READ_EXECUTOR_H_

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "services/ledger/work.h"
#include "services/rpc/fair_queue.h"

namespace fiscal::services::rpc {

enum class Lane : uint8_t { kPoint, kHeavy, kSlow };
constexpr size_t kLanes = 3;
absl::string_view NameOf(Lane lane);

class ReadExecutor {
 public:
  struct Options {
    // Threads by lane. Without any, Step runs what waits: tests.
    std::array<size_t, kLanes> threads = {2, 4, 2};
    // Reads that wait in a lane, and those of them of one caller.
    size_t queue_max = 8192;
    size_t queue_per_caller_max = 1024;
  };

  // Something to answer. `answer` runs on a lane's thread; `finish` hears what it said, or why it was not begun: QUEUE_FULL,
  // DRAINING, CANCELLED, DEADLINE_EXCEEDED. `work` is not touched once `finish` was called.
  struct Task {
    std::string caller;
    Work* work;
    std::function<absl::Status()> answer;
    std::function<void(const absl::Status&)> finish;
  };

  explicit ReadExecutor(Options options);
  ~ReadExecutor();

  // `admitted`: it has waited elsewhere under a bound, and is not refused for the queue's.
  void Run(Lane lane, Task task, bool admitted = false) ABSL_LOCKS_EXCLUDED(mu_);
  // After work->Cancel(): whatever of `caller`'s waits for it is finished now.
  void Forget(absl::string_view caller, const Work* work) ABSL_LOCKS_EXCLUDED(mu_);
  // Runs one task of the lane; false when none may run.
  bool Step(Lane lane) ABSL_LOCKS_EXCLUDED(mu_);
  // Finishes what waits with DRAINING, and what is to come; ends the threads. Idempotent.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  struct Counts {
    size_t waiting = 0;
    size_t running = 0;
    int64_t begun = 0;
    // For a full queue; because who asked had left or his deadline had come, before or while it ran; because it cost too much.
    int64_t refused = 0;
    int64_t abandoned = 0;
    int64_t too_large = 0;
    // Units spent.
    int64_t spent = 0;
  };
  Counts counts(Lane lane) const ABSL_LOCKS_EXCLUDED(mu_);
  const Options& options() const { return options_; }

 private:
  struct Queue {
    FairQueue<Task> waiting;
    // Of those who have any.
    absl::flat_hash_map<std::string, size_t> running;
    Counts counts;
    absl::CondVar wake;
  };

  void Serve(Lane lane) ABSL_LOCKS_EXCLUDED(mu_);
  // The next task, and those before it that nobody waits for; false when there is none that may run.
  bool TakeNext(Lane lane, Task* task, std::vector<Task>* left) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Perform(Lane lane, Task task) ABSL_LOCKS_EXCLUDED(mu_);

  const Options options_;
  // How many of a lane's threads one caller may have.
  std::array<size_t, kLanes> running_per_caller_max_;
  mutable absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::array<Queue, kLanes> lanes_ ABSL_GUARDED_BY(mu_);
  std::vector<std::thread> threads_;
};

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_READ_EXECUTOR_H_
