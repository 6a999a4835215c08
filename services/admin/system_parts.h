// The parts of a process that its status is asked of.
//
//   services/server --(Show)--> SystemParts --(StatusOf)--> system_status.h
//
// Asking reads counters and a few small values of the stores.
#ifndef FISCAL_SERVICES_ADMIN_SYSTEM_PARTS_H_
#define FISCAL_SERVICES_ADMIN_SYSTEM_PARTS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "services/admin/coverage_watch.h"
#include "services/admin/scrubber.h"
#include "services/admin/system_status.h"
#include "services/aggregation/runner.h"
#include "services/aggregation/watch_hub.h"
#include "services/audit/audit_trail.h"
#include "services/door/door.h"
#include "services/federation/upstream.h"
#include "services/ledger/compare/verifier.h"
#include "services/log/log_copier.h"
#include "services/log/signer.h"
#include "services/ops/disk_guard.h"
#include "services/ops/stop_mark.h"
#include "services/rpc/call.h"
#include "services/rpc/memory_budget.h"
#include "services/submission/committer.h"
#include "storage/kv.h"

namespace fiscal::services {

// Null: a part that the role does not have. REQUIRES: all outlive it.
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
  const AuditTrail* audit = nullptr;
  const storage::EventLog* log = nullptr;
  const storage::Kv* log_store = nullptr;
  const storage::Kv* ledger_store = nullptr;
  const storage::Kv* totals_store = nullptr;
  // Derived stores that were damaged and made again at this start; reads of the log that met
  // damage.
  const std::atomic<int64_t>* derived_remade = nullptr;
  const std::atomic<int64_t>* log_damage = nullptr;
  // Blocks in the cache that all stores share.
  std::function<size_t()> block_cache_bytes;
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

SystemStatus StatusOf(const SystemParts& parts, bool ready);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_ADMIN_SYSTEM_PARTS_H_
