// What one run of the benchmark found, and how it is written down: a line at a time on stdout,
// JSON, and docs/benchmarks.md with its plot.
#ifndef FISCAL_TESTS_BENCH_RESULTS_H_
#define FISCAL_TESTS_BENCH_RESULTS_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fiscal::bench {

struct Sample {
  std::vector<double> values;
  void Add(double v) { values.push_back(v); }
  double Quantile(double q) const {
    if (values.empty()) return 0;
    std::vector<double> v = values;
    std::sort(v.begin(), v.end());
    return v[std::min(v.size() - 1, static_cast<size_t>(q * static_cast<double>(v.size())))];
  }
  double median() const { return Quantile(0.5); }
};

// One row of the goals.
struct Measure {
  std::string key;   // in the JSON
  std::string what;  // for people
  std::string ours, yardstick;
  Sample ratio;  // or the figure itself
  double goal = 0;
  // Below it the product isn't good enough; 0 when there is none beside the goal.
  double floor = 0;
  bool at_least = true;  // otherwise at most
  bool reached() const { return at_least ? ratio.median() >= goal : ratio.median() <= goal; }
};

// The state of the store after so many lines.
struct GrowthPoint {
  double lines = 0;
  double cpu_us_per_line = 0;  // of the server, over the lines since the point before
  double parses_per_line = 0;  // the same in arena parses of a line, as fast as they are just now
  double wall_rate = 0;        // lines a second, the same lines
  double submit_p50_ms = 0, submit_p999_ms = 0;  // one at a time at half load, while it compacts
  double resident_mb = 0;
  double disk_bytes_per_line = 0;  // as it happens to be
  double compacted_bytes_per_line = 0, wire_bytes_per_line = 0;
  double restart_seconds = 0, restart_after_kill_seconds = 0;
  double rebuild_rate = 0;  // lines a second; 0 when not measured
};

struct Results {
  bool quick = false;
  std::string commit, machine, date;
  std::vector<Measure> measures;
  std::vector<GrowthPoint> growth;
  // Figures beside the goals: what, and the figure with its unit.
  std::vector<std::pair<std::string, std::string>> notes;

  void Add(Measure m);
  void Note(std::string what, std::string figure);
  void WriteJson(const std::string& file) const;
  // benchmarks.md and benchmarks-growth.svg.
  void WriteReport(const std::string& directory) const;
};

// What this machine is, for the record.
std::string DescribeMachine();

}  // namespace fiscal::bench

#endif  // FISCAL_TESTS_BENCH_RESULTS_H_
