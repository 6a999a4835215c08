#include "services/submission/committer.h"

#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "domain/reason.h"

namespace fiscal::services {

namespace {

// Bytes of a request that cost its caller as much as one more turn.
constexpr size_t kTurnBytes = 16 << 10;

bool OnlyValidates(const Intake::Request& request) {
  const auto* submission = std::get_if<domain::Submission>(&request);
  return submission != nullptr && submission->validate_only;
}

// The kind and the lines of a request, noted before the intake takes them.
struct Described {
  absl::string_view kind;
  bool validates = false;
  size_t lines = 0;
};

Described Describe(const Intake::Request& request) {
  if (const auto* s = std::get_if<domain::Submission>(&request))
    return {"budget", s->validate_only, s->lines.lines.size()};
  if (const auto* r = std::get_if<domain::Reallocation>(&request)) {
    Described described{"reallocation"};
    for (const domain::Submission& part : r->parts) described.lines += part.lines.lines.size();
    return described;
  }
  if (std::holds_alternative<domain::QuarantineOrder>(request)) return {"quarantine"};
  if (std::holds_alternative<domain::KeyOrder>(request)) return {"key"};
  if (std::holds_alternative<domain::ClockOrder>(request)) return {"clock"};
  if (std::holds_alternative<domain::GrantOrder>(request) ||
      std::holds_alternative<domain::ApprovalOrder>(request) ||
      std::holds_alternative<domain::RevocationOrder>(request)) {
    return {"grant"};
  }
  return {std::holds_alternative<domain::CatalogImport>(request) ? "catalog" : "upstream"};
}

absl::string_view ResultOf(const Described& described,
                           const absl::StatusOr<domain::RequestReceipt>& outcome) {
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

std::string Committer::Full(const std::string& caller, size_t bytes) const {
  if (queue_.size() >= options_.queue_requests_max ||
      (!queue_.empty() && queued_bytes_ + bytes > options_.queue_bytes_max))
    return "the queue is full";
  const size_t own = queue_.SizeOf(caller);
  const auto own_bytes = bytes_by_caller_.find(caller);
  if (own >= options_.queue_requests_per_caller_max ||
      (own > 0 && own_bytes->second + bytes > options_.queue_bytes_per_caller_max))
    return absl::StrCat("the caller's part of the queue is full: ", own, " requests wait");
  return "";
}

void Committer::Submit(const std::string& caller, std::unique_ptr<Intake::Request> request,
                       size_t bytes, Done done) {
  if (disk_.low() && !OnlyValidates(*request)) {
    return done(
        domain::Refuse(domain::Reason::kDiskFull, "the disk is nearly full; nothing was kept"));
  }
  absl::Status refused;
  {
    absl::MutexLock lock(&mu_);
    if (stopping_) {
      refused = domain::Refuse(domain::Reason::kDraining, "the service is stopping");
    } else if (const std::string full = Full(caller, bytes); !full.empty()) {
      refused = domain::Refuse(domain::Reason::kQueueFull, full);
    } else {
      queue_.Push(caller, {std::move(request), bytes, std::move(done)});
      bytes_by_caller_[caller] += bytes;
      queued_bytes_ += bytes;
      return;
    }
  }
  done(refused);
}

std::vector<Committer::Waiting> Committer::TakeGroup() {
  std::vector<Waiting> group;
  size_t bytes = 0;
  while (!queue_.empty() && group.size() < options_.group_requests_max) {
    const std::string caller = *queue_.Next();
    const size_t next = queue_.Front(caller).bytes;
    // The request that does not fit is the first of the next group.
    if (!group.empty() && bytes + next > options_.group_bytes_max) break;
    bytes += next;
    group.push_back(queue_.Take(caller, 1 + next / kTurnBytes));
    const auto own = bytes_by_caller_.find(caller);
    own->second -= next;
    if (queue_.SizeOf(caller) == 0) bytes_by_caller_.erase(own);
  }
  queued_bytes_ -= bytes;
  return group;
}

absl::StatusOr<domain::RequestReceipt> Committer::SubmitAndWait(const std::string& caller,
                                                                Intake::Request request,
                                                                size_t bytes) {
  absl::Mutex mu;
  absl::StatusOr<domain::RequestReceipt> outcome = absl::UnknownError("not decided yet");
  bool done = false;
  Submit(caller, std::make_unique<Intake::Request>(std::move(request)), bytes,
         [&](absl::StatusOr<domain::RequestReceipt> receipt) {
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
      group = TakeGroup();
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
    std::vector<absl::StatusOr<domain::RequestReceipt>> outcomes = intake_.Commit(requests);
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
