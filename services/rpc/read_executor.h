// Runs reads on threads of their own, so that gRPC's stay free for the next call, in lanes that
// don't wait for each other.
//
//   rpc::UnaryCall --(Run)--> lane: a queue in which callers take turns
//     --> its threads: answer, then finish
//
// Point reads are small and have threads to themselves; a brief one that finds nobody waiting has
// its turn at once, on the thread that brings it, one at a time. All other reads share the heavy
// lane, whose threads have a lower priority, and of which no caller gets all. Reads that ask other
// systems have the slow lane. Queues are bounded, in all and for each caller. A read whose caller
// left, or whose deadline passed, is never begun. Thread-safe.
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
    // Threads by lane. With none, tests run what waits by Step.
    std::array<size_t, kLanes> threads = {2, 4, 2};
    // Reads that wait in a lane, and those of them of one caller.
    size_t queue_max = 8192;
    size_t queue_per_caller_max = 1024;
  };

  // One read. `answer` runs on a lane's thread, or in Run. `finish` gets its status, or why it was
  // not begun: QUEUE_FULL, DRAINING, CANCELLED, DEADLINE_EXCEEDED. `work` is not used after
  // `finish`.
  struct Task {
    std::string caller;
    Work* work;
    std::function<absl::Status()> answer;
    std::function<void(const absl::Status&)> finish;
  };

  explicit ReadExecutor(Options options);
  ~ReadExecutor();

  enum class Entry : uint8_t {
    kQueue,
    // It already waited under another bound: a full queue does not refuse it.
    kAdmitted,
    // It is brief, and its caller's thread may answer it: its leaving is not noticed meanwhile.
    kBrief
  };
  void Run(Lane lane, Task task, Entry entry = Entry::kQueue) ABSL_LOCKS_EXCLUDED(mu_);
  // Finishes now the tasks of `caller` that wait with `work`. REQUIRES: work->Cancel() was called.
  void Forget(absl::string_view caller, const Work* work) ABSL_LOCKS_EXCLUDED(mu_);
  // Runs one task of the lane; false when none may run.
  bool Step(Lane lane) ABSL_LOCKS_EXCLUDED(mu_);
  // Finishes what waits, and all that comes later, with DRAINING; ends the threads. Idempotent.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  struct Counts {
    size_t waiting = 0;
    size_t running = 0;
    int64_t begun = 0;
    // Reads refused for a full queue; abandoned, because the caller left or the deadline came
    // before or while they ran; refused for their cost.
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
    // Callers that have any.
    absl::flat_hash_map<std::string, size_t> running;
    Counts counts;
    absl::CondVar wake;
  };

  void Serve(Lane lane) ABSL_LOCKS_EXCLUDED(mu_);
  // True when the caller's thread may answer the task now; it has then had its turn.
  bool TakeAtOnce(Lane lane, Entry entry, Task* task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Gets the next task, and in `left` those before it whose callers left. False when none may run.
  bool TakeNext(Lane lane, Task* task, std::vector<Task>* left) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // An exception ends the process, on whose thread ever it is.
  void Perform(Lane lane, Task task, bool at_once = false) noexcept ABSL_LOCKS_EXCLUDED(mu_);

  const Options options_;
  // The most threads of a lane that one caller may have.
  std::array<size_t, kLanes> running_per_caller_max_;
  mutable absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  // A point read is being answered by the thread that brought it.
  bool at_once_ ABSL_GUARDED_BY(mu_) = false;
  std::array<Queue, kLanes> lanes_ ABSL_GUARDED_BY(mu_);
  std::vector<std::thread> threads_;
};

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_READ_EXECUTOR_H_
