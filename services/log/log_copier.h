// Keeps a copy of another process's log: what an aggregation process folds.
//
//   EventLogService of the submission process --(Read after our head, with our hash)--> LogCopier
//     --> our EventLog
//
// Every record's hash is checked before it is kept. When the upstream's log is shorter than ours or
// has another history, copying stops for good and says so: an old backup must not be folded in
// silence. Connection losses are retried. Thread-safe.
#ifndef FISCAL_SERVICES_LOG_LOG_COPIER_H_
#define FISCAL_SERVICES_LOG_LOG_COPIER_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/security/credentials.h"
#include "services/ops/disk_guard.h"
#include "storage/event_log.h"
#include "storage/kv.h"

namespace grpc {
class ClientContext;
}
namespace fiscal::log::v1 {
class ReadResponse;
}

namespace fiscal::services {

class LogCopier {
 public:
  // Calls `on_failure` once when copying can't go on. Copies nothing while `disk` is low. `ledger`
  // is the store of the log's ledger.
  LogCopier(std::string address, std::shared_ptr<grpc::ChannelCredentials> credentials,
            storage::EventLog& log, const storage::Kv& ledger, const DiskGuard& disk,
            std::function<void(absl::Status)> on_failure);
  ~LogCopier();
  // Idempotent.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  // Reads the upstream's log id, waiting until `deadline` for it to answer.
  static absl::StatusOr<std::string> FetchLogId(
      const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
      absl::Time deadline);

  // True while the upstream answers.
  bool connected() const { return connected_.load(std::memory_order_relaxed); }

 private:
  void Run();
  // Copies until the stream ends. Returns a retryable status or a final one.
  absl::Status CopyOnce();
  // Appends the records of `response`, which must continue ours.
  absl::Status Keep(const log::v1::ReadResponse& response);

  const std::string address_;
  const std::shared_ptr<grpc::ChannelCredentials> credentials_;
  storage::EventLog& log_;
  const storage::Kv& ledger_;
  const DiskGuard& disk_;
  std::atomic<bool> connected_{false};
  const std::function<void(absl::Status)> on_failure_;
  absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mu_) = nullptr;
  std::thread thread_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LOG_LOG_COPIER_H_
