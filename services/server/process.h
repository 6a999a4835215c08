// The ground that the parts of a process share: its directory's lock, its phase, how far recovery
// is, disk, memory and metrics, its audit log, and the one deliberate end outside main.
//
//   Stores, Writer, Reader, Edge --(what they use, what they say)--> Process
//
// The first part made and the last destroyed. Thread-safe, except what says otherwise.
#ifndef FISCAL_SERVICES_SERVER_PROCESS_H_
#define FISCAL_SERVICES_SERVER_PROCESS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "fiscal/config/v1/config.pb.h"
#include "grpcpp/security/credentials.h"
#include "services/admin/system_parts.h"
#include "services/audit/audit_trail.h"
#include "services/ops/data_lock.h"
#include "services/ops/disk_guard.h"
#include "services/ops/metrics.h"
#include "services/ops/stop_mark.h"
#include "services/rpc/drain.h"
#include "services/rpc/memory_budget.h"
#include "services/rpc/token_sealer.h"

namespace fiscal::services {

class Process {
 public:
  enum class Phase { kRecovering, kServing, kDraining };

  // Makes and takes the data directory. INVALID_ARGUMENT: it can't be written.
  // FAILED_PRECONDITION: another process has it, or its keys of tokens are damaged. DATA_LOSS and
  // others: the audit log can't be opened. REQUIRES: `config` outlives the result.
  static absl::StatusOr<std::unique_ptr<Process>> Open(const config::v1::ServeConfig& config);

  const config::v1::ServerConfig& config() const { return config_; }
  const std::string& role() const { return role_; }
  // The key to systems that this one reads from.
  const std::shared_ptr<grpc::ChannelCredentials>& peer_credentials() const {
    return peer_credentials_;
  }
  Clock& clock() { return clock_; }
  Metrics& metrics() { return metrics_; }
  DiskGuard& disk() { return *disk_; }
  rpc::MemoryBudget& memory() { return *memory_; }
  rpc::DrainSignal& drain() { return drain_; }
  rpc::TokenSealer& tokens() { return *tokens_; }
  // Null when the configuration has none.
  AuditTrail* audit() { return audit_.get(); }

  Phase phase() const { return phase_; }
  void Enter(Phase phase) { phase_ = phase; }
  bool ready() const { return phase_ == Phase::kServing; }

  // Measures the disk, and writes a line when writes begin or end to be refused. One thread at a
  // time.
  void LookAtDisk();
  // Keeps the supervisor waiting as long as recovery gets on. The starting thread's.
  void SayProgress(const char* what, uint64_t at, uint64_t of);
  std::string Progress() const;

  // Marks the directory as that of a running process. The starting thread's, once recovered.
  void Mark();
  // Marks an end on purpose, if it ever was marked as running.
  void MarkStopping(bool served);
  // Ends the process at once, the one deliberate end outside main: what is on disk is the truth, a
  // restart finds it.
  [[noreturn]] void End(StopReason reason, const std::string& why);

  // Fills in what is the process's of its status. REQUIRES: Mark.
  void Show(SystemParts* parts) const;

 private:
  explicit Process(const config::v1::ServeConfig& config);
  absl::Status OpenAudit();

  const config::v1::ServerConfig& config_;
  const std::string role_;
  std::atomic<Phase> phase_{Phase::kRecovering};
  std::atomic<uint64_t> recover_at_{0}, recover_to_{0};
  std::atomic<const char*> recovering_{""};
  // The starting thread's.
  absl::Time progress_said_ = absl::Now();
  // Destroyed from the bottom up: the lock last.
  std::unique_ptr<DataLock> lock_;
  // Null until recovered: the mark of the process before stays until then.
  std::unique_ptr<StopMark> mark_;
  RealClock clock_;
  Metrics metrics_;
  std::unique_ptr<DiskGuard> disk_;
  std::unique_ptr<rpc::MemoryBudget> memory_;
  std::unique_ptr<rpc::TokenSealer> tokens_;
  rpc::DrainSignal drain_;
  std::shared_ptr<grpc::ChannelCredentials> peer_credentials_;
  std::unique_ptr<AuditTrail> audit_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_SERVER_PROCESS_H_
