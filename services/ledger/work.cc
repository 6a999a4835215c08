#include "services/ledger/work.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "domain/reason.h"

namespace fiscal::services {

absl::Status Work::Wanted() const {
  if (cancelled_.load(std::memory_order_relaxed))
    return absl::CancelledError("the caller went away");
  if (clock_ != nullptr && deadline_ != absl::InfiniteFuture() && clock_->Now() >= deadline_)
    return absl::DeadlineExceededError("the caller's deadline came first");
  return absl::OkStatus();
}

absl::Status Work::TooLarge(uint64_t units) {
  outgrown_ = bound_ < units_max_;
  domain::Refusal refusal;
  refusal.reason = domain::Reason::kReadTooLarge;
  refusal.message = absl::StrCat(
      "the answer costs more than ", bound_, " units of work (server.reads.cost_max), about ",
      units,
      ": ask for fewer filters, a division, department or agency lower down, or less detail");
  refusal.metadata = {{"cost", absl::StrCat(units)}, {"cost_max", absl::StrCat(bound_)}};
  return domain::ToStatus(refusal);
}

absl::Status Work::Spend(uint64_t units) {
  spent_ += units;
  if (cancelled_.load(std::memory_order_relaxed)) return Wanted();
  if (spent_ > bound_) return TooLarge(spent_);
  if (spent_ - looked_ < kUnitsBetweenLooks) return absl::OkStatus();
  looked_ = spent_;
  return Wanted();
}

absl::Status Work::Expect(uint64_t units) {
  if (units > bound_ || spent_ > bound_ - units) return TooLarge(spent_ + units);
  return Wanted();
}

void Work::Restart(uint64_t units_max) {
  before_ += spent_;
  spent_ = looked_ = 0;
  outgrown_ = false;
  bound_ = std::min(units_max, units_max_);
}

}  // namespace fiscal::services
