// The side of a process that writes the log: `submission` of the configuration, come to life.
//
//   SubmissionService, CatalogService, upstreams --> Writer: Committer --> Intake --> Stores' log
//
// The roles `all` and `submission` have one. Thread-safe after Start.
#ifndef FISCAL_SERVICES_SERVER_WRITER_H_
#define FISCAL_SERVICES_SERVER_WRITER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/signing.h"
#include "fiscal/config/v1/config.pb.h"
#include "services/admin/system_parts.h"
#include "services/federation/upstream.h"
#include "services/ledger/decide/intake.h"
#include "services/server/edge.h"
#include "services/server/process.h"
#include "services/server/stores.h"
#include "services/submission/committer.h"

namespace fiscal::services {

class Writer {
 public:
  // Reads what the intake stands on, and adds the services to `edge`. REQUIRES: all outlive the
  // result, but `edge`, whose services end before it.
  static absl::StatusOr<std::unique_ptr<Writer>> Open(const config::v1::SubmissionConfig& config,
                                                      Process& process, Stores& stores, Edge& edge,
                                                      const Authority& authority);
  // Writes a line when writes begin or end to be refused for the clock. One thread at a time.
  void LookAtClock();
  // Follows the upstreams from now on.
  void Start();
  // Ends following upstreams.
  void Drain();
  // Finishes what is queued. Idempotent.
  void Stop();

  // The public key that the log names; empty when it names none.
  std::string recorded_key() const;
  // Makes the log name this key. What fails is said: the next start tries again.
  void Record(const SigningKey& key);

  const Intake& intake() const { return *intake_; }
  Committer& committer() { return *committer_; }
  std::vector<Upstream*> upstreams() const;

  void Show(SystemParts* parts) const;

 private:
  Writer(const config::v1::SubmissionConfig& config, Process& process, Stores& stores)
      : config_(config), process_(process), stores_(stores) {}
  void MakeCommitter();
  void AddServices(Edge& edge);

  const config::v1::SubmissionConfig& config_;
  Process& process_;
  Stores& stores_;
  // Destroyed from the bottom up: who submits, the queue, who decides.
  std::unique_ptr<Intake> intake_;
  std::unique_ptr<Committer> committer_;
  std::vector<std::unique_ptr<Upstream>> upstreams_;
  ClockGuard::State clock_state_ = ClockGuard::State::kRight;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_SERVER_WRITER_H_
