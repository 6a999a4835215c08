// Brings what was folded to the watchers it concerns.
//
//   Projector --(ReadPostings)--> dispatcher: which nodes? which watchers? --> queues --> workers:
//       Watch::Next -->
//   Watcher::Send, one message in flight for each;  Sent: the next step of a live one, at once
//
// A watcher is idle, queued, worked on, or waiting for its message to go out; a watcher that does
// not read waits there with one message and costs no thread. Watchers that start or read history
// have a queue of their own, in which callers take turns by what their reading costs, and workers
// that step back for all others; one caller never has all of them. Thread-safe. Lock order:
// WatchHub::mu_, then the projector's.
#ifndef FISCAL_SERVICES_AGGREGATION_WATCH_HUB_H_
#define FISCAL_SERVICES_AGGREGATION_WATCH_HUB_H_

#include <deque>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "services/ledger/answer/watch.h"
#include "services/rpc/fair_queue.h"

namespace fiscal::services {

class WatchHub;

// One watcher, as the hub sees it.
class Watcher {
 public:
  // `caller`: whose turns it takes.
  Watcher(std::string caller, std::unique_ptr<Watch> watch, absl::Duration progress_interval)
      : caller_(std::move(caller)),
        watch_(std::move(watch)),
        progress_interval_(progress_interval) {}
  virtual ~Watcher() = default;

  // Sends one message; later, on another thread, the hub must hear Sent. Called by one thread at a
  // time.
  virtual void Send(const WatchMessage& message) = 0;
  // Ends the call; nothing is sent afterwards. Called once.
  virtual void End(const absl::Status& status) = 0;

 private:
  friend class WatchHub;
  enum class State : uint8_t { kIdle, kQueued, kWorking, kSending, kEnded };

  const std::string caller_;
  // Used by the thread that works on it.
  const std::unique_ptr<Watch> watch_;
  const absl::Duration progress_interval_;
  // Below: guarded by WatchHub::mu_.
  State state_ = State::kIdle;
  bool history_ = true;
  bool progress_due_ = false;
  // The first position that concerns it and was not looked at; 0 for none.
  domain::Position concern_;
  absl::Time progress_at_;
  // True when the call ends as soon as no thread works on it.
  bool ending_ = false;
  absl::Status end_status_;
  std::vector<domain::NodeId> nodes_;
};

class WatchHub {
 public:
  struct Options {
    size_t watchers_max = 20000;
  };
  WatchHub(const Projector& projector, Options options);
  ~WatchHub();

  // WATCHERS_TOO_MANY, DRAINING. The hub drops it once it has ended.
  absl::Status Add(std::shared_ptr<Watcher> watcher) ABSL_LOCKS_EXCLUDED(mu_);
  // Its message went out, or can't (`ok` false): it ends then.
  void Sent(Watcher* watcher, bool ok) ABSL_LOCKS_EXCLUDED(mu_);
  // The caller went away.
  void Cancel(Watcher* watcher) ABSL_LOCKS_EXCLUDED(mu_);
  // Ends it with an error, now or when its message is out.
  void End(Watcher* watcher, const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);

  // Ends all watchers with DRAINING, now or when their message is out; takes no new ones.
  void Drain() ABSL_LOCKS_EXCLUDED(mu_);
  // Ends the threads. Idempotent. REQUIRES: Drain, and every Sent was heard.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  struct Counts {
    size_t idle = 0;
    size_t queued = 0;
    size_t working = 0;
    // With a message on its way out: their readers are slow, or gone.
    size_t sending = 0;
    int64_t messages_sent = 0;
  };
  Counts counts() const ABSL_LOCKS_EXCLUDED(mu_);
  size_t watchers_max() const { return options_.watchers_max; }

 private:
  using Ended = std::vector<std::shared_ptr<Watcher>>;

  // A step of a watcher, and the reason for it.
  struct Task {
    std::shared_ptr<Watcher> watcher;
    domain::Position folded, concern;
    bool progress_due = false;
  };

  void Dispatch();
  void ServeLive();
  void ServeHistory();
  Task Take(Watcher* watcher) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Returns the work that its watch has spent in all.
  uint64_t Step(const Task& task) ABSL_LOCKS_EXCLUDED(mu_);
  void Enqueue(Watcher* watcher) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Called after a step or a message: ends the watcher, queues it again or lets it rest.
  void Next(Watcher* watcher, Ended* ended) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void EndIfFree(Watcher* watcher, Ended* ended) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static void EndAll(const Ended& ended);

  const Projector& projector_;
  const Options options_;
  mutable absl::Mutex mu_;
  bool draining_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  int64_t messages_sent_ ABSL_GUARDED_BY(mu_) = 0;
  // Everything up to here was given to the watchers it concerns.
  domain::Position dispatched_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<Watcher*, std::shared_ptr<Watcher>> watchers_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<domain::NodeId, std::vector<Watcher*>> by_node_ ABSL_GUARDED_BY(mu_);
  std::deque<Watcher*> live_ ABSL_GUARDED_BY(mu_);
  // Watchers that start or read history, in turns by caller.
  rpc::FairQueue<Watcher*> history_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_set<std::string> in_history_ ABSL_GUARDED_BY(mu_);
  std::vector<std::thread> threads_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_AGGREGATION_WATCH_HUB_H_
