#include "services/rpc/read_executor.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/thread_turn.h"
#include "domain/reason.h"

namespace fiscal::services::rpc {
namespace {

size_t IndexOf(Lane lane) { return static_cast<size_t>(lane); }

}  // namespace

absl::string_view NameOf(Lane lane) {
  static constexpr absl::string_view kNames[kLanes] = {"point", "heavy", "slow"};
  return kNames[IndexOf(lane)];
}

ReadExecutor::ReadExecutor(Options options) : options_(options) {
  for (size_t i = 0; i < kLanes; ++i) {
    // Half of the threads for long answers are left to other callers, so that none waits for one
    // caller's reads to end.
    const bool share = static_cast<Lane>(i) != Lane::kPoint;
    running_per_caller_max_[i] = std::max<size_t>(1, options_.threads[i] / (share ? 2 : 1));
    for (size_t n = 0; n < options_.threads[i]; ++n)
      threads_.emplace_back([this, i] { Serve(static_cast<Lane>(i)); });
  }
}

ReadExecutor::~ReadExecutor() { Stop(); }

bool ReadExecutor::TakeAtOnce(Lane lane, Entry entry, Task* task) {
  Queue& q = lanes_[IndexOf(lane)];
  if (entry != Entry::kBrief || lane != Lane::kPoint || at_once_ || !q.waiting.empty())
    return false;
  at_once_ = true;
  // A turn like any other, for the accounts.
  const std::string caller = task->caller;
  q.waiting.Push(caller, std::move(*task));
  *task = q.waiting.Take(caller, 1);
  ++q.running[caller];
  ++q.counts.begun;
  return true;
}

void ReadExecutor::Run(Lane lane, Task task, Entry entry) {
  absl::Status refused;
  std::vector<Task> left;
  bool at_once = false;
  {
    absl::MutexLock lock(&mu_);
    Queue& q = lanes_[IndexOf(lane)];
    auto full = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return q.waiting.size() >= options_.queue_max ||
             q.waiting.SizeOf(task.caller) >= options_.queue_per_caller_max;
    };
    if (stopping_) {
      refused = domain::Refuse(domain::Reason::kDraining, "the service is stopping");
    } else if (refused = task.work->Wanted(); !refused.ok()) {
      ++q.counts.abandoned;
    } else if (TakeAtOnce(lane, entry, &task)) {
      at_once = true;
    } else {
      if (entry != Entry::kAdmitted && full()) {
        // Tasks whose callers left must not keep others out.
        left = q.waiting.Remove(task.caller, [](const Task& t) { return !t.work->Wanted().ok(); });
        q.counts.abandoned += static_cast<int64_t>(left.size());
        if (full()) {
          ++q.counts.refused;
          refused = domain::Refuse(
              domain::Reason::kQueueFull,
              absl::StrCat(q.waiting.SizeOf(task.caller), " reads of the caller wait already, of ",
                           q.waiting.size()));
        }
      }
      if (refused.ok()) {
        const std::string caller = task.caller;
        q.waiting.Push(caller, std::move(task));
        q.wake.Signal();
      }
    }
  }
  for (Task& t : left) t.finish(t.work->Wanted());
  if (at_once) {
    Perform(lane, std::move(task), /*at_once=*/true);
  } else if (!refused.ok()) {
    task.finish(refused);
  }
}

void ReadExecutor::Forget(absl::string_view caller, const Work* work) {
  std::vector<Task> left;
  {
    absl::MutexLock lock(&mu_);
    for (Queue& q : lanes_) {
      std::vector<Task> found =
          q.waiting.Remove(caller, [work](const Task& t) { return t.work == work; });
      q.counts.abandoned += static_cast<int64_t>(found.size());
      for (Task& t : found) left.push_back(std::move(t));
    }
  }
  for (Task& t : left) t.finish(t.work->Wanted());
}

bool ReadExecutor::TakeNext(Lane lane, Task* task, std::vector<Task>* left) {
  Queue& q = lanes_[IndexOf(lane)];
  while (true) {
    auto may_run = [&](const std::string& c) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      const auto it = q.running.find(c);
      return it == q.running.end() || it->second < running_per_caller_max_[IndexOf(lane)];
    };
    const std::string* caller = q.waiting.Next(may_run);
    if (caller == nullptr) return false;
    const std::string name = *caller;
    // A turn costs something even when it is free.
    Task next = q.waiting.Take(name, 1);
    if (!next.work->Wanted().ok()) {
      ++q.counts.abandoned;
      left->push_back(std::move(next));
      continue;
    }
    ++q.running[name];
    ++q.counts.begun;
    *task = std::move(next);
    return true;
  }
}

void ReadExecutor::Perform(Lane lane, Task task, bool at_once) noexcept {
  const absl::Status status = task.answer();
  const bool abandoned = absl::IsCancelled(status) || absl::IsDeadlineExceeded(status);
  const domain::Explained why = status.ok() ? domain::Explained() : domain::Explain(status);
  // A read that outgrew its lane continues in another one.
  const bool too_large = why.reason_known && !task.work->outgrown() &&
                         why.refusal.reason == domain::Reason::kReadTooLarge;
  {
    absl::MutexLock lock(&mu_);
    Queue& q = lanes_[IndexOf(lane)];
    const uint64_t spent = task.work->spent();
    q.counts.spent += static_cast<int64_t>(spent);
    q.waiting.Charge(task.caller, spent);
    if (abandoned) ++q.counts.abandoned;
    if (too_large) ++q.counts.too_large;
    const auto it = q.running.find(task.caller);
    if (--it->second == 0) q.running.erase(it);
    if (at_once) at_once_ = false;
    // The task that may run now need not be the one whose thread was woken.
    if (!q.waiting.empty()) q.wake.Signal();
  }
  task.finish(status);
}

bool ReadExecutor::Step(Lane lane) {
  Task task;
  std::vector<Task> left;
  bool found;
  {
    absl::MutexLock lock(&mu_);
    found = TakeNext(lane, &task, &left);
  }
  for (Task& t : left) t.finish(t.work->Wanted());
  if (found) Perform(lane, std::move(task));
  return found || !left.empty();
}

void ReadExecutor::Serve(Lane lane) {
  if (lane == Lane::kPoint) {
    RunSoon();
  } else {
    StepBack();
  }
  while (true) {
    Task task;
    std::vector<Task> left;
    bool found = false;
    {
      absl::MutexLock lock(&mu_);
      while (!(found = TakeNext(lane, &task, &left)) && left.empty() && !stopping_)
        lanes_[IndexOf(lane)].wake.Wait(&mu_);
      if (!found && left.empty()) return;
    }
    for (Task& t : left) t.finish(t.work->Wanted());
    if (found) Perform(lane, std::move(task));
  }
}

void ReadExecutor::Stop() {
  std::vector<Task> left;
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    for (Queue& q : lanes_) {
      while (const std::string* caller = q.waiting.Next())
        left.push_back(q.waiting.Take(std::string(*caller), 0));
      q.wake.SignalAll();
    }
  }
  for (Task& t : left)
    t.finish(domain::Refuse(domain::Reason::kDraining, "the service is stopping"));
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

ReadExecutor::Counts ReadExecutor::counts(Lane lane) const {
  absl::MutexLock lock(&mu_);
  const Queue& q = lanes_[IndexOf(lane)];
  Counts counts = q.counts;
  counts.waiting = q.waiting.size();
  for (const auto& [caller, n] : q.running) counts.running += n;
  return counts;
}

}  // namespace fiscal::services::rpc
