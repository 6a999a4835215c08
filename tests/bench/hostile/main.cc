// fiscal-hostile-bench [--quick] [--only SITUATION] [--report FILE] [--figures FILE] [--before
// FILE] [--commit ID]
//
// scripts/hostile.sh runs it, in the root of the source tree. Ends with 1 when a goal is missed;
// with --quick, one that is no matter of time.
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/hostile/attack.h"
#include "tests/bench/hostile/sink.h"
#include "tests/bench/hostile/situations.h"

namespace fiscal::bench {
namespace {

struct Options {
  bool quick = false;
  std::string only, report, figures, before, commit = "unknown";
};

using Situation = void (*)(Scene&);

const std::vector<std::pair<const char*, Situation>>& Situations() {
  static const auto* const all =
      new std::vector<std::pair<const char*, Situation>>{{"heavy-reads", HeavyReads},
                                                         {"great-statements", GreatStatements},
                                                         {"single-calls", SingleCalls},
                                                         {"crowd", Crowd},
                                                         {"descriptors", Descriptors},
                                                         {"http2-floods", Http2Floods},
                                                         // Last: it leaves enormous amounts behind.
                                                         {"shut-out", ShutOut}};
  return *all;
}

int Run(const Options& options) {
  rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (options.quick) std::printf("quick: less of each\n");
  Report report;
  if (!options.before.empty()) report.ReadBefore(options.before);
  ServerProcess sink({std::filesystem::canonical("/proc/self/exe").string(), "--serve-sink"});
  Arena arena(10000);
  Scene scene{arena, report, options.quick, sink.port()};
  bool known = false;
  for (const auto& [name, situation] : Situations()) {
    if (!options.only.empty() && options.only != name) continue;
    known = true;
    situation(scene);
  }
  if (!known) {
    std::fprintf(stderr, "fiscal-hostile-bench: --only %s: no such situation\n",
                 options.only.c_str());
    return 2;
  }
  if (!options.figures.empty()) report.WriteFigures(options.figures);
  if (!options.report.empty()) report.WritePage(options.report, options.commit);
  // A quick run is for machines that do other work beside: there no time decides.
  const bool reached = report.all_reached(!options.quick);
  std::printf("\n%s\n", reached ? "all goals reached" : "GOALS MISSED");
  return reached ? 0 : 1;
}

}  // namespace
}  // namespace fiscal::bench

int main(int argc, char** argv) {
  using fiscal::bench::AttackPlan;
  fiscal::bench::Options options;
  AttackPlan plan;
  int port = 0;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (word == "--quick") {
      options.quick = true;
      continue;
    }
    if (word == "--serve-sink") return fiscal::bench::ServeSink();
    std::string* text = word == "--only"      ? &options.only
                        : word == "--report"  ? &options.report
                        : word == "--figures" ? &options.figures
                        : word == "--before"  ? &options.before
                        : word == "--commit"  ? &options.commit
                        : word == "--attack"  ? &plan.name
                                              : nullptr;
    if (value != nullptr && text != nullptr) {
      *text = value;
    } else if (value != nullptr && word == "--port") {
      port = std::atoi(value);
    } else if (value != nullptr && word == "--times") {
      plan.times = std::atoi(value);
    } else if (value != nullptr && word == "--every-ms") {
      plan.every = absl::Milliseconds(std::atoi(value));
    } else if (value != nullptr && word == "--within-ms") {
      plan.within = absl::Milliseconds(std::atoi(value));
    } else {
      std::fprintf(stderr,
                   "usage: fiscal-hostile-bench [--quick] [--only SITUATION] [--report FILE] "
                   "[--figures FILE] [--before FILE] [--commit ID]\n");
      return 2;
    }
    ++i;
  }
  if (!plan.name.empty()) return fiscal::bench::RunAttack(plan, port);
  return fiscal::bench::Run(options);
}
