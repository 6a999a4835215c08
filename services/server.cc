#include "services/server.h"

#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/version.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "fiscal/audit/v1/audit_service.grpc.pb.h"
#include "fiscal/authority/v1/authority_service.grpc.pb.h"
#include "fiscal/catalog/v1/catalog_service.grpc.pb.h"
#include "fiscal/disclosure/v1/disclosure_service.grpc.pb.h"
#include "fiscal/federation/v1/federation_service.grpc.pb.h"
#include "fiscal/log/v1/event_log_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "google/protobuf/stubs/logging.h"
#include "grpc/support/log.h"
#include "services/admin/admin_rpc.h"
#include "services/admin/scrubber.h"
#include "services/admin/system_parts.h"
#include "services/admin/system_status.h"
#include "services/audit/audit_rpc.h"
#include "services/authority/authority_rpc.h"
#include "services/config/config.h"
#include "services/door/self_probe.h"
#include "services/federation/federation_rpc.h"
#include "services/ledger/authority.h"
#include "services/log/log_copier.h"
#include "services/log/log_feed.h"
#include "services/log/log_rpc.h"
#include "services/log/signer.h"
#include "services/ops/periodic.h"
#include "services/server/edge.h"
#include "services/server/process.h"
#include "services/server/reader.h"
#include "services/server/stores.h"
#include "services/server/writer.h"
#include "storage/rocks/log_directory.h"

// Settings of jemalloc, where it is linked: unused pages go back to the system within 5 s, by a
// thread of its own. A flood leaves many, and a process that is idle after it would keep them.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "background_thread:true,dirty_decay_ms:5000,muzzy_decay_ms:0";
}

namespace fiscal::services {
namespace {

// How often disk and clock are looked at.
constexpr absl::Duration kLookInterval = absl::Seconds(1);

std::vector<std::string> ServiceNames(const config::v1::ServeConfig& config) {
  std::vector<std::string> names = {log::v1::EventLogService::service_full_name(),
                                    federation::v1::FederationService::service_full_name(),
                                    authority::v1::AuthorityService::service_full_name(),
                                    admin::v1::AdminService::service_full_name()};
  if (ServerOf(config).audit().enabled())
    names.push_back(audit::v1::AuditService::service_full_name());
  if (SubmissionOf(config) != nullptr) {
    names.push_back(submission::v1::SubmissionService::service_full_name());
    names.push_back(catalog::v1::CatalogService::service_full_name());
  }
  if (AggregationOf(config) != nullptr) {
    names.push_back(aggregation::v1::AggregationService::service_full_name());
    names.push_back(disclosure::v1::DisclosureService::service_full_name());
  }
  return names;
}

// The role of a process is which of its parts exist. A part exists as a whole, once it is open.
class ServerImpl final : public Server {
 public:
  explicit ServerImpl(const config::v1::ServeConfig& config) : config_(config) {}
  ~ServerImpl() override { Stop(); }

  absl::Status Open(const std::function<void()>& before_serving) {
    FISCAL_RETURN_IF_ERROR(Check(config_));
    FISCAL_ASSIGN_OR_RETURN(process_, Process::Open(config_));
    FISCAL_ASSIGN_OR_RETURN(edge_,
                            Edge::Open(*process_, {ServiceNames(config_), [this] {
                                                     return reader_ == nullptr
                                                                ? domain::Position{}
                                                                : reader_->projector().stopped_at();
                                                   }}));
    FISCAL_RETURN_IF_ERROR(Recover());
    if (before_serving) before_serving();
    // Before anything acts by itself, which may end the process.
    process_->Mark();
    Connect();
    // Must precede Edge::Start: GetStatus reads parts_.
    FillParts();
    FISCAL_RETURN_IF_ERROR(edge_->Start());
    housekeeping_ = std::make_unique<Periodic>(kLookInterval, [this] {
      process_->LookAtDisk();
      if (writer_ != nullptr) writer_->LookAtClock();
      process_->tokens().Renew();
    });
    if (reader_ != nullptr) reader_->Start();
    process_->metrics().SetSampler(
        [this](Samples* out) { ToSamples(StatusOf(parts_, process_->ready()), out); });
    process_->Enter(Process::Phase::kServing);
    return absl::OkStatus();
  }

  int port() const override { return edge_ == nullptr ? 0 : edge_->port(); }
  int admin_port() const override { return edge_ == nullptr ? 0 : edge_->admin_port(); }
  const rpc::Calls& calls() const override { return edge_->calls(); }

  void Stop() override {
    if (stopped_ || process_ == nullptr) return;
    stopped_ = true;
    const bool served = process_->ready();
    process_->Enter(Process::Phase::kDraining);
    if (edge_ != nullptr) edge_->Leave();
    // No new work, then what is open is told to end, in the order of the way of a line item; then
    // what it uses.
    if (copier_ != nullptr) copier_->Stop();
    if (writer_ != nullptr) writer_->Drain();
    process_->drain().Drain();
    if (scrubber_ != nullptr) scrubber_->Stop();
    if (stores_ != nullptr) stores_->Drain();
    if (reader_ != nullptr) reader_->Drain();
    if (edge_ != nullptr) edge_->EndCalls();
    if (writer_ != nullptr) writer_->Stop();
    if (reader_ != nullptr) reader_->StopFolding();
    if (edge_ != nullptr) edge_->Stop();
    if (reader_ != nullptr) reader_->StopWatches();
    // The state is not asked for while the parts are taken apart.
    housekeeping_.reset();
    process_->metrics().SetSampler(nullptr);
    if (reader_ != nullptr) reader_->Stop();
    if (stores_ != nullptr) stores_->Stop();
    process_->MarkStopping(served);
  }

 private:
  // Makes the stores and what is computed from them.
  absl::Status Recover() {
    FISCAL_ASSIGN_OR_RETURN(stores_, Stores::Open(config_, *process_));
    authority_ = std::make_unique<Authority>(stores_->log(), AuthorityOptions());
    if (const config::v1::SubmissionConfig* submission = SubmissionOf(config_)) {
      absl::StatusOr<std::unique_ptr<Writer>> writer =
          Writer::Open(*submission, *process_, *stores_, *edge_, *authority_);
      FISCAL_RETURN_IF_ERROR(storage::WithNextStep(writer.status()));
      writer_ = *std::move(writer);
    }
    if (const config::v1::AggregationConfig* aggregation = AggregationOf(config_)) {
      absl::StatusOr<std::unique_ptr<Reader>> reader =
          Reader::Open(*aggregation, *process_, *stores_, *edge_);
      FISCAL_RETURN_IF_ERROR(storage::WithNextStep(reader.status()));
      reader_ = *std::move(reader);
    }
    return absl::OkStatus();
  }

  // Follows the systems that this one reads from, and makes the services that tell of the log and
  // of them.
  void Connect() {
    MakeScrubber();
    if (writer_ != nullptr) {
      writer_->Start();
    } else {
      copier_ = std::make_unique<LogCopier>(
          config_.aggregation().log(), process_->peer_credentials(), stores_->log(),
          stores_->directory().kv(), process_->disk(), [this](const absl::Status& status) {
            process_->End(StopReason::kCopyFailed,
                          absl::StrCat("the log can't be copied: ", status.ToString()));
          });
    }
    OpenSigner();
    log_feed_ = std::make_unique<LogFeed>(stores_->log(), LogFeed::Options());
    AddServices();
  }

  void MakeScrubber() {
    storage::LogDirectory& directory = stores_->directory();
    Scrubber::Parts stored{{{"log", &directory.log_store()}, {"ledger", &directory.ledger_store()}},
                           &directory.log(),
                           &directory.log_store(),
                           &directory.anchor()};
    if (reader_ != nullptr) stored.stores.push_back({"totals", &reader_->store()});
    scrubber_ = std::make_unique<Scrubber>(std::move(stored),
                                           process_->config().storage().scrub_bytes_per_second());
  }

  // The key's public half is said in the log the first time, so that another one is seen; a copy
  // has it beside the key alone.
  void OpenSigner() {
    const storage::EventLog& log = stores_->log();
    const bool writes = writer_ != nullptr;
    const std::string recorded = writes ? writer_->recorded_key() : std::string();
    signer_ = std::make_unique<Signer>(process_->config().data_dir(), log.log_id(), recorded,
                                       /*first_start=*/!writes || log.head().position.zero());
    const absl::StatusOr<SigningKey> key = signer_->key();
    if (writes && recorded.empty() && key.ok()) writer_->Record(*key);
  }

  // Adds the services that every role has, with null for what this role lacks.
  void AddServices() {
    const storage::EventLog& log = stores_->log();
    Runner* runner = nullptr;
    Verifier* verifier = nullptr;
    const Projector* projector = nullptr;
    if (reader_ != nullptr) {
      runner = &reader_->runner();
      verifier = &reader_->verifier();
      projector = &reader_->projector();
    }
    const Intake* intake = nullptr;
    Committer* committer = nullptr;
    std::vector<Upstream*> upstreams;
    if (writer_ != nullptr) {
      intake = &writer_->intake();
      committer = &writer_->committer();
      upstreams = writer_->upstreams();
    }
    rpc::Calls& calls = edge_->calls();
    edge_->LetInBy(*authority_, log, Catalogs());
    edge_->Add(MakeEventLogService(calls, *log_feed_, *signer_, *authority_, Catalogs()));
    if (process_->audit() != nullptr) edge_->Add(MakeAuditService(calls, *process_->audit()));
    edge_->Add(
        MakeFederationService(calls, {*log_feed_, log, runner, intake, std::move(upstreams),
                                      *signer_, process_->clock(), *authority_, Catalogs()}));
    edge_->Add(MakeAuthorityService(calls, {*authority_, log, committer, Catalogs()}));
    edge_->Add(
        MakeAdminService(calls, {verifier, *scrubber_, process_->drain(), log, *signer_, projector,
                                 committer, [this](admin::v1::GetStatusResponse* out) {
                                   ToAnswer(StatusOf(parts_, process_->ready()), out);
                                 }}));
  }

  Authority::Options AuthorityOptions() const {
    Authority::Options options;
    const std::string mode = AuthorityModeOf(process_->config());
    options.mode = mode == "enforce" ? Authority::Mode::kEnforce
                   : mode == "log"   ? Authority::Mode::kLog
                                     : Authority::Mode::kOff;
    for (const config::v1::AdminConfig& admin : process_->config().authority().admins())
      options.admins.push_back(admin.principal());
    std::vector<authority::Shares::Change> changes;
    for (const config::v1::ShareConfig& share : process_->config().shares()) {
      changes.push_back({share.role(),
                         share.principal(),
                         {share.calls(), share.streams(), share.watches(),
                          share.requests_per_second(), share.cost_per_second()}});
    }
    options.shares = authority::Shares(changes);
    options.would_deny = [audit = process_->audit()](absl::string_view principal,
                                                     const absl::Status& refusal) {
      logging::Warning("would be denied", {{"principal", principal}, {"why", refusal.message()}});
      if (audit == nullptr) return;
      domain::AuditEntry entry;
      entry.outcome = domain::AuditOutcome::kWouldDeny;
      entry.principal = std::string(principal);
      entry.reason = std::string(domain::InfoOf(domain::Reason::kRightNotGranted).id);
      for (const auto& [key, value] : domain::Explain(refusal).refusal.metadata) {
        if (key == "right") entry.missing_verb = absl::StrCat("VERB_", value);
        if (key == "scope") entry.scope = value;
      }
      audit->Record(std::move(entry));
    };
    return options;
  }

  // The catalog as it stands, from whoever knows it first.
  std::function<std::shared_ptr<const domain::Catalog>()> Catalogs() const {
    return [this] {
      return writer_ != nullptr ? writer_->intake().catalog() : reader_->projector().catalog();
    };
  }

  void FillParts() {
    parts_.recovery = absl::Now() - start_;
    parts_.start = start_;
    if (config_.has_aggregation()) parts_.log_source = config_.aggregation().log();
    process_->Show(&parts_);
    stores_->Show(&parts_);
    if (writer_ != nullptr) writer_->Show(&parts_);
    if (reader_ != nullptr) reader_->Show(&parts_);
    edge_->Show(&parts_);
    parts_.copier = copier_.get();
    parts_.signer = signer_.get();
    parts_.scrubber = scrubber_.get();
  }

  const config::v1::ServeConfig config_;
  const absl::Time start_ = absl::Now();
  bool stopped_ = false;
  // Destroyed from the bottom up: gRPC and what asks on its own before what they use, users before
  // stores, the process with its lock last.
  std::unique_ptr<Process> process_;
  std::unique_ptr<Stores> stores_;
  std::unique_ptr<Authority> authority_;
  // Null in the role `aggregation`.
  std::unique_ptr<Writer> writer_;
  // Null in the role `submission`.
  std::unique_ptr<Reader> reader_;
  // Users of the log in every role: one goes over it, one signs it, one gives it to others.
  std::unique_ptr<Scrubber> scrubber_;
  // Null in roles that write the log.
  std::unique_ptr<LogCopier> copier_;
  std::unique_ptr<Signer> signer_;
  std::unique_ptr<LogFeed> log_feed_;
  SystemParts parts_;
  std::unique_ptr<Periodic> housekeeping_;
  std::unique_ptr<Edge> edge_;
};

// Takes gRPC's own lines: those of failed handshakes are for the operator, the rest for debugging.
void TakeGrpcLine(gpr_log_func_args* line) {
  const bool handshake =
      absl::StrContains(line->message, "Handshake failed") && !SelfProbe::TakeUnfinished();
  logging::Write(handshake ? logging::Level::kInfo : logging::Level::kDebug, "grpc",
                 {{"says", line->message}});
}

// Opens as many files as the system lets this user: shells and containers begin with few.
void RaiseOpenFiles() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

logging::Level LevelOf(const std::string& name) {
  return name == "debug"     ? logging::Level::kDebug
         : name == "warning" ? logging::Level::kWarning
         : name == "error"   ? logging::Level::kError
                             : logging::Level::kInfo;
}

// The exit code that tells supervisors and scripts why a start failed: docs/operations.md.
int ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
      return 2;
    case absl::StatusCode::kUnavailable:
      return 6;
    case absl::StatusCode::kDataLoss:
      return 8;
    case absl::StatusCode::kInternal:
      return 9;
    case absl::StatusCode::kResourceExhausted:
      return 10;
    default:
      return 1;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const config::v1::ServeConfig& config,
                                                      const std::function<void()>& before_serving) {
  auto server = std::make_unique<ServerImpl>(config);
  FISCAL_RETURN_IF_ERROR(server->Open(before_serving));
  return std::unique_ptr<Server>(std::move(server));
}

int Serve(const config::v1::ServeConfig& config) {
  // The packaged library looks for cycles among locks at each one taken, under a lock of all
  // threads. Tests look for them.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  // Blocked before any thread starts, so that all threads inherit it and sigwait gets the signal.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  // Ends the thread that waits for the others.
  sigaddset(&signals, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  RaiseOpenFiles();
  // A request that does not parse is answered with its field; protobuf's own lines about it would
  // only fill the log.
  google::protobuf::SetLogHandler(nullptr);
  gpr_set_log_function(TakeGrpcLine);
  const config::v1::LogConfig& lines = ServerOf(config).log();
  logging::Start({LevelOf(lines.level()), lines.format() == "json",
                  static_cast<size_t>(lines.queue_lines_max())});
  const absl::Time start = absl::Now();
  // Before calls are taken a signal ends the process at once: a recovery that is cut short is begun
  // anew.
  absl::Mutex mu;
  bool serving = false, asked = false;
  std::thread waiter([&] {
    int signal = 0;
    sigwait(&signals, &signal);
    absl::MutexLock lock(&mu);
    asked = true;
    if (serving || signal == SIGUSR1) return;
    logging::Info("stopped while recovering");
    logging::Stop();
    _exit(0);
  });
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(config, [&] {
    absl::MutexLock lock(&mu);
    serving = true;
  });
  if (!server.ok()) {
    pthread_kill(waiter.native_handle(), SIGUSR1);
    waiter.join();
    logging::Stop();
    std::fprintf(stderr, "fiscal serve: %s\n", std::string(server.status().message()).c_str());
    return ExitCodeOf(server.status());
  }
  logging::Info("serving", {{"version", Version()},
                            {"role", RoleName(config)},
                            {"authority", AuthorityModeOf(ServerOf(config))},
                            {"data_dir", ServerOf(config).data_dir()},
                            {"port", int64_t{(*server)->port()}},
                            {"admin_port", int64_t{(*server)->admin_port()}},
                            {"ready_after_ms", absl::ToInt64Milliseconds(absl::Now() - start)}});
  sd_notify(0, "READY=1\nSTATUS=serving");
  {
    absl::MutexLock lock(&mu);
    mu.Await(absl::Condition(&asked));
  }
  waiter.join();
  logging::Info("draining");
  (*server)->Stop();
  server->reset();
  logging::Info("stopped");
  logging::Stop();
  return 0;
}

}  // namespace fiscal::services
