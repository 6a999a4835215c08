// The state of a process at one moment, for /metrics and for AdminService.GetStatus.
//
// Parts that its role does not have are null. Asking reads counters and a few small values of the
// stores.
#ifndef FISCAL_SERVICES_ADMIN_SYSTEM_STATUS_H_
#define FISCAL_SERVICES_ADMIN_SYSTEM_STATUS_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "fiscal/admin/v1/admin_service.pb.h"
#include "fiscal/config/v1/config.pb.h"
#include "services/admin/scrubber.h"
#include "services/aggregation/runner.h"
#include "services/aggregation/watch_hub.h"
#include "services/door/door.h"
#include "services/federation/upstream.h"
#include "services/ledger/compare/verifier.h"
#include "services/log/log_copier.h"
#include "services/log/signer.h"
#include "services/ops/disk_guard.h"
#include "services/ops/metrics.h"
#include "services/ops/stop_mark.h"
#include "services/rpc/call.h"
#include "services/rpc/memory_budget.h"
#include "services/submission/committer.h"
#include "storage/rocks/rocks_kv.h"

namespace fiscal::services {

// Agencies that have not reported, by configured deadline. Refresh computes, found() returns the
// result. Thread-safe.
class CoverageWatch {
 public:
  CoverageWatch(const Projector& projector, const config::v1::AggregationConfig& config);
  // Asks the totals, at the cost of GetCoverage. A division that the catalog does not know yet has
  // no agencies that must report.
  void Refresh() ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<admin::v1::CoverageStatus> found() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  const Projector& projector_;
  const config::v1::AggregationConfig config_;
  mutable absl::Mutex mu_;
  std::vector<admin::v1::CoverageStatus> found_ ABSL_GUARDED_BY(mu_);
};

// The parts of a process; null for those that its role does not have. REQUIRES: all outlive it.
struct SystemParts {
  std::string role;
  std::string data_dir;
  std::string log_source;
  // Empty without TLS.
  std::string certificate_file;
  absl::Time start;
  absl::Duration recovery;
  StopReason previous_stop = StopReason::kNone;
  const DiskGuard* disk = nullptr;
  const Door* door = nullptr;
  const rpc::MemoryBudget* memory = nullptr;
  const storage::EventLog* log = nullptr;
  const storage::RocksKv* log_store = nullptr;
  const storage::RocksKv* ledger_store = nullptr;
  const storage::RocksKv* totals_store = nullptr;
  // Derived stores that were damaged and made again at this start; reads of the log that met
  // damage.
  const std::atomic<int64_t>* derived_remade = nullptr;
  const std::atomic<int64_t>* log_damage = nullptr;
  const storage::RocksCache* cache = nullptr;
  const Committer* committer = nullptr;
  const Projector* projector = nullptr;
  const Runner* runner = nullptr;
  const rpc::Calls* calls = nullptr;
  const WatchHub* hub = nullptr;
  const LogCopier* copier = nullptr;
  const Signer* signer = nullptr;
  const CoverageWatch* coverage = nullptr;
  const Verifier* verifier = nullptr;
  const Scrubber* scrubber = nullptr;
  std::vector<const Upstream*> upstreams;
};

void FillStatus(const SystemParts& parts, bool ready, admin::v1::GetStatusResponse* out);
void SampleStatus(const SystemParts& parts, bool ready, Samples* out);
// Samples that exist before all others: version, role, readiness.
void SampleIdentity(const SystemParts& parts, bool ready, Samples* out);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_ADMIN_SYSTEM_STATUS_H_
