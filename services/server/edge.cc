#include "services/server/edge.h"

#include <systemd/sd-daemon.h>

#include <thread>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "grpc/grpc.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/health_check_service_interface.h"
#include "services/admin/system_status.h"
#include "services/door/message_counter.h"
#include "services/ops/reflection_rpc.h"
#include "services/rpc/credentials.h"
#include "services/rpc/raw.h"

namespace fiscal::services {
namespace {

// How often the own address is tried, for how long, and after how long without an answer it is
// dead.
constexpr absl::Duration kProbeInterval = absl::Seconds(1), kProbeLimit = absl::Seconds(3),
                         kDeadAfter = absl::Seconds(10);
// How often it is asked whether rights changed, and after how long streams are looked at anyway.
constexpr absl::Duration kRightsInterval = absl::Seconds(1), kRightsLife = absl::Seconds(60);

}  // namespace

Edge::Edge(Process& process, Options options)
    : process_(process),
      config_(process.config()),
      options_(std::move(options)),
      pages_(process.metrics(), process.role(), [this] { return Health(); }) {}

absl::StatusOr<std::unique_ptr<Edge>> Edge::Open(Process& process, Options options) {
  auto edge = absl::WrapUnique(new Edge(process, std::move(options)));
  FISCAL_RETURN_IF_ERROR(edge->ListenForOperator());
  FISCAL_RETURN_IF_ERROR(edge->OpenDoor());
  edge->MakeCalls();
  return edge;
}

absl::Status Edge::ListenForOperator() {
  if (config_.admin_listen().empty()) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<HttpListener>> admin = HttpListener::Start(
      config_.admin_listen(), HttpListener::Options(),
      [this](const HttpListener::Request& request) { return pages_.Answer(request); });
  if (!admin.ok())
    return absl::Status(admin.status().code(),
                        absl::StrCat("server.admin_listen: ", admin.status().message()));
  admin_ = *std::move(admin);
  // Until there is more to say.
  process_.metrics().SetSampler(
      [role = process_.role()](Samples* out) { SampleIdentity(role, /*ready=*/false, out); });
  return absl::OkStatus();
}

AdminPages::Health Edge::Health() const {
  using Phase = Process::Phase;
  AdminPages::Health health;
  const Phase phase = process_.phase();
  health.dead = phase == Phase::kDraining ? "" : WhyDead();
  health.ready = phase == Phase::kServing;
  const domain::Position stopped = health.ready ? options_.stopped_at() : domain::Position();
  health.state = !stopped.zero() ? absl::StrCat("ready, but totals stand still before event ",
                                                stopped.value(), ": fiscal admin status")
                 : health.ready  ? "ready"
                 : phase == Phase::kDraining ? "draining"
                                             : absl::StrCat("recovering: ", process_.Progress());
  return health;
}

absl::Status Edge::OpenDoor() {
  credentials_ = rpc::ServerCredentials(config_.tls());
  const std::string& listen = config_.listen();
  const config::v1::DoorConfig& bounds = config_.door();
  FISCAL_ASSIGN_OR_RETURN(
      door_,
      Door::Open(listen, {bounds.connections_max(), bounds.connections_per_address_max(),
                          bounds.streams_max(), bounds.untaken_bytes_max(), ResidentBytes,
                          [this] { return static_cast<int64_t>(process_.memory().reserved()); }}));
  // A free port is known to no caller before the process says it.
  if (absl::EndsWith(listen, ":0")) return absl::OkStatus();
  FISCAL_ASSIGN_OR_RETURN(recovery_, RecoveryDoor::Open(*door_, bounds.streams_max(), credentials_,
                                                        options_.service_names,
                                                        [this] { return process_.Progress(); }));
  ProbeFromNowOn();
  return absl::OkStatus();
}

void Edge::MakeCalls() {
  const config::v1::ReadsConfig& reads = config_.reads();
  rpc::ReadExecutor::Options lanes;
  lanes.threads[static_cast<size_t>(rpc::Lane::kPoint)] =
      static_cast<size_t>(reads.point_threads());
  lanes.threads[static_cast<size_t>(rpc::Lane::kHeavy)] =
      static_cast<size_t>(reads.heavy_threads());
  lanes.queue_max = static_cast<size_t>(reads.queue_max());
  lanes.queue_per_caller_max = static_cast<size_t>(reads.queue_per_caller_max());
  executor_ = std::make_unique<rpc::ReadExecutor>(lanes);
  const config::v1::CallersConfig& callers = config_.callers();
  rpc::Calls::Options bounds;
  bounds.calls_max = static_cast<size_t>(callers.calls_max());
  bounds.streams_max = static_cast<size_t>(callers.streams_max());
  bounds.watches_max = static_cast<size_t>(callers.watches_max());
  bounds.cost_max = static_cast<uint64_t>(reads.cost_max());
  calls_ = std::make_unique<rpc::Calls>(
      rpc::Calls::Parts{process_.clock(), *executor_, gate_, process_.tokens(), process_.audit()},
      bounds);
  const config::v1::TlsConfig& tls = config_.tls();
  if (!tls.client_ca_file().empty()) {
    identities_ = std::make_unique<rpc::Identities>(
        process_.clock(), rpc::Identities::Options{tls.client_ca_file(), tls.client_crl_file()});
  }
}

void Edge::LetInBy(const Authority& authority, const storage::EventLog& log,
                   std::function<std::shared_ptr<const domain::Catalog>()> catalog) {
  log_ = &log;
  gate_.Open({identities_.get(), &authority, &log, std::move(catalog)});
}

void Edge::LookAtRights() {
  const bool files = identities_ != nullptr && identities_->Refresh();
  std::shared_ptr<const storage::OperatorEvents> rights = log_->operators();
  const absl::Time now = absl::Now();
  // The catalog, and the ends of certificates, change no file.
  const bool began = calls_->StreamBegan();
  if (!files && !began && rights == rights_seen_ && !somebody_told_ &&
      now - rights_looked_ < kRightsLife) {
    return;
  }
  rights_seen_ = std::move(rights);
  rights_looked_ = now;
  somebody_told_ = calls_->LookAgain();
}

void Edge::ProbeFromNowOn() {
  if (probe_ != nullptr) return;
  const config::v1::TlsConfig& tls = config_.tls();
  probe_ = SelfProbe::Make(config_.listen(), *door_,
                           tls.certificate_file().empty() ? SelfProbe::Tls::kNone
                           : tls.client_ca_file().empty() ? SelfProbe::Tls::kAnonymous
                                                          : SelfProbe::Tls::kAsksForCertificates);
  {
    absl::MutexLock lock(&probe_mu_);
    answered_ = absl::Now();
  }
  probe_period_ = std::make_unique<Periodic>(kProbeInterval, [this] {
    const absl::Status status = probe_->Look(kProbeLimit);
    absl::MutexLock lock(&probe_mu_);
    if (status.ok()) {
      answered_ = absl::Now();
    } else {
      unanswered_ = std::string(status.message());
    }
  });
}

std::string Edge::WhyDead() const {
  absl::MutexLock lock(&probe_mu_);
  if (absl::Now() - answered_ < kDeadAfter) return "";
  return unanswered_.empty() ? "no try has ended" : unanswered_;
}

void Edge::SetHealth(bool serving) {
  grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
  for (const std::string& name : options_.service_names) health->SetServingStatus(name, serving);
  // The process as a whole.
  health->SetServingStatus("", serving);
}

absl::Status Edge::Start() {
  const config::v1::LogConfig& lines = config_.log();
  CallMonitorOptions monitor;
  monitor.lines = lines.calls() == "all"    ? CallLines::kAll
                  : lines.calls() == "none" ? CallLines::kNone
                                            : CallLines::kFailed;
  monitor.slow = absl::Milliseconds(lines.slow_call_millis());
  monitor.caller = [this](const grpc::ServerContextBase& context) {
    return gate_.Identify(context);
  };
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(static_cast<int>(rpc::kUnaryBytesMax));
  // A compressed message is inflated before its size is looked at.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> creators;
  creators.push_back(MakeMessageCounter(*door_));
  creators.push_back(
      MakeCallMonitor(process_.metrics(), open_calls_, options_.service_names, monitor));
  builder.experimental().SetInterceptorCreators(std::move(creators));
  Door::Taker taker = AddDoor(config_.door().streams_max(), credentials_, &builder);
  // The shapes of what callers may not ask are not for everybody either.
  if (gate_.authority()->mode() != Authority::Mode::kEnforce)
    services_.push_back(MakeReflectionService(options_.service_names));
  for (const std::unique_ptr<grpc::Service>& service : services_)
    builder.RegisterService(service.get());
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) return absl::InternalError("gRPC's server does not start");
  SetHealth(true);
  rights_period_ = std::make_unique<Periodic>(kRightsInterval, [this] { LookAtRights(); });
  // Connections that come in between wait until the door hands them on.
  recovery_.reset();
  door_->HandTo(std::move(taker));
  ProbeFromNowOn();
  return absl::OkStatus();
}

void Edge::Leave() {
  probe_period_.reset();
  rights_period_.reset();
  if (server_ == nullptr) return;
  sd_notify(0, "STOPPING=1\nSTATUS=draining");
  SetHealth(false);
  if (config_.drain().delay_seconds() > 0)
    absl::SleepFor(absl::Seconds(config_.drain().delay_seconds()));
}

void Edge::EndCalls() {
  door_->Close();
  if (server_ == nullptr) return;
  const absl::Time deadline = absl::Now() + absl::Seconds(config_.drain().seconds());
  std::thread shutdown([this, deadline] { server_->Shutdown(absl::ToChronoTime(deadline)); });
  while (open_calls_.count() > 0 && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(5));
  // Shutdown also waits for connections without calls, and an idle gRPC client may take five
  // seconds to hear that its own ends: it is not waited for.
  grpc_server_cancel_all_calls(server_->c_server());
  shutdown.join();
}

void Edge::Stop() {
  if (server_ != nullptr) server_->Wait();
  executor_->Stop();
}

void Edge::Show(SystemParts* parts) const {
  parts->door = door_.get();
  parts->calls = calls_.get();
}

}  // namespace fiscal::services
