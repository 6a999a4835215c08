// What a process takes, looked at every few milliseconds; one that takes too much is killed before
// the machine suffers.
#ifndef FISCAL_TESTS_BENCH_HOSTILE_MEMORY_WATCH_H_
#define FISCAL_TESTS_BENCH_HOSTILE_MEMORY_WATCH_H_

#include <sys/types.h>

#include <atomic>
#include <thread>

namespace fiscal::bench {

class MemoryWatch {
 public:
  // What stands now is what the peak is compared with.
  MemoryWatch(pid_t pid, double cap_mb);
  ~MemoryWatch();
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;

  double before_mb() const { return before_mb_; }
  // The most it took since, over what it took before.
  double extra_mb() const { return peak_mb_ - before_mb_; }
  double peak_mb() const { return peak_mb_; }
  double threads() const { return threads_; }
  // It went over the cap and was killed: the peak says no more than that.
  bool killed() const { return killed_; }

 private:
  void Look();

  const pid_t pid_;
  const double cap_mb_;
  const double before_mb_;
  std::atomic<double> peak_mb_;
  std::atomic<double> threads_{0};
  std::atomic<bool> killed_{false}, ends_{false};
  std::thread thread_;
};

}  // namespace fiscal::bench

#endif  // FISCAL_TESTS_BENCH_HOSTILE_MEMORY_WATCH_H_
