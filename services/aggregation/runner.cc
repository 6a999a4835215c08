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
      folder_([this] { Fold(); }),
      worker_([this] { Work(); }) {}

Runner::~Runner() { Stop(); }

void Runner::Drain() {
  {
    absl::MutexLock lock(&mu_);
    draining_ = true;
  }
  Wake();
}

void Runner::Stop() {
  {
    absl::MutexLock lock(&mu_);
    draining_ = stopping_ = true;
  }
  log_.StopWaiting();
  if (folder_.joinable()) folder_.join();
  Wake();
  if (worker_.joinable()) worker_.join();
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

void Runner::WhenFolded(domain::Position position, absl::Time deadline,
                        std::function<void(absl::Status)> then) {
  if (projector_.folded() >= position) return then(absl::OkStatus());
  absl::Status refused = projector_.stop();
  if (!refused.ok()) return then(refused);
  {
    absl::MutexLock lock(&mu_);
    if (draining_) {
      refused = domain::Refuse(domain::Reason::kDraining, "the service is stopping");
    } else if (waiting_.size() >= options_.reads_waiting_max) {
      refused = domain::Refuse(domain::Reason::kQueueFull,
                               absl::StrCat(waiting_.size(), " reads wait for a position already"));
    } else {
      waiting_.push_back({position, deadline, std::move(then)});
      return;
    }
  }
  then(refused);
}

void Runner::Run(std::function<void()> task) {
  absl::MutexLock lock(&mu_);
  tasks_.push_back(std::move(task));
}

void Runner::Wake() {
  const domain::Position folded = projector_.folded();
  const absl::Status stop = projector_.stop();
  const absl::Time now = absl::Now();
  absl::MutexLock lock(&mu_);
  auto ready = std::partition(waiting_.begin(), waiting_.end(), [&](const Waiting& w) {
    return w.position > folded && w.deadline > now && !draining_ && stop.ok();
  });
  for (auto it = ready; it != waiting_.end(); ++it) {
    absl::Status outcome;
    if (it->position > folded) {
      outcome =
          it->deadline <= now
              ? domain::Refuse(domain::Reason::kPositionTimeout,
                               absl::StrCat("position ", it->position, " was not reached in time"))
          : !stop.ok() ? stop
                       : domain::Refuse(domain::Reason::kDraining, "the service is stopping");
    }
    tasks_.push_back([then = std::move(it->then), outcome] { then(outcome); });
  }
  waiting_.erase(ready, waiting_.end());
}

void Runner::Fold() {
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
    Wake();
    if (*folded > 0) continue;
    if (!log_.stopped()) {
      // Totals that stand still wait for an operator's event.
      log_.WaitPast(projector_.stopped_at() == 0 ? projector_.folded() : head, absl::Now() + kTick);
    } else {
      // The log wakes nobody any more, but what is still accepted is folded.
      absl::MutexLock lock(&mu_);
      mu_.AwaitWithTimeout(absl::Condition(&stopping_), kTick);
    }
  }
}

void Runner::Work() {
  while (true) {
    std::function<void()> task;
    {
      absl::MutexLock lock(&mu_);
      auto ready = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !tasks_.empty() || stopping_; };
      mu_.Await(absl::Condition(&ready));
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace fiscal::services
