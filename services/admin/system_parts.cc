#include "services/admin/system_parts.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "base/log.h"
#include "base/tls_files.h"
#include "services/ledger/moments.h"
#include "services/ops/metrics.h"

namespace fiscal::services {
namespace {

using domain::Position;

int64_t Lag(Position ahead, Position behind) {
  return ahead > behind ? static_cast<int64_t>(ahead - behind) : 0;
}

// Unbound when the log can't be read there: a status is answered in any case.
domain::Moment At(const storage::EventLog& log, Position position) {
  return MomentAt(log, position).value_or(domain::Moment(position));
}

SystemStatus::Log LogOf(const SystemParts& parts, const storage::EventLog::Head& head) {
  SystemStatus::Log log;
  log.id = absl::BytesToHexString(parts.log->log_id());
  log.head = MomentOf(*parts.log, head);
  if (!head.position.zero()) log.head_time = absl::FromUnixMicros(head.commit_time_us);
  log.size_bytes = parts.log_store->ApproximateBytes() + parts.ledger_store->ApproximateBytes();
  if (const absl::Status stop = parts.signer->stop(); !stop.ok())
    log.signing_stopped = std::string(stop.message());
  if (parts.copier != nullptr)
    log.source = SystemStatus::Log::Source{parts.log_source, parts.copier->connected()};
  return log;
}

SystemStatus::Queue QueueOf(const Committer& committer) {
  const Committer::Queue queue = committer.queue();
  return {static_cast<int64_t>(queue.requests),
          static_cast<int64_t>(committer.options().queue_requests_max),
          static_cast<int64_t>(queue.bytes),
          static_cast<int64_t>(committer.options().queue_bytes_max)};
}

SystemStatus::Clock ClockOf(const Intake& intake) {
  const ClockGuard::Reading reading = intake.LookAtClock();
  return {reading.wall, reading.state, std::string(reading.refusal.message()), reading.ahead};
}

SystemStatus::Totals TotalsOf(const SystemParts& parts, Position head) {
  SystemStatus::Totals totals;
  const Position folded = parts.projector->folded();
  totals.watermark = At(*parts.log, folded);
  totals.lag = Lag(head, folded);
  totals.behind = parts.runner->behind();
  totals.size_bytes = parts.totals_store->ApproximateBytes();
  totals.events_folded = parts.projector->events_folded();
  totals.live_cells = static_cast<int64_t>(parts.projector->live_cells());
  totals.live_cells_max = static_cast<int64_t>(parts.projector->live_cells_max());
  totals.waiting_reads = static_cast<int64_t>(parts.runner->reads_waiting());
  totals.waiting_reads_max = static_cast<int64_t>(parts.runner->options().reads_waiting_max);
  totals.watchers = parts.hub->counts();
  totals.watchers_max = static_cast<int64_t>(parts.hub->watchers_max());
  const Position stopped_at = parts.projector->stopped_at();
  totals.stopped_at = At(*parts.log, stopped_at);
  if (!stopped_at.zero()) totals.stopped = std::string(parts.projector->stop().message());
  return totals;
}

SystemStatus::System SystemOf(const Committer& committer, const Upstream& upstream) {
  const Upstream::Status status = upstream.status();
  SystemStatus::System system;
  system.name = upstream.name();
  system.address = upstream.address();
  system.state = status.state;
  system.message = status.message;
  const absl::StatusOr<storage::UpstreamState> taken =
      committer.intake().ReadUpstream(upstream.name());
  if (taken.ok()) {
    system.position = taken->position;
    system.lag = Lag(status.head.position(), taken->position);
  }
  system.heard = status.heard;
  return system;
}

SystemStatus::Disk DiskOf(const SystemParts& parts) {
  const DiskGuard::Space space = parts.disk->space();
  return {parts.data_dir, space.free_bytes, space.size_bytes, parts.disk->free_bytes_min(),
          parts.disk->low()};
}

SystemStatus::Memory MemoryOf(const rpc::MemoryBudget& memory) {
  return {static_cast<int64_t>(memory.reserved()), static_cast<int64_t>(memory.bytes_max()),
          memory.process_bytes_max(), memory.refused()};
}

// The process itself, without its parts.
void FillProcess(const SystemParts& parts, bool ready, SystemStatus* status) {
  status->role = parts.role;
  status->ready = ready;
  status->start = parts.start;
  status->recovery = parts.recovery;
  status->previous_stop = parts.previous_stop;
  status->tls = !parts.certificate_file.empty();
  if (status->tls) {
    const absl::StatusOr<absl::Time> expiry =
        CertificateExpiry({"server.tls.certificate_file", parts.certificate_file});
    if (expiry.ok()) status->certificate_expiry = *expiry;
  }
  status->memory_bytes = ResidentBytes();
  status->log_lines_dropped = static_cast<int64_t>(logging::Dropped());
}

void FillStores(const SystemParts& parts, SystemStatus* status) {
  status->stores.push_back({"log", parts.log_store->Stats()});
  status->stores.push_back({"ledger", parts.ledger_store->Stats()});
  if (parts.totals_store != nullptr)
    status->stores.push_back({"totals", parts.totals_store->Stats()});
  if (parts.audit != nullptr) status->stores.push_back({"audit", parts.audit->store_stats()});
  status->block_cache_bytes = static_cast<int64_t>(parts.block_cache_bytes());
  status->derived_remade = *parts.derived_remade;
  status->log_damage = *parts.log_damage;
}

}  // namespace

SystemStatus StatusOf(const SystemParts& parts, bool ready) {
  SystemStatus status;
  FillProcess(parts, ready, &status);
  const storage::EventLog::Head head = parts.log->head();
  status.log = LogOf(parts, head);
  if (parts.committer != nullptr) {
    status.queue = QueueOf(*parts.committer);
    status.clock = ClockOf(parts.committer->intake());
  }
  if (parts.projector != nullptr) status.totals = TotalsOf(parts, head.position);
  for (const Upstream* upstream : parts.upstreams)
    status.upstreams.push_back(SystemOf(*parts.committer, *upstream));
  status.disk = DiskOf(parts);
  if (parts.coverage != nullptr) status.coverages = parts.coverage->found();
  if (parts.verifier != nullptr) status.verify = parts.verifier->state();
  status.scrub = parts.scrubber->state();
  status.request_memory = MemoryOf(*parts.memory);
  for (rpc::Lane lane : {rpc::Lane::kPoint, rpc::Lane::kHeavy, rpc::Lane::kSlow})
    status.reads.push_back({lane, parts.calls->executor().counts(lane)});
  for (int i = 0; i < authority::kBounds; ++i)
    status.calls_refused[i] = parts.calls->refused(static_cast<authority::Bound>(i));
  status.connections = parts.door->counts();
  if (parts.audit != nullptr) status.audit = parts.audit->counts();
  FillStores(parts, &status);
  return status;
}

}  // namespace fiscal::services
