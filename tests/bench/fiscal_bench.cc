// fiscal-bench [--quick] [--json FILE] [--report DIR] [--postgres SOCKET-DIR] [--peers PYTHON]
//              [--commit ID] [--size 100m]
//              [--only bulk|singles|amendments|pages|arrivals|growth|reads|watchers]
//
// scripts/bench.sh runs it. Servers are processes of their own; ours and the yardsticks take turns,
// so that a machine that drifts drifts for both, and what counts are the ratios of one run.
// Durability is the product's own. AdminService.Verify must agree with what the run left behind.
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>

#include "tests/bench/phases.h"
#include "tests/bench/watchers.h"
#include "tests/bench/yardsticks.h"

namespace fiscal::bench {
namespace {

void Run(Bench& b) {
  const auto wanted = [&](const char* phase) {
    return b.options.only.empty() || b.options.only == phase;
  };
  if (wanted("bulk") || wanted("singles") || wanted("amendments") || wanted("pages")) {
    b.Fresh();
    if (wanted("bulk")) MeasureBulk(b);
    if (wanted("singles")) MeasureSingles(b);
    if (wanted("amendments")) MeasureAmendments(b);
    if (wanted("pages")) MeasurePages(b);
    b.Verify();
  }
  if (wanted("arrivals")) MeasureArrivals(b);
  if (wanted("growth") || wanted("reads")) {
    b.Fresh();
    if (wanted("growth")) {
      MeasureGrowth(b);
    } else {
      Stream(b.server->port(), b.Make(1e6, 0));
    }
    MeasureReads(b);
    MeasureVisible(b);
    b.Verify();
  }
  if (wanted("watchers")) {
    constexpr int kEach = 20;
    b.Fresh();
    Stream(b.server->port(), b.Make(kEach * Province::kAgencies, kEach));
    b.server->Stop();
    b.StartServer();
    MeasureWatchers(b.province, *b.server, kEach, b.options.quick, &b.results);
    b.Verify();
  }
  if (!b.options.json.empty()) b.results.WriteJson(b.options.json);
  if (!b.options.report.empty()) b.results.WriteReport(b.options.report);
}

}  // namespace
}  // namespace fiscal::bench

int main(int argc, char** argv) {
  fiscal::bench::Options options;
  for (int i = 1; i < argc; ++i) {
    const bool more = i + 1 < argc;
    if (std::strcmp(argv[i], "--quick") == 0) {
      options.quick = true;
    } else if (std::strcmp(argv[i], "--size") == 0 && more &&
               std::strcmp(argv[i + 1], "100m") == 0) {
      ++i;
      options.hundred = true;
    } else if (std::strcmp(argv[i], "--json") == 0 && more) {
      options.json = argv[++i];
    } else if (std::strcmp(argv[i], "--report") == 0 && more) {
      options.report = argv[++i];
    } else if (std::strcmp(argv[i], "--postgres") == 0 && more) {
      options.postgres = argv[++i];
    } else if (std::strcmp(argv[i], "--peers") == 0 && more) {
      options.peers = argv[++i];
    } else if (std::strcmp(argv[i], "--commit") == 0 && more) {
      options.commit = argv[++i];
    } else if (std::strcmp(argv[i], "--only") == 0 && more) {
      options.only = argv[++i];
    } else if (std::strcmp(argv[i], "--serve-null") == 0 && more) {
      return fiscal::bench::ServeNull(std::strcmp(argv[++i], "parse") == 0);
    } else {
      std::fprintf(stderr,
                   "usage: fiscal-bench [--quick] [--json FILE] [--report DIR] [--postgres DIR] "
                   "[--peers PYTHON] [--commit ID] [--only PHASE] [--size 100m]\n");
      return 2;
    }
  }
#ifndef FISCAL_BENCH_POSTGRES
  if (!options.postgres.empty()) {
    std::fprintf(stderr, "fiscal-bench: built without libpq\n");
    return 2;
  }
#endif
  bool known = options.only.empty();
  for (const char* phase :
       {"bulk", "singles", "amendments", "pages", "arrivals", "growth", "reads", "watchers"})
    known = known || options.only == phase;
  if (!known) {
    std::fprintf(stderr,
                 "fiscal-bench: --only %s: bulk, singles, amendments, pages, arrivals, growth, "
                 "reads or watchers\n",
                 options.only.c_str());
    return 2;
  }
  if (!options.peers.empty() && access(options.peers.c_str(), X_OK) != 0) {
    std::fprintf(stderr, "fiscal-bench: --peers %s: no program that can be run\n",
                 options.peers.c_str());
    return 2;
  }
  if (options.quick) std::printf("quick: sizes are scaled down\n");
  const std::string self = std::filesystem::canonical("/proc/self/exe").string();
  fiscal::bench::Bench bench(options, self);
  fiscal::bench::Run(bench);
  return 0;
}
