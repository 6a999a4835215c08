// The greatest statement that is allowed, 100,000 lines with 64-character ids, as a whole and as a
// PATCH.
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "tests/bench/hostile/calls.h"
#include "tests/bench/hostile/payloads.h"
#include "tests/bench/hostile/situations.h"

namespace fiscal::bench {
namespace {

constexpr char kSubmit[] = "/fiscal.submission.v1.SubmissionService/SubmitBudget";

// How the call ended.
std::string Submit(int port, const std::string& bytes) {
  Endings endings;
  Calls calls(port, &endings);
  calls.Start(kSubmit, Bytes(bytes), absl::Seconds(60));
  calls.AwaitOpen(0, absl::Now() + absl::Seconds(61));
  return endings.text();
}

// Processor time once it rises no more: what a call leaves to other threads is its own.
double SettledCpu(const ServerProcess& server) {
  double cpu = server.cpu_seconds();
  for (int i = 0; i < 40; ++i) {
    absl::SleepFor(absl::Milliseconds(250));
    const double now = server.cpu_seconds();
    if (now - cpu < 0.015) return now;
    cpu = now;
  }
  return cpu;
}

class Statements {
 public:
  Statements(Scene* scene, uint64_t budget) : scene_(*scene), budget_(budget) {}

  std::string Next(bool patch) {
    ++salt_;
    return WithRequestId(absl::StrCat("great-", salt_),
                         GreatStatement(scene_.arena.province(), budget_, patch, salt_));
  }
  // Seconds of processor time.
  double Cost(bool patch) {
    const std::string bytes = Next(patch);
    const double before = SettledCpu(scene_.arena.server());
    const std::string ended = Submit(scene_.arena.port(), bytes);
    if (ended != "OK 1") last_error_ = ended;
    return SettledCpu(scene_.arena.server()) - before;
  }
  void Memory(bool patch) {
    const std::string name = patch ? "PATCH" : "REPLACE";
    const std::string bytes = Next(patch);
    scene_.arena.Restart();
    const MemoryWatch watch(scene_.arena.server().pid(), scene_.arena.cap_mb());
    Lived beside;
    std::thread others(
        [&] { beside = scene_.arena.victims().Live(scene_.arena.port(), absl::Seconds(4), 1, 1); });
    const std::string ended = Submit(scene_.arena.port(), bytes);
    others.join();
    scene_.report.Add({absl::StrCat("great_mb_", patch ? "patch" : "replace"),
                       absl::StrCat(name, ", memory, MB"), watch.extra_mb(), 400, false,
                       absl::StrFormat("%.1f MB of request, %s", bytes.size() / 1e6, ended)});
    scene_.report.Add(
        {absl::StrCat("great_submit_ms_", patch ? "patch" : "replace"),
         absl::StrCat("the longest submit of others beside the ", name, ", ms"),
         beside.submit_ms.Quantile(1), 1000, false,
         absl::StrFormat("p50 %.2f ms, %d failed", beside.submit_ms.median(), beside.failed),
         true});
  }
  const std::string& last_error() const { return last_error_; }

 private:
  Scene& scene_;
  const uint64_t budget_;
  uint64_t salt_ = 0;
  std::string last_error_;
};

}  // namespace

void GreatStatements(Scene& scene) {
  scene.report.Situation("The greatest statement: 100,000 lines with 64-character ids");
  scene.arena.Restart();
  Statements statements(&scene, 0);
  statements.Cost(false);  // so that each that follows finds as many lines standing
  Sample replace, patch, ratio;
  for (int round = 0; round < (scene.quick ? 1 : 3); ++round) {
    replace.Add(statements.Cost(false));
    patch.Add(statements.Cost(true));
    ratio.Add(patch.values.back() / replace.values.back());
  }
  scene.report.Add({"great_cpu", "processor time of a PATCH of all lines against the REPLACE",
                    ratio.median(), 2, false,
                    absl::StrFormat("%.2f s against %.2f s%s", patch.median(), replace.median(),
                                    statements.last_error()),
                    true});
  statements.Memory(false);
  statements.Memory(true);
}

}  // namespace fiscal::bench
