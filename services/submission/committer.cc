#include "services/submission/committer.h"

#include <variant>
#include <vector>

#include "domain/reason.h"

namespace fiscal::services {

namespace {

bool OnlyValidates(const Intake::Request& request) {
  const auto* submission = std::get_if<domain::Submission>(&request);
  return submission != nullptr && submission->validate_only;
}

// What a request is called and how many lines it brings, before the intake takes them.
struct Described {
  absl::string_view kind;
  bool validates = false;
  size_t lines = 0;
};

Described Describe(const Intake::Request& request) {
  if (const auto* s = std::get_if<domain::Submission>(&request))
    return {"budget", s->validate_only, s->lines.lines.size()};
  if (const auto* r = std::get_if<Reallocation>(&request)) {
    Described described{"reallocation"};
    for (const domain::Submission& part : r->parts) described.lines += part.lines.lines.size();
    return described;
  }
  if (std::holds_alternative<QuarantineOrder>(request)) return {"quarantine"};
  if (std::holds_alternative<KeyOrder>(request)) return {"key"};
  return {std::holds_alternative<CatalogImport>(request) ? "catalog" : "upstream"};
}

absl::string_view ResultOf(const Described& described,
                           const absl::StatusOr<IntakeReceipt>& outcome) {
  if (!outcome.ok()) return "refused";
  if (described.validates) return "validated";
  if (described.kind == "reallocation") return "revised";
  if (described.kind != "budget") return "imported";
  switch (outcome->receipt.result) {
    case domain::Result::kCreated:
      return "created";
    case domain::Result::kRevised:
      return "revised";
    case domain::Result::kUnchanged:
    case domain::Result::kNone:
      break;
  }
  return "unchanged";
}

}  // namespace

Committer::Committer(Intake& intake, const DiskGuard& disk, Metrics& metrics, Options options,
                     std::function<void()> on_failure)
    : intake_(intake),
      disk_(disk),
      metrics_(metrics),
      options_(options),
      on_failure_(std::move(on_failure)),
      thread_([this] { Run(); }) {}

Committer::~Committer() { Stop(); }

void Committer::Submit(std::unique_ptr<Intake::Request> request, size_t bytes, Done done) {
  if (disk_.low() && !OnlyValidates(*request)) {
    return done(
        domain::Refuse(domain::Reason::kDiskFull, "the disk is nearly full; nothing was kept"));
  }
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

absl::StatusOr<IntakeReceipt> Committer::SubmitAndWait(Intake::Request request, size_t bytes) {
  absl::Mutex mu;
  absl::StatusOr<IntakeReceipt> outcome = absl::UnknownError("not decided yet");
  bool done = false;
  Submit(std::make_unique<Intake::Request>(std::move(request)), bytes,
         [&](absl::StatusOr<IntakeReceipt> receipt) {
           absl::MutexLock lock(&mu);
           outcome = std::move(receipt);
           done = true;
         });
  absl::MutexLock lock(&mu);
  mu.Await(absl::Condition(&done));
  return outcome;
}

void Committer::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

Committer::Queue Committer::queue() const {
  absl::MutexLock lock(&mu_);
  return {queue_.size(), queued_bytes_};
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
    std::vector<Described> described;
    requests.reserve(group.size());
    described.reserve(group.size());
    for (const Waiting& w : group) {
      requests.push_back(w.request.get());
      described.push_back(Describe(*w.request));
    }
    const absl::Time start = absl::Now();
    std::vector<absl::StatusOr<IntakeReceipt>> outcomes = intake_.Commit(requests);
    metrics_.commit_duration().Observe(absl::ToDoubleSeconds(absl::Now() - start));
    metrics_.commit_group_requests().Observe(static_cast<double>(group.size()));
    for (size_t i = 0; i < group.size(); ++i) {
      const absl::string_view result = ResultOf(described[i], outcomes[i]);
      const bool event = result != "refused" && result != "validated" && result != "unchanged";
      metrics_.CountSubmission(described[i].kind, result, event ? described[i].lines : 0);
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
