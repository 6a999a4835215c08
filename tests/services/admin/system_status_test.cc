// The two printers of a process's status, from values alone.
#include "services/admin/system_status.h"

#include <string>

#include "fiscal/admin/v1/admin_service.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fiscal::services {
namespace {

using testing::HasSubstr;
using testing::Not;

// A process that writes its log, follows a system below and has a deadline.
SystemStatus Whole() {
  SystemStatus s;
  s.role = "all";
  s.ready = true;
  s.start = absl::FromUnixSeconds(1700000000);
  s.recovery = absl::Milliseconds(1500);
  s.previous_stop = StopReason::kDrained;
  s.tls = true;
  s.certificate_expiry = absl::FromUnixSeconds(1800000000);
  s.memory_bytes = 77;
  s.log_lines_dropped = 2;
  s.log.id = "00ff";
  s.log.head = domain::Moment(domain::Position(42));
  s.log.head_time = absl::FromUnixMicros(1700000001500000);
  s.log.size_bytes = 4096;
  s.queue = SystemStatus::Queue{3, 10, 300, 1000};
  s.clock = SystemStatus::Clock{absl::FromUnixSeconds(1800000000), ClockGuard::State::kStepped,
                                "it was set forward", absl::Milliseconds(1500)};
  s.totals.emplace();
  s.totals->watermark = domain::Moment(domain::Position(40));
  s.totals->lag = 2;
  s.totals->behind = absl::Milliseconds(250);
  s.totals->events_folded = 39;
  s.totals->watchers.idle = 5;
  s.totals->watchers.sending = 1;
  s.totals->watchers_max = 100;
  SystemStatus::System city;
  city.name = "city";
  city.address = "city:7443";
  city.state = Upstream::State::kBlocked;
  city.message = "why";
  city.position = domain::Position(7);
  city.lag = 9;
  city.heard = absl::FromUnixSeconds(1700000002);
  s.upstreams.push_back(city);
  s.disk = {"/data", 1000, 5000, 100, true};
  s.coverages.push_back({"141100", 2024, "approved", absl::FromUnixSeconds(1700000003), 12, 4});
  s.verify.emplace();
  s.verify->running = true;
  s.verify->progress.pass = 2;
  s.verify->difference_count = 1;
  s.scrub.running = true;
  s.scrub.bytes_done = 20;
  s.scrub.bytes_total = 10;
  s.request_memory = {11, 22, 33, 44};
  s.reads.push_back({rpc::Lane::kHeavy, {}});
  s.reads.back().counts.waiting = 6;
  s.reads.back().counts.too_large = 8;
  s.connections.open = 4;
  s.connections.refused_all = 1;
  s.connections.refused_address = 2;
  s.connections.cut_memory = 3;
  s.stores.push_back({"log", {}});
  s.stores.back().stats.write_stopped = true;
  return s;
}

std::string Scraped(const SystemStatus& status) {
  Metrics metrics;
  metrics.SetSampler([&status](Samples* out) { ToSamples(status, out); });
  std::string text = metrics.Scrape();
  metrics.SetSampler(nullptr);
  return text;
}

TEST(SystemStatusTest, TheAnswerHasAllOfIt) {
  admin::v1::GetStatusResponse out;
  ToAnswer(Whole(), &out);
  EXPECT_EQ(out.role(), "all");
  EXPECT_TRUE(out.ready());
  EXPECT_EQ(out.start_time().seconds(), 1700000000);
  EXPECT_EQ(out.recovery_millis(), 1500);
  EXPECT_EQ(out.previous_stop(), "drained");
  EXPECT_TRUE(out.tls());
  EXPECT_EQ(out.certificate_expiry_time().seconds(), 1800000000);
  EXPECT_EQ(out.memory_bytes(), 77);
  EXPECT_EQ(out.log().head_position(), "42");
  EXPECT_EQ(out.log().head_time().nanos(), 500000000);
  EXPECT_EQ(out.queue().request_count_max(), 10);
  EXPECT_EQ(out.clock().wall_time().seconds(), 1800000000);
  EXPECT_EQ(out.clock().state(), "stepped");
  EXPECT_EQ(out.clock().message(), "it was set forward");
  EXPECT_EQ(out.clock().ahead_millis(), 1500);
  EXPECT_EQ(out.totals().watermark(), "40");
  EXPECT_EQ(out.totals().lag_millis(), 250);
  EXPECT_EQ(out.totals().watcher_count(), 6);
  EXPECT_EQ(out.totals().slow_watcher_count(), 1);
  EXPECT_EQ(out.totals().stopped_position(), "");
  ASSERT_EQ(out.upstreams_size(), 1);
  EXPECT_EQ(out.upstreams(0).state(), "blocked");
  EXPECT_EQ(out.upstreams(0).lag_count(), 9);
  EXPECT_TRUE(out.disk().low());
  ASSERT_EQ(out.coverages_size(), 1);
  EXPECT_EQ(out.coverages(0).missing_count(), 4);
  EXPECT_EQ(out.coverages(0).due_time().seconds(), 1700000003);
  EXPECT_EQ(out.verify().pass_count(), 2);
  EXPECT_FALSE(out.verify().has_end_time());
  // More was read than was thought to be there.
  EXPECT_EQ(out.scrub().bytes_total(), 20);
  EXPECT_EQ(out.request_memory().refused_count(), 44);
  ASSERT_EQ(out.read_lanes_size(), 1);
  EXPECT_EQ(out.read_lanes(0).lane(), "heavy");
  EXPECT_EQ(out.read_lanes(0).waiting_count(), 6);
  EXPECT_EQ(out.connections().refused_count(), 3);
  EXPECT_EQ(out.connections().cut_count(), 3);
}

TEST(SystemStatusTest, TheSamplesHaveAllOfIt) {
  const std::string text = Scraped(Whole());
  for (const char* line : {
           "fiscal_ready 1\n",
           "fiscal_recovery_duration_seconds 1.5\n",
           "fiscal_previous_stop{reason=\"drained\"} 1\n",
           "fiscal_log_lines_dropped_total 2\n",
           "fiscal_log_head_position 42\n",
           "fiscal_log_head_time_seconds 1700000001.5\n",
           "fiscal_signing_stopped 0\n",
           "fiscal_commit_queue_bytes_max 1000\n",
           "fiscal_clock_state{state=\"right\"} 0\n",
           "fiscal_clock_state{state=\"stepped\"} 1\n",
           "fiscal_clock_state{state=\"not_accepted\"} 0\n",
           "fiscal_clock_ahead_seconds 1.5\n",
           "fiscal_totals_watermark_position 40\n",
           "fiscal_totals_lag_seconds 0.25\n",
           "fiscal_folded_events_total 39\n",
           "fiscal_watchers{state=\"idle\"} 5\n",
           "fiscal_upstream_state{upstream=\"city\",state=\"blocked\"} 1\n",
           "fiscal_upstream_state{upstream=\"city\",state=\"following\"} 0\n",
           "fiscal_upstream_position{upstream=\"city\"} 7\n",
           "fiscal_disk_low 1\n",
           "fiscal_coverage_missing_agencies{division=\"141100\",year=\"2024\",stage=\"approved\"} "
           "4\n",
           "fiscal_verify_running 1\n",
           "fiscal_verify_last_run_time_seconds 0\n",
           "fiscal_request_memory_bytes 11\n",
           "fiscal_reads_too_large_total{lane=\"heavy\"} 8\n",
           "fiscal_connections_refused_total{reason=\"address\"} 2\n",
           "fiscal_rocksdb_write_stopped{store=\"log\"} 1\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(SystemStatusTest, PartsThatARoleDoesNotHaveAreLeftOut) {
  SystemStatus s;
  s.start = absl::FromUnixSeconds(1);
  s.log.source = SystemStatus::Log::Source{"writer:7443", true};
  admin::v1::GetStatusResponse out;
  ToAnswer(s, &out);
  EXPECT_FALSE(out.has_queue());
  EXPECT_FALSE(out.has_clock());
  EXPECT_FALSE(out.has_totals());
  EXPECT_FALSE(out.has_verify());
  EXPECT_FALSE(out.has_certificate_expiry_time());
  EXPECT_FALSE(out.log().has_head_time());
  EXPECT_EQ(out.log().head_position(), "0");
  EXPECT_EQ(out.log().source(), "writer:7443");
  EXPECT_TRUE(out.log().source_connected());
  const std::string text = Scraped(s);
  EXPECT_THAT(text, HasSubstr("fiscal_log_source_connected 1\n"));
  for (const char* name : {"fiscal_commit_queue", "fiscal_clock", "fiscal_totals_",
                           "fiscal_watchers", "fiscal_verify_", "fiscal_tls_certificate"}) {
    EXPECT_THAT(text, Not(HasSubstr(name)));
  }
}

TEST(SystemStatusTest, AStoppedFoldIsTold) {
  SystemStatus s = Whole();
  s.totals->stopped_at = domain::Moment(domain::Position(41));
  s.totals->stopped = "a total is out of range";
  admin::v1::GetStatusResponse out;
  ToAnswer(s, &out);
  EXPECT_EQ(out.totals().stopped_position(), "41");
  EXPECT_EQ(out.totals().stopped_message(), "a total is out of range");
  EXPECT_THAT(Scraped(s), HasSubstr("fiscal_totals_stopped_position 41\n"));
}

}  // namespace
}  // namespace fiscal::services
