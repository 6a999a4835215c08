// What one request, or the streams of one caller, take at most.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "tests/bench/hostile/attack.h"
#include "tests/bench/hostile/situations.h"

namespace fiscal::bench {
namespace {

constexpr double kSingleMb = 256;

struct Single {
  const char* key;
  const char* what;
  AttackPlan plan;
};

// Processor time the server goes on to use, in seconds, up to some.
double Aftermath(const ServerProcess& server) {
  const double before = server.cpu_seconds();
  double cpu = before;
  for (int i = 0; i < 20; ++i) {
    absl::SleepFor(absl::Milliseconds(500));
    const double now = server.cpu_seconds();
    if (now - cpu < 0.025) break;
    cpu = now;
  }
  return server.cpu_seconds() - before;
}

void Run(Scene& scene, const Single& single) {
  scene.arena.Restart();
  const MemoryWatch watch(scene.arena.server().pid(), scene.arena.cap_mb());
  AttackProcess attack(single.plan, scene.arena.port());
  const std::string ended = attack.AwaitEnd(single.plan.within + absl::Seconds(10));
  const double aftermath = watch.killed() ? 0 : Aftermath(scene.arena.server());
  scene.report.Add({single.key, absl::StrCat(single.what, ", memory, MB"), watch.extra_mb(),
                    kSingleMb, false, ended});
  const std::string name = single.plan.name;
  if (name == "log-streams") {
    scene.report.Add({"log_streams_threads", "the same, threads of the process", watch.threads(),
                      100, false, ended});
  }
  if (name == "expired-digests") {
    scene.report.Add({"expired_digests_cpu", "the same, processor seconds after they expired",
                      aftermath, 1, false, ended, true});
  }
}

// 15 seconds of the one thread that commits, once.
void RemovedProjects(Scene& scene) {
  scene.arena.Restart();
  const MemoryWatch watch(scene.arena.server().pid(), scene.arena.cap_mb());
  AttackProcess attack({"removed-projects", 1, absl::ZeroDuration(), absl::Seconds(20)},
                       scene.arena.port());
  attack.AwaitActing(absl::Seconds(20));
  const Lived beside =
      scene.arena.victims().Live(scene.arena.port(), absl::Seconds(scene.quick ? 3 : 6), 1, 1);
  const std::string ended = attack.AwaitEnd(absl::Seconds(30));
  scene.report.Add({"removed_projects_mb", "2,000,000 removed_project_codes, memory, MB",
                    watch.extra_mb(), kSingleMb, false, ended});
  scene.report.Add(
      {"removed_projects_submit_ms", "the longest submit of others beside it, ms",
       beside.submit_ms.Quantile(1), 1000, false,
       absl::StrFormat("p50 %.2f ms, %d failed", beside.submit_ms.median(), beside.failed), true});
}

}  // namespace

void SingleCalls(Scene& scene) {
  scene.report.Situation("Single requests and streams");
  const absl::Duration none = absl::ZeroDuration();
  const absl::Duration within = absl::Seconds(scene.quick ? 4 : 8);
  for (const Single& single : std::vector<Single>{
           {"empty_projects_mb", "15 MB of empty projects", {"empty-projects", 1, none, within}},
           {"long_line_id_mb", "a line_id of 15 MB", {"long-line-id", 1, none, within}},
           {"parts_mb", "ten streams of 60 MB in parts without an end", {"parts", 1, none, within}},
           {"log_streams_mb", "2,000 unread log streams", {"log-streams", 1, none, within}},
           {"open_streams_mb",
            "100,000 streams on one connection",
            {"open-streams", 100, absl::Milliseconds(1), within}},
           {"verify_mb", "16 Verify at once", {"verify", 1, none, within}},
           {"expired_digests_mb",
            "2,000 GetDigests that expire",
            {"expired-digests", 1, none, within}}}) {
    Run(scene, single);
  }
  RemovedProjects(scene);
}

}  // namespace fiscal::bench
