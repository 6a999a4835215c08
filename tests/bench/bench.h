// The system that is measured, the yardsticks beside it, and what was found. The phases
// (phases.h) share one.
#ifndef FISCAL_TESTS_BENCH_BENCH_H_
#define FISCAL_TESTS_BENCH_BENCH_H_

#include <memory>
#include <string>

#include "absl/strings/str_format.h"
#include "fiscal/aggregation/v1/aggregation_service.pb.h"
#include "tests/bench/load.h"
#include "tests/bench/processes.h"
#include "tests/bench/province.h"
#include "tests/bench/results.h"

namespace fiscal::bench {

struct Options {
  bool quick = false;
  // Growth goes on to 100 million lines.
  bool hundred = false;
  std::string json, report, postgres, peers, commit = "unknown", only;
};

// What loads came to: lines a second, and the server's microseconds of processor a line.
struct Loads {
  Sample rate, cpu;
  std::string Say() const {
    return absl::StrFormat("%s, %.2f µs of processor a line", Rate(rate.median()), cpu.median());
  }
};

struct Bench {
  // `self`: this program, which serves the null sinks too.
  Bench(Options options, std::string self);
  ~Bench();

  std::string data_dir() const { return directory + "/data"; }
  void StartServer();
  // A new store with nothing but the catalog.
  void Fresh(Arrival order = Arrival::kByCounty);
  // About `wanted` lines of new statements; `each` lines a budget, 0 for the province's own sizes.
  Frames Make(double wanted, int each);
  // Until the last line is in the totals, not only until the last receipt.
  void Load(const Frames& frames, Loads* loads);
  // Returns when everything that was acknowledged is in the totals.
  void WaitVisible();
  // What is asked for in reads of one total.
  aggregation::v1::GetTotalRequest PointTotal() const;
  // AdminService.Verify must agree, and count the lines that were acknowledged.
  void Verify();

  const Options options;
  const std::string self;
  const Province province;
  Results results;
  std::string directory;
  std::unique_ptr<ServerProcess> null, null_parsed, server;
  // The next budget nobody stated yet, and the order they come in, one for a store.
  uint64_t next = 0;
  Arrival arrival = Arrival::kByCounty;
  double lines = 0, wire_bytes = 0;

 private:
  void ImportCatalog();
};

// Lines of all of them.
double LinesIn(const Frames& frames);

}  // namespace fiscal::bench

#endif  // FISCAL_TESTS_BENCH_BENCH_H_
