#include "services/aggregation/watch_hub.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/thread_turn.h"
#include "domain/reason.h"

namespace fiscal::services {
namespace {

using domain::Position;

// How often progress is looked at, and how long the dispatcher waits at most.
constexpr absl::Duration kTick = absl::Milliseconds(50);
// Postings looked at before watchers are woken.
constexpr size_t kDispatchMax = 1024;
constexpr int kHistoryThreads = 2;

}  // namespace

WatchHub::WatchHub(const Projector& projector, Options options)
    : projector_(projector), options_(options), dispatched_(projector.folded()) {
  threads_.emplace_back([this] { Dispatch(); });
  threads_.emplace_back([this] { ServeLive(); });
  for (int i = 0; i < kHistoryThreads; ++i) threads_.emplace_back([this] { ServeHistory(); });
}

WatchHub::~WatchHub() {
  Drain();
  Stop();
}

absl::Status WatchHub::Add(std::shared_ptr<Watcher> watcher) {
  absl::MutexLock lock(&mu_);
  if (draining_) return domain::Refuse(domain::Reason::kDraining, "the service is stopping");
  if (watchers_.size() >= options_.watchers_max) {
    return domain::Refuse(domain::Reason::kWatchersTooMany,
                          absl::StrCat("there are ", watchers_.size(), " watchers"));
  }
  Watcher* w = watcher.get();
  w->nodes_ = w->watch_->Nodes();
  for (const auto& node : w->nodes_) by_node_[node].push_back(w);
  w->progress_at_ = absl::Now() + w->progress_interval_;
  watchers_.emplace(w, std::move(watcher));
  Enqueue(w);
  return absl::OkStatus();
}

void WatchHub::Enqueue(Watcher* w) {
  w->state_ = Watcher::State::kQueued;
  if (w->history_) {
    history_.Push(w->caller_, w);
  } else {
    live_.push_back(w);
  }
}

void WatchHub::EndIfFree(Watcher* w, Ended* ended) {
  if (!w->ending_ || w->state_ == Watcher::State::kWorking ||
      w->state_ == Watcher::State::kSending || w->state_ == Watcher::State::kEnded)
    return;
  if (w->state_ == Watcher::State::kQueued) {
    const auto it = std::find(live_.begin(), live_.end(), w);
    if (it != live_.end()) live_.erase(it);
    history_.Remove(w->caller_, [w](Watcher* queued) { return queued == w; });
  }
  w->state_ = Watcher::State::kEnded;
  for (const auto& node : w->nodes_) {
    auto it = by_node_.find(node);
    if (it == by_node_.end()) continue;
    auto& list = it->second;
    list.erase(std::remove(list.begin(), list.end(), w), list.end());
    if (list.empty()) by_node_.erase(it);
  }
  auto it = watchers_.find(w);
  ended->push_back(std::move(it->second));
  watchers_.erase(it);
}

void WatchHub::EndAll(const Ended& ended) {
  for (const auto& w : ended) w->End(w->end_status_);
}

void WatchHub::Next(Watcher* w, Ended* ended) {
  w->state_ = Watcher::State::kIdle;
  if (w->ending_) return EndIfFree(w, ended);
  if (!w->concern_.zero() || w->progress_due_) Enqueue(w);
}

void WatchHub::Sent(Watcher* w, bool ok) {
  Ended ended;
  Task task;
  {
    absl::MutexLock lock(&mu_);
    if (!ok && !w->ending_) {
      w->ending_ = true;
      w->end_status_ = absl::CancelledError("the caller went away");
    }
    if (!w->ending_ && !w->history_ && !w->concern_.zero()) {
      // Goes on at once: in the queue the watcher with most changes would hear them last.
      task = Take(w);
    } else {
      Next(w, &ended);
    }
  }
  EndAll(ended);
  if (task.watcher != nullptr) Step(task);
}

void WatchHub::Cancel(Watcher* w) { End(w, absl::CancelledError("the caller went away")); }

void WatchHub::End(Watcher* w, const absl::Status& status) {
  Ended ended;
  {
    absl::MutexLock lock(&mu_);
    if (watchers_.count(w) == 0) return;
    w->watch_->Abandon();
    w->ending_ = true;
    w->end_status_ = status;
    EndIfFree(w, &ended);
  }
  EndAll(ended);
}

void WatchHub::Drain() {
  Ended ended;
  {
    absl::MutexLock lock(&mu_);
    draining_ = true;
    std::vector<Watcher*> all;
    for (const auto& [w, kept] : watchers_) all.push_back(w);
    for (Watcher* w : all) {
      if (!w->ending_) {
        w->ending_ = true;
        w->end_status_ = domain::Refuse(domain::Reason::kDraining,
                                        "the service is stopping: resume with the last token");
      }
      EndIfFree(w, &ended);
    }
  }
  EndAll(ended);
}

void WatchHub::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

WatchHub::Counts WatchHub::counts() const {
  Counts counts;
  absl::MutexLock lock(&mu_);
  counts.messages_sent = messages_sent_;
  for (const auto& [w, kept] : watchers_) {
    switch (w->state_) {
      case Watcher::State::kIdle:
        ++counts.idle;
        break;
      case Watcher::State::kQueued:
        ++counts.queued;
        break;
      case Watcher::State::kWorking:
        ++counts.working;
        break;
      case Watcher::State::kSending:
        ++counts.sending;
        break;
      case Watcher::State::kEnded:
        break;
    }
  }
  return counts;
}

void WatchHub::Dispatch() {
  std::vector<Projector::Delivered> postings;
  std::vector<std::pair<domain::NodeId, Position>> concerned;
  absl::Time tick = absl::Now() + kTick;
  while (true) {
    Position from;
    bool anybody;
    {
      absl::MutexLock lock(&mu_);
      if (stopping_) return;
      from = dispatched_;
      anybody = !watchers_.empty();
    }
    projector_.WaitFolded(from + 1, std::min(tick, absl::Now() + kTick));
    const Position folded = projector_.folded();
    Position to = folded;
    postings.clear();
    bool read_failed = false;
    if (anybody && folded > from) {
      absl::StatusOr<Position> read = projector_.ReadPostings(
          from, folded, kDispatchMax, [](const domain::Posting&) { return true; }, &postings);
      read_failed = !read.ok();
      if (read.ok()) to = *read;
    }
    const std::shared_ptr<const domain::Catalog> catalog = projector_.catalog();
    concerned.clear();
    for (const Projector::Delivered& d : postings) {
      const domain::Posting& p = *d.posting;
      if (p.cells.empty()) continue;
      for (domain::OrgNode& node : domain::PathOf(p.key, p.department, *catalog))
        concerned.push_back({{std::move(node), p.key.year, p.key.stage}, p.position});
    }
    const absl::Time now = absl::Now();
    absl::MutexLock lock(&mu_);
    if (stopping_) return;
    // Somebody came meanwhile: the postings are read for them too.
    if (!anybody && !watchers_.empty()) continue;
    auto tell = [](Watcher* w, Position position) {
      if (w->concern_.zero()) w->concern_ = position;
      return w->state_ == Watcher::State::kIdle;
    };
    for (const auto& [node, position] : concerned) {
      auto it = by_node_.find(node);
      if (it == by_node_.end()) continue;
      for (Watcher* w : it->second) {
        if (tell(w, position)) Enqueue(w);
      }
    }
    if (read_failed) {
      // Wakes everybody: each Watch::Next hits the same read error and ends its call with it.
      for (const auto& [w, kept] : watchers_) {
        if (tell(w, from + 1)) Enqueue(w);
      }
    }
    dispatched_ = to;
    if (now < tick) continue;
    tick = now + kTick;
    for (const auto& [w, kept] : watchers_) {
      if (w->state_ != Watcher::State::kIdle || w->progress_at_ > now) continue;
      w->progress_due_ = true;
      Enqueue(w);
    }
  }
}

void WatchHub::ServeLive() {
  while (true) {
    Task task;
    {
      absl::MutexLock lock(&mu_);
      auto ready = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !live_.empty() || stopping_; };
      mu_.Await(absl::Condition(&ready));
      if (live_.empty()) return;
      Watcher* w = live_.front();
      live_.pop_front();
      task = Take(w);
    }
    Step(task);
  }
}

void WatchHub::ServeHistory() {
  StepBack();
  while (true) {
    Task task;
    std::string caller;
    {
      absl::MutexLock lock(&mu_);
      const std::string* next = nullptr;
      auto ready = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
        next = history_.Next([&](const std::string& c) ABSL_NO_THREAD_SAFETY_ANALYSIS {
          return !in_history_.contains(c);
        });
        return next != nullptr || stopping_;
      };
      mu_.Await(absl::Condition(&ready));
      if (next == nullptr) return;
      caller = *next;
      in_history_.insert(caller);
      task = Take(history_.Take(caller, 1));
    }
    const uint64_t before = task.watcher->watch_->spent();
    const uint64_t spent = Step(task);
    absl::MutexLock lock(&mu_);
    in_history_.erase(caller);
    history_.Charge(caller, spent - before);
  }
}

WatchHub::Task WatchHub::Take(Watcher* w) {
  Task task{watchers_.find(w)->second, dispatched_, w->concern_, w->progress_due_};
  w->state_ = Watcher::State::kWorking;
  w->concern_ = Position();
  w->progress_due_ = false;
  return task;
}

uint64_t WatchHub::Step(const Task& task) {
  const std::shared_ptr<Watcher>& w = task.watcher;
  Watch& watch = *w->watch_;
  // A new watch starts where folding stands, which dispatching may not have reached: no earlier
  // than what its caller may have read already.
  const Position folded =
      watch.started() ? std::max(task.folded, watch.position()) : projector_.folded();
  if (watch.started())
    watch.SkipTo(task.concern.zero() ? folded : std::min(folded, task.concern.Prev()));
  absl::StatusOr<std::optional<WatchMessage>> message = watch.Next(folded);
  if (message.ok() && !message->has_value() && task.progress_due && !watch.more())
    *message = WatchMessage{WatchEvent::kProgress, watch.position(), {}};
  const bool send = message.ok() && message->has_value();
  // Behind the next section somebody else may work on it.
  const uint64_t spent = watch.spent();
  Ended ended;
  {
    absl::MutexLock lock(&mu_);
    if (!message.ok() && !w->ending_) {
      w->ending_ = true;
      w->end_status_ = message.status();
    }
    // Positions it has not looked at.
    if (watch.more() || watch.position() < folded) {
      const Position next = watch.position().Next();
      w->concern_ = w->concern_.zero() ? next : std::min(w->concern_, next);
    }
    w->history_ = !watch.started() || (watch.position().Next() < projector_.remembered() &&
                                       !w->concern_.zero() && w->concern_ <= folded);
    if (send && !w->ending_) {
      w->state_ = Watcher::State::kSending;
      ++messages_sent_;
      w->progress_at_ = absl::Now() + w->progress_interval_;
    } else {
      if (task.progress_due && !send) w->progress_due_ = true;
      Next(w.get(), &ended);
    }
  }
  if (!ended.empty()) {
    EndAll(ended);
  } else if (send) {
    w->Send(**message);
  }
  return spent;
}

}  // namespace fiscal::services
