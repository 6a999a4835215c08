#include "services/admin/system_status.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/log.h"
#include "base/time_text.h"
#include "base/tls_files.h"
#include "base/version.h"
#include "domain/types.h"
#include "fiscal/budget/v1/budget.pb.h"
#include "services/ledger/answer/statuses.h"
#include "services/wire/text_wire.h"

namespace fiscal::services {
namespace {

namespace pb = fiscal::admin::v1;
using domain::AgencyCoverage;
using domain::Position;

// The configuration's names are those of the API, in lower case.
domain::Stage StageOf(absl::string_view name) {
  budget::v1::Stage stage = budget::v1::STAGE_UNSPECIFIED;
  FISCAL_CHECK(budget::v1::Stage_Parse(absl::StrCat("STAGE_", absl::AsciiStrToUpper(name)), &stage),
               "a stage that the configuration lets through is one of the API's");
  return static_cast<domain::Stage>(stage);
}

void SetTime(absl::Time time, google::protobuf::Timestamp* out) {
  wire::ToTimestamp(absl::ToUnixMicros(time), out);
}

double UnixSeconds(const google::protobuf::Timestamp& time) {
  return static_cast<double>(time.seconds()) + time.nanos() / 1e9;
}

int64_t Lag(Position ahead, Position behind) {
  return ahead > behind ? static_cast<int64_t>(ahead - behind) : 0;
}

double Number(const std::string& position) {
  const absl::StatusOr<Position> parsed = wire::ParsePosition(position);
  return parsed.ok() ? static_cast<double>(*parsed) : 0;
}

void SampleStore(const char* name, const storage::RocksKv& store, Samples* out) {
  const storage::RocksStats s = store.Stats();
  const Samples::Labels labels = {{"store", name}};
  auto gauge = [&](const char* metric, const char* help, int64_t value) {
    out->Gauge(metric, help, static_cast<double>(value), labels);
  };
  gauge("fiscal_rocksdb_sst_bytes", "Sorted files.", s.sst_bytes);
  gauge("fiscal_rocksdb_memtable_bytes", "Memtables.", s.memtable_bytes);
  gauge("fiscal_rocksdb_table_readers_bytes", "Indexes and filters in memory outside the cache.",
        s.table_readers_bytes);
  gauge("fiscal_rocksdb_keys_estimate", "Keys, roughly.", s.keys_estimate);
  gauge("fiscal_rocksdb_level0_files", "Files of level 0.", s.level0_files);
  gauge("fiscal_rocksdb_pending_compaction_bytes", "What compactions have yet to write.",
        s.pending_compaction_bytes);
  gauge("fiscal_rocksdb_running_compactions", "Compactions under way.", s.running_compactions);
  gauge("fiscal_rocksdb_running_flushes", "Flushes under way.", s.running_flushes);
  gauge("fiscal_rocksdb_write_stopped", "1 while it takes no writes until a compaction ends.",
        s.write_stopped ? 1 : 0);
  gauge("fiscal_rocksdb_delayed_write_rate_bytes",
        "Bytes a second that writes are slowed to; 0 for no limit.", s.delayed_write_rate_bytes);
  gauge("fiscal_rocksdb_background_errors", "Errors of flushes and compactions.",
        s.background_errors);
}

void SampleCalls(const rpc::Calls& calls, Samples* out) {
  for (rpc::Lane lane : {rpc::Lane::kPoint, rpc::Lane::kHeavy, rpc::Lane::kSlow}) {
    const rpc::ReadExecutor::Counts counts = calls.executor().counts(lane);
    const Samples::Labels labels = {{"lane", std::string(rpc::NameOf(lane))}};
    out->Gauge("fiscal_reads_queued", "Reads that wait for a thread of their lane.",
               static_cast<double>(counts.waiting), labels);
    out->Gauge("fiscal_reads_running", "Reads that are being answered.",
               static_cast<double>(counts.running), labels);
    auto count = [&](const char* name, const char* help, int64_t value) {
      out->Counter(name, help, static_cast<double>(value), labels);
    };
    count("fiscal_reads_begun_total", "Reads that had their turn.", counts.begun);
    count("fiscal_reads_refused_total", "Reads refused for a full queue.", counts.refused);
    count("fiscal_reads_abandoned_total",
          "Reads whose caller left, or whose deadline came, before they were answered.",
          counts.abandoned);
    count("fiscal_reads_too_large_total", "Reads refused for what they cost.", counts.too_large);
    count("fiscal_read_work_units_total", "What reads cost, in units of about a cell.",
          counts.spent);
  }
  out->Counter("fiscal_calls_refused_total",
               "Calls refused because their caller has too many open.",
               static_cast<double>(calls.refused()));
}

}  // namespace

CoverageWatch::CoverageWatch(const Projector& projector,
                             const config::v1::AggregationConfig& config)
    : projector_(projector), config_(config) {}

void CoverageWatch::Refresh() {
  std::vector<pb::CoverageStatus> found;
  for (const config::v1::CoverageDeadline& deadline : config_.coverage_deadlines()) {
    pb::CoverageStatus status;
    status.set_division_code(deadline.division_code());
    status.set_fiscal_year(static_cast<int32_t>(deadline.fiscal_year()));
    status.set_stage(deadline.stage());
    if (const auto due = ParseTimeOrDate(deadline.due())) SetTime(*due, status.mutable_due_time());
    domain::TotalFilter filter;
    filter.division = domain::ParseDivision(deadline.division_code());
    filter.year = static_cast<uint16_t>(deadline.fiscal_year());
    filter.stage = StageOf(deadline.stage());
    Work work;
    const absl::StatusOr<std::vector<AgencyCoverage>> agencies =
        CoverageAt(projector_, filter, projector_.folded(), work);
    if (agencies.ok()) {
      const domain::Coverage sum = Sum(*agencies);
      int64_t missing = 0;
      for (const AgencyCoverage& agency : *agencies) {
        if (agency.must_report && agency.state == domain::CoverageState::kUnreported) ++missing;
      }
      status.set_agency_count(sum.expected);
      status.set_missing_count(missing);
    } else if (!absl::IsNotFound(agencies.status())) {
      logging::Error("coverage can't be computed", {{"division", deadline.division_code()},
                                                    {"status", agencies.status().ToString()}});
    }
    found.push_back(std::move(status));
  }
  absl::MutexLock lock(&mu_);
  found_ = std::move(found);
}

std::vector<pb::CoverageStatus> CoverageWatch::found() const {
  absl::MutexLock lock(&mu_);
  return found_;
}

static void FillChecks(const SystemParts& parts, pb::GetStatusResponse* out) {
  if (parts.verifier != nullptr) {
    const Verifier::State state = parts.verifier->state();
    pb::VerifyStatus* v = out->mutable_verify();
    v->set_running(state.running);
    if (state.running) {
      v->set_pass_count(state.progress.pass);
      v->set_events_done(static_cast<int64_t>(state.progress.events_done));
      v->set_events_total(static_cast<int64_t>(state.progress.events_total));
    }
    if (state.last_run != absl::InfinitePast()) SetTime(state.last_run, v->mutable_end_time());
    v->set_difference_count(state.difference_count);
  }
  const Scrubber::State state = parts.scrubber->state();
  pb::ScrubStatus* s = out->mutable_scrub();
  s->set_bytes_per_second(state.bytes_per_second);
  s->set_running(state.running);
  if (state.running) {
    s->set_bytes_done(state.bytes_done);
    s->set_bytes_total(std::max(state.bytes_total, state.bytes_done));
  }
  s->set_bytes_read(state.bytes_read);
  if (state.last_pass != absl::InfinitePast()) SetTime(state.last_pass, s->mutable_end_time());
  s->set_damage_count(state.damage_count);
}

static void SampleChecks(const pb::GetStatusResponse& s, Samples* out) {
  if (s.has_verify()) {
    out->Gauge("fiscal_verify_running", "1 while what is derived is compared with the log.",
               s.verify().running() ? 1 : 0);
    out->Gauge("fiscal_verify_last_run_time_seconds", "When the last comparison ended, Unix time.",
               UnixSeconds(s.verify().end_time()));
    out->Gauge("fiscal_verify_differences", "What it found.",
               static_cast<double>(s.verify().difference_count()));
  }
  out->Gauge("fiscal_scrub_bytes_per_second",
             "How fast what is stored is read once more; 0: only when somebody asks.",
             static_cast<double>(s.scrub().bytes_per_second()));
  out->Counter("fiscal_scrub_bytes_total", "Bytes read to find damage.",
               static_cast<double>(s.scrub().bytes_read()));
  out->Gauge("fiscal_scrub_last_pass_time_seconds", "When the last whole pass ended, Unix time.",
             UnixSeconds(s.scrub().end_time()));
  out->Gauge("fiscal_scrub_damage", "What it found damaged.",
             static_cast<double>(s.scrub().damage_count()));
}

static void FillLog(const SystemParts& parts, const storage::EventLog::Head& head,
                    pb::LogStatus* log) {
  log->set_log_id(absl::BytesToHexString(parts.log->log_id()));
  if (head.position > 0) {
    log->set_head_position(wire::FormatPosition(head.position));
    wire::ToTimestamp(head.commit_time_us, log->mutable_head_time());
  }
  log->set_size_bytes(parts.log_store->ApproximateBytes() + parts.ledger_store->ApproximateBytes());
  if (const absl::Status stop = parts.signer->stop(); !stop.ok())
    log->set_signing_stopped_message(std::string(stop.message()));
  if (parts.copier != nullptr) {
    log->set_source(parts.log_source);
    log->set_source_connected(parts.copier->connected());
  }
}

static void FillQueue(const Committer& committer, pb::QueueStatus* q) {
  const Committer::Queue queue = committer.queue();
  q->set_request_count(static_cast<int64_t>(queue.requests));
  q->set_request_count_max(static_cast<int64_t>(committer.options().queue_requests_max));
  q->set_size_bytes(static_cast<int64_t>(queue.bytes));
  q->set_size_bytes_max(static_cast<int64_t>(committer.options().queue_bytes_max));
}

static void FillTotals(const SystemParts& parts, Position head, pb::TotalsStatus* t) {
  const Position folded = parts.projector->folded();
  const WatchHub::Counts watchers = parts.hub->counts();
  t->set_watermark(wire::FormatPosition(folded));
  t->set_lag_count(Lag(head, folded));
  t->set_lag_millis(absl::ToInt64Milliseconds(parts.runner->behind()));
  t->set_size_bytes(parts.totals_store->ApproximateBytes());
  t->set_live_cell_count(static_cast<int64_t>(parts.projector->live_cells()));
  t->set_live_cell_count_max(static_cast<int64_t>(parts.projector->live_cells_max()));
  t->set_waiting_read_count(static_cast<int64_t>(parts.runner->reads_waiting()));
  t->set_waiting_read_count_max(static_cast<int64_t>(parts.runner->options().reads_waiting_max));
  t->set_watcher_count(
      static_cast<int64_t>(watchers.idle + watchers.queued + watchers.working + watchers.sending));
  t->set_watcher_count_max(static_cast<int64_t>(parts.hub->watchers_max()));
  t->set_slow_watcher_count(static_cast<int64_t>(watchers.sending));
  if (const Position stopped = parts.projector->stopped_at(); stopped != 0) {
    t->set_stopped_position(wire::FormatPosition(stopped));
    t->set_stopped_message(std::string(parts.projector->stop().message()));
  }
}

static void FillUpstream(const SystemParts& parts, const Upstream& upstream,
                         pb::UpstreamStatus* u) {
  const Upstream::Status status = upstream.status();
  u->set_name(upstream.name());
  u->set_address(upstream.address());
  u->set_state(std::string(NameOf(status.state)));
  u->set_message(status.message);
  const absl::StatusOr<storage::UpstreamState> taken =
      parts.committer->intake().ReadUpstream(upstream.name());
  if (taken.ok()) u->set_lag_count(Lag(status.head, taken->position));
  if (status.heard != absl::InfinitePast()) SetTime(status.heard, u->mutable_heard_time());
}

static void FillDisk(const SystemParts& parts, pb::DiskStatus* disk) {
  const DiskGuard::Space space = parts.disk->space();
  disk->set_data_dir(parts.data_dir);
  disk->set_free_bytes(space.free_bytes);
  disk->set_size_bytes(space.size_bytes);
  disk->set_free_bytes_min(parts.disk->free_bytes_min());
  disk->set_low(parts.disk->low());
}

static void FillMemory(const SystemParts& parts, pb::MemoryStatus* memory) {
  memory->set_reserved_bytes(static_cast<int64_t>(parts.memory->reserved()));
  memory->set_reserved_bytes_max(static_cast<int64_t>(parts.memory->bytes_max()));
  memory->set_process_bytes_max(parts.memory->process_bytes_max());
  memory->set_refused_count(parts.memory->refused());
}

static void FillReads(const rpc::Calls& calls, pb::GetStatusResponse* out) {
  for (rpc::Lane lane : {rpc::Lane::kPoint, rpc::Lane::kHeavy, rpc::Lane::kSlow}) {
    const rpc::ReadExecutor::Counts counts = calls.executor().counts(lane);
    pb::ReadLaneStatus* reads = out->add_read_lanes();
    reads->set_lane(std::string(rpc::NameOf(lane)));
    reads->set_waiting_count(static_cast<int64_t>(counts.waiting));
    reads->set_running_count(static_cast<int64_t>(counts.running));
    reads->set_refused_count(counts.refused);
    reads->set_abandoned_count(counts.abandoned);
    reads->set_too_large_count(counts.too_large);
  }
}

static void FillConnections(const Door& door, pb::ConnectionsStatus* out) {
  const Door::Counts counts = door.counts();
  out->set_open_count(counts.open);
  out->set_open_count_max(counts.open_max);
  out->set_refused_count(counts.refused_all + counts.refused_address + counts.refused_descriptors);
  out->set_cut_count(counts.cut_bytes + counts.cut_streams + counts.cut_memory);
}

void FillStatus(const SystemParts& parts, bool ready, pb::GetStatusResponse* out) {
  out->set_version(std::string(Version()));
  out->set_role(parts.role);
  out->set_ready(ready);
  SetTime(parts.start, out->mutable_start_time());
  out->set_recovery_millis(absl::ToInt64Milliseconds(parts.recovery));
  out->set_previous_stop(std::string(NameOf(parts.previous_stop)));
  out->set_tls(!parts.certificate_file.empty());
  if (out->tls()) {
    const absl::StatusOr<absl::Time> expiry =
        CertificateExpiry({"server.tls.certificate_file", parts.certificate_file});
    if (expiry.ok()) SetTime(*expiry, out->mutable_certificate_expiry_time());
  }
  const storage::EventLog::Head head = parts.log->head();
  FillLog(parts, head, out->mutable_log());
  if (parts.committer != nullptr) FillQueue(*parts.committer, out->mutable_queue());
  if (parts.projector != nullptr) FillTotals(parts, head.position, out->mutable_totals());
  for (const Upstream* upstream : parts.upstreams) {
    FillUpstream(parts, *upstream, out->add_upstreams());
  }
  FillDisk(parts, out->mutable_disk());
  if (parts.coverage != nullptr) {
    for (pb::CoverageStatus& found : parts.coverage->found()) *out->add_coverages() = found;
  }
  out->set_memory_bytes(ResidentBytes());
  FillMemory(parts, out->mutable_request_memory());
  FillReads(*parts.calls, out);
  FillConnections(*parts.door, out->mutable_connections());
  FillChecks(parts, out);
}

// The API's connections.
void SampleDoor(const Door& door, Samples* out) {
  const Door::Counts counts = door.counts();
  auto d = [](int64_t n) { return static_cast<double>(n); };
  out->Gauge("fiscal_connections", "Open connections of the API.", d(counts.open));
  out->Gauge("fiscal_connections_max", "Their bound.", d(counts.open_max));
  out->Counter("fiscal_connections_accepted_total", "Connections that were let in.",
               d(counts.accepted));
  const std::string refused = "fiscal_connections_refused_total";
  const std::string help = "Connections that were closed as they came.";
  out->Counter(refused, help, d(counts.refused_all), {{"reason", "all"}});
  out->Counter(refused, help, d(counts.refused_address), {{"reason", "address"}});
  out->Counter(refused, help, d(counts.refused_descriptors), {{"reason", "descriptors"}});
  const std::string cut = "fiscal_connections_cut_total";
  const std::string why = "Connections that were closed for what they cost.";
  out->Counter(cut, why, d(counts.cut_bytes), {{"reason", "bytes"}});
  out->Counter(cut, why, d(counts.cut_streams), {{"reason", "streams"}});
  out->Counter(cut, why, d(counts.cut_memory), {{"reason", "memory"}});
  out->Gauge("fiscal_connections_untaken_bytes", "What came on them and no call has taken.",
             d(counts.untaken_bytes));
}

void SampleIdentity(const SystemParts& parts, bool ready, Samples* out) {
  out->Gauge("fiscal_build_info", "1, labelled with what runs.", 1,
             {{"version", std::string(Version())}, {"role", parts.role}});
  out->Gauge("fiscal_ready", "1 while calls are taken.", ready ? 1 : 0);
}

static void SampleProcess(const pb::GetStatusResponse& s, Samples* out) {
  out->Gauge("fiscal_recovery_duration_seconds", "From the start of the process to ready.",
             static_cast<double>(s.recovery_millis()) / 1000);
  out->Gauge("fiscal_previous_stop", "1 for how the process before this one ended.", 1,
             {{"reason", s.previous_stop()}});
  out->Counter("fiscal_log_lines_dropped_total",
               "Lines of the process's own log that nobody took in time.",
               static_cast<double>(logging::Dropped()));
  if (s.has_certificate_expiry_time()) {
    out->Gauge("fiscal_tls_certificate_expiry_time_seconds",
               "When the server's certificate ends, Unix time.",
               UnixSeconds(s.certificate_expiry_time()));
  }
}

static void SampleLog(const SystemParts& parts, const pb::LogStatus& log, Samples* out) {
  out->Gauge("fiscal_log_head_position", "The last event of the log.", Number(log.head_position()));
  out->Gauge("fiscal_log_head_time_seconds", "Its commit time, Unix time.",
             UnixSeconds(log.head_time()));
  out->Gauge("fiscal_signing_stopped",
             "1 while no tree head is signed: the key is lost, damaged or another one.",
             log.signing_stopped_message().empty() ? 0 : 1);
  if (parts.copier != nullptr) {
    out->Gauge("fiscal_log_source_connected", "1 while the submission process's log is read.",
               log.source_connected() ? 1 : 0);
  }
}

static void SampleMemory(const pb::MemoryStatus& memory, Samples* out) {
  out->Gauge("fiscal_request_memory_bytes", "Memory that requests under way hold.",
             static_cast<double>(memory.reserved_bytes()));
  out->Gauge("fiscal_request_memory_bytes_max", "Its bound.",
             static_cast<double>(memory.reserved_bytes_max()));
  out->Gauge("fiscal_process_memory_bytes_max", "What the process may have in memory.",
             static_cast<double>(memory.process_bytes_max()));
  out->Counter("fiscal_request_memory_refused_total", "Requests refused with MEMORY_FULL.",
               static_cast<double>(memory.refused_count()));
}

static void SampleQueue(const pb::QueueStatus& q, Samples* out) {
  out->Gauge("fiscal_commit_queue_requests", "Requests waiting to be committed.",
             static_cast<double>(q.request_count()));
  out->Gauge("fiscal_commit_queue_requests_max", "Their bound.",
             static_cast<double>(q.request_count_max()));
  out->Gauge("fiscal_commit_queue_bytes", "Bytes of requests waiting to be committed.",
             static_cast<double>(q.size_bytes()));
  out->Gauge("fiscal_commit_queue_bytes_max", "Their bound.",
             static_cast<double>(q.size_bytes_max()));
}

static void SampleTotals(const SystemParts& parts, const pb::TotalsStatus& t, Samples* out) {
  out->Gauge("fiscal_totals_watermark_position", "The position up to which totals are folded.",
             Number(t.watermark()));
  out->Gauge("fiscal_totals_stopped_position",
             "The event that can't be folded, before which totals stand still; 0 for none.",
             Number(t.stopped_position()));
  out->Gauge("fiscal_totals_lag_events", "Events of the log that are not folded yet.",
             static_cast<double>(t.lag_count()));
  out->Gauge("fiscal_totals_lag_seconds", "The age of the oldest of them.",
             static_cast<double>(t.lag_millis()) / 1000);
  out->Counter("fiscal_folded_events_total", "Events folded since the start.",
               static_cast<double>(parts.projector->events_folded()));
  out->Gauge("fiscal_live_cells", "Cells kept in memory between strides.",
             static_cast<double>(t.live_cell_count()));
  out->Gauge("fiscal_live_cells_max", "Their bound.", static_cast<double>(t.live_cell_count_max()));
  out->Gauge("fiscal_reads_waiting", "Reads that wait for a position.",
             static_cast<double>(t.waiting_read_count()));
  out->Gauge("fiscal_reads_waiting_max", "Their bound.",
             static_cast<double>(t.waiting_read_count_max()));
  const WatchHub::Counts watchers = parts.hub->counts();
  const char* help = "Open watches.";
  auto count = [&](const char* state, size_t n) {
    out->Gauge("fiscal_watchers", help, static_cast<double>(n), {{"state", state}});
  };
  count("idle", watchers.idle);
  count("queued", watchers.queued);
  count("working", watchers.working);
  count("sending", watchers.sending);
  out->Gauge("fiscal_watchers_max", "Their bound.", static_cast<double>(t.watcher_count_max()));
  out->Counter("fiscal_watch_messages_total", "Messages sent to watchers.",
               static_cast<double>(watchers.messages_sent));
}

static void SampleCoverage(const pb::CoverageStatus& c, Samples* out) {
  const Samples::Labels labels = {{"division", c.division_code()},
                                  {"year", std::to_string(c.fiscal_year())},
                                  {"stage", c.stage()}};
  out->Gauge("fiscal_coverage_agencies", "Agencies that must report.",
             static_cast<double>(c.agency_count()), labels);
  out->Gauge("fiscal_coverage_missing_agencies", "Those that have not.",
             static_cast<double>(c.missing_count()), labels);
  out->Gauge("fiscal_coverage_due_time_seconds", "When they must have, Unix time.",
             UnixSeconds(c.due_time()), labels);
}

static void SampleUpstream(const SystemParts& parts, const pb::UpstreamStatus& u, Samples* out) {
  for (const char* state : {"connecting", "following", "blocked", "stopped", "refused"}) {
    out->Gauge("fiscal_upstream_state", "1 for the state it is in.", u.state() == state ? 1 : 0,
               {{"upstream", u.name()}, {"state", state}});
  }
  const absl::StatusOr<storage::UpstreamState> taken =
      parts.committer->intake().ReadUpstream(u.name());
  out->Gauge("fiscal_upstream_position", "The last of its events that was taken over.",
             taken.ok() ? static_cast<double>(taken->position) : 0, {{"upstream", u.name()}});
  out->Gauge("fiscal_upstream_lag_events", "Its events that were not, when it was last heard.",
             static_cast<double>(u.lag_count()), {{"upstream", u.name()}});
  out->Gauge("fiscal_upstream_heard_time_seconds", "When it was last heard, Unix time.",
             UnixSeconds(u.heard_time()), {{"upstream", u.name()}});
}

static void SampleDisk(const pb::DiskStatus& disk, Samples* out) {
  out->Gauge("fiscal_disk_free_bytes", "Free on the data directory's file system.",
             static_cast<double>(disk.free_bytes()));
  out->Gauge("fiscal_disk_size_bytes", "The size of that file system.",
             static_cast<double>(disk.size_bytes()));
  out->Gauge("fiscal_disk_free_bytes_min", "With less free, writes are refused.",
             static_cast<double>(disk.free_bytes_min()));
  out->Gauge("fiscal_disk_low", "1 while writes are refused for it.", disk.low() ? 1 : 0);
}

void SampleStatus(const SystemParts& parts, bool ready, Samples* out) {
  pb::GetStatusResponse s;
  FillStatus(parts, ready, &s);
  SampleIdentity(parts, ready, out);
  SampleProcess(s, out);
  SampleLog(parts, s.log(), out);
  SampleMemory(s.request_memory(), out);
  if (s.has_queue()) SampleQueue(s.queue(), out);
  if (s.has_totals()) SampleTotals(parts, s.totals(), out);
  SampleCalls(*parts.calls, out);
  for (const pb::CoverageStatus& c : s.coverages()) SampleCoverage(c, out);
  for (const pb::UpstreamStatus& u : s.upstreams()) SampleUpstream(parts, u, out);
  if (parts.door != nullptr) SampleDoor(*parts.door, out);
  SampleDisk(s.disk(), out);
  out->Gauge("fiscal_derived_stores_remade",
             "Stores that were damaged or missing and were made from the log again at this start.",
             static_cast<double>(*parts.derived_remade));
  out->Counter("fiscal_log_damage_total", "Reads of the log that met damage.",
               static_cast<double>(*parts.log_damage));
  SampleChecks(s, out);
  SampleStore("log", *parts.log_store, out);
  SampleStore("ledger", *parts.ledger_store, out);
  if (parts.totals_store != nullptr) SampleStore("totals", *parts.totals_store, out);
  out->Gauge("fiscal_rocksdb_block_cache_bytes", "Blocks in the cache, of all stores.",
             static_cast<double>(storage::BytesIn(*parts.cache)));
}

}  // namespace fiscal::services
