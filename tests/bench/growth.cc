#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "services/aggregation/crew.h"
#include "services/aggregation/totals_writer.h"
#include "services/ledger/fold/projector.h"
#include "storage/rocks/log_directory.h"
#include "storage/rocks/rocks_kv.h"
#include "tests/bench/phases.h"
#include "tests/bench/yardsticks.h"

namespace fiscal::bench {

namespace sub = fiscal::submission::v1;
namespace {

// Submits of 100 lines one at a time, beside a stream at `rate` lines a second.
void HalfLoad(Bench& b, double rate, double lines, GrowthPoint* g) {
  const Frames load = b.Make(lines, 0);
  std::vector<sub::SubmitBudgetRequest> probes;
  for (auto& f : b.Make(b.options.quick ? 100000 : 300000, 100)) probes.push_back(f.budget());
  std::atomic<bool> loading{true};
  std::thread loader([&] {
    Stream(b.server->port(), load, rate);
    loading = false;
  });
  const auto stub = sub::SubmissionService::NewStub(Connect(b.server->port()));
  Sample latency;
  size_t i = 0;
  for (; loading && i < probes.size(); ++i) {
    const absl::Time start = absl::Now();
    grpc::ClientContext context;
    sub::SubmitBudgetResponse response;
    if (!stub->SubmitBudget(&context, probes[i], &response).ok()) Die("a submit failed");
    latency.Add(absl::ToDoubleMilliseconds(absl::Now() - start));
  }
  loader.join();
  for (; i < probes.size(); ++i) {  // not sent
    b.lines -= probes[i].line_items_size();
    b.wire_bytes -= static_cast<double>(probes[i].ByteSizeLong());
  }
  g->submit_p50_ms = latency.median();
  g->submit_p999_ms = latency.Quantile(0.999);
}

std::unique_ptr<storage::LogDirectory> OpenLog(const Bench& b) {
  storage::LogDirectory::Options options;
  options.directory = b.data_dir();
  options.log.ordered_kinds = storage::kLogOrderedKinds;
  auto opened = storage::LogDirectory::Open(std::move(options));
  if (!opened.ok()) Die(opened.status().ToString());
  return *std::move(opened);
}

// Lines a second of making all totals from the first event, as a start does it.
double RebuildRate(const Bench& b, storage::LogDirectory& directory, size_t threads) {
  storage::RocksOptions options;
  options.path = b.directory + "/rebuilt";
  options.wal = false;
  options.ordered_kinds = storage::kTotalsOrderedKinds;
  std::filesystem::remove_all(options.path);
  auto kv = storage::RocksKv::Open(options);
  if (!kv.ok()) Die(kv.status().ToString());
  storage::TotalsStore store(**kv);
  services::Crew crew(threads);
  services::Projector::Options fold;
  fold.written_beside = true;
  fold.parts = threads;
  fold.beside = [&crew](size_t parts, const std::function<void(size_t)>& part) {
    crew.Run(parts, part);
  };
  auto projector = services::Projector::Open(directory.log(), store, fold);
  if (!projector.ok()) Die(projector.status().ToString());
  auto writer = std::make_unique<services::TotalsWriter>(**projector);
  const absl::Time start = absl::Now();
  while ((*projector)->folded() < directory.log().head().position) {
    if (!(*projector)->Step(1024).ok()) Die("fold failed");
  }
  if (!(*projector)->Write().ok()) Die("writing totals failed");
  const double rate = b.lines / SecondsSince(start);
  writer.reset();
  projector->reset();
  kv->reset();
  std::filesystem::remove_all(options.path);
  return rate;
}

// With `goal` as a row, beside parsing the same lines as protobuf messages, and with more threads.
void Rebuild(Bench& b, GrowthPoint* g, bool goal) {
  const std::unique_ptr<storage::LogDirectory> opened = OpenLog(b);
  // As a start does it, with all processors.
  const size_t threads = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, 8);
  g->rebuild_rate = RebuildRate(b, *opened, threads);
  if (!goal) return;
  sub::SubmitBudgetRequest budget;
  b.province.Fill(0, 1000, 0, &budget);
  const double parse = ParseRate(budget);
  Sample rate;
  rate.Add(g->rebuild_rate / 1e6);
  b.results.Add({"rebuild_million_a_second",
                 absl::StrFormat("rebuild of all totals from the log, %.1f M lines, in M lines a "
                                 "second; beside it an arena parse on one core",
                                 b.lines / 1e6),
                 absl::StrFormat("%.2f of the parse", g->rebuild_rate / parse), Rate(parse), rate,
                 2.5, 1.8, true});
  for (size_t fewer = 1; fewer < threads; fewer *= 2) {
    b.results.Note(absl::StrCat("rebuild, threads that fold: ", fewer, " instead of ", threads),
                   absl::StrFormat("%.2f M/s", RebuildRate(b, *opened, fewer) / 1e6));
  }
}

void Compact(const Bench& b, GrowthPoint* g) {
  {
    const std::unique_ptr<storage::LogDirectory> opened = OpenLog(b);
    if (!opened->log_store().Compact().ok() || !opened->ledger_store().Compact().ok() ||
        !opened->Settle().ok())
      Die("compaction failed");
  }
  storage::RocksOptions options;
  options.path = b.data_dir() + "/totals";
  options.wal = false;
  options.ordered_kinds = storage::kTotalsOrderedKinds;
  auto kv = storage::RocksKv::Open(options);
  if (!kv.ok() || !(*kv)->Compact().ok()) Die("compaction failed");
  kv->reset();
  g->compacted_bytes_per_line = DirectoryBytes(b.data_dir()) / b.lines;
}

}  // namespace

void MeasureGrowth(Bench& b) {
  const double scale = b.options.quick ? 0.2 : 1;
  const double window = b.options.quick ? 150000 : 500000;
  double cpu_before = b.server->cpu_seconds(), lines_before = b.lines;
  std::vector<double> sizes = {1, 5, 10, 20};
  if (b.options.hundred) sizes.push_back(100);
  for (const double millions : sizes) {
    const double target = millions * 1e6 * scale;
    while (b.lines + window < target)
      Stream(b.server->port(), b.Make(std::min(5e5, target - b.lines - window), 0));
    GrowthPoint g;
    const Frames frames = b.Make(window, 0);
    const absl::Time start = absl::Now();
    Stream(b.server->port(), frames);
    b.WaitVisible();
    const double seconds = SecondsSince(start);
    g.wall_rate = LinesIn(frames) / seconds;
    HalfLoad(b, g.wall_rate / 2, window / 2, &g);
    b.WaitVisible();
    g.cpu_us_per_line = (b.server->cpu_seconds() - cpu_before) / (b.lines - lines_before) * 1e6;
    sub::SubmitBudgetRequest parsed;
    b.province.Fill(0, 1000, 0, &parsed);
    g.parses_per_line = g.cpu_us_per_line * ParseRate(parsed) / 1e6;
    g.lines = b.lines;
    g.resident_mb = b.server->resident_mb();
    b.server->Stop();
    g.disk_bytes_per_line = DirectoryBytes(b.data_dir()) / b.lines;
    b.StartServer();
    g.restart_seconds = b.server->seconds_to_ready();
    // As a crash leaves it: the end of the log in no file, and not in the totals' either.
    Stream(b.server->port(), b.Make(window / 5, 0));
    b.server->Kill();
    b.StartServer();
    g.restart_after_kill_seconds = b.server->seconds_to_ready();
    b.server->Stop();
    if (millions != 10.0) Rebuild(b, &g, millions == 20.0);
    if (millions >= 10.0) Compact(b, &g);
    sync();  // what was written for measuring must not hold up the syncs that are measured next
    b.StartServer();
    g.wire_bytes_per_line = b.wire_bytes / b.lines;
    cpu_before = b.server->cpu_seconds();
    lines_before = b.lines;
    std::printf(
        "at %.1f M lines: %.3f µs/line, %.2f M lines/s, %.0f MB resident, %.1f B/line on disk, "
        "restart %.2f s, after kill -9 %.2f s, submit p50 %.2f ms, p99.9 %.2f ms\n",
        g.lines / 1e6, g.cpu_us_per_line, g.wall_rate / 1e6, g.resident_mb, g.disk_bytes_per_line,
        g.restart_seconds, g.restart_after_kill_seconds, g.submit_p50_ms, g.submit_p999_ms);
    std::fflush(stdout);
    b.results.growth.push_back(g);
  }
  auto one = [](double v) {
    Sample s;
    s.Add(v);
    return s;
  };
  const std::vector<GrowthPoint>& g = b.results.growth;
  auto resident = [](const GrowthPoint& point) {
    return absl::StrFormat("resident memory, %.1f M lines, MB", point.lines / 1e6);
  };
  const std::string at = absl::StrFormat("%.1f M lines", g[2].lines / 1e6);
  b.results.Add({"restart_seconds_10m", absl::StrCat("restart to ready, ", at, ", s"), "", "",
                 one(g[2].restart_seconds), 0.3, 1, false});
  b.results.Add({"restart_after_kill_seconds_10m",
                 absl::StrCat("restart to ready after kill -9, ", at, ", s"), "", "",
                 one(g[2].restart_after_kill_seconds), 0.5, 1, false});
  b.results.Add({"rss_mb_10m", absl::StrCat("resident memory, ", at, ", MB"), "", "",
                 one(g[2].resident_mb), 450, 600, false});
  b.results.Add({"rss_mb_20m", resident(g[3]), "", "", one(g[3].resident_mb), 600, 700, false});
  b.results.Add({"disk_vs_wire", "bytes on disk after compaction against the wire",
                 absl::StrFormat("%.1f B a line", g[3].compacted_bytes_per_line),
                 absl::StrFormat("%.1f B", g[3].wire_bytes_per_line),
                 one(g[3].compacted_bytes_per_line / g[3].wire_bytes_per_line), 1, 1.15, false});
  auto growth = [&](const char* key, const GrowthPoint& point, double goal, double floor) {
    auto say = [](const GrowthPoint& p, const char* what) {
      return absl::StrFormat("%.1f%s (%.2f µs)", p.parses_per_line, what, p.cpu_us_per_line);
    };
    b.results.Add({key,
                   absl::StrFormat("cost per line at %.1f M lines against at %.1f M",
                                   point.lines / 1e6, g[0].lines / 1e6),
                   say(point, " arena parses of a line"), say(g[0], ""),
                   one(point.parses_per_line / g[0].parses_per_line), goal, floor, false});
  };
  growth("growth_20m_vs_1m", g[3], 1.1, 1.15);
  if (!b.options.hundred) return;
  b.results.Add({"rss_mb_100m", resident(g[4]), "", "", one(g[4].resident_mb), 800, 1000, false});
  growth("growth_100m_vs_1m", g[4], 1.25, 1.35);
}

}  // namespace fiscal::bench
