// Tells open calls that the process stops, so that they end by themselves and are not cut.
#ifndef FISCAL_SERVICES_RPC_DRAIN_H_
#define FISCAL_SERVICES_RPC_DRAIN_H_

#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"

namespace fiscal::services::rpc {

// A call that is open for long.
class Drainable {
 public:
  virtual ~Drainable() = default;
  // Called once, with the signal's lock held: must not come back to it on this thread.
  virtual void OnDrain() = 0;
};

// Thread-safe.
class DrainSignal {
 public:
  // False when draining began: the call is not told again.
  bool Add(Drainable* call) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (draining_) return false;
    calls_.insert(call);
    return true;
  }
  // Before the call goes away.
  void Remove(Drainable* call) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    calls_.erase(call);
  }
  void Drain() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    draining_ = true;
    for (Drainable* call : calls_) call->OnDrain();
    calls_.clear();
  }

 private:
  absl::Mutex mu_;
  bool draining_ ABSL_GUARDED_BY(mu_) = false;
  absl::flat_hash_set<Drainable*> calls_ ABSL_GUARDED_BY(mu_);
};

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_DRAIN_H_
