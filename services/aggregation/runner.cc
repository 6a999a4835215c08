#include "services/aggregation/runner.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "domain/reason.h"

namespace fiscal::services {
namespace {

// How often waiting reads are looked at for their deadline while no event comes.
constexpr absl::Duration kTick = absl::Milliseconds(50);
// Events folded before waiting reads are woken.
constexpr int kEventsPerStep = 64;

}  // namespace

Runner::Runner(storage::EventLog& log, Projector& projector, Options options,
               std::function<void(absl::Status)> on_failure)
    : log_(log),
      projector_(projector),
      options_(options),
      on_failure_(std::move(on_failure)),
      folder_([this] { Fold(); }) {}

Runner::~Runner() { Stop(); }

void Runner::Drain() {
  {
    absl::MutexLock lock(&mu_);
    draining_ = true;
  }
  Wake(/*all=*/true);
}

void Runner::Stop() {
  {
    absl::MutexLock lock(&mu_);
    draining_ = stopping_ = true;
  }
  log_.StopWaiting();
  if (folder_.joinable()) folder_.join();
  Wake(/*all=*/true);
}

size_t Runner::reads_waiting() const {
  absl::MutexLock lock(&mu_);
  return waiting_.size();
}

absl::Duration Runner::behind() const {
  const domain::Position folded = projector_.folded();
  if (folded >= log_.head().position) return absl::ZeroDuration();
  domain::EventHeader header;
  if (!log_.ReadRecordHead(folded + 1, &header).ok()) return absl::ZeroDuration();
  // Another machine's clock may be ahead.
  return std::max(absl::Now() - absl::FromUnixMicros(header.commit_time_us), absl::ZeroDuration());
}

void Runner::WhenFolded(domain::Position position, absl::Time deadline, const std::string& caller,
                        const Work* work, Then then) {
  if (projector_.folded() >= position) return then(absl::OkStatus());
  absl::Status refused = projector_.stop();
  if (!refused.ok()) return then(refused);
  {
    absl::MutexLock lock(&mu_);
    const auto own = by_caller_.find(caller);
    if (draining_) {
      refused = domain::Refuse(domain::Reason::kDraining, "the service is stopping");
    } else if (const absl::Status wanted = work->Wanted(); absl::IsCancelled(wanted)) {
      refused = wanted;
    } else if (own != by_caller_.end() && own->second >= options_.reads_waiting_per_caller_max) {
      refused = domain::Refuse(
          domain::Reason::kQueueFull,
          absl::StrCat(own->second, " reads of the caller wait for a position already"));
    } else if (waiting_.size() >= options_.reads_waiting_max) {
      refused = domain::Refuse(domain::Reason::kQueueFull,
                               absl::StrCat(waiting_.size(), " reads wait for a position already"));
    } else {
      const Place place(position, ++came_);
      waiting_.emplace(place, Waiting{deadline, caller, work, std::move(then)});
      places_.emplace(work, place);
      ++by_caller_[caller];
      return;
    }
  }
  then(refused);
}

void Runner::Take(std::map<Place, Waiting>::iterator it, absl::Status outcome, Told* told) {
  const auto own = by_caller_.find(it->second.caller);
  if (--own->second == 0) by_caller_.erase(own);
  places_.erase(it->second.work);
  told->emplace_back(std::move(it->second.then), std::move(outcome));
  waiting_.erase(it);
}

void Runner::Forget(const Work* work) {
  Told told;
  {
    absl::MutexLock lock(&mu_);
    const auto place = places_.find(work);
    if (place == places_.end()) return;
    Take(waiting_.find(place->second), work->Wanted(), &told);
  }
  for (const auto& [then, outcome] : told) then(outcome);
}

absl::Time Runner::Wake(bool all) {
  const domain::Position folded = projector_.folded();
  const absl::Status stop = projector_.stop();
  absl::Time next = absl::InfiniteFuture();
  Told told;
  {
    absl::MutexLock lock(&mu_);
    while (!waiting_.empty() && waiting_.begin()->first.first <= folded)
      Take(waiting_.begin(), absl::OkStatus(), &told);
    if (all) {
      const absl::Time now = absl::Now();
      for (auto it = waiting_.begin(); it != waiting_.end();) {
        const auto at = it++;
        if (!stop.ok()) {
          Take(at, stop, &told);
        } else if (draining_) {
          Take(at, domain::Refuse(domain::Reason::kDraining, "the service is stopping"), &told);
        } else if (at->second.deadline <= now) {
          Take(
              at,
              domain::Refuse(
                  log_.copied() ? domain::Reason::kReplicaBehind : domain::Reason::kPositionTimeout,
                  absl::StrCat("position ", at->first.first.value(), " was not reached in time")),
              &told);
        } else {
          next = std::min(next, at->second.deadline);
        }
      }
    }
  }
  for (const auto& [then, outcome] : told) then(outcome);
  return next;
}

void Runner::Fold() {
  absl::Time looked = absl::InfinitePast(), next_deadline = absl::InfiniteFuture();
  while (true) {
    {
      absl::MutexLock lock(&mu_);
      if (stopping_) return;
    }
    const domain::Position head = log_.head().position;
    const absl::StatusOr<int> folded = projector_.Step(kEventsPerStep);
    if (!folded.ok()) {
      on_failure_(folded.status());
      return;
    }
    const absl::Time now = absl::Now();
    const bool tick = now - looked >= kTick || now >= next_deadline;
    if (tick) looked = now;
    const absl::Time next = Wake(tick);
    if (tick) next_deadline = next;
    if (*folded > 0) continue;
    if (!log_.stopped()) {
      // Totals that stand still wait for an operator's event.
      log_.WaitPast(projector_.stopped_at().zero() ? projector_.folded() : head,
                    std::min(absl::Now() + kTick, next_deadline));
    } else {
      // The log wakes nobody any more, but what is still accepted is folded.
      absl::MutexLock lock(&mu_);
      mu_.AwaitWithTimeout(absl::Condition(&stopping_), kTick);
    }
  }
}

}  // namespace fiscal::services
