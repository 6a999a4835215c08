// Descriptors used up by connections, and free again.
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/bench/hostile/attack.h"
#include "tests/bench/hostile/situations.h"

namespace fiscal::bench {

void Descriptors(Scene& scene) {
  scene.report.Situation("400 connections to a process that may have 256 descriptors");
  scene.arena.Restart({256, {}});
  const absl::Duration limit = absl::Seconds(scene.quick ? 10 : 30);
  AttackProcess attack({"connections-400", 1, absl::ZeroDuration(), absl::Seconds(3)},
                       scene.arena.port());
  const std::string ended = attack.AwaitEnd(absl::Seconds(60));
  const absl::Time freed = absl::Now();
  std::string error = "nothing was tried";
  while (!error.empty() && absl::Now() < freed + limit) {
    error = scene.arena.victims().SubmitAndSee(scene.arena.port(), absl::Seconds(3));
  }
  scene.report.Add({"descriptors_seconds", "from the end of these until another is answered, s",
                    absl::ToDoubleSeconds(absl::Now() - freed), 1, false,
                    absl::StrCat(ended, error.empty() ? "" : "; never: ", error)});
}

}  // namespace fiscal::bench
