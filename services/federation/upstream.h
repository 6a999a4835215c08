// Follows the log of a system below and makes its postings events of our log.
//
//   FederationService.ReadPostings of the upstream --> Upstream --(UpstreamRecords)--> Committer
//     --> Intake::TakeOver
//
// Its progress is written in the batch of the events (storage::UpstreamState), so that nothing is
// taken over twice or left out, whichever process stops when. Records that do not continue what was
// taken over stop it for good: a log that went back must not be folded in silence. A record refused
// for now is tried again: a missing division may be imported here, and an event that a client would
// be refused for may be quarantined there. Thread-safe.
#ifndef FISCAL_SERVICES_FEDERATION_UPSTREAM_H_
#define FISCAL_SERVICES_FEDERATION_UPSTREAM_H_

#include <memory>
#include <string>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "domain/moment.h"
#include "fiscal/federation/v1/federation_service.grpc.pb.h"
#include "grpcpp/security/credentials.h"
#include "services/rpc/trace.h"
#include "services/submission/committer.h"

namespace fiscal::services {

class Upstream {
 public:
  // Numbers of fiscal.federation.v1.UpstreamState.
  enum class State : uint8_t { kNone, kConnecting, kFollowing, kBlocked, kStopped, kRefused };
  struct Status {
    State state = State::kConnecting;
    std::string message;
    domain::Moment head;
    // The time of its last answer; InfinitePast for never.
    absl::Time heard = absl::InfinitePast();
  };

  Upstream(std::string name, std::string address,
           const std::shared_ptr<grpc::ChannelCredentials>& credentials, Committer& committer);
  ~Upstream();
  // Idempotent.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  const std::string& name() const { return name_; }
  const std::string& address() const { return address_; }
  Status status() const ABSL_LOCKS_EXCLUDED(mu_);
  federation::v1::FederationService::Stub& stub() const { return *stub_; }

 private:
  void Run();
  // Follows until the stream ends or something is refused.
  absl::Status Follow();
  void Say(State state, std::string message) ABSL_LOCKS_EXCLUDED(mu_);

  const std::string name_;
  const std::string address_;
  // The trace of the call under way. Used by the thread alone.
  TraceContext trace_;
  Committer& committer_;
  const std::unique_ptr<federation::v1::FederationService::Stub> stub_;
  mutable absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  Status status_ ABSL_GUARDED_BY(mu_);
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mu_) = nullptr;
  std::thread thread_;
};

// connecting, following, blocked, stopped, refused.
absl::string_view NameOf(Upstream::State state);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_FEDERATION_UPSTREAM_H_
