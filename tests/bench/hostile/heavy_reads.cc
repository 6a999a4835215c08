// Callers who read much: two with one read of 26 KB at a time that looks at everything 1,000 times,
// and four with the widest list there is.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/bench/hostile/attack.h"
#include "tests/bench/hostile/situations.h"

namespace fiscal::bench {
namespace {

// What others live through beside it, against alone; in turns, as the machine drifts.
void Beside(Scene& scene, const std::string& attack_name, const std::string& key) {
  scene.arena.Restart();
  const int rounds = scene.quick ? 1 : 3;
  const absl::Duration window = absl::Seconds(scene.quick ? 3 : 4);
  Lived alone, beside;
  std::string ended;
  for (int round = 0; round < rounds; ++round) {
    alone.Add(scene.arena.victims().Live(scene.arena.port(), window, 1, 1));
    AttackProcess attack({attack_name, 1000, absl::ZeroDuration(), window + absl::Seconds(1)},
                         scene.arena.port());
    attack.AwaitActing(absl::Seconds(10));
    beside.Add(scene.arena.victims().Live(scene.arena.port(), window, 1, 1));
    ended = attack.AwaitEnd(window + absl::Seconds(5));
  }
  auto ratio = [&](const char* part, const char* what, Sample Lived::*sample, double quantile,
                   double goal) {
    const double before = (alone.*sample).Quantile(quantile),
                 now = (beside.*sample).Quantile(quantile);
    scene.report.Add({absl::StrCat(key, part), what, now / before, goal, false,
                      absl::StrFormat("%.2f ms, alone %.2f ms; %d failed; theirs: %s", now, before,
                                      beside.failed, ended),
                      true});
  };
  ratio("_read_p99", "another's point read, p99 against alone", &Lived::read_ms, 0.99, 5);
  ratio("_submit_p50", "another's submit, p50 against alone", &Lived::submit_ms, 0.5, 3);
  ratio("_submit_p99", "another's submit, p99 against alone", &Lived::submit_ms, 0.99, 3);
}

}  // namespace

void HeavyReads(Scene& scene) {
  scene.report.Situation(
      "Two heavy BatchGetTotals of 1,000 filters, deadline 1 s, again and again");
  Beside(scene, "heavy-batch", "heavy");
  if (scene.quick) return;
  scene.report.Situation(
      "Four lists of the province by functional and economic code, again and again");
  Beside(scene, "heavy-pivot", "pivot");
}

}  // namespace fiscal::bench
