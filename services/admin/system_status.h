// The state of a process at one moment, as plain values, and its two printers.
//
//   the parts of a process --(StatusOf, system_parts.h)--> SystemStatus --+--> GetStatus's answer
//                                                                         +--> /metrics
//
// Optional members are those that a role may not have. Times are InfinitePast for never.
#ifndef FISCAL_SERVICES_ADMIN_SYSTEM_STATUS_H_
#define FISCAL_SERVICES_ADMIN_SYSTEM_STATUS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "domain/authority/share.h"
#include "domain/moment.h"
#include "services/admin/coverage_watch.h"
#include "services/admin/scrubber.h"
#include "services/aggregation/watch_hub.h"
#include "services/audit/audit_trail.h"
#include "services/door/door.h"
#include "services/federation/upstream.h"
#include "services/ledger/compare/verifier.h"
#include "services/ledger/decide/clock_guard.h"
#include "services/ops/metrics.h"
#include "services/ops/stop_mark.h"
#include "services/rpc/read_executor.h"
#include "storage/kv.h"

namespace fiscal::admin::v1 {
class GetStatusResponse;
}  // namespace fiscal::admin::v1

namespace fiscal::services {

struct SystemStatus {
  struct Log {
    std::string id;
    // After the last event.
    domain::Moment head;
    absl::Time head_time = absl::InfinitePast();
    int64_t size_bytes = 0;
    // The reason why tree heads are not signed; empty while they are.
    std::string signing_stopped;
    // The process that the log is copied from.
    struct Source {
      std::string address;
      bool connected = false;
    };
    std::optional<Source> source;
  };
  struct Queue {
    int64_t requests = 0;
    int64_t requests_max = 0;
    int64_t bytes = 0;
    int64_t bytes_max = 0;
  };
  struct Clock {
    absl::Time time = absl::InfinitePast();
    ClockGuard::State state = ClockGuard::State::kRight;
    // The reason why writes are refused; empty while they are taken.
    std::string message;
    absl::Duration ahead;
  };
  struct Totals {
    domain::Moment watermark;
    // Events of the log that are not folded, and the age of the oldest.
    int64_t lag = 0;
    absl::Duration behind;
    int64_t size_bytes = 0;
    int64_t events_folded = 0;
    int64_t live_cells = 0;
    int64_t live_cells_max = 0;
    int64_t waiting_reads = 0;
    int64_t waiting_reads_max = 0;
    WatchHub::Counts watchers;
    int64_t watchers_max = 0;
    // The event that can't be folded, and why; 0 for none.
    domain::Moment stopped_at;
    std::string stopped;
  };
  struct System {
    std::string name;
    std::string address;
    Upstream::State state = Upstream::State::kConnecting;
    std::string message;
    // The last of its events that was taken over, and how many were not when it was last heard.
    domain::Position position;
    int64_t lag = 0;
    absl::Time heard = absl::InfinitePast();
  };
  struct Disk {
    std::string data_dir;
    int64_t free_bytes = 0;
    int64_t size_bytes = 0;
    int64_t free_bytes_min = 0;
    bool low = false;
  };
  struct Memory {
    int64_t reserved_bytes = 0;
    int64_t reserved_bytes_max = 0;
    int64_t process_bytes_max = 0;
    int64_t refused = 0;
  };
  struct Reads {
    rpc::Lane lane = rpc::Lane::kPoint;
    rpc::ReadExecutor::Counts counts;
  };
  struct Store {
    std::string name;
    storage::StoreStats stats;
  };

  std::string role;
  bool ready = false;
  absl::Time start = absl::InfinitePast();
  absl::Duration recovery;
  StopReason previous_stop = StopReason::kNone;
  bool tls = false;
  absl::Time certificate_expiry = absl::InfinitePast();
  // Resident memory.
  int64_t memory_bytes = 0;
  // Lines of the process's own log that nobody took in time.
  int64_t log_lines_dropped = 0;

  Log log;
  std::optional<Queue> queue;
  std::optional<Clock> clock;
  std::optional<Totals> totals;
  std::vector<System> upstreams;
  Disk disk;
  std::vector<DeadlineCoverage> coverages;
  std::optional<Verifier::State> verify;
  Scrubber::State scrub;
  Memory request_memory;
  // One for each lane.
  std::vector<Reads> reads;
  // Calls refused for a bound of their caller, by authority::Bound.
  std::array<int64_t, authority::kBounds> calls_refused{};
  Door::Counts connections;
  std::optional<AuditTrail::Counts> audit;

  std::vector<Store> stores;
  // Blocks in the cache, of all stores.
  int64_t block_cache_bytes = 0;
  // Derived stores that were made again at this start; reads of the log that met damage.
  int64_t derived_remade = 0;
  int64_t log_damage = 0;
};

void ToAnswer(const SystemStatus& status, admin::v1::GetStatusResponse* out);
void ToSamples(const SystemStatus& status, Samples* out);
// Samples that exist before all others: version, role, readiness.
void SampleIdentity(const std::string& role, bool ready, Samples* out);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_ADMIN_SYSTEM_STATUS_H_
