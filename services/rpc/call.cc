#include "services/rpc/call.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "domain/reason.h"
#include "grpcpp/server_context.h"
#include "services/rpc/status.h"

namespace fiscal::services::rpc {
namespace {

using authority::Bound;
using authority::Share;

constexpr absl::Duration kAnswerEarlyMax = absl::Seconds(1);
// Callers who are kept before it is looked who may be dropped.
constexpr size_t kForgetAtMin = 64;

Bound BoundOf(CallKind kind) {
  return kind == CallKind::kStream  ? Bound::kStreams
         : kind == CallKind::kWatch ? Bound::kWatches
                                    : Bound::kCalls;
}

// What is owed for reads keeps reads out and nothing else.
bool IsRead(CallKind kind) {
  return kind == CallKind::kPointRead || kind == CallKind::kHeavyRead ||
         kind == CallKind::kSlowRead;
}

// Without authority there are no rates, and no clock is looked at.
bool IsRated(const Share& share) {
  return share[Bound::kRequests] != Share::kUnbounded || share[Bound::kCost] != Share::kUnbounded;
}

Lane LaneOf(CallKind kind) {
  return kind == CallKind::kPointRead  ? Lane::kPoint
         : kind == CallKind::kSlowRead ? Lane::kSlow
                                       : Lane::kHeavy;
}

// gRPC has the last of its own times where the caller sets none.
absl::Time DeadlineOf(const grpc::ServerContextBase& context) {
  const std::chrono::system_clock::time_point deadline = context.deadline();
  return deadline == std::chrono::system_clock::time_point::max() ? absl::InfiniteFuture()
                                                                  : absl::FromChrono(deadline);
}

}  // namespace

absl::Time AnswerBy(absl::Time deadline, absl::Time now) {
  if (deadline == absl::InfiniteFuture()) return deadline;
  const absl::Duration given = std::max(deadline - now, absl::ZeroDuration());
  return deadline - std::min(given / 5, kAnswerEarlyMax);
}

Call::Call(Calls& calls, const Method& method, grpc::ServerContextBase& context)
    : calls_(calls),
      method_(method),
      context_(context),
      caller_(calls.gate_.Identify(context)),
      key_(caller_.key()),
      deadline_(DeadlineOf(context)),
      answer_by_(AnswerBy(deadline_, calls.clock_.Now())),
      admitted_(Admit()) {}

Call::~Call() {
  Detach();
  if (admitted_.ok()) calls_.Leave(key_, method_.kind);
}

absl::Status Call::Admit() {
  authority::Share share;
  const absl::Status may = calls_.gate_.MayCall(caller_, method_, &share);
  charged_ = IsRated(share);
  const absl::Status admitted = calls_.Admit(key_, method_.kind, share, may.ok());
  return admitted.ok() ? may : admitted;
}

absl::Status Call::MayAsk(const google::protobuf::Message& request) {
  return calls_.gate_.MayAsk(caller_, method_, request, &needs_);
}

void Call::OnRefused(std::function<void(const absl::Status&)> end) {
  absl::MutexLock lock(&calls_.streams_mu_);
  end_ = std::move(end);
  calls_.streams_.insert(this);
  // A right may have gone since it was asked.
  calls_.stream_began_.store(true, std::memory_order_relaxed);
}

absl::Status Call::Still() const { return calls_.gate_.Still(method_, needs_, context_); }

void Call::Detach() {
  // Unary calls never had it.
  if (method_.kind != CallKind::kStream && method_.kind != CallKind::kWatch) return;
  absl::MutexLock lock(&calls_.streams_mu_);
  calls_.streams_.erase(this);
  end_ = nullptr;
}

TraceContext Call::trace() const { return TraceOf(context_); }

std::string Call::trace_id() const {
  TraceContext trace;
  return CallersTrace(context_, &trace) ? trace.trace_id : "";
}

void Call::NoteRequestId(absl::string_view request_id) {
  rpc::NoteRequestId(request_id, &context_);
  if (calls_.audit_ != nullptr) request_id_ = std::string(request_id);
}

void Call::WriteDown(const absl::Status& status, const std::string& request_id,
                     const std::string& scope) const {
  using domain::AuditOutcome;
  // Who asks too much is counted. Written down he would keep others out of the log.
  if (calls_.audit_ == nullptr || absl::IsResourceExhausted(admitted_)) return;
  const bool denied = absl::IsPermissionDenied(status) || absl::IsUnauthenticated(status);
  const AuditOutcome outcome = status.ok() ? AuditOutcome::kAllowed
                               : denied    ? AuditOutcome::kDenied
                                           : AuditOutcome::kFailed;
  if (!calls_.audit_->Takes(method_, outcome)) return;
  domain::AuditEntry entry;
  entry.outcome = outcome;
  entry.principal = caller_.principal;
  entry.connection = caller_.connection;
  entry.method = std::string(method_.name());
  entry.request_id = request_id;
  entry.trace_id = trace_id();
  entry.scope = scope;
  if (!needs_.empty() && !needs_.back().parts.empty()) {
    const std::vector<authority::Asked>& parts = needs_.back().parts;
    entry.scope = TextOf(parts[0]);
    if (parts.size() > 1) absl::StrAppend(&entry.scope, " and ", parts.size() - 1, " more");
  }
  if (!status.ok()) {
    const domain::Explained why = domain::Explain(status);
    entry.reason = why.reason_known ? std::string(domain::InfoOf(why.refusal.reason).id)
                                    : absl::StatusCodeToString(status.code());
    for (const auto& [key, value] : why.refusal.metadata) {
      if (key == "right") entry.missing_verb = absl::StrCat("VERB_", value);
      if (key == "scope") entry.scope = value;
    }
  }
  calls_.audit_->Record(std::move(entry));
}

std::string Call::MakeToken(absl::string_view question, absl::string_view place) const {
  return calls_.tokens_.Seal(BindingOf(question), place);
}

absl::StatusOr<std::string> Call::ReadPageToken(absl::string_view question,
                                                absl::string_view token) const {
  std::optional<std::string> place = calls_.tokens_.Open(BindingOf(question), token);
  if (place.has_value()) return *std::move(place);
  return domain::Refuse({{domain::Reason::kPageTokenInvalid, "page_token", "",
                          "not a token that this caller got here for this question"}});
}

absl::StatusOr<std::string> Call::ReadResumeToken(absl::string_view question,
                                                  absl::string_view token) const {
  std::optional<std::string> place = calls_.tokens_.Open(BindingOf(question), token);
  if (place.has_value()) return *std::move(place);
  return domain::Refuse({{domain::Reason::kResumeTokenInvalid, "resume_token", "",
                          "not a token that this caller got here for these filters"}});
}

bool Call::cancelled() const { return context_.IsCancelled(); }

void Call::CutOff() { context_.TryCancel(); }

UnaryCall::UnaryCall(Calls& calls, const Method& method, grpc::ServerContextBase& context)
    : Call(calls, method, context), work_(calls.clock_, deadline(), calls.options_.cost_max) {}

void UnaryCall::Read(std::function<absl::Status()> answer, bool small, bool waited) {
  const Lane lane = small ? Lane::kPoint : LaneOf(method().kind);
  if (small) work_.Restart(Calls::kSmallCost);
  ReadExecutor::Task task{key(), &work_, answer, nullptr};
  task.finish = [this, answer = std::move(answer), small](const absl::Status& status) {
    if (!small || !work_.outgrown()) {
      Finish(status);
      return;
    }
    work_.RestartWhole();
    // It has had its turn in a queue.
    calls_.executor_.Run(Lane::kHeavy,
                         {key(), &work_, answer, [this](const absl::Status& s) { Finish(s); }},
                         ReadExecutor::Entry::kAdmitted);
  };
  if (waited) {
    // Its caller may have lost the right meanwhile.
    if (const absl::Status still = Still(); !still.ok()) return Finish(still);
  }
  calls_.executor_.Run(lane, std::move(task),
                       waited  ? ReadExecutor::Entry::kAdmitted
                       : small ? ReadExecutor::Entry::kBrief
                               : ReadExecutor::Entry::kQueue);
}

void UnaryCall::Finish(const absl::Status& status) {
  // Before the answer leaves: who waits for it finds it charged.
  if (charged() && work_.spent() > 0) calls_.Charge(key(), work_.spent());
  WriteDown(status);
  ServerUnaryReactor::Finish(ToGrpc(status));
}

void UnaryCall::OnLeave(std::function<void()> forget) {
  {
    absl::MutexLock lock(&mu_);
    on_leave_ = forget;
  }
  // The caller may have left before; a second call of `forget` finds nothing.
  if (!work_.Wanted().ok()) forget();
}

void UnaryCall::OnCancel() {
  work_.Cancel();
  std::function<void()> forget;
  {
    absl::MutexLock lock(&mu_);
    forget = on_leave_;
  }
  if (forget != nullptr) forget();
  calls_.executor_.Forget(key(), &work_);
}

bool Calls::LookAgain() {
  bool told = false;
  absl::MutexLock lock(&streams_mu_);
  for (Call* call : streams_) {
    if (call->told_) {
      // It waits for a caller who does not read.
      call->CutOff();
      continue;
    }
    const absl::Status still = gate_.Still(call->method_, call->needs_, call->context_);
    if (still.ok()) continue;
    told = call->told_ = true;
    call->WriteDown(still);
    call->end_(still);
  }
  return told;
}

Calls::Calls(Parts parts, Options options)
    : clock_(parts.clock),
      executor_(parts.executor),
      gate_(parts.gate),
      tokens_(parts.tokens),
      audit_(parts.audit),
      options_(options) {
  for (const Method& method : Methods()) {
    auto passed = std::make_unique<Passed>();
    passed->method = &method;
    methods_.emplace(method.request, std::move(passed));
  }
}

int64_t Calls::passed(absl::string_view method) const {
  for (const auto& [request, passed] : methods_) {
    if (passed->method->name() == method) return passed->count.load(std::memory_order_relaxed);
  }
  return 0;
}

Calls::Passed& Calls::Taking(absl::string_view request) {
  const auto it = methods_.find(request);
  FISCAL_CHECK(it != methods_.end(), "a method that is served is in the table");
  return *it->second;
}

bool Calls::Taken::Idle() const {
  return open == std::array<int64_t, 3>() && requests.empty() && cost.empty();
}

absl::Status Calls::Admit(const std::string& key, CallKind kind, const Share& share,
                          bool permitted) {
  const Bound open_bound = BoundOf(kind);
  const size_t most = open_bound == Bound::kStreams   ? options_.streams_max
                      : open_bound == Bound::kWatches ? options_.watches_max
                                                      : options_.calls_max;
  const int64_t open_max = std::min(share[open_bound], static_cast<int64_t>(most));
  const bool rated = IsRated(share);
  const absl::Time now = rated ? clock_.Now() : absl::InfinitePast();
  Bound refused = open_bound;
  absl::Duration wait;
  {
    absl::MutexLock lock(&mu_);
    if (taken_.size() >= forget_at_) Forget();
    Taken& taken = taken_[key];
    taken.share = share;
    if (rated) {
      refused = Bound::kRequests;
      wait = taken.requests.Wait(share[Bound::kRequests], now);
      if (wait == absl::ZeroDuration() && IsRead(kind)) {
        refused = Bound::kCost;
        wait = taken.cost.Wait(share[Bound::kCost], now);
      }
    }
    if (wait == absl::ZeroDuration()) {
      refused = open_bound;
      int64_t& open = taken.open[static_cast<size_t>(open_bound)];
      if (!permitted || open < open_max) {
        if (rated) taken.requests.Take(1);
        if (permitted) ++open;
        if (taken.Idle()) taken_.erase(key);
        return absl::OkStatus();
      }
    }
  }
  refused_[static_cast<size_t>(refused)].fetch_add(1, std::memory_order_relaxed);
  if (refused == Bound::kWatches) {
    return domain::Refuse(domain::Reason::kWatchersTooMany,
                          absl::StrCat("the caller has ", open_max, " watches"));
  }
  if (refused == open_bound) {
    return domain::Refuse(domain::Reason::kCallsTooMany,
                          absl::StrCat("the caller has ", open_max,
                                       kind == CallKind::kStream ? " streams" : " calls", " open"));
  }
  domain::Refusal refusal;
  refusal.reason = domain::Reason::kRateExceeded;
  refusal.retry_after = absl::Ceil(wait, absl::Milliseconds(1));
  refusal.message = absl::StrCat("the caller's share is ", share[refused],
                                 refused == Bound::kCost ? " units of reading" : " requests",
                                 " a second: again in ", absl::FormatDuration(refusal.retry_after));
  refusal.metadata = {{"share", std::string(NameOf(refused))},
                      {"limit", absl::StrCat(share[refused])}};
  return domain::ToStatus(std::move(refusal));
}

void Calls::Leave(const std::string& key, CallKind kind) {
  absl::MutexLock lock(&mu_);
  const auto it = taken_.find(key);
  --it->second.open[static_cast<size_t>(BoundOf(kind))];
  // Who took at a rate is dropped later.
  if (it->second.Idle()) taken_.erase(it);
}

void Calls::Charge(const std::string& key, uint64_t cost) {
  absl::MutexLock lock(&mu_);
  const auto it = taken_.find(key);
  if (it != taken_.end()) it->second.cost.Take(static_cast<int64_t>(cost));
}

void Calls::Forget() {
  const absl::Time now = clock_.Now();
  absl::erase_if(taken_, [now](auto& one) {
    Taken& taken = one.second;
    taken.requests.Flow(taken.share[Bound::kRequests], now);
    taken.cost.Flow(taken.share[Bound::kCost], now);
    return taken.Idle();
  });
  forget_at_ = std::max(kForgetAtMin, 2 * taken_.size());
}

}  // namespace fiscal::services::rpc
