// The status of a process as the answer of AdminService.GetStatus.
#include <algorithm>

#include "base/version.h"
#include "fiscal/admin/v1/admin_service.pb.h"
#include "services/admin/system_status.h"
#include "services/wire/text_wire.h"

namespace fiscal::services {
namespace {

namespace pb = fiscal::admin::v1;

void SetTime(absl::Time time, google::protobuf::Timestamp* out) {
  wire::ToTimestamp(absl::ToUnixMicros(time), out);
}

bool IsKnown(absl::Time time) {
  return time != absl::InfinitePast() && time != absl::InfiniteFuture();
}

void Fill(const SystemStatus::Log& s, pb::LogStatus* out) {
  out->set_log_id(s.id);
  out->set_head_position(s.head.Text());
  if (IsKnown(s.head_time)) SetTime(s.head_time, out->mutable_head_time());
  out->set_size_bytes(s.size_bytes);
  out->set_signing_stopped_message(s.signing_stopped);
  if (s.source.has_value()) {
    out->set_source(s.source->address);
    out->set_source_connected(s.source->connected);
  }
}

void Fill(const SystemStatus::Queue& s, pb::QueueStatus* out) {
  out->set_request_count(s.requests);
  out->set_request_count_max(s.requests_max);
  out->set_size_bytes(s.bytes);
  out->set_size_bytes_max(s.bytes_max);
}

void Fill(const SystemStatus::Clock& s, pb::ClockStatus* out) {
  SetTime(s.time, out->mutable_wall_time());
  out->set_state(std::string(NameOf(s.state)));
  out->set_message(s.message);
  out->set_ahead_millis(absl::ToInt64Milliseconds(s.ahead));
}

void Fill(const SystemStatus::Totals& s, pb::TotalsStatus* out) {
  const WatchHub::Counts& watchers = s.watchers;
  out->set_watermark(s.watermark.Text());
  out->set_lag_count(s.lag);
  out->set_lag_millis(absl::ToInt64Milliseconds(s.behind));
  out->set_size_bytes(s.size_bytes);
  out->set_live_cell_count(s.live_cells);
  out->set_live_cell_count_max(s.live_cells_max);
  out->set_waiting_read_count(s.waiting_reads);
  out->set_waiting_read_count_max(s.waiting_reads_max);
  out->set_watcher_count(
      static_cast<int64_t>(watchers.idle + watchers.queued + watchers.working + watchers.sending));
  out->set_watcher_count_max(s.watchers_max);
  out->set_slow_watcher_count(static_cast<int64_t>(watchers.sending));
  if (!s.stopped_at.position().zero()) {
    out->set_stopped_position(s.stopped_at.Text());
    out->set_stopped_message(s.stopped);
  }
}

void Fill(const SystemStatus::System& s, pb::UpstreamStatus* out) {
  out->set_name(s.name);
  out->set_address(s.address);
  out->set_state(std::string(NameOf(s.state)));
  out->set_message(s.message);
  out->set_lag_count(s.lag);
  if (IsKnown(s.heard)) SetTime(s.heard, out->mutable_heard_time());
}

void Fill(const SystemStatus::Disk& s, pb::DiskStatus* out) {
  out->set_data_dir(s.data_dir);
  out->set_free_bytes(s.free_bytes);
  out->set_size_bytes(s.size_bytes);
  out->set_free_bytes_min(s.free_bytes_min);
  out->set_low(s.low);
}

void Fill(const DeadlineCoverage& s, pb::CoverageStatus* out) {
  out->set_division_code(s.division_code);
  out->set_fiscal_year(s.fiscal_year);
  out->set_stage(s.stage);
  if (IsKnown(s.due)) SetTime(s.due, out->mutable_due_time());
  out->set_agency_count(s.agencies);
  out->set_missing_count(s.missing);
}

void Fill(const Verifier::State& s, pb::VerifyStatus* out) {
  out->set_running(s.running);
  if (s.running) {
    out->set_pass_count(s.progress.pass);
    out->set_events_done(static_cast<int64_t>(s.progress.events_done));
    out->set_events_total(static_cast<int64_t>(s.progress.events_total));
  }
  if (IsKnown(s.last_run)) SetTime(s.last_run, out->mutable_end_time());
  out->set_difference_count(s.difference_count);
}

void Fill(const Scrubber::State& s, pb::ScrubStatus* out) {
  out->set_bytes_per_second(s.bytes_per_second);
  out->set_running(s.running);
  if (s.running) {
    out->set_bytes_done(s.bytes_done);
    out->set_bytes_total(std::max(s.bytes_total, s.bytes_done));
  }
  out->set_bytes_read(s.bytes_read);
  if (IsKnown(s.last_pass)) SetTime(s.last_pass, out->mutable_end_time());
  out->set_damage_count(s.damage_count);
}

void Fill(const SystemStatus::Memory& s, pb::MemoryStatus* out) {
  out->set_reserved_bytes(s.reserved_bytes);
  out->set_reserved_bytes_max(s.reserved_bytes_max);
  out->set_process_bytes_max(s.process_bytes_max);
  out->set_refused_count(s.refused);
}

void Fill(const SystemStatus::Reads& s, pb::ReadLaneStatus* out) {
  out->set_lane(std::string(rpc::NameOf(s.lane)));
  out->set_waiting_count(static_cast<int64_t>(s.counts.waiting));
  out->set_running_count(static_cast<int64_t>(s.counts.running));
  out->set_refused_count(s.counts.refused);
  out->set_abandoned_count(s.counts.abandoned);
  out->set_too_large_count(s.counts.too_large);
}

void Fill(const Door::Counts& s, pb::ConnectionsStatus* out) {
  out->set_open_count(s.open);
  out->set_open_count_max(s.open_max);
  out->set_refused_count(s.refused_all + s.refused_address + s.refused_descriptors);
  out->set_cut_count(s.cut_bytes + s.cut_streams + s.cut_memory);
}

}  // namespace

void ToAnswer(const SystemStatus& status, pb::GetStatusResponse* out) {
  out->set_version(std::string(Version()));
  out->set_role(status.role);
  out->set_ready(status.ready);
  SetTime(status.start, out->mutable_start_time());
  out->set_recovery_millis(absl::ToInt64Milliseconds(status.recovery));
  out->set_previous_stop(std::string(NameOf(status.previous_stop)));
  out->set_tls(status.tls);
  if (IsKnown(status.certificate_expiry))
    SetTime(status.certificate_expiry, out->mutable_certificate_expiry_time());
  Fill(status.log, out->mutable_log());
  if (status.queue.has_value()) Fill(*status.queue, out->mutable_queue());
  if (status.clock.has_value()) Fill(*status.clock, out->mutable_clock());
  if (status.totals.has_value()) Fill(*status.totals, out->mutable_totals());
  for (const SystemStatus::System& system : status.upstreams) Fill(system, out->add_upstreams());
  Fill(status.disk, out->mutable_disk());
  for (const DeadlineCoverage& coverage : status.coverages) Fill(coverage, out->add_coverages());
  out->set_memory_bytes(status.memory_bytes);
  if (status.verify.has_value()) Fill(*status.verify, out->mutable_verify());
  Fill(status.scrub, out->mutable_scrub());
  Fill(status.request_memory, out->mutable_request_memory());
  for (const SystemStatus::Reads& reads : status.reads) Fill(reads, out->add_read_lanes());
  Fill(status.connections, out->mutable_connections());
}

}  // namespace fiscal::services
