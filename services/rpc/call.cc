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

constexpr absl::Duration kAnswerEarlyMax = absl::Seconds(1);

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

absl::Status Call::Admit() const {
  const absl::Status may = calls_.gate_.MayCall(caller_, method_);
  return may.ok() ? calls_.Admit(key_, method_.kind) : may;
}

absl::Status Call::MayAsk(const google::protobuf::Message& request) {
  return calls_.gate_.MayAsk(caller_, method_, request, &needs_);
}

void Call::OnRefused(std::function<void(const absl::Status&)> end) {
  absl::MutexLock lock(&calls_.streams_mu_);
  end_ = std::move(end);
  calls_.streams_.insert(this);
}

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
  if (calls_.audit_ == nullptr) return;
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
  calls_.executor_.Run(lane, std::move(task),
                       waited  ? ReadExecutor::Entry::kAdmitted
                       : small ? ReadExecutor::Entry::kBrief
                               : ReadExecutor::Entry::kQueue);
}

void UnaryCall::Finish(const absl::Status& status) {
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

absl::Status Calls::Admit(const std::string& key, CallKind kind) {
  const size_t max = kind == CallKind::kStream  ? options_.streams_max
                     : kind == CallKind::kWatch ? options_.watches_max
                                                : options_.calls_max;
  {
    absl::MutexLock lock(&mu_);
    size_t& open = open_[key].of(kind);
    if (open < max) {
      ++open;
      return absl::OkStatus();
    }
  }
  refused_.fetch_add(1, std::memory_order_relaxed);
  if (kind == CallKind::kWatch) {
    return domain::Refuse(domain::Reason::kWatchersTooMany,
                          absl::StrCat("the caller has ", max, " watches"));
  }
  return domain::Refuse(domain::Reason::kCallsTooMany,
                        absl::StrCat("the caller has ", max,
                                     kind == CallKind::kStream ? " streams" : " calls", " open"));
}

void Calls::Leave(const std::string& key, CallKind kind) {
  absl::MutexLock lock(&mu_);
  const auto it = open_.find(key);
  --it->second.of(kind);
  if (it->second.calls + it->second.streams + it->second.watches == 0) open_.erase(it);
}

}  // namespace fiscal::services::rpc
