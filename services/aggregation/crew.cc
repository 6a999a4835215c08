#include "services/aggregation/crew.h"

namespace fiscal::services {

Crew::Crew(size_t threads) {
  for (size_t i = 1; i < threads; ++i) threads_.emplace_back([this] { Serve(); });
}

Crew::~Crew() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

void Crew::Run(size_t parts, absl::FunctionRef<void(size_t)> part) {
  if (threads_.empty() || parts <= 1) {
    for (size_t i = 0; i < parts; ++i) part(i);
    return;
  }
  absl::MutexLock lock(&mu_);
  part_ = &part;
  next_ = 0;
  parts_ = undone_ = parts;
  Work();
  auto done = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return undone_ == 0; };
  mu_.Await(absl::Condition(&done));
  part_ = nullptr;
}

void Crew::Work() {
  while (next_ < parts_) {
    const size_t number = next_++;
    const absl::FunctionRef<void(size_t)>& part = *part_;
    mu_.Unlock();
    part(number);
    mu_.Lock();
    --undone_;
  }
}

void Crew::Serve() {
  auto wanted = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return stopping_ || (part_ != nullptr && next_ < parts_);
  };
  absl::MutexLock lock(&mu_);
  while (true) {
    mu_.Await(absl::Condition(&wanted));
    if (stopping_) return;
    Work();
  }
}

}  // namespace fiscal::services
