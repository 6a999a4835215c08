// Time, handed in. Only the wiring uses RealClock; tests and the simulation move ManualClock by
// hand.
#ifndef FISCAL_BASE_CLOCK_H_
#define FISCAL_BASE_CLOCK_H_

#include <time.h>

#include <atomic>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace fiscal {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() = 0;
  // The time that has passed since a moment of its own: only differences tell something. Goes on
  // while the machine sleeps, and nobody sets it.
  virtual absl::Duration SinceBoot() = 0;
};

class RealClock final : public Clock {
 public:
  absl::Time Now() override { return absl::Now(); }
  absl::Duration SinceBoot() override {
    timespec time{};
    clock_gettime(CLOCK_BOOTTIME, &time);
    return absl::DurationFromTimespec(time);
  }
};

class ManualClock final : public Clock {
 public:
  explicit ManualClock(absl::Time start) : micros_(absl::ToUnixMicros(start)) {}
  absl::Time Now() override { return absl::FromUnixMicros(micros_.load()); }
  absl::Duration SinceBoot() override { return absl::Microseconds(passed_micros_.load()); }
  // Time passes. May go backwards, as when somebody sets the clock: nothing that is kept may depend
  // on the wall clock's order.
  void Advance(absl::Duration d) {
    if (d > absl::ZeroDuration()) passed_micros_ += absl::ToInt64Microseconds(d);
    Step(d);
  }
  // Somebody sets the wall clock; no time passes.
  void Step(absl::Duration d) { micros_ += absl::ToInt64Microseconds(d); }

 private:
  std::atomic<int64_t> micros_;
  std::atomic<int64_t> passed_micros_{0};
};

}  // namespace fiscal

#endif  // FISCAL_BASE_CLOCK_H_
