// Calls as bytes: any method, any message, well-formed or not, without the cost of making messages.
#ifndef FISCAL_TESTS_BENCH_HOSTILE_CALLS_H_
#define FISCAL_TESTS_BENCH_HOSTILE_CALLS_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"

namespace fiscal::bench {

// How calls ended, by status code. Thread-safe.
class Endings {
 public:
  void Count(grpc::StatusCode code) ABSL_LOCKS_EXCLUDED(mu_);
  int64_t total() const ABSL_LOCKS_EXCLUDED(mu_);
  // "OK 3, RESOURCE_EXHAUSTED 7".
  std::string text() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  mutable absl::Mutex mu_;
  std::map<int, int64_t> counts_ ABSL_GUARDED_BY(mu_);
};

// One connection and the calls on it. The destructor cancels what is open and waits for its end.
// Thread-safe.
class Calls {
 public:
  Calls(int port, Endings* endings);
  ~Calls();
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

  // Sends one message and no more. `read`: takes what is answered; otherwise nothing is read and
  // the stream stays open as long as the server keeps it.
  void Start(const std::string& method, const grpc::ByteBuffer& request, absl::Duration deadline,
             bool read = true) ABSL_LOCKS_EXCLUDED(mu_);
  // A stream of `parts`, one after the other, which then stays open without its end.
  void StartParts(const std::string& method, std::vector<grpc::ByteBuffer> parts,
                  absl::Duration deadline) ABSL_LOCKS_EXCLUDED(mu_);
  // How many have not ended.
  size_t open() ABSL_LOCKS_EXCLUDED(mu_);
  // Waits until at most `count` calls are open, or until the time.
  bool AwaitOpen(size_t count, absl::Time until) ABSL_LOCKS_EXCLUDED(mu_);
  // Waits until all parts of all streams are with the server or their streams have ended, or until
  // the time.
  bool AwaitSent(absl::Time until) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  class Call;
  void Ended(Call* call, grpc::StatusCode code) ABSL_LOCKS_EXCLUDED(mu_);

  Endings* const endings_;
  const std::shared_ptr<grpc::Channel> channel_;
  grpc::GenericStub stub_;
  absl::Mutex mu_;
  std::map<Call*, std::unique_ptr<Call>> open_ ABSL_GUARDED_BY(mu_);
  int64_t unsent_ ABSL_GUARDED_BY(mu_) = 0;
};

grpc::ByteBuffer Bytes(const std::string& bytes);

}  // namespace fiscal::bench

#endif  // FISCAL_TESTS_BENCH_HOSTILE_CALLS_H_
