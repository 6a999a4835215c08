// Floods of HTTP/2 that no message limit sees.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "tests/bench/hostile/attack.h"
#include "tests/bench/hostile/situations.h"

namespace fiscal::bench {
namespace {

void Flood(Scene& scene, const std::string& key, const std::string& what,
           const std::vector<AttackPlan>& plans) {
  scene.arena.Restart();
  const MemoryWatch watch(scene.arena.server().pid(), scene.arena.cap_mb());
  std::string ended;
  {
    std::vector<AttackProcess> attacks;
    for (const AttackPlan& plan : plans) attacks.emplace_back(plan, scene.arena.port());
    for (AttackProcess& attack : attacks)
      absl::StrAppend(&ended, ended.empty() ? "" : "; ", attack.AwaitEnd(absl::Seconds(30)));
  }
  scene.report.Add({absl::StrCat(key, "_mb"), absl::StrCat(what, ", memory at most, MB"),
                    watch.extra_mb(), 256, false, ended});
  absl::SleepFor(absl::Seconds(10));
  // One that was killed did not come back.
  const double after =
      watch.killed() ? watch.extra_mb() : scene.arena.server().resident_mb() - watch.before_mb();
  scene.report.Add({absl::StrCat(key, "_after_mb"), "the same, 10 s after its end, MB", after, 64,
                    false, absl::StrFormat("%.0f MB before", watch.before_mb())});
}

}  // namespace

void Http2Floods(Scene& scene) {
  scene.report.Situation("Floods of HTTP/2");
  const absl::Duration within = absl::Seconds(scene.quick ? 3 : 6);
  const AttackPlan reset = {"rapid-reset", 20, absl::Milliseconds(10), within};
  const AttackPlan continuation = {"continuation", 40, absl::Milliseconds(10), within};
  // gRPC keeps each field, however small, in 64 bytes and more.
  const AttackPlan tiny = {"continuation-tiny", 40, absl::Milliseconds(10), within};
  const AttackPlan idle = {"idle-connections", 1, absl::ZeroDuration(), within};
  if (!scene.quick) {
    Flood(scene, "rapid_reset", "200,000 streams opened and reset over ten connections", {reset});
    Flood(scene, "continuation", "20 MB of CONTINUATION on each of ten connections",
          {continuation});
    Flood(scene, "continuation_tiny", "the same in fields of one byte", {tiny});
    Flood(scene, "idle", "2,000 idle connections", {idle});
  }
  Flood(scene, "floods", "all of these at once", {reset, continuation, idle});
}

}  // namespace fiscal::bench
