// Whether the clock may be believed: a commit time is kept for ever, and the next one is not less.
//
//   Clock (wall time, time since boot) --(Look)--> ClockGuard --> Intake, status, metrics
//
// The kernel lets wall time and time since boot run at one rate, which NTP's slewing changes for
// both. They part only when somebody sets the wall clock: a step. So the guard keeps a pair that it
// believes, and the wall clock is ahead by what it shows beyond that pair and the time since.
//
//   ahead by more than step_max   Stepped: commits are refused until the clock is back, or an
//                                 operator accepts it.
//   within step_max               The pair follows the wall clock, by at most 500 millionths of the
//                                 time that passed: what the worst oscillator that NTP disciplines
//                                 strays by. So the small steps by which NTP corrects a clock for
//                                 years never add up to a refusal, and steps that are no
//                                 corrections win 43 seconds a day.
//   behind by more                Commits are taken, at the log's last commit time until the clock
//                                 has passed it (group.h). The pair stays: a clock that is set back
//                                 by mistake and then right again is right at once.
//
// At the start there is no such pair, and the log's last event stands for it. A wall clock of more
// than gap_max after its commit time, or more than step_max before it, is not accepted: commits are
// refused until it is neither, or an operator accepts it. A log without events has nothing to
// compare with: the clock is believed.
//
// Thread-safe.
#ifndef FISCAL_SERVICES_LEDGER_DECIDE_CLOCK_GUARD_H_
#define FISCAL_SERVICES_LEDGER_DECIDE_CLOCK_GUARD_H_

#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "storage/event_log.h"

namespace fiscal::services {

struct ClockBounds {
  // How far the clock may be ahead of where it should be, and at the start behind the log.
  absl::Duration step_max = absl::Minutes(5);
  // How far it may be ahead of the log at the start: longer than an office is closed.
  absl::Duration gap_max = absl::Hours(24) * 400;
};

class ClockGuard {
 public:
  enum class State { kRight, kStepped, kNotAccepted };
  struct Reading {
    State state = State::kRight;
    absl::Time wall;
    absl::Duration since_boot;
    // Of where it should be; where it is not accepted, of the log's last event. Negative: behind.
    absl::Duration ahead;
    // CLOCK_STEPPED or CLOCK_NOT_ACCEPTED; OK when commits are taken.
    absl::Status refusal;
  };

  ClockGuard(Clock& clock, ClockBounds bounds) : clock_(clock), bounds_(bounds) {}

  // Reads the clock. `head` is the log's.
  Reading Look(const storage::EventLog::Head& head) ABSL_LOCKS_EXCLUDED(mu_);
  // Believes what the clock said then.
  void Accept(const Reading& reading) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void LookFirst(const storage::EventLog::Head& head, Reading* reading)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void LookAgain(Reading* reading) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Clock& clock_;
  const ClockBounds bounds_;
  absl::Mutex mu_;
  // The wall time of boot, as the pair that is believed has it; none before there is one.
  std::optional<absl::Time> boot_ ABSL_GUARDED_BY(mu_);
  // Since boot, when it was last looked.
  absl::Duration looked_ ABSL_GUARDED_BY(mu_);
};

// right, stepped, not_accepted.
absl::string_view NameOf(ClockGuard::State state);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_DECIDE_CLOCK_GUARD_H_
