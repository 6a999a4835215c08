// The outside of a process: the API at its door, and the operator's HTTP.
//
//   callers ---> Door --> RecoveryDoor, then gRPC's server --> services of Writer, Reader, ...
//   operator --> HttpListener --> AdminPages
//   SelfProbe -> Door: whether the own address answers
//
// Every role has one. The address is listened on from Open to EndCalls: while the process recovers,
// calls are answered RECOVERING. Thread-safe after Start.
#ifndef FISCAL_SERVICES_SERVER_EDGE_H_
#define FISCAL_SERVICES_SERVER_EDGE_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "domain/catalog.h"
#include "domain/event.h"
#include "grpcpp/impl/codegen/service_type.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "services/admin/system_parts.h"
#include "services/door/door.h"
#include "services/door/self_probe.h"
#include "services/ledger/authority.h"
#include "services/ops/admin_pages.h"
#include "services/ops/call_monitor.h"
#include "services/ops/http_listener.h"
#include "services/ops/periodic.h"
#include "services/ops/recovery_door.h"
#include "services/rpc/call.h"
#include "services/rpc/gate.h"
#include "services/rpc/identities.h"
#include "services/rpc/read_executor.h"
#include "services/server/process.h"

namespace fiscal::services {

class Edge {
 public:
  struct Options {
    // Full names of the services that will be added, for health.
    std::vector<std::string> service_names;
    // The event before which totals stand still, or 0. Called once serving, from any thread.
    std::function<domain::Position()> stopped_at;
  };

  // Answers operators, and callers with RECOVERING. FAILED_PRECONDITION, INVALID_ARGUMENT: an
  // address can't be listened on. REQUIRES: `process` outlives the result.
  static absl::StatusOr<std::unique_ptr<Edge>> Open(Process& process, Options options);
  // The bounds of callers, for services.
  rpc::Calls& calls() { return *calls_; }
  // Says what callers are let in by. REQUIRES: before Start; it outlives the edge's calls.
  void LetInBy(const Authority& authority, const storage::EventLog& log,
               std::function<std::shared_ptr<const domain::Catalog>()> catalog);
  // Adds a service. REQUIRES: before Start; what the service uses outlives the edge.
  void Add(std::unique_ptr<grpc::Service> service) { services_.push_back(std::move(service)); }
  // Takes calls.
  absl::Status Start();

  // Says that it is going, and waits as long as balancers need to hear of it.
  void Leave();
  // Takes no new calls and waits for those that are open, as long as they may take.
  void EndCalls();
  // Ends the threads of calls. REQUIRES: EndCalls, and what calls wait for has ended.
  void Stop();

  int port() const { return door_->port(); }
  // 0 when there is no operator's HTTP.
  int admin_port() const { return admin_ == nullptr ? 0 : admin_->port(); }

  void Show(SystemParts* parts) const;

 private:
  Edge(Process& process, Options options);
  absl::Status ListenForOperator();
  AdminPages::Health Health() const;
  absl::Status OpenDoor();
  void MakeCalls();
  // Looks whether who is let in is let in still.
  void LookAtRights();
  void SetHealth(bool serving);
  // Tries the own address from now on, for /healthz and /readyz.
  void ProbeFromNowOn();
  // Says why the own address is dead; empty while it is not. One try that fails is no death: the
  // handshake may wait behind much work.
  std::string WhyDead() const ABSL_LOCKS_EXCLUDED(probe_mu_);

  Process& process_;
  const config::v1::ServerConfig& config_;
  const Options options_;
  const AdminPages pages_;
  OpenCalls open_calls_;
  std::shared_ptr<grpc::ServerCredentials> credentials_;
  // Destroyed from the bottom up: who asks from outside, gRPC, the door that handed it connections,
  // services, and what they count and run calls with.
  // Null where callers show no certificates.
  std::unique_ptr<rpc::Identities> identities_;
  rpc::Gate gate_;
  std::unique_ptr<rpc::ReadExecutor> executor_;
  std::unique_ptr<rpc::Calls> calls_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<Door> door_;
  std::unique_ptr<SelfProbe> probe_;
  mutable absl::Mutex probe_mu_;
  absl::Time answered_ ABSL_GUARDED_BY(probe_mu_) = absl::InfiniteFuture();
  std::string unanswered_ ABSL_GUARDED_BY(probe_mu_);
  std::unique_ptr<Periodic> probe_period_;
  const storage::EventLog* log_ = nullptr;
  // Only the thread of `rights_period_` uses these.
  std::shared_ptr<const storage::OperatorEvents> rights_seen_;
  absl::Time rights_looked_ = absl::InfinitePast();
  bool somebody_told_ = false;
  std::unique_ptr<Periodic> rights_period_;
  // Answers until Start, and `server_` from then on.
  std::unique_ptr<RecoveryDoor> recovery_;
  std::unique_ptr<grpc::Server> server_;
  // Null without server.admin_listen.
  std::unique_ptr<HttpListener> admin_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_SERVER_EDGE_H_
