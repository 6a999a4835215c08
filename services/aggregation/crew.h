// Threads that do the parts of one task beside each other.
//
//   Projector --(Run: parts)--> the caller's thread and the crew's, until all parts are done
#ifndef FISCAL_SERVICES_AGGREGATION_CREW_H_
#define FISCAL_SERVICES_AGGREGATION_CREW_H_

#include <cstddef>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"

namespace fiscal::services {

class Crew {
 public:
  // `threads` with the caller's: none is made for one.
  explicit Crew(size_t threads);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  size_t threads() const { return threads_.size() + 1; }
  // Calls `part` with each number below `parts`, each once, and returns when all calls have. One
  // call at a time.
  void Run(size_t parts, absl::FunctionRef<void(size_t)> part) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Serve() ABSL_LOCKS_EXCLUDED(mu_);
  // Does parts of the task until none is left to begin.
  void Work() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  absl::Mutex mu_;
  // The task: null when there is none; the next part to begin, and those that are not done.
  const absl::FunctionRef<void(size_t)>* part_ ABSL_GUARDED_BY(mu_) = nullptr;
  size_t next_ ABSL_GUARDED_BY(mu_) = 0;
  size_t parts_ ABSL_GUARDED_BY(mu_) = 0;
  size_t undone_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_AGGREGATION_CREW_H_
