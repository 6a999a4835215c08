// A thread that does something now and then.
#ifndef FISCAL_SERVICES_OPS_PERIODIC_H_
#define FISCAL_SERVICES_OPS_PERIODIC_H_

#include <functional>
#include <thread>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace fiscal::services {

// Thread-safe.
class Periodic {
 public:
  // `task` runs first after one interval, one run at a time.
  Periodic(absl::Duration interval, std::function<void()> task)
      : thread_([this, interval, task = std::move(task)] {
          while (true) {
            {
              absl::MutexLock lock(&mu_);
              if (mu_.AwaitWithTimeout(absl::Condition(&stopping_), interval)) return;
            }
            task();
          }
        }) {}
  // Waits for a run that is under way.
  ~Periodic() {
    {
      absl::MutexLock lock(&mu_);
      stopping_ = true;
    }
    thread_.join();
  }

 private:
  absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_OPS_PERIODIC_H_
