// One RPC as handlers see it: the caller, his connection, the deadline, the trace, whether he still
// waits; and the one way to its answer.
//
//   gRPC --> Service (service.h) --> table of methods, gate, bounds of a caller --> Call
//   UnaryCall --(Read)--> a lane of the ReadExecutor --> Finish
//             --(a write)-----------------> Committer --> Finish
//
// Service makes a Call for every method, unary or streaming; a handler is only called with one that
// was admitted. Thread-safe but for the answer, which is made once.
#ifndef FISCAL_SERVICES_RPC_CALL_H_
#define FISCAL_SERVICES_RPC_CALL_H_

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "domain/authority/share.h"
#include "google/protobuf/message.h"
#include "grpcpp/support/server_callback.h"
#include "services/ledger/work.h"
#include "services/rpc/audit.h"
#include "services/rpc/caller.h"
#include "services/rpc/gate.h"
#include "services/rpc/methods.h"
#include "services/rpc/read_executor.h"
#include "services/rpc/token_bucket.h"
#include "services/rpc/token_sealer.h"
#include "services/rpc/trace.h"

namespace fiscal::services::rpc {

class Call;

// When an answer must leave to reach the caller before his own deadline does: a fifth of the time
// he gave earlier, a second at most. InfiniteFuture when he sets none.
absl::Time AnswerBy(absl::Time deadline, absl::Time now);

// All calls of the process, by caller.
class Calls {
 public:
  struct Options {
    // Open calls of one caller, whatever its share: unary calls, streams except watches, watches.
    size_t calls_max = 4096;
    size_t streams_max = 1024;
    size_t watches_max = 5000;
    // Units of work (services/ledger/work.h) of one read.
    uint64_t cost_max = 100000000;
  };
  // What calls are let in, run and answered with.
  struct Parts {
    Clock& clock;
    ReadExecutor& executor;
    const Gate& gate;
    const TokenSealer& tokens;
    // Null: nothing is written down.
    Audit* audit = nullptr;
  };
  // The cost at which a small read moves to the heavy lane: some 4 ms.
  static constexpr uint64_t kSmallCost = 20000;

  // REQUIRES: all outlive it.
  Calls(Parts parts, Options options);

  // Calls of a method so far, by its name, for tests; 0 for an unknown method.
  int64_t passed(absl::string_view method) const;
  // Calls refused for a bound of their caller.
  int64_t refused(authority::Bound bound) const {
    return refused_[static_cast<size_t>(bound)].load(std::memory_order_relaxed);
  }
  const Gate& gate() const { return gate_; }
  // Looks at every open stream again: those that would no longer be let in are told so, and cut off
  // when they have not ended by the next time. True when one was told. For one thread, when rights
  // or authorities change.
  bool LookAgain() ABSL_LOCKS_EXCLUDED(streams_mu_);
  // True when a stream began since it was asked last.
  bool StreamBegan() { return stream_began_.exchange(false, std::memory_order_relaxed); }
  const ReadExecutor& executor() const { return executor_; }

 private:
  friend class Call;
  friend class UnaryCall;
  friend class Service;
  // What one caller has open, and took lately.
  struct Taken {
    // By kCalls, kStreams, kWatches.
    std::array<int64_t, 3> open{};
    // As of his last call.
    authority::Share share;
    TokenBucket requests, cost;
    // True when it is as if he had never called.
    bool Idle() const;
  };
  struct Passed {
    const Method* method;
    std::atomic<int64_t> count{0};
  };

  // The method that takes this message. REQUIRES: it is in the table.
  Passed& Taking(absl::string_view request);
  // Lets a call in that is `permitted`, until Leave. One that is not counts as a request, so that
  // asking for what one may not has a bound too. CALLS_TOO_MANY, WATCHERS_TOO_MANY, RATE_EXCEEDED.
  absl::Status Admit(const std::string& key, CallKind kind, const authority::Share& share,
                     bool permitted) ABSL_LOCKS_EXCLUDED(mu_);
  void Leave(const std::string& key, CallKind kind) ABSL_LOCKS_EXCLUDED(mu_);
  // What a read did cost, whether it was answered or not.
  void Charge(const std::string& key, uint64_t cost) ABSL_LOCKS_EXCLUDED(mu_);
  // Drops those who have nothing open and owe nothing, now and then.
  void Forget() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Clock& clock_;
  ReadExecutor& executor_;
  const Gate& gate_;
  const TokenSealer& tokens_;
  Audit* const audit_;
  const Options options_;
  // By the full name of the request; fixed after construction.
  absl::flat_hash_map<absl::string_view, std::unique_ptr<Passed>> methods_;
  std::array<std::atomic<int64_t>, authority::kBounds> refused_{};
  absl::Mutex mu_;
  absl::flat_hash_map<std::string, Taken> taken_ ABSL_GUARDED_BY(mu_);
  size_t forget_at_ ABSL_GUARDED_BY(mu_) = 64;
  // Held while a stream is told: it outlives that.
  absl::Mutex streams_mu_;
  absl::flat_hash_set<Call*> streams_ ABSL_GUARDED_BY(streams_mu_);
  std::atomic<bool> stream_began_{false};
};

// Counts against its caller's bounds for as long as it lives. gRPC's context, which it asks, lives
// until the reactor's OnDone, or until a synchronous handler returns.
class Call {
 public:
  // REQUIRES: `calls` and `method` outlive it.
  Call(Calls& calls, const Method& method, grpc::ServerContextBase& context);
  virtual ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // Why it may not go on: PRINCIPAL_REFUSED, RIGHT_NOT_GRANTED, CALLS_TOO_MANY, WATCHERS_TOO_MANY,
  // RATE_EXCEEDED; else OK. Handlers get no other.
  const absl::Status& admitted() const { return admitted_; }
  // That the caller may ask this; handlers are only called with what he may.
  absl::Status MayAsk(const google::protobuf::Message& request);
  // True when the caller may have this part.
  bool Sees(authority::Verb verb, const authority::Asked& part) const {
    return calls_.gate_.Sees(caller_, verb, part);
  }
  // A stream: has `end` called, from another thread, when the caller may no longer have what he
  // asked for. It must not wait, nor delete the call on its own thread.
  void OnRefused(std::function<void(const absl::Status&)> end);
  // Both gates again, as of now: after a wait. REQUIRES: gRPC's context lives.
  absl::Status Still() const;
  // Undoes OnRefused, which the end of the call does otherwise: for one that outlives gRPC's
  // context.
  void Detach();
  const Method& method() const { return method_; }
  const Caller& caller() const { return caller_; }
  // caller().key().
  const std::string& key() const { return key_; }
  // InfiniteFuture when the caller sets none.
  absl::Time deadline() const { return deadline_; }
  // AnswerBy(deadline()), as of the call's beginning. What waits ends then.
  absl::Time answer_by() const { return answer_by_; }
  // A token that this caller may pass back with the same question to this method.
  std::string MakeToken(absl::string_view question, absl::string_view place) const;
  // The place in a token of MakeToken. PAGE_TOKEN_INVALID, RESUME_TOKEN_INVALID: it is another
  // caller's, of another question or method, not ours, or too old; which of these is not said.
  absl::StatusOr<std::string> ReadPageToken(absl::string_view question,
                                            absl::string_view token) const;
  absl::StatusOr<std::string> ReadResumeToken(absl::string_view question,
                                              absl::string_view token) const;
  // A span of ours in the caller's trace, or in a new one. REQUIRES: gRPC's context lives.
  TraceContext trace() const;
  // The id of the caller's trace; empty when he sent none. REQUIRES: gRPC's context lives.
  std::string trace_id() const;
  // The answer repeats the id, so that logs on both sides can be matched. REQUIRES: not finished.
  void NoteRequestId(absl::string_view request_id);
  // A write: what it is about, for the audit log.
  void NoteScope(std::string scope) { scope_ = std::move(scope); }
  // Writes down that the call ended so: a stream's beginning, or its being refused; a budget of a
  // stream, with its id and scope. REQUIRES: gRPC's context lives.
  void WriteDown(const absl::Status& status) const { WriteDown(status, request_id_, scope_); }
  void WriteDown(const absl::Status& status, const std::string& request_id,
                 const std::string& scope) const;
  // True when the caller no longer waits. REQUIRES: gRPC's context lives.
  bool cancelled() const;
  // Ends the call whatever it is doing. Does not wait. REQUIRES: gRPC's context lives.
  void CutOff();

 protected:
  // What it costs counts: its caller's share has rates.
  bool charged() const { return charged_; }

  Calls& calls_;

 private:
  friend class Calls;

  absl::Status Admit();
  TokenSealer::Binding BindingOf(absl::string_view question) const {
    return {caller_.principal, method_.name(), question};
  }

  const Method& method_;
  grpc::ServerContextBase& context_;
  const Caller caller_;
  const std::string key_;
  const absl::Time deadline_, answer_by_;
  // Set before anybody else sees the call.
  std::vector<Need> needs_;
  std::string request_id_, scope_;
  // Guarded by Calls::streams_mu_.
  std::function<void(const absl::Status&)> end_;
  bool told_ = false;
  bool charged_ = false;
  const absl::Status admitted_;
};

// A unary call. Finish must be called once, and nothing of the call used afterwards: it deletes
// itself when gRPC is done with it.
class UnaryCall : public Call, public grpc::ServerUnaryReactor {
 public:
  UnaryCall(Calls& calls, const Method& method, grpc::ServerContextBase& context);

  Work& work() { return work_; }

  // Answers on a thread of the method's lane or, if what is asked is `small`, of the point lane or
  // on this one; what outgrows that lane begins again in the heavy one. `answer` starts from a
  // cleared response each time. Finishes the call. `waited`: for a position, under a bound of its
  // own.
  void Read(std::function<absl::Status()> answer, bool small = false, bool waited = false);
  void Finish(const absl::Status& status);

  // Calls `forget` when the caller leaves, at once if he has left already. The holder of the call
  // finishes it then.
  void OnLeave(std::function<void()> forget);

  void OnCancel() override;
  void OnDone() override { delete this; }

 private:
  // gRPC runs OnDone and OnCancel where it finds the call done, and wakes no thread for them. That
  // may be inside any operation that a stream starts, under its lock, so both take only locks under
  // which nothing of gRPC is started.
  bool InternalInlineable() override { return true; }

  Work work_;
  absl::Mutex mu_;
  std::function<void()> on_leave_ ABSL_GUARDED_BY(mu_);
};

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_CALL_H_
