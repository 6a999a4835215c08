// Time, handed in. Only the wiring uses RealClock; tests and the simulation move ManualClock by
// hand.
#ifndef FISCAL_BASE_CLOCK_H_
#define FISCAL_BASE_CLOCK_H_

#include <atomic>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace fiscal {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() = 0;
};

class RealClock final : public Clock {
 public:
  absl::Time Now() override { return absl::Now(); }
};

class ManualClock final : public Clock {
 public:
  explicit ManualClock(absl::Time start) : micros_(absl::ToUnixMicros(start)) {}
  absl::Time Now() override { return absl::FromUnixMicros(micros_.load()); }
  // May go backwards: nothing that is kept may depend on the wall clock's order.
  void Advance(absl::Duration d) { micros_ += absl::ToInt64Microseconds(d); }

 private:
  std::atomic<int64_t> micros_;
};

}  // namespace fiscal

#endif  // FISCAL_BASE_CLOCK_H_
