// Many callers, one writer: gathers what is waiting into a group and gives it to the intake.
//
//   SubmissionRpc, CatalogRpc --(Submit)--> Committer's thread --> Intake::Commit --> callbacks
//
// While one group is being synced the next one gathers, so that the cost of a sync is shared by all that wait. The queue is
// bounded by requests and bytes; when it is full, or the disk is about to be, Submit refuses at once.
// Thread-safe.
#ifndef FISCAL_SERVICES_SUBMISSION_COMMITTER_H_
#define FISCAL_SERVICES_SUBMISSION_COMMITTER_H_

#include <deque>
#include <functional>
#include <memory>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "services/ops/disk_guard.h"
#include "services/ops/metrics.h"
#include "services/submission/intake.h"

namespace fiscal::services {

class Committer {
 public:
  using Done = std::function<void(absl::StatusOr<IntakeReceipt>)>;

  struct Options {
    size_t queue_requests_max = 8192;
    size_t queue_bytes_max = 256 << 20;
    size_t group_requests_max = 512;
    size_t group_bytes_max = 8 << 20;
  };

  // `on_failure` is called once, after the answers of the group whose outcome is unknown: the process should end.
  Committer(Intake& intake, const DiskGuard& disk, Metrics& metrics, Options options,
            std::function<void()> on_failure);
  ~Committer();

  // Calls `done` on the committer's thread, or at once when the queue is full (QUEUE_FULL), the disk is low (DISK_FULL; a request
  // that only validates is taken) or it is stopped (DRAINING).
  void Submit(std::unique_ptr<Intake::Request> request, size_t bytes, Done done)
      ABSL_LOCKS_EXCLUDED(mu_);
  // The same for who may wait: returns when it is kept or refused.
  absl::StatusOr<IntakeReceipt> SubmitAndWait(Intake::Request request, size_t bytes)
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

  Intake& intake_;
  const DiskGuard& disk_;
  Metrics& metrics_;
  const Options options_;
  const std::function<void()> on_failure_;
  mutable absl::Mutex mu_;
  std::deque<Waiting> queue_ ABSL_GUARDED_BY(mu_);
  size_t queued_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_SUBMISSION_COMMITTER_H_
