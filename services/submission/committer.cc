#include "services/submission/committer.h"

#include <vector>

#include "domain/reason.h"

namespace fiscal::services {

Committer::Committer(Intake& intake, Options options, std::function<void()> on_failure)
    : intake_(intake),
      options_(options),
      on_failure_(std::move(on_failure)),
      thread_([this] { Run(); }) {}

Committer::~Committer() { Stop(); }

void Committer::Submit(std::unique_ptr<Intake::Request> request, size_t bytes, Done done) {
  domain::Reason refused = domain::Reason::kDraining;
  {
    absl::MutexLock lock(&mu_);
    const bool full = queue_.size() >= options_.queue_requests_max ||
                      (!queue_.empty() && queued_bytes_ + bytes > options_.queue_bytes_max);
    if (!stopping_ && !full) {
      queue_.push_back({std::move(request), bytes, std::move(done)});
      queued_bytes_ += bytes;
      return;
    }
    if (!stopping_) refused = domain::Reason::kQueueFull;
  }
  done(domain::Refuse(refused, refused == domain::Reason::kDraining ? "the service is stopping"
                                                                    : "the queue is full"));
}

void Committer::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void Committer::Run() {
  bool failed = false;
  while (true) {
    std::vector<Waiting> group;
    {
      absl::MutexLock lock(&mu_);
      auto ready = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !queue_.empty() || stopping_; };
      mu_.Await(absl::Condition(&ready));
      if (queue_.empty()) return;
      size_t bytes = 0;
      while (!queue_.empty() && group.size() < options_.group_requests_max &&
             (group.empty() || bytes + queue_.front().bytes <= options_.group_bytes_max)) {
        bytes += queue_.front().bytes;
        group.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
      queued_bytes_ -= bytes;
    }
    std::vector<Intake::Request*> requests;
    requests.reserve(group.size());
    for (const Waiting& w : group) requests.push_back(w.request.get());
    std::vector<absl::StatusOr<IntakeReceipt>> outcomes = intake_.Commit(requests);
    for (size_t i = 0; i < group.size(); ++i) {
      group[i].request.reset();
      group[i].done(std::move(outcomes[i]));
    }
    if (intake_.failed() && !failed) {
      failed = true;
      on_failure_();
    }
  }
}

}  // namespace fiscal::services
