#include "services/rpc/call.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "domain/reason.h"
#include "grpcpp/server_context.h"
#include "services/rpc/caller.h"
#include "services/rpc/status.h"

namespace fiscal::services::rpc {
namespace {

Lane LaneOf(CallKind kind) {
  return kind == CallKind::kPointRead  ? Lane::kPoint
         : kind == CallKind::kSlowRead ? Lane::kSlow
                                       : Lane::kHeavy;
}

Caller CallerOf(const grpc::ServerContextBase& context) {
  return {PrincipalOf(context), context.peer()};
}

}  // namespace

const std::vector<Method>& Methods() {
  using K = CallKind;
  static const auto* methods = new std::vector<Method>{
      {"fiscal.admin.v1.AdminService/GetStatus", K::kOperator},
      {"fiscal.admin.v1.AdminService/Quarantine", K::kOperator},
      {"fiscal.admin.v1.AdminService/RotateSigningKey", K::kOperator},
      {"fiscal.admin.v1.AdminService/Scrub", K::kOperator},
      {"fiscal.admin.v1.AdminService/Verify", K::kOperator},
      {"fiscal.aggregation.v1.AggregationService/GetTotal", K::kHeavyRead},
      {"fiscal.aggregation.v1.AggregationService/BatchGetTotals", K::kHeavyRead},
      {"fiscal.aggregation.v1.AggregationService/ListTotals", K::kHeavyRead},
      {"fiscal.aggregation.v1.AggregationService/CompareTotals", K::kHeavyRead},
      {"fiscal.aggregation.v1.AggregationService/ExplainTotal", K::kHeavyRead},
      {"fiscal.aggregation.v1.AggregationService/ExplainChange", K::kHeavyRead},
      {"fiscal.aggregation.v1.AggregationService/GetCoverage", K::kHeavyRead},
      {"fiscal.aggregation.v1.AggregationService/GetConsolidatedTotal", K::kHeavyRead},
      {"fiscal.aggregation.v1.AggregationService/WatchTotals", K::kWatch},
      {"fiscal.catalog.v1.CatalogService/ImportCatalog", K::kWrite},
      {"fiscal.catalog.v1.CatalogService/ListDivisions", K::kHeavyRead},
      {"fiscal.catalog.v1.CatalogService/ListAgencies", K::kHeavyRead},
      {"fiscal.catalog.v1.CatalogService/ListClassifications", K::kHeavyRead},
      {"fiscal.disclosure.v1.DisclosureService/GetTables", K::kHeavyRead},
      {"fiscal.disclosure.v1.DisclosureService/CheckDisclosure", K::kHeavyRead},
      {"fiscal.federation.v1.FederationService/ReadPostings", K::kStream},
      {"fiscal.federation.v1.FederationService/GetUpstreams", K::kPointRead},
      {"fiscal.federation.v1.FederationService/GetDigests", K::kHeavyRead},
      {"fiscal.federation.v1.FederationService/Reconcile", K::kSlowRead},
      {"fiscal.log.v1.EventLogService/Read", K::kStream},
      {"fiscal.log.v1.EventLogService/GetKeys", K::kPointRead},
      {"fiscal.log.v1.EventLogService/GetTreeHead", K::kPointRead},
      {"fiscal.log.v1.EventLogService/GetInclusionProof", K::kPointRead},
      {"fiscal.log.v1.EventLogService/GetConsistencyProof", K::kPointRead},
      {"fiscal.submission.v1.SubmissionService/SubmitBudget", K::kWrite},
      {"fiscal.submission.v1.SubmissionService/StreamBudgets", K::kStream},
      {"fiscal.submission.v1.SubmissionService/ValidateBudget", K::kWrite},
      {"fiscal.submission.v1.SubmissionService/SubmitReallocation", K::kWrite},
      {"fiscal.submission.v1.SubmissionService/WithdrawBudget", K::kWrite},
      {"fiscal.submission.v1.SubmissionService/GetBudget", K::kHeavyRead},
      {"fiscal.submission.v1.SubmissionService/ListBudgets", K::kHeavyRead},
      {"fiscal.submission.v1.SubmissionService/ListLineItems", K::kHeavyRead},
      {"fiscal.submission.v1.SubmissionService/ListProjects", K::kHeavyRead},
  };
  return *methods;
}

std::string Caller::key() const {
  return principal == "anonymous" ? absl::StrCat(principal, "@", connection) : principal;
}

UnaryCall::UnaryCall(Calls& calls, const Method& method, grpc::CallbackServerContext* context)
    : calls_(calls),
      method_(method),
      context_(context),
      caller_(CallerOf(*context)),
      key_(caller_.key()),
      deadline_(absl::FromChrono(context->deadline())),
      refused_(calls.Admit(key_, method.kind)),
      work_(calls.clock_, deadline_, calls.options_.cost_max) {}

TraceContext UnaryCall::trace() const { return TraceOf(*context_); }

void UnaryCall::Read(std::function<absl::Status()> answer, bool small, bool waited) {
  if (!admitted()) {
    Finish(refused_);
    return;
  }
  const Lane lane = small ? Lane::kPoint : LaneOf(method_.kind);
  if (small) work_.Restart(Calls::kSmallCost);
  ReadExecutor::Task task{key_, &work_, answer, nullptr};
  task.finish = [this, answer = std::move(answer), small](const absl::Status& status) {
    if (!small || !work_.outgrown()) {
      Finish(status);
      return;
    }
    work_.RestartWhole();
    // It has had its turn in a queue.
    calls_.executor_.Run(Lane::kHeavy,
                         {key_, &work_, answer, [this](const absl::Status& s) { Finish(s); }},
                         /*admitted=*/true);
  };
  calls_.executor_.Run(lane, std::move(task), waited);
}

UnaryCall* UnaryCall::Finish(const absl::Status& status) {
  ServerUnaryReactor::Finish(ToGrpc(admitted() ? status : refused_));
  return this;
}

void UnaryCall::OnLeave(std::function<void()> forget) {
  {
    absl::MutexLock lock(&mu_);
    on_leave_ = forget;
  }
  // The caller may have left before; a second call of `forget` finds nothing.
  if (cancelled() && forget != nullptr) forget();
}

void UnaryCall::OnCancel() {
  work_.Cancel();
  std::function<void()> forget;
  {
    absl::MutexLock lock(&mu_);
    forget = on_leave_;
  }
  if (forget != nullptr) forget();
  calls_.executor_.Forget(key_, &work_);
}

void UnaryCall::OnDone() {
  if (admitted()) calls_.Leave(key_, method_.kind);
  delete this;
}

OpenCall::~OpenCall() { calls_.Leave(key_, kind_); }

Calls::Calls(Clock& clock, ReadExecutor& executor, Options options)
    : clock_(clock), executor_(executor), options_(options) {
  for (const Method& method : Methods()) {
    auto passed = std::make_unique<Passed>();
    passed->method = &method;
    methods_.emplace(method.name, std::move(passed));
  }
}

int64_t Calls::passed(absl::string_view method) const {
  const auto it = methods_.find(method);
  return it == methods_.end() ? 0 : it->second->count.load(std::memory_order_relaxed);
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

ServiceCalls::ServiceCalls(Calls& calls, absl::string_view service) : calls_(calls) {
  const std::string prefix = absl::StrCat(service, "/");
  for (auto& [name, passed] : calls_.methods_) {
    if (absl::StartsWith(name, prefix)) methods_.emplace(name.substr(prefix.size()), passed.get());
  }
  FISCAL_CHECK(!methods_.empty(), "a service that is served has methods in the table");
}

Calls::Passed& ServiceCalls::Find(absl::string_view method) const {
  const auto it = methods_.find(method);
  FISCAL_CHECK(it != methods_.end(), "a method that is served is in the table");
  it->second->count.fetch_add(1, std::memory_order_relaxed);
  return *it->second;
}

UnaryCall* ServiceCalls::Unary(grpc::CallbackServerContext* context,
                               absl::string_view method) const {
  return new UnaryCall(calls_, *Find(method).method, context);
}

absl::StatusOr<std::shared_ptr<OpenCall>> ServiceCalls::Open(const grpc::ServerContextBase& context,
                                                             absl::string_view method) const {
  const CallKind kind = Find(method).method->kind;
  Caller caller = CallerOf(context);
  const absl::Status admitted = calls_.Admit(caller.key(), kind);
  if (!admitted.ok()) return admitted;
  return std::shared_ptr<OpenCall>(new OpenCall(calls_, kind, std::move(caller)));
}

}  // namespace fiscal::services::rpc
