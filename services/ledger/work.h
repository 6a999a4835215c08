// The work that one answer may still cost, and whether its caller still waits.
//
//   services/rpc/call.h (a call's deadline, its end) --> Work
//   readers --(Spend, inside their loops)--> Work
//
// A unit is about the cost of one cell: read, decoded, matched. One thread spends; any may cancel.
#ifndef FISCAL_SERVICES_LEDGER_WORK_H_
#define FISCAL_SERVICES_LEDGER_WORK_H_

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace fiscal::services {

class Work {
 public:
  // The cost of a place looked for in a store: a node, a budget, a statement.
  static constexpr uint64_t kSeek = 32;
  // The cost of an event of the log, which is read whole.
  static constexpr uint64_t kEvent = 64;

  // Of the process itself: without bound, deadline or caller.
  Work() = default;
  // Without a deadline.
  explicit Work(uint64_t units_max) : bound_(units_max), units_max_(units_max) {}
  // REQUIRES: `clock` outlives it.
  Work(Clock& clock, absl::Time deadline, uint64_t units_max)
      : clock_(&clock), deadline_(deadline), bound_(units_max), units_max_(units_max) {}
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  // Counts work that was done, or is about to be. CANCELLED, DEADLINE_EXCEEDED or READ_TOO_LARGE
  // end the answer.
  absl::Status Spend(uint64_t units);
  // Asks before something that will cost about so much more. READ_TOO_LARGE when that is too much;
  // else as Spend(0).
  absl::Status Expect(uint64_t units);
  // Thread-safe: the next Spend ends the answer.
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }

  // Begins anew with another bound, not above the one of the whole. The answer is tried in small
  // first.
  void Restart(uint64_t units_max);
  void RestartWhole() { Restart(units_max_); }
  // True when the bound of this try, and not of the whole, ended it.
  bool outgrown() const { return outgrown_; }

  // OK while the caller waits for the answer. Thread-safe.
  absl::Status Wanted() const;
  // Units spent in all tries.
  uint64_t spent() const { return before_ + spent_; }

 private:
  absl::Status TooLarge(uint64_t units);

  // Units between two looks at the clock: some 0.2 ms.
  static constexpr uint64_t kUnitsBetweenLooks = 1024;

  Clock* const clock_ = nullptr;
  const absl::Time deadline_ = absl::InfiniteFuture();
  uint64_t bound_ = UINT64_MAX;
  const uint64_t units_max_ = UINT64_MAX;
  uint64_t spent_ = 0;
  // Of earlier tries.
  uint64_t before_ = 0;
  uint64_t looked_ = 0;
  bool outgrown_ = false;
  std::atomic<bool> cancelled_{false};
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_WORK_H_
