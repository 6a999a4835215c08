// The status of a process as samples of /metrics. docs/metrics.md lists them.
#include <iterator>
#include <utility>

#include "base/version.h"
#include "services/admin/system_status.h"

namespace fiscal::services {
namespace {

using Labels = Samples::Labels;

// Writes numbers of any kind, all with the same labels.
class Out {
 public:
  explicit Out(Samples* samples, Labels labels = {})
      : samples_(samples), labels_(std::move(labels)) {}

  template <typename Number>
  void Gauge(const char* name, const char* help, Number value) const {
    samples_->Gauge(name, help, static_cast<double>(value), labels_);
  }
  void Gauge(const char* name, const char* help, domain::Position position) const {
    Gauge(name, help, position.value());
  }
  template <typename Number>
  void Counter(const char* name, const char* help, Number value) const {
    samples_->Counter(name, help, static_cast<double>(value), labels_);
  }

 private:
  Samples* samples_;
  const Labels labels_;
};

// Unix time; 0 for a time that is not known.
double Seconds(absl::Time time) {
  if (time == absl::InfinitePast() || time == absl::InfiniteFuture()) return 0;
  return static_cast<double>(absl::ToUnixMicros(time)) / 1e6;
}

void SampleProcess(const SystemStatus& s, Samples* samples) {
  const Out out(samples);
  out.Gauge("fiscal_recovery_duration_seconds", "From the start of the process to ready.",
            static_cast<double>(absl::ToInt64Milliseconds(s.recovery)) / 1000);
  samples->Gauge("fiscal_previous_stop", "1 for how the process before this one ended.", 1,
                 {{"reason", std::string(NameOf(s.previous_stop))}});
  out.Counter("fiscal_log_lines_dropped_total",
              "Lines of the process's own log that nobody took in time.", s.log_lines_dropped);
  if (s.certificate_expiry != absl::InfinitePast()) {
    out.Gauge("fiscal_tls_certificate_expiry_time_seconds",
              "When the server's certificate ends, Unix time.", Seconds(s.certificate_expiry));
  }
}

void Sample(const SystemStatus::Log& s, Samples* samples) {
  const Out out(samples);
  out.Gauge("fiscal_log_head_position", "The last event of the log.", s.head.position());
  out.Gauge("fiscal_log_head_time_seconds", "Its commit time, Unix time.", Seconds(s.head_time));
  out.Gauge("fiscal_signing_stopped",
            "1 while no tree head is signed: the key is lost, damaged or another one.",
            s.signing_stopped.empty() ? 0 : 1);
  if (s.source.has_value()) {
    out.Gauge("fiscal_log_source_connected", "1 while the submission process's log is read.",
              s.source->connected ? 1 : 0);
  }
}

void Sample(const SystemStatus::Memory& s, Samples* samples) {
  const Out out(samples);
  out.Gauge("fiscal_request_memory_bytes", "Memory that requests under way hold.",
            s.reserved_bytes);
  out.Gauge("fiscal_request_memory_bytes_max", "Its bound.", s.reserved_bytes_max);
  out.Gauge("fiscal_process_memory_bytes_max", "What the process may have in memory.",
            s.process_bytes_max);
  out.Counter("fiscal_request_memory_refused_total", "Requests refused with MEMORY_FULL.",
              s.refused);
}

void Sample(const SystemStatus::Queue& s, Samples* samples) {
  const Out out(samples);
  out.Gauge("fiscal_commit_queue_requests", "Requests waiting to be committed.", s.requests);
  out.Gauge("fiscal_commit_queue_requests_max", "Their bound.", s.requests_max);
  out.Gauge("fiscal_commit_queue_bytes", "Bytes of requests waiting to be committed.", s.bytes);
  out.Gauge("fiscal_commit_queue_bytes_max", "Their bound.", s.bytes_max);
}

void Sample(const SystemStatus::Clock& s, Samples* samples) {
  for (ClockGuard::State state :
       {ClockGuard::State::kRight, ClockGuard::State::kStepped, ClockGuard::State::kNotAccepted}) {
    Out(samples, {{"state", std::string(NameOf(state))}})
        .Gauge("fiscal_clock_state", "1 for the state of the clock; writes need right.",
               s.state == state ? 1 : 0);
  }
  Out(samples).Gauge("fiscal_clock_ahead_seconds",
                     "How far the clock is ahead of where it should be; negative: behind.",
                     absl::ToDoubleSeconds(s.ahead));
}

void Sample(const WatchHub::Counts& s, Samples* samples) {
  const std::pair<const char*, size_t> states[] = {
      {"idle", s.idle}, {"queued", s.queued}, {"working", s.working}, {"sending", s.sending}};
  for (const auto& [state, count] : states)
    Out(samples, {{"state", state}}).Gauge("fiscal_watchers", "Open watches.", count);
  Out(samples).Counter("fiscal_watch_messages_total", "Messages sent to watchers.",
                       s.messages_sent);
}

void Sample(const SystemStatus::Totals& s, Samples* samples) {
  const Out out(samples);
  out.Gauge("fiscal_totals_watermark_position", "The position up to which totals are folded.",
            s.watermark.position());
  out.Gauge("fiscal_totals_stopped_position",
            "The event that can't be folded, before which totals stand still; 0 for none.",
            s.stopped_at.position());
  out.Gauge("fiscal_totals_lag_events", "Events of the log that are not folded yet.", s.lag);
  out.Gauge("fiscal_totals_lag_seconds", "The age of the oldest of them.",
            static_cast<double>(absl::ToInt64Milliseconds(s.behind)) / 1000);
  out.Counter("fiscal_folded_events_total", "Events folded since the start.", s.events_folded);
  out.Gauge("fiscal_live_cells", "Cells of organisations above the agencies in memory.",
            s.live_cells);
  out.Gauge("fiscal_live_cells_max", "Their bound.", s.live_cells_max);
  out.Gauge("fiscal_reads_waiting", "Reads that wait for a position.", s.waiting_reads);
  out.Gauge("fiscal_reads_waiting_max", "Their bound.", s.waiting_reads_max);
  out.Gauge("fiscal_watchers_max", "Their bound.", s.watchers_max);
  Sample(s.watchers, samples);
}

void Sample(const SystemStatus::Reads& s, Samples* samples) {
  const Out out(samples, {{"lane", std::string(rpc::NameOf(s.lane))}});
  out.Gauge("fiscal_reads_queued", "Reads that wait for a thread of their lane.", s.counts.waiting);
  out.Gauge("fiscal_reads_running", "Reads that are being answered.", s.counts.running);
  out.Counter("fiscal_reads_begun_total", "Reads that had their turn.", s.counts.begun);
  out.Counter("fiscal_reads_refused_total", "Reads refused for a full queue.", s.counts.refused);
  out.Counter("fiscal_reads_abandoned_total",
              "Reads whose caller left, or whose deadline came, before they were answered.",
              s.counts.abandoned);
  out.Counter("fiscal_reads_too_large_total", "Reads refused for what they cost.",
              s.counts.too_large);
  out.Counter("fiscal_read_work_units_total", "What reads cost, in units of about a cell.",
              s.counts.spent);
}

void Sample(const DeadlineCoverage& s, Samples* samples) {
  const Out out(
      samples,
      {{"division", s.division_code}, {"year", std::to_string(s.fiscal_year)}, {"stage", s.stage}});
  out.Gauge("fiscal_coverage_agencies", "Agencies that must report.", s.agencies);
  out.Gauge("fiscal_coverage_missing_agencies", "Those that have not.", s.missing);
  out.Gauge("fiscal_coverage_due_time_seconds", "When they must have, Unix time.", Seconds(s.due));
}

void Sample(const SystemStatus::System& s, Samples* samples) {
  for (Upstream::State state :
       {Upstream::State::kConnecting, Upstream::State::kFollowing, Upstream::State::kBlocked,
        Upstream::State::kStopped, Upstream::State::kRefused}) {
    Out(samples, {{"upstream", s.name}, {"state", std::string(NameOf(state))}})
        .Gauge("fiscal_upstream_state", "1 for the state it is in.", s.state == state ? 1 : 0);
  }
  const Out out(samples, {{"upstream", s.name}});
  out.Gauge("fiscal_upstream_position", "The last of its events that was taken over.", s.position);
  out.Gauge("fiscal_upstream_lag_events", "Its events that were not, when it was last heard.",
            s.lag);
  out.Gauge("fiscal_upstream_heard_time_seconds", "When it was last heard, Unix time.",
            Seconds(s.heard));
}

void Sample(const Door::Counts& s, Samples* samples) {
  const Out out(samples);
  out.Gauge("fiscal_connections", "Open connections of the API.", s.open);
  out.Gauge("fiscal_connections_max", "Their bound.", s.open_max);
  out.Counter("fiscal_connections_accepted_total", "Connections that were let in.", s.accepted);
  const std::pair<const char*, int64_t> refused[] = {{"all", s.refused_all},
                                                     {"address", s.refused_address},
                                                     {"descriptors", s.refused_descriptors}};
  for (const auto& [reason, count] : refused) {
    Out(samples, {{"reason", reason}})
        .Counter("fiscal_connections_refused_total", "Connections that were closed as they came.",
                 count);
  }
  const std::pair<const char*, int64_t> cut[] = {
      {"bytes", s.cut_bytes}, {"streams", s.cut_streams}, {"memory", s.cut_memory}};
  for (const auto& [reason, count] : cut) {
    Out(samples, {{"reason", reason}})
        .Counter("fiscal_connections_cut_total", "Connections that were closed for what they cost.",
                 count);
  }
  out.Gauge("fiscal_connections_untaken_bytes", "What came on them and no call has taken.",
            s.untaken_bytes);
}

void Sample(const AuditTrail::Counts& s, Samples* samples) {
  const char* const outcomes[] = {"allowed", "denied", "would_deny", "failed", "lost"};
  static_assert(std::size(outcomes) == domain::kAuditOutcomes);
  for (size_t i = 0; i < std::size(outcomes); ++i) {
    Out(samples, {{"outcome", outcomes[i]}})
        .Counter("fiscal_audit_entries_total", "Entries written to the audit log.", s.written[i]);
  }
  Out(samples).Counter("fiscal_audit_lost_total", "Entries that the audit log could not keep.",
                       s.lost);
}

void Sample(const SystemStatus::Disk& s, Samples* samples) {
  const Out out(samples);
  out.Gauge("fiscal_disk_free_bytes", "Free on the data directory's file system.", s.free_bytes);
  out.Gauge("fiscal_disk_size_bytes", "The size of that file system.", s.size_bytes);
  out.Gauge("fiscal_disk_free_bytes_min", "With less free, writes are refused.", s.free_bytes_min);
  out.Gauge("fiscal_disk_low", "1 while writes are refused for it.", s.low ? 1 : 0);
}

void Sample(const Verifier::State& s, Samples* samples) {
  const Out out(samples);
  out.Gauge("fiscal_verify_running", "1 while what is derived is compared with the log.",
            s.running ? 1 : 0);
  out.Gauge("fiscal_verify_last_run_time_seconds", "When the last comparison ended, Unix time.",
            Seconds(s.last_run));
  out.Gauge("fiscal_verify_differences", "What it found.", s.difference_count);
}

void Sample(const Scrubber::State& s, Samples* samples) {
  const Out out(samples);
  out.Gauge("fiscal_scrub_bytes_per_second",
            "How fast what is stored is read once more; 0: only when somebody asks.",
            s.bytes_per_second);
  out.Counter("fiscal_scrub_bytes_total", "Bytes read to find damage.", s.bytes_read);
  out.Gauge("fiscal_scrub_last_pass_time_seconds", "When the last whole pass ended, Unix time.",
            Seconds(s.last_pass));
  out.Gauge("fiscal_scrub_damage", "What it found damaged.", s.damage_count);
}

void Sample(const SystemStatus::Store& store, Samples* samples) {
  const storage::StoreStats& s = store.stats;
  const Out out(samples, {{"store", store.name}});
  out.Gauge("fiscal_rocksdb_sst_bytes", "Sorted files.", s.sst_bytes);
  out.Gauge("fiscal_rocksdb_memtable_bytes", "Memtables.", s.memtable_bytes);
  out.Gauge("fiscal_rocksdb_table_readers_bytes",
            "Indexes and filters in memory outside the cache.", s.table_readers_bytes);
  out.Gauge("fiscal_rocksdb_keys_estimate", "Keys, roughly.", s.keys_estimate);
  out.Gauge("fiscal_rocksdb_level0_files", "Files of level 0.", s.level0_files);
  out.Gauge("fiscal_rocksdb_pending_compaction_bytes", "What compactions have yet to write.",
            s.pending_compaction_bytes);
  out.Gauge("fiscal_rocksdb_running_compactions", "Compactions under way.", s.running_compactions);
  out.Gauge("fiscal_rocksdb_running_flushes", "Flushes under way.", s.running_flushes);
  out.Gauge("fiscal_rocksdb_write_stopped", "1 while it takes no writes until a compaction ends.",
            s.write_stopped ? 1 : 0);
  out.Gauge("fiscal_rocksdb_delayed_write_rate_bytes",
            "Bytes a second that writes are slowed to; 0 for no limit.",
            s.delayed_write_rate_bytes);
  out.Gauge("fiscal_rocksdb_background_errors", "Errors of flushes and compactions.",
            s.background_errors);
}

}  // namespace

void SampleIdentity(const std::string& role, bool ready, Samples* out) {
  out->Gauge("fiscal_build_info", "1, labelled with what runs.", 1,
             {{"version", std::string(Version())}, {"role", role}});
  out->Gauge("fiscal_ready", "1 while calls are taken.", ready ? 1 : 0);
}

void ToSamples(const SystemStatus& status, Samples* samples) {
  SampleIdentity(status.role, status.ready, samples);
  SampleProcess(status, samples);
  Sample(status.log, samples);
  Sample(status.request_memory, samples);
  if (status.queue.has_value()) Sample(*status.queue, samples);
  if (status.clock.has_value()) Sample(*status.clock, samples);
  if (status.totals.has_value()) Sample(*status.totals, samples);
  for (const SystemStatus::Reads& reads : status.reads) Sample(reads, samples);
  for (const DeadlineCoverage& coverage : status.coverages) Sample(coverage, samples);
  for (const SystemStatus::System& system : status.upstreams) Sample(system, samples);
  Sample(status.connections, samples);
  if (status.audit.has_value()) Sample(*status.audit, samples);
  Sample(status.disk, samples);
  if (status.verify.has_value()) Sample(*status.verify, samples);
  Sample(status.scrub, samples);
  for (const SystemStatus::Store& store : status.stores) Sample(store, samples);
  for (int i = 0; i < authority::kBounds; ++i) {
    Out(samples, {{"share", std::string(NameOf(static_cast<authority::Bound>(i)))}})
        .Counter("fiscal_calls_refused_total", "Calls refused for their caller's share.",
                 status.calls_refused[i]);
  }
  const Out out(samples);
  out.Gauge("fiscal_derived_stores_remade",
            "Stores that were damaged or missing and were made from the log again at this start.",
            status.derived_remade);
  out.Counter("fiscal_log_damage_total", "Reads of the log that met damage.", status.log_damage);
  out.Gauge("fiscal_rocksdb_block_cache_bytes", "Blocks in the cache, of all stores.",
            status.block_cache_bytes);
}

}  // namespace fiscal::services
