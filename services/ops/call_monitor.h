// Sees every call: counts it, times it, and writes the line of one that failed or was slow.
//
//   gRPC --(interceptor, one per call)--> Metrics, base/log.h
//
// It refuses nothing and changes nothing. A line names the caller and the reason, never what was
// sent: no amounts, no texts. Thread-safe.
#ifndef FISCAL_SERVICES_OPS_CALL_MONITOR_H_
#define FISCAL_SERVICES_OPS_CALL_MONITOR_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "grpcpp/support/server_interceptor.h"
#include "services/ops/metrics.h"
#include "services/rpc/caller.h"

namespace fiscal::services {

// The number of open calls. Thread-safe.
class OpenCalls {
 public:
  void Began() { count_.fetch_add(1, std::memory_order_relaxed); }
  // Called when the transport has a call's last byte.
  void Ended() { count_.fetch_sub(1, std::memory_order_release); }
  int64_t count() const { return count_.load(std::memory_order_acquire); }

 private:
  std::atomic<int64_t> count_{0};
};

enum class CallLines { kNone, kFailed, kAll };

struct CallMonitorOptions {
  CallLines lines = CallLines::kFailed;
  // Unary calls that take longer are logged even when they succeed.
  absl::Duration slow = absl::Seconds(1);
  // Says who calls. REQUIRES: it can be asked as long as the server lives.
  std::function<rpc::Caller(const grpc::ServerContextBase&)> caller;
};

// For ServerBuilder. `services` are the full names of those registered. REQUIRES: `metrics` and
// `open` outlive the server.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeCallMonitor(
    Metrics& metrics, OpenCalls& open, const std::vector<std::string>& services,
    CallMonitorOptions options);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_OPS_CALL_MONITOR_H_
