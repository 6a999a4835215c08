#include "services/aggregation/runner.h"

#include <algorithm>

namespace fiscal::services {
namespace {

// How often waiting reads are looked at for their deadline while no event comes.
constexpr absl::Duration kTick = absl::Milliseconds(50);
// Events folded before waiting reads are woken.
constexpr int kEventsPerStep = 64;

}  // namespace

Runner::Runner(storage::EventLog& log, Projector& projector,
               std::function<void(absl::Status)> on_failure)
    : log_(log),
      projector_(projector),
      on_failure_(std::move(on_failure)),
      folder_([this] { Fold(); }),
      worker_([this] { Work(); }) {}

Runner::~Runner() { Stop(); }

void Runner::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  log_.StopWaiting();
  if (folder_.joinable()) folder_.join();
  Wake(/*all=*/true);
  if (worker_.joinable()) worker_.join();
}

void Runner::WhenFolded(domain::Position position, absl::Time deadline,
                        std::function<void(bool)> then) {
  if (projector_.folded() >= position) return then(true);
  {
    absl::MutexLock lock(&mu_);
    if (!stopping_) {
      waiting_.push_back({position, deadline, std::move(then)});
      return;
    }
  }
  then(false);
}

void Runner::Run(std::function<void()> task) {
  absl::MutexLock lock(&mu_);
  tasks_.push_back(std::move(task));
}

void Runner::Wake(bool all) {
  const domain::Position folded = projector_.folded();
  const absl::Time now = absl::Now();
  absl::MutexLock lock(&mu_);
  auto ready = std::partition(waiting_.begin(), waiting_.end(), [&](const Waiting& w) {
    return w.position > folded && w.deadline > now && !all;
  });
  for (auto it = ready; it != waiting_.end(); ++it) {
    tasks_.push_back(
        [then = std::move(it->then), reached = it->position <= folded] { then(reached); });
  }
  waiting_.erase(ready, waiting_.end());
}

void Runner::Fold() {
  while (true) {
    {
      absl::MutexLock lock(&mu_);
      if (stopping_) return;
    }
    const absl::StatusOr<int> folded = projector_.Step(kEventsPerStep);
    if (!folded.ok()) {
      on_failure_(folded.status());
      return;
    }
    Wake(false);
    if (*folded == 0) log_.WaitPast(projector_.folded(), absl::Now() + kTick);
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
