#include "services/ledger/decide/clock_guard.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/time_text.h"
#include "domain/reason.h"

namespace fiscal::services {
namespace {

using domain::Reason;

// What the pair may follow of the time that passed: 1 of so many parts.
constexpr int64_t kFollowParts = 2000;

std::string Text(absl::Duration d) {
  return absl::FormatDuration(absl::Trunc(absl::AbsDuration(d), absl::Seconds(1)));
}

}  // namespace

absl::string_view NameOf(ClockGuard::State state) {
  switch (state) {
    case ClockGuard::State::kStepped:
      return "stepped";
    case ClockGuard::State::kNotAccepted:
      return "not_accepted";
    case ClockGuard::State::kRight:
      break;
  }
  return "right";
}

ClockGuard::Reading ClockGuard::Look(const storage::EventLog::Head& head) {
  absl::MutexLock lock(&mu_);
  Reading reading;
  // In this order: a process that is stopped between the two sees the clock behind, not ahead.
  reading.wall = clock_.Now();
  reading.since_boot = clock_.SinceBoot();
  if (boot_.has_value()) {
    LookAgain(&reading);
  } else {
    LookFirst(head, &reading);
  }
  looked_ = reading.since_boot;
  return reading;
}

void ClockGuard::LookFirst(const storage::EventLog::Head& head, Reading* reading) {
  const absl::Time last = absl::FromUnixMicros(head.commit_time_us);
  if (!head.position.zero()) reading->ahead = reading->wall - last;
  if (reading->ahead <= bounds_.gap_max && reading->ahead >= -bounds_.step_max) {
    // A log without events believes anew until it has one.
    if (!head.position.zero()) boot_ = reading->wall - reading->since_boot;
    return;
  }
  reading->state = State::kNotAccepted;
  reading->refusal = domain::Refuse(
      Reason::kClockNotAccepted,
      {absl::StrCat("the clock says ", UtcText(reading->wall), ", ", Text(reading->ahead),
                    reading->ahead > absl::ZeroDuration() ? " after" : " before",
                    " the log's last event of ", UtcText(last),
                    ": set it right, or say that it is right with `fiscal admin clock accept`; "
                    "nothing was kept"),
       absl::StrCat("系统时钟为", UtcText(reading->wall), "，与最后一个事件的时间", UtcText(last),
                    "相差", Text(reading->ahead),
                    "；请校正时钟，或用 fiscal admin clock accept 确认；未保存任何内容")});
}

void ClockGuard::LookAgain(Reading* reading) {
  const absl::Time expected = *boot_ + reading->since_boot;
  reading->ahead = reading->wall - expected;
  if (reading->ahead > bounds_.step_max) {
    reading->state = State::kStepped;
    reading->refusal = domain::Refuse(
        Reason::kClockStepped,
        {absl::StrCat("the clock was set forward to ", UtcText(reading->wall), ", ",
                      Text(reading->ahead), " ahead of ", UtcText(expected),
                      ": set it right, or say that it is right with `fiscal admin clock accept`; "
                      "nothing was kept"),
         absl::StrCat("系统时钟被拨快至", UtcText(reading->wall), "，比应有时间", UtcText(expected),
                      "快", Text(reading->ahead),
                      "；请校正时钟，或用 fiscal admin clock accept 确认；未保存任何内容")});
    return;
  }
  if (reading->ahead < -bounds_.step_max) return;
  const absl::Duration most =
      std::max(reading->since_boot - looked_, absl::ZeroDuration()) / kFollowParts;
  *boot_ += std::clamp(reading->ahead, -most, most);
}

void ClockGuard::Accept(const Reading& reading) {
  absl::MutexLock lock(&mu_);
  boot_ = reading.wall - reading.since_boot;
}

}  // namespace fiscal::services
