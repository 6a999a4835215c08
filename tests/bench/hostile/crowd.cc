// Ten hostile callers at once. What they cost others is compared with the same ten sending the same
// bytes, at the same times, to a server that does nothing with them: what is left is what our
// server does.
#include <signal.h>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "tests/bench/hostile/attack.h"
#include "tests/bench/hostile/situations.h"

namespace fiscal::bench {
namespace {

constexpr int kReaders = 2, kSubmitters = 2;
constexpr int kBudgetMb = 1536;

std::vector<AttackPlan> Ten(absl::Duration within) {
  const auto every = [](int ms) { return absl::Milliseconds(ms); };
  constexpr int kOn = 1000;
  return {
      {"heavy-batch", kOn, every(500), within},      {"heavy-batch", kOn, every(500), within},
      {"empty-projects", kOn, every(1000), within},  {"removed-projects", kOn, every(2000), within},
      {"great-patch", kOn, every(2000), within},     {"parts-two", kOn, every(4000), within},
      {"log-streams", 1, every(1000), within},       {"waiting-reads", 1, every(1000), within},
      {"expired-digests", kOn, every(2000), within}, {"rapid-reset", kOn, every(500), within}};
}

Lived LiveBeside(Scene& scene, int attacked, absl::Duration window) {
  constexpr absl::Duration kGathering = absl::Seconds(6);
  std::vector<AttackProcess> attacks;
  for (const AttackPlan& plan : Ten(kGathering + window)) attacks.emplace_back(plan, attacked);
  const absl::Time gathered = absl::Now() + kGathering;
  for (AttackProcess& attack : attacks) attack.AwaitActing(gathered - absl::Now());
  // Its end ends the attacks.
  return scene.arena.victims().Live(scene.arena.port(), window, kReaders, kSubmitters);
}

}  // namespace

void Crowd(Scene& scene) {
  scene.report.Situation("Ten hostile callers at once");
  const absl::Duration window = absl::Seconds(scene.quick ? 4 : 8);
  scene.arena.Restart({0, {"--set", absl::StrFormat("server.memory_bytes_max=%dMiB", kBudgetMb)}});
  const pid_t pid = scene.arena.server().pid();
  const MemoryWatch watch(pid, scene.arena.cap_mb());
  Lived sink, real;
  for (int round = 0; round < (scene.quick ? 1 : 2); ++round) {
    sink.Add(LiveBeside(scene, scene.sink_port, window));
    real.Add(LiveBeside(scene, scene.arena.port(), window));
  }
  scene.report.Add({"crowd_reads", "others' point reads, rate against beside the sink",
                    real.reads_per_second() / sink.reads_per_second(), 0.7, true,
                    absl::StrFormat("%.0f/s against %.0f/s; p99 %.1f ms against %.1f ms",
                                    real.reads_per_second(), sink.reads_per_second(),
                                    real.read_ms.Quantile(0.99), sink.read_ms.Quantile(0.99)),
                    true});
  scene.report.Add({"crowd_submits", "others' submits, rate against beside the sink",
                    real.submits_per_second() / sink.submits_per_second(), 0.7, true,
                    absl::StrFormat("%.0f/s against %.0f/s; p99 %.1f ms against %.1f ms",
                                    real.submits_per_second(), sink.submits_per_second(),
                                    real.submit_ms.Quantile(0.99), sink.submit_ms.Quantile(0.99)),
                    true});
  scene.report.Add({"crowd_failed", "others' calls that failed", static_cast<double>(real.failed),
                    0, false, real.first_error});
  scene.report.Add({"crowd_mb", "the process's memory against its budget, MB", watch.peak_mb(),
                    kBudgetMb, false, absl::StrFormat("%.0f MB before", watch.before_mb())});
  scene.report.Add({"crowd_restarts", "the process ended",
                    scene.arena.server().running() ? 0.0 : 1.0, 0, false,
                    watch.killed() ? "killed above 3,000 MB" : absl::StrFormat("pid %d", pid)});
}

}  // namespace fiscal::bench
