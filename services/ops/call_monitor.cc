#include "services/ops/call_monitor.h"

#include <array>
#include <atomic>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "google/protobuf/descriptor.h"
#include "grpcpp/server_context.h"
#include "services/rpc/caller.h"
#include "services/rpc/status.h"
#include "services/rpc/trace.h"

namespace fiscal::services {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

constexpr size_t kCodes = 17;

std::string CodeName(grpc::StatusCode code) {
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
}

// The counters of one method. The counter of a code is made with its first call.
struct Method {
  Method(Metrics& metrics, std::string rpc)
      : name(std::move(rpc)),
        started(metrics.rpc_started().Add({{"rpc", name}})),
        duration(metrics.rpc_duration().Add({{"rpc", name}}, Metrics::DurationBuckets())),
        metrics(metrics) {}

  void Complete(grpc::StatusCode code, double seconds) {
    duration.Observe(seconds);
    const size_t index = std::min(static_cast<size_t>(code), kCodes - 1);
    prometheus::Counter* counter = completed[index].load(std::memory_order_acquire);
    if (counter == nullptr) {
      // Two threads that add the same labels get the same counter.
      counter = &metrics.rpc_completed().Add({{"code", CodeName(code)}, {"rpc", name}});
      completed[index].store(counter, std::memory_order_release);
    }
    counter->Increment();
  }

  const std::string name;
  prometheus::Counter& started;
  prometheus::Histogram& duration;
  std::array<std::atomic<prometheus::Counter*>, kCodes> completed{};
  Metrics& metrics;
};

class Call final : public Interceptor {
 public:
  Call(Method& method, OpenCalls& open, ServerRpcInfo* info, const CallMonitorOptions& options)
      : method_(method), open_(open), info_(info), options_(options), start_(absl::Now()) {
    open_.Began();
    method_.started.Increment();
  }
  // A call whose status never went out: its caller left.
  ~Call() override {
    if (!ended_) method_.Complete(grpc::StatusCode::CANCELLED, Seconds());
    open_.Ended();
  }

  void Intercept(InterceptorBatchMethods* methods) override {
    if (!ended_ && methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      ended_ = true;
      End(methods->GetSendStatus(), methods->GetSendTrailingMetadata());
    }
    methods->Proceed();
  }

 private:
  double Seconds() const { return absl::ToDoubleSeconds(absl::Now() - start_); }

  void End(const grpc::Status& status, const std::multimap<std::string, std::string>* trailing) {
    const double seconds = Seconds();
    method_.Complete(status.error_code(), seconds);
    std::string reason;
    if (!status.ok() && status.error_code() != grpc::StatusCode::CANCELLED) {
      reason = rpc::ReasonOf(status);
      method_.metrics.CountRefusal(reason);
    }
    const bool slow = info_->type() == ServerRpcInfo::Type::UNARY &&
                      seconds > absl::ToDoubleSeconds(options_.slow);
    const bool failed = !reason.empty();
    if (options_.lines == CallLines::kNone) return;
    if (options_.lines == CallLines::kFailed && !failed && !slow) return;
    grpc::ServerContextBase* context = info_->server_context();
    std::vector<logging::Field> fields;
    fields.emplace_back("rpc", method_.name);
    fields.emplace_back("code", CodeName(status.error_code()));
    if (failed) fields.emplace_back("reason", reason);
    if (trailing != nullptr) {
      const auto id = trailing->find(rpc::kRequestIdKey);
      if (id != trailing->end()) fields.emplace_back("request_id", id->second);
    }
    rpc::Caller caller = options_.caller(*context);
    fields.emplace_back("principal", std::move(caller.principal));
    fields.emplace_back("peer", std::move(caller.connection));
    fields.emplace_back("duration_ms", seconds * 1000);
    TraceContext trace;
    if (rpc::CallersTrace(*context, &trace)) {
      fields.emplace_back("trace_id", trace.trace_id);
      fields.emplace_back("parent_id", trace.span_id);
    }
    const bool ours = reason == "INTERNAL" || reason == "STORAGE_DAMAGED";
    logging::Write(ours   ? logging::Level::kError
                   : slow ? logging::Level::kWarning
                          : logging::Level::kInfo,
                   failed ? "call refused"
                   : slow ? "call was slow"
                          : "call",
                   std::move(fields));
  }

  Method& method_;
  OpenCalls& open_;
  ServerRpcInfo* const info_;
  const CallMonitorOptions& options_;
  const absl::Time start_;
  bool ended_ = false;
};

class CallMonitor final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  CallMonitor(Metrics& metrics, OpenCalls& open, const std::vector<std::string>& services,
              CallMonitorOptions options)
      : open_(open), options_(options) {
    for (const std::string& service : services) {
      const google::protobuf::ServiceDescriptor* descriptor =
          google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(service);
      if (descriptor == nullptr) continue;
      for (int i = 0; i < descriptor->method_count(); ++i) {
        const std::string rpc = absl::StrCat(service, "/", descriptor->method(i)->name());
        methods_.emplace(absl::StrCat("/", rpc), std::make_unique<Method>(metrics, rpc));
      }
    }
  }

  Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    const auto it = methods_.find(info->method());
    // Health and reflection: not ours to count.
    return it == methods_.end() ? nullptr : new Call(*it->second, open_, info, options_);
  }

 private:
  OpenCalls& open_;
  const CallMonitorOptions options_;
  absl::flat_hash_map<std::string, std::unique_ptr<Method>> methods_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeCallMonitor(
    Metrics& metrics, OpenCalls& open, const std::vector<std::string>& services,
    CallMonitorOptions options) {
  return std::make_unique<CallMonitor>(metrics, open, services, options);
}

}  // namespace fiscal::services
