// Gathers the requests of many callers into groups and gives each group to the intake.
//
//   SubmissionRpc, CatalogRpc --(Submit)--> Committer's thread --> Intake::Commit --> callbacks
//
// While one group is being synced the next one gathers, so that all that wait share the cost of a
// sync. Callers take turns; each one's requests stay in order. The queue is bounded by requests and
// bytes, in all and for each caller. When it is full, or the disk nearly is, Submit refuses at
// once. Thread-safe.
#ifndef FISCAL_SERVICES_SUBMISSION_COMMITTER_H_
#define FISCAL_SERVICES_SUBMISSION_COMMITTER_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "services/ledger/decide/intake.h"
#include "services/ops/disk_guard.h"
#include "services/ops/metrics.h"
#include "services/rpc/fair_queue.h"

namespace fiscal::services {

class Committer {
 public:
  using Done = std::function<void(absl::StatusOr<domain::RequestReceipt>)>;

  struct Options {
    size_t queue_requests_max = 8192;
    size_t queue_bytes_max = 256 << 20;
    // The bounds of one caller. A larger request is taken when nothing else of that caller waits.
    size_t queue_requests_per_caller_max = 4096;
    size_t queue_bytes_per_caller_max = 128 << 20;
    size_t group_requests_max = 512;
    size_t group_bytes_max = 8 << 20;
  };

  // Calls `on_failure` once, after the answers of a group whose outcome is unknown: the process
  // should end.
  Committer(Intake& intake, const DiskGuard& disk, Metrics& metrics, Options options,
            std::function<void()> on_failure);
  ~Committer();

  // Calls `done` on the committer's thread, or at once when the queue is full (QUEUE_FULL), the
  // disk is low (DISK_FULL; a request that only validates is taken) or it is stopped (DRAINING).
  // `caller`: the key of the caller whose turn it takes (rpc::Caller::key).
  void Submit(const std::string& caller, std::unique_ptr<Intake::Request> request, size_t bytes,
              Done done) ABSL_LOCKS_EXCLUDED(mu_);
  // Submit for callers that may block: returns when the request is kept or refused.
  absl::StatusOr<domain::RequestReceipt> SubmitAndWait(const std::string& caller,
                                                       Intake::Request request, size_t bytes)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Finishes what is queued, then ends the thread. Idempotent.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  const Intake& intake() const { return intake_; }
  const Options& options() const { return options_; }

  struct Queue {
    size_t requests = 0;
    size_t bytes = 0;
  };
  Queue queue() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Waiting {
    std::unique_ptr<Intake::Request> request;
    size_t bytes;
    Done done;
  };

  void Run();
  // The reason why a request of `bytes` is refused; empty when it is taken.
  std::string Full(const std::string& caller, size_t bytes) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::vector<Waiting> TakeGroup() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Intake& intake_;
  const DiskGuard& disk_;
  Metrics& metrics_;
  const Options options_;
  const std::function<void()> on_failure_;
  mutable absl::Mutex mu_;
  rpc::FairQueue<Waiting> queue_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, size_t> bytes_by_caller_ ABSL_GUARDED_BY(mu_);
  size_t queued_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_SUBMISSION_COMMITTER_H_
