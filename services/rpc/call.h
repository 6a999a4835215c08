// One RPC as handlers see it: the caller, his connection, the deadline, whether he still waits; and
// the one way to its answer.
//
//   gRPC --> handler --(ServiceCalls::Unary, Open)--> table of methods, bounds of a caller
//     --> UnaryCall, OpenCall
//   UnaryCall --(Read)--> a lane of the ReadExecutor --> Finish
//             --(a write)-----------------> Committer --> Finish
//
// A method that is not in the table can't be served: tests compare the table with the protos, and
// what handlers passed here with what callers called. Thread-safe.
#ifndef FISCAL_SERVICES_RPC_CALL_H_
#define FISCAL_SERVICES_RPC_CALL_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "grpcpp/support/server_callback.h"
#include "services/ledger/work.h"
#include "services/rpc/read_executor.h"
#include "services/rpc/status.h"
#include "services/rpc/trace.h"

namespace fiscal::services::rpc {

enum class CallKind : uint8_t {
  // A read that is always small: runs in the point lane.
  kPointRead,
  // A read of any size: runs in the heavy lane, unless the handler knows that it is small.
  kHeavyRead,
  // A read that asks other systems: runs in the slow lane.
  kSlowRead,
  // An operator's call: runs on a thread of gRPC's, with bounds of its own.
  kOperator,
  // Waits for the committer.
  kWrite,
  // A stream that stays open.
  kStream,
  // A watch: a stream with a bound of its own.
  kWatch,
};

struct Method {
  // "fiscal.aggregation.v1.AggregationService/GetTotal"
  absl::string_view name;
  CallKind kind;
};
// Every method that is served.
const std::vector<Method>& Methods();

// A caller. Callers without a certificate are told apart by their connections.
struct Caller {
  // By certificate (rpc/caller.h), or "anonymous".
  std::string principal;
  // The other end, as gRPC writes it: "ipv4:10.1.2.3:40404".
  std::string connection;
  // The key by which calls share turns and bounds.
  std::string key() const;
};

class Calls;

// A unary call. Finish must be called once, and nothing of the call used afterwards: it deletes
// itself when gRPC is done with it.
class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  // False for a refused call. Finish it with any status: it answers with the one that refused it.
  bool admitted() const { return refused_.ok(); }
  const Caller& caller() const { return caller_; }
  // REQUIRES: not finished.
  grpc::CallbackServerContext* context() const { return context_; }
  // InfiniteFuture when the caller sets none.
  absl::Time deadline() const { return deadline_; }
  // A span of ours in the caller's trace.
  TraceContext trace() const;
  bool cancelled() const { return !work_.Wanted().ok(); }
  Work& work() { return work_; }

  // Answers on a thread of the method's lane, or of the point lane if what is asked is `small`;
  // what outgrows that lane begins again in the heavy one. `answer` starts from a cleared response
  // each time. Finishes the call; at once if it was not admitted. `waited`: for a position, under a
  // bound of its own.
  void Read(std::function<absl::Status()> answer, bool small = false, bool waited = false);
  UnaryCall* Finish(const absl::Status& status);

  // Calls `forget` when the caller leaves, at once if he has left already. The holder of the call
  // finishes it then.
  void OnLeave(std::function<void()> forget);

  void OnCancel() override;
  void OnDone() override;

 private:
  friend class ServiceCalls;
  UnaryCall(Calls& calls, const Method& method, grpc::CallbackServerContext* context);

  Calls& calls_;
  const Method& method_;
  grpc::CallbackServerContext* const context_;
  const Caller caller_;
  const std::string key_;
  const absl::Time deadline_;
  absl::Status refused_;
  Work work_;
  absl::Mutex mu_;
  std::function<void()> on_leave_ ABSL_GUARDED_BY(mu_);
};

// Counts a stream, or a call with a thread, against its caller's bounds for as long as this lives.
class OpenCall {
 public:
  ~OpenCall();
  OpenCall(const OpenCall&) = delete;
  OpenCall& operator=(const OpenCall&) = delete;
  const Caller& caller() const { return caller_; }

 private:
  friend class ServiceCalls;
  OpenCall(Calls& calls, CallKind kind, Caller caller)
      : calls_(calls), kind_(kind), caller_(std::move(caller)), key_(caller_.key()) {}
  Calls& calls_;
  const CallKind kind_;
  const Caller caller_;
  const std::string key_;
};

// A call that ends at once with an error.
template <typename Response>
class RefusedStream final : public grpc::ServerWriteReactor<Response> {
 public:
  explicit RefusedStream(const absl::Status& status) { this->Finish(ToGrpc(status)); }
  void OnDone() override { delete this; }
};

// All calls of the process, by caller.
class Calls {
 public:
  struct Options {
    // Open calls of one caller: unary calls, streams except watches, watches.
    size_t calls_max = 4096;
    size_t streams_max = 1024;
    size_t watches_max = 5000;
    // Units of work (services/ledger/work.h) of one read.
    uint64_t cost_max = 100000000;
  };
  // The cost at which a small read moves to the heavy lane: some 4 ms.
  static constexpr uint64_t kSmallCost = 20000;

  Calls(Clock& clock, ReadExecutor& executor, Options options);

  // Calls of a method so far, for tests; 0 for an unknown method.
  int64_t passed(absl::string_view method) const;
  // Calls refused for a bound of their caller.
  int64_t refused() const { return refused_.load(std::memory_order_relaxed); }
  const ReadExecutor& executor() const { return executor_; }

 private:
  friend class ServiceCalls;
  friend class UnaryCall;
  friend class OpenCall;
  struct Open {
    size_t calls = 0, streams = 0, watches = 0;
    size_t& of(CallKind kind) {
      return kind == CallKind::kStream ? streams : kind == CallKind::kWatch ? watches : calls;
    }
  };
  struct Passed {
    const Method* method;
    std::atomic<int64_t> count{0};
  };

  absl::Status Admit(const std::string& key, CallKind kind) ABSL_LOCKS_EXCLUDED(mu_);
  void Leave(const std::string& key, CallKind kind) ABSL_LOCKS_EXCLUDED(mu_);

  Clock& clock_;
  ReadExecutor& executor_;
  const Options options_;
  // By full name; fixed after construction.
  absl::flat_hash_map<absl::string_view, std::unique_ptr<Passed>> methods_;
  std::atomic<int64_t> refused_{0};
  absl::Mutex mu_;
  absl::flat_hash_map<std::string, Open> open_ ABSL_GUARDED_BY(mu_);
};

// The calls of one service: what its handlers begin with.
class ServiceCalls {
 public:
  // `service` is its full name. REQUIRES: all its methods are in the table.
  ServiceCalls(Calls& calls, absl::string_view service);

  // The handler's reactor. A call that is not admitted is refused by Read, or by the handler with
  // Finish.
  UnaryCall* Unary(grpc::CallbackServerContext* context, absl::string_view method) const;
  // CALLS_TOO_MANY, WATCHERS_TOO_MANY.
  absl::StatusOr<std::shared_ptr<OpenCall>> Open(const grpc::ServerContextBase& context,
                                                 absl::string_view method) const;

 private:
  Calls::Passed& Find(absl::string_view method) const;

  Calls& calls_;
  // By the name within the service.
  absl::flat_hash_map<absl::string_view, Calls::Passed*> methods_;
};

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_CALL_H_
