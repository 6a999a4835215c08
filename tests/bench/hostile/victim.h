// Callers with ordinary wishes, beside whom others misbehave.
#ifndef FISCAL_TESTS_BENCH_HOSTILE_VICTIM_H_
#define FISCAL_TESTS_BENCH_HOSTILE_VICTIM_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "tests/bench/province.h"
#include "tests/bench/results.h"

namespace fiscal::bench {

// What they lived through.
struct Lived {
  // Of answered and of failed calls alike: a failed one took as long as it was waited for.
  Sample read_ms, submit_ms;
  int64_t reads = 0, submits = 0, failed = 0;
  double seconds = 0;
  std::string first_error;

  void Add(const Lived& more);
  double reads_per_second() const { return static_cast<double>(reads) / seconds; }
  double submits_per_second() const { return static_cast<double>(submits) / seconds; }
};

class Victims {
 public:
  // Statements of 20 lines of agencies from `next` on, each stated once.
  Victims(const Province& province, std::atomic<uint64_t>* next)
      : province_(province), next_(next) {}

  // Each reader and each submitter has its own connection and one call at a time, with 5 seconds
  // for each.
  Lived Live(int port, absl::Duration how_long, int readers, int submitters) const;
  // Whether a statement is taken, and a total that waits for it is told, in that time; why not
  // otherwise.
  std::string SubmitAndSee(int port, absl::Duration limit) const;

 private:
  const Province& province_;
  std::atomic<uint64_t>* const next_;
};

}  // namespace fiscal::bench

#endif  // FISCAL_TESTS_BENCH_HOSTILE_VICTIM_H_
