#include "services/server.h"

#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/version.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "fiscal/catalog/v1/catalog_service.grpc.pb.h"
#include "fiscal/disclosure/v1/disclosure_service.grpc.pb.h"
#include "fiscal/log/v1/event_log_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "google/protobuf/stubs/logging.h"
#include "grpc/grpc.h"
#include "grpc/support/log.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/health_check_service_interface.h"
#include "services/admin/admin_rpc.h"
#include "services/admin/system_status.h"
#include "services/aggregation/aggregation_rpc.h"
#include "services/aggregation/runner.h"
#include "services/catalog/catalog_rpc.h"
#include "services/config/config.h"
#include "services/disclosure/disclosure_rpc.h"
#include "services/door/door.h"
#include "services/door/message_counter.h"
#include "services/door/self_probe.h"
#include "services/federation/federation_rpc.h"
#include "services/federation/upstream.h"
#include "services/log/log_copier.h"
#include "services/log/log_rpc.h"
#include "services/ops/admin_http.h"
#include "services/ops/call_monitor.h"
#include "services/ops/data_lock.h"
#include "services/ops/disk_guard.h"
#include "services/ops/periodic.h"
#include "services/ops/recovery_door.h"
#include "services/ops/reflection_rpc.h"
#include "services/ops/stop_mark.h"
#include "services/rpc/call.h"
#include "services/rpc/credentials.h"
#include "services/rpc/drain.h"
#include "services/rpc/memory_budget.h"
#include "services/rpc/peer.h"
#include "services/rpc/raw.h"
#include "services/submission/submission_rpc.h"
#include "storage/anchor.h"
#include "storage/rocks/log_directory.h"
#include "storage/rocks/rocks_kv.h"
#include "storage/schema.h"

// What jemalloc, where it is linked, is told: pages that nobody uses go back to the system within 5
// s, by a thread of its own. A flood leaves many, and a process that is idle after it would keep
// them.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "background_thread:true,dirty_decay_ms:5000,muzzy_decay_ms:0";
}

namespace fiscal::services {
namespace {

// How often the disk is looked at, and the coverage deadlines.
constexpr absl::Duration kDiskInterval = absl::Seconds(1);
constexpr absl::Duration kCoverageInterval = absl::Minutes(1);
// How often the own address is tried, for how long, and after how long without an answer it is
// dead.
constexpr absl::Duration kProbeInterval = absl::Seconds(1), kProbeLimit = absl::Seconds(3),
                         kDeadAfter = absl::Seconds(10);
// Events folded between two words about how far recovery is.
constexpr int kEventsPerStep = 1024;
// Of the ledger, what is not written yet is made again after a crash: some two million lines of the
// log.
constexpr int64_t kLedgerWriteBufferBytes = 8 << 20;
constexpr absl::Duration kProgressInterval = absl::Seconds(2);

std::string RandomId() {
  std::random_device device;
  std::string id;
  for (int i = 0; i < 16; ++i) id.push_back(static_cast<char>(device() & 0xff));
  return id;
}

class ServerImpl final : public Server {
 public:
  explicit ServerImpl(const config::v1::ServeConfig& config)
      : config_(config), server_config_(ServerOf(config_)), role_(RoleName(config_)) {}
  ~ServerImpl() override { Stop(); }

  absl::Status Open(const std::function<void()>& before_serving) {
    FISCAL_RETURN_IF_ERROR(Check(config_));
    const std::string& dir = server_config_.data_dir();
    std::error_code error;
    std::filesystem::create_directories(dir, error);
    if (error)
      return absl::InvalidArgumentError(
          absl::StrCat("server.data_dir ", dir, ": ", error.message()));
    FISCAL_ASSIGN_OR_RETURN(lock_, DataLock::Take(dir));
    disk_ = std::make_unique<DiskGuard>(server_config_.disk().free_bytes_min(),
                                        server_config_.disk().free_bytes_margin(), MeasureOf(dir));
    LookAtDisk();
    const int64_t memory = server_config_.memory_bytes_max();
    memory_ = std::make_unique<rpc::MemoryBudget>(
        rpc::MemoryBudget::Options{memory == 0 ? rpc::MemoryLimit() : memory, ResidentBytes});
    FISCAL_RETURN_IF_ERROR(ListenForOperator());
    FISCAL_RETURN_IF_ERROR(OpenDoor());
    FISCAL_RETURN_IF_ERROR(Recover());
    if (before_serving) before_serving();
    // Before anything acts by itself, which may end the process.
    mark_ = std::make_unique<StopMark>(dir);
    FISCAL_RETURN_IF_ERROR(Connect());
    // From the moment that calls are taken they may ask for these.
    FillParts();
    FISCAL_RETURN_IF_ERROR(Listen());
    ProbeFromNowOn();
    housekeeping_ = std::make_unique<Periodic>(kDiskInterval, [this] { LookAtDisk(); });
    if (coverage_ != nullptr) {
      coverage_->Refresh();
      coverage_period_ =
          std::make_unique<Periodic>(kCoverageInterval, [this] { coverage_->Refresh(); });
    }
    metrics_.SetSampler([this](Samples* out) { SampleStatus(parts_, ready(), out); });
    phase_ = Phase::kServing;
    return absl::OkStatus();
  }

  int port() const override { return door_ == nullptr ? 0 : door_->port(); }
  int admin_port() const override { return admin_ == nullptr ? 0 : admin_->port(); }
  const rpc::Calls& calls() const override { return *calls_; }

  void Stop() override {
    if (stopped_) return;
    stopped_ = true;
    const bool served = phase_ == Phase::kServing;
    phase_ = Phase::kDraining;
    probe_period_.reset();
    if (served) {
      sd_notify(0, "STOPPING=1\nSTATUS=draining");
      SetHealth(false);
      if (server_config_.drain().delay_seconds() > 0)
        absl::SleepFor(absl::Seconds(server_config_.drain().delay_seconds()));
    }
    // No new work, then what is open is told to end, in the order of the way of a line item; then
    // what it uses.
    if (copier_ != nullptr) copier_->Stop();
    for (const auto& upstream : upstreams_) upstream->Stop();
    drain_.Drain();
    if (scrubber_ != nullptr) scrubber_->Stop();
    if (log_ != nullptr) log_->StopWaiting();
    if (runner_ != nullptr) runner_->Drain();
    if (hub_ != nullptr) hub_->Drain();
    if (door_ != nullptr) door_->Close();
    if (server_ != nullptr) EndCalls();
    if (committer_ != nullptr) committer_->Stop();
    if (runner_ != nullptr) runner_->Stop();
    if (server_ != nullptr) server_->Wait();
    if (executor_ != nullptr) executor_->Stop();
    if (hub_ != nullptr) hub_->Stop();
    // Nobody asks how things are while they are taken apart.
    housekeeping_.reset();
    coverage_period_.reset();
    metrics_.SetSampler(nullptr);
    if (projector_ != nullptr) {
      const absl::Status flushed = projector_->Flush();
      if (!flushed.ok())
        logging::Warning("totals were not flushed and will be folded again",
                         {{"status", flushed.ToString()}});
    }
    if (directory_ != nullptr) {
      const absl::Status settled = directory_->Settle();
      if (!settled.ok())
        logging::Warning("the log was not settled; its write-ahead files are needed",
                         {{"status", settled.ToString()}});
    }
    if (mark_ != nullptr) mark_->Stopping(served ? StopReason::kDrained : mark_->previous());
  }

 private:
  enum class Phase { kRecovering, kServing, kDraining };

  bool ready() const { return phase_ == Phase::kServing; }

  // The one deliberate end of the process outside main: what is on disk is the truth, a restart
  // finds it.
  void EndProcess(StopReason reason, const std::string& why) {
    logging::Critical("stopping at once", {{"why", why}});
    if (mark_ != nullptr) mark_->Stopping(reason);
    logging::Stop();
    std::fflush(nullptr);
    _exit(70);
  }

  // Takes no new calls and waits for those that are open, as long as they may take.
  void EndCalls() {
    const absl::Time deadline = absl::Now() + absl::Seconds(server_config_.drain().seconds());
    std::thread shutdown([this, deadline] { server_->Shutdown(absl::ToChronoTime(deadline)); });
    while (open_calls_.count() > 0 && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(5));
    // Shutdown also waits for connections without calls, and an idle gRPC client may take five
    // seconds to hear that its own ends: it is not waited for.
    grpc_server_cancel_all_calls(server_->c_server());
    shutdown.join();
  }

  void LookAtDisk() {
    if (!disk_->Check()) return;
    const DiskGuard::Space space = disk_->space();
    logging::Write(disk_->low() ? logging::Level::kError : logging::Level::kInfo,
                   disk_->low() ? "the disk is nearly full: writes are refused"
                                : "the disk has room again: writes are taken",
                   {{"free_bytes", space.free_bytes},
                    {"free_bytes_min", disk_->free_bytes_min()},
                    {"data_dir", server_config_.data_dir()}});
  }

  absl::Status ListenForOperator() {
    if (server_config_.admin_listen().empty()) return absl::OkStatus();
    absl::StatusOr<std::unique_ptr<AdminHttp>> admin =
        AdminHttp::Start(server_config_.admin_listen(),
                         [this](const std::string& path) { return AnswerOperator(path); });
    if (!admin.ok())
      return absl::Status(admin.status().code(),
                          absl::StrCat("server.admin_listen: ", admin.status().message()));
    admin_ = *std::move(admin);
    // Until there is more to say.
    metrics_.SetSampler([this](Samples* out) {
      SystemParts parts;
      parts.role = role_;
      SampleIdentity(parts, /*ready=*/false, out);
    });
    return absl::OkStatus();
  }

  AdminHttp::Answer AnswerOperator(const std::string& path) {
    AdminHttp::Answer answer;
    if (path == "/healthz" || path == "/readyz") {
      const Phase phase = phase_;
      const bool health = path == "/healthz";
      const std::string dead = phase == Phase::kDraining ? "" : WhyDead();
      answer.status = dead.empty() && (health || phase == Phase::kServing) ? 200 : 503;
      const domain::Position stopped =
          phase == Phase::kServing && projector_ != nullptr ? projector_->stopped_at() : 0;
      answer.body = !dead.empty()
                        ? absl::StrCat("the API does not answer at its own address: ", dead, "\n")
                    : health       ? "ok\n"
                    : stopped != 0 ? absl::StrCat("ready, but totals stand still before event ",
                                                  stopped, ": fiscal admin status\n")
                    : phase == Phase::kServing  ? "ready\n"
                    : phase == Phase::kDraining ? "draining\n"
                                                : absl::StrCat("recovering: ", Progress(), "\n");
    } else if (path == "/metrics") {
      answer.content_type = std::string(Metrics::ContentType());
      answer.body = metrics_.Scrape();
    } else if (path == "/buildinfo") {
      answer.content_type = "application/json";
      answer.body = absl::StrCat("{\"version\":", logging::JsonString(Version()),
                                 ",\"role\":", logging::JsonString(role_), "}\n");
    } else {
      answer.status = 404;
      answer.body = "/healthz /readyz /metrics /buildinfo\n";
    }
    return answer;
  }

  std::string Progress() const {
    const uint64_t to = recover_to_, at = recover_at_;
    if (to == 0) return "opening the stores";
    return absl::StrCat(recovering_.load(), ": event ", at, " of ", to);
  }

  absl::Status OpenDoor() {
    server_credentials_ = rpc::ServerCredentials(server_config_.tls());
    peer_credentials_ = rpc::PeerCredentials(server_config_.peer_tls());
    const std::string& listen = server_config_.listen();
    const config::v1::DoorConfig& bounds = server_config_.door();
    FISCAL_ASSIGN_OR_RETURN(
        door_, Door::Open(listen, {bounds.connections_max(), bounds.connections_per_address_max(),
                                   bounds.streams_max(), bounds.untaken_bytes_max(), ResidentBytes,
                                   [this] { return static_cast<int64_t>(memory_->reserved()); }}));
    // Nobody knows a free port before he is told.
    if (absl::EndsWith(listen, ":0")) return absl::OkStatus();
    FISCAL_ASSIGN_OR_RETURN(recovery_,
                            RecoveryDoor::Open(*door_, bounds.streams_max(), server_credentials_,
                                               ServiceNames(), [this] { return Progress(); }));
    ProbeFromNowOn();
    return absl::OkStatus();
  }

  // Whether the own address answers, for /healthz and /readyz.
  void ProbeFromNowOn() {
    if (probe_ != nullptr) return;
    const config::v1::TlsConfig& tls = server_config_.tls();
    probe_ = SelfProbe::Make(server_config_.listen(), *door_,
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

  // Empty while it is not. One try that fails is no death: the handshake may wait behind much work.
  std::string WhyDead() const ABSL_LOCKS_EXCLUDED(probe_mu_) {
    absl::MutexLock lock(&probe_mu_);
    if (absl::Now() - answered_ < kDeadAfter) return "";
    return unanswered_.empty() ? "no try has ended" : unanswered_;
  }

  storage::RocksOptions StoreOptions(int64_t write_buffer_bytes) const {
    storage::RocksOptions options;
    options.block_cache = cache_;
    options.write_buffer_bytes = static_cast<size_t>(write_buffer_bytes);
    return options;
  }

  // Of a store that is made from the log. Damage found while it is in use ends the process; the
  // next one makes it anew.
  storage::RocksOptions DerivedOptions(const std::string& name, int64_t write_buffer_bytes) {
    storage::RocksOptions options = StoreOptions(write_buffer_bytes);
    options.path = absl::StrCat(server_config_.data_dir(), "/", name);
    options.wal = false;
    options.on_damage = [this, path = options.path](const absl::Status& status) {
      const absl::Status marked = storage::MarkDamaged(path, status.message());
      EndProcess(StopReason::kDerivedDamaged,
                 absl::StrCat(path, " is damaged and made from the log again at the next start: ",
                              status.message(), marked.ok() ? "" : marked.message()));
    };
    return options;
  }

  void RemakeDerived(absl::string_view name, const absl::Status& why) {
    ++derived_remade_;
    logging::Warning("made from the log again",
                     {{"store", name}, {"why", std::string(why.message())}});
  }

  absl::Status OpenLog() {
    cache_ =
        storage::NewRocksCache(static_cast<size_t>(server_config_.storage().block_cache_bytes()));
    const config::v1::StorageConfig& sizes = server_config_.storage();
    storage::LogDirectory::Options options;
    options.directory = server_config_.data_dir();
    options.log = StoreOptions(sizes.log_write_buffer_bytes());
    options.log.ordered_kinds = storage::kLogOrderedKinds;
    options.log.on_sync = [this](absl::Duration took) {
      metrics_.log_sync_duration().Observe(absl::ToDoubleSeconds(took));
    };
    options.log.on_damage = [this](const absl::Status& status) {
      if (log_damage_++ == 0)
        logging::Critical("the log is damaged", {{"status", std::string(status.message())}});
    };
    options.ledger = DerivedOptions("ledger", kLedgerWriteBufferBytes);
    options.origin = config_.has_aggregation() ? storage::EventLog::Origin::kCopied
                                               : storage::EventLog::Origin::kWritten;
    options.new_log_id = [this]() -> absl::StatusOr<std::string> {
      if (!config_.has_aggregation()) return RandomId();
      return LogCopier::FetchLogId(config_.aggregation().log(), peer_credentials_,
                                   absl::Now() + absl::Minutes(1));
    };
    options.progress = [this](const char* what, uint64_t at, uint64_t of) {
      SayProgress(what, at, of);
    };
    options.on_remake = [this](const absl::Status& why) { RemakeDerived("ledger", why); };
    absl::StatusOr<std::unique_ptr<storage::LogDirectory>> opened =
        storage::LogDirectory::Open(std::move(options));
    if (absl::IsFailedPrecondition(opened.status())) {
      return absl::FailedPreconditionError(absl::StrCat(
          "server.data_dir ", server_config_.data_dir(), ": ", opened.status().message()));
    }
    FISCAL_RETURN_IF_ERROR(opened.status());
    directory_ = *std::move(opened);
    log_ = &directory_->log();
    return absl::OkStatus();
  }

  // As long as it gets on, the supervisor waits.
  void SayProgress(const char* what, uint64_t at, uint64_t of) {
    recovering_ = what;
    recover_at_ = at;
    recover_to_ = of;
    if (absl::Now() - progress_said_ < kProgressInterval) return;
    progress_said_ = absl::Now();
    logging::Info("recovering", {{"what", what}, {"event", at}, {"of", of}});
    sd_notifyf(0, "STATUS=recovering: %s\nEXTEND_TIMEOUT_USEC=60000000", Progress().c_str());
  }

  // What a crash left unfolded is folded before anybody is served.
  absl::Status FoldWhatIsLeft() {
    const uint64_t to = log_->head().position, left = to - projector_->folded();
    while (projector_->folded() < to) {
      FISCAL_RETURN_IF_ERROR(projector_->Step(kEventsPerStep).status());
      SayProgress("folding", projector_->folded(), to);
      // Everything but totals is served; an operator says how to go on.
      if (projector_->stopped_at() != 0) break;
    }
    if (left > 0) logging::Info("recovered", {{"events_folded", left}});
    return absl::OkStatus();
  }

  void MakeCalls() {
    const config::v1::ReadsConfig& reads = server_config_.reads();
    rpc::ReadExecutor::Options lanes;
    lanes.threads[static_cast<size_t>(rpc::Lane::kPoint)] =
        static_cast<size_t>(reads.point_threads());
    lanes.threads[static_cast<size_t>(rpc::Lane::kHeavy)] =
        static_cast<size_t>(reads.heavy_threads());
    lanes.queue_max = static_cast<size_t>(reads.queue_max());
    lanes.queue_per_caller_max = static_cast<size_t>(reads.queue_per_caller_max());
    executor_ = std::make_unique<rpc::ReadExecutor>(lanes);
    const config::v1::CallersConfig& callers = server_config_.callers();
    rpc::Calls::Options bounds;
    bounds.calls_max = static_cast<size_t>(callers.calls_max());
    bounds.streams_max = static_cast<size_t>(callers.streams_max());
    bounds.watches_max = static_cast<size_t>(callers.watches_max());
    bounds.cost_max = static_cast<uint64_t>(reads.cost_max());
    calls_ = std::make_unique<rpc::Calls>(clock_, *executor_, bounds);
  }

  // The stores and what is computed from them.
  absl::Status Recover() {
    MakeCalls();
    FISCAL_RETURN_IF_ERROR(OpenLog());
    heads_ = std::make_unique<storage::HeadReader>(directory_->kv());
    if (const config::v1::SubmissionConfig* submission = SubmissionOf(config_))
      FISCAL_RETURN_IF_ERROR(storage::WithNextStep(MakeWriter(*submission)));
    if (const config::v1::AggregationConfig* aggregation = AggregationOf(config_))
      FISCAL_RETURN_IF_ERROR(storage::WithNextStep(MakeReader(*aggregation)));
    return absl::OkStatus();
  }

  // The systems this one reads from, which are followed from now on, and the services that tell of
  // the log and of them.
  absl::Status Connect() {
    Scrubber::Parts stored{
        {{"log", &directory_->log_store()}, {"ledger", &directory_->ledger_store()}},
        log_,
        &directory_->anchor()};
    if (totals_kv_ != nullptr) stored.stores.push_back({"totals", totals_kv_.get()});
    scrubber_ = std::make_unique<Scrubber>(std::move(stored),
                                           server_config_.storage().scrub_bytes_per_second());
    if (const config::v1::SubmissionConfig* submission = SubmissionOf(config_)) {
      for (const config::v1::UpstreamConfig& upstream : submission->upstreams()) {
        upstreams_.push_back(std::make_unique<Upstream>(upstream.name(), upstream.address(),
                                                        peer_credentials_, *committer_));
      }
    } else {
      copier_ = std::make_unique<LogCopier>(
          config_.aggregation().log(), peer_credentials_, *log_, *disk_,
          [this](const absl::Status& status) {
            EndProcess(StopReason::kCopyFailed,
                       absl::StrCat("the log can't be copied: ", status.ToString()));
          });
    }
    OpenSigner();
    log_feed_ = std::make_unique<LogFeed>(*log_, LogFeed::Options());
    services_.push_back(MakeEventLogService(*calls_, *log_feed_, *signer_));
    FederationParts federation{*log_feed_, *log_,    runner_.get(), intake_.get(),
                               {},         *signer_, clock_};
    for (const auto& upstream : upstreams_) federation.upstreams.push_back(upstream.get());
    services_.push_back(MakeFederationService(*calls_, std::move(federation)));
    if (projector_ != nullptr) {
      verifier_ = std::make_unique<Verifier>(*projector_, clock_, OptionsOfVerify());
    }
    services_.push_back(MakeAdminService(
        *calls_,
        {verifier_.get(), *scrubber_, drain_, *log_, *signer_, projector_.get(), committer_.get(),
         [this](admin::v1::GetStatusResponse* out) { FillStatus(parts_, ready(), out); }}));
    return absl::OkStatus();
  }

  // The key's public half is said in the log the first time, so that another one is seen; a copy
  // has it beside the key alone.
  void OpenSigner() {
    const std::shared_ptr<const storage::OperatorEvents> operators = log_->operators();
    const bool writes = committer_ != nullptr;
    const bool said = writes && !operators->keys().empty();
    signer_ = std::make_unique<Signer>(
        server_config_.data_dir(), log_->log_id(),
        said ? operators->keys().back().event.public_key_pem : std::string(),
        /*first_start=*/!writes || log_->head().position == 0);
    const absl::StatusOr<SigningKey> key = signer_->key();
    if (!writes || said || !key.ok()) return;
    const domain::KeyEvent event{key->public_key_pem(), ""};
    const absl::Status kept = committer_
                                  ->SubmitAndWait("fiscal", domain::KeyOrder{"fiscal", event},
                                                  event.public_key_pem.size())
                                  .status();
    if (!kept.ok()) {
      logging::Warning("the signing key is not in the log yet: the next start says it",
                       {{"why", std::string(kept.message())}});
    }
  }

  VerifyOptions OptionsOfVerify() {
    VerifyOptions options;
    options.memory_bytes_max = static_cast<size_t>(server_config_.storage().verify_memory_bytes());
    options.ledger = &directory_->ledger_store();
    options.new_store = [this]() -> absl::StatusOr<std::unique_ptr<storage::Kv>> {
      storage::RocksOptions scratch;
      scratch.path = server_config_.data_dir() + "/verify";
      scratch.wal = false;
      scratch.temporary = true;
      scratch.write_buffer_bytes = size_t{8} << 20;
      scratch.block_cache_bytes = size_t{8} << 20;
      return storage::RocksKv::Open(scratch);
    };
    return options;
  }

  absl::Status MakeWriter(const config::v1::SubmissionConfig& config) {
    FISCAL_ASSIGN_OR_RETURN(intake_, Intake::Open(directory_->kv(), *log_, clock_));
    Committer::Options options;
    options.queue_requests_max = static_cast<size_t>(config.queue_requests_max());
    options.queue_bytes_max = static_cast<size_t>(config.queue_bytes_max());
    options.queue_requests_per_caller_max =
        static_cast<size_t>(config.queue_requests_per_caller_max());
    options.queue_bytes_per_caller_max = static_cast<size_t>(config.queue_bytes_per_caller_max());
    options.group_requests_max = static_cast<size_t>(config.group_requests_max());
    options.group_bytes_max = static_cast<size_t>(config.group_bytes_max());
    committer_ = std::make_unique<Committer>(*intake_, *disk_, metrics_, options, [this] {
      EndProcess(StopReason::kSyncFailed, "a write to the log failed; its outcome is unknown");
    });
    const StreamBudgets::Options stream{static_cast<size_t>(config.stream_budgets_max()),
                                        static_cast<size_t>(config.stream_bytes_max()),
                                        server_config_.log().calls() != "none"};
    services_.push_back(
        MakeSubmissionService({*calls_, *committer_, *heads_, metrics_, drain_, *memory_, stream}));
    services_.push_back(MakeCatalogService(*calls_, *committer_));
    return absl::OkStatus();
  }

  std::string totals_path() const { return absl::StrCat(server_config_.data_dir(), "/totals"); }

  // The totals store, level with the log. DATA_LOSS: what is in it is damaged or of another log.
  absl::Status OpenTotals(const config::v1::AggregationConfig& config) {
    projector_.reset();
    totals_.reset();
    totals_kv_.reset();
    storage::RocksOptions store =
        DerivedOptions("totals", server_config_.storage().totals_write_buffer_bytes());
    store.ordered_kinds = storage::kTotalsOrderedKinds;
    // While it is opened, damage is an answer and not the end.
    store.on_damage = [this, end = store.on_damage](const absl::Status& status) {
      if (phase_ != Phase::kRecovering) end(status);
    };
    FISCAL_ASSIGN_OR_RETURN(storage::DerivedStore opened, storage::OpenDerived(store));
    if (!opened.damage.ok()) RemakeDerived("totals", opened.damage);
    totals_kv_ = std::move(opened.kv);
    FISCAL_ASSIGN_OR_RETURN(totals_, storage::TotalsStore::Open(*totals_kv_));
    Projector::Options options;
    options.live_cells_max = static_cast<size_t>(config.live_cells_max());
    FISCAL_ASSIGN_OR_RETURN(projector_, Projector::Open(*log_, *totals_, options));
    return FoldWhatIsLeft();
  }

  absl::Status MakeReader(const config::v1::AggregationConfig& config) {
    absl::Status totals = OpenTotals(config);
    if (absl::IsDataLoss(totals) || absl::IsAborted(totals)) {
      // Of no use: folded once more, from nothing. What is damaged of the log says so again.
      FISCAL_RETURN_IF_ERROR(storage::MarkDamaged(totals_path(), totals.message()));
      totals = OpenTotals(config);
    }
    FISCAL_RETURN_IF_ERROR(totals);
    runner_ = std::make_unique<Runner>(
        *log_, *projector_,
        Runner::Options{static_cast<size_t>(config.reads_waiting_max()),
                        static_cast<size_t>(config.reads_waiting_per_caller_max())},
        [this](const absl::Status& status) {
          EndProcess(StopReason::kFoldFailed,
                     absl::StrCat("folding the log failed: ", status.ToString()));
        });
    reader_ = std::make_unique<TotalsReader>(*projector_);
    hub_ = std::make_unique<WatchHub>(
        *projector_, WatchHub::Options{static_cast<size_t>(config.watchers_max())});
    services_.push_back(MakeAggregationService(*calls_, *runner_, *reader_, *heads_, *hub_));
    services_.push_back(MakeDisclosureService(*calls_, *runner_, *reader_, *heads_));
    if (config.coverage_deadlines_size() > 0)
      coverage_ = std::make_unique<CoverageWatch>(*projector_, config);
    return absl::OkStatus();
  }

  void FillParts() {
    parts_.previous_stop = mark_->previous();
    parts_.recovery = absl::Now() - start_;
    parts_.role = role_;
    parts_.data_dir = server_config_.data_dir();
    if (config_.has_aggregation()) parts_.log_source = config_.aggregation().log();
    parts_.certificate_file = server_config_.tls().certificate_file();
    parts_.start = start_;
    parts_.disk = disk_.get();
    parts_.memory = memory_.get();
    parts_.door = door_.get();
    parts_.log = log_;
    parts_.log_store = &directory_->log_store();
    parts_.ledger_store = &directory_->ledger_store();
    parts_.derived_remade = &derived_remade_;
    parts_.log_damage = &log_damage_;
    parts_.totals_store = totals_kv_.get();
    parts_.cache = cache_.get();
    parts_.committer = committer_.get();
    parts_.projector = projector_.get();
    parts_.runner = runner_.get();
    parts_.calls = calls_.get();
    parts_.hub = hub_.get();
    parts_.copier = copier_.get();
    parts_.signer = signer_.get();
    parts_.coverage = coverage_.get();
    parts_.verifier = verifier_.get();
    parts_.scrubber = scrubber_.get();
    for (const auto& upstream : upstreams_) parts_.upstreams.push_back(upstream.get());
  }

  std::vector<std::string> ServiceNames() const {
    std::vector<std::string> names = {log::v1::EventLogService::service_full_name(),
                                      federation::v1::FederationService::service_full_name(),
                                      admin::v1::AdminService::service_full_name()};
    if (SubmissionOf(config_) != nullptr) {
      names.push_back(submission::v1::SubmissionService::service_full_name());
      names.push_back(catalog::v1::CatalogService::service_full_name());
    }
    if (AggregationOf(config_) != nullptr) {
      names.push_back(aggregation::v1::AggregationService::service_full_name());
      names.push_back(disclosure::v1::DisclosureService::service_full_name());
    }
    return names;
  }

  void SetHealth(bool serving) {
    grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
    for (const std::string& name : ServiceNames()) health->SetServingStatus(name, serving);
    // The process as a whole.
    health->SetServingStatus("", serving);
  }

  absl::Status Listen() {
    const config::v1::LogConfig& lines = server_config_.log();
    CallMonitorOptions monitor;
    monitor.lines = lines.calls() == "all"    ? CallLines::kAll
                    : lines.calls() == "none" ? CallLines::kNone
                                              : CallLines::kFailed;
    monitor.slow = absl::Milliseconds(lines.slow_call_millis());
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(static_cast<int>(rpc::kUnaryBytesMax));
    // A compressed message is inflated before its size is looked at.
    builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
    builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
    // Readers of a quiet log ask for signs of life.
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                               rpc::kKeepaliveMs - 5000);
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> creators;
    creators.push_back(MakeMessageCounter(*door_));
    creators.push_back(MakeCallMonitor(metrics_, open_calls_, ServiceNames(), monitor));
    builder.experimental().SetInterceptorCreators(std::move(creators));
    Door::Taker taker = AddDoor(server_config_.door().streams_max(), server_credentials_, &builder);
    services_.push_back(MakeReflectionService(ServiceNames()));
    for (const std::unique_ptr<grpc::Service>& service : services_)
      builder.RegisterService(service.get());
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) return absl::InternalError("gRPC's server does not start");
    SetHealth(true);
    // Who comes in between waits until the door has somebody to hand him to.
    recovery_.reset();
    door_->HandTo(std::move(taker));
    return absl::OkStatus();
  }

  const config::v1::ServeConfig config_;
  const config::v1::ServerConfig& server_config_;
  const std::string role_;
  const absl::Time start_ = absl::Now();
  bool stopped_ = false;
  std::atomic<Phase> phase_{Phase::kRecovering};
  std::atomic<uint64_t> recover_at_{0}, recover_to_{0};
  std::atomic<const char*> recovering_{""};
  // The starting thread's.
  absl::Time progress_said_ = absl::Now();
  // Derived stores that were of no use at this start, and reads of the log that met damage.
  std::atomic<int64_t> derived_remade_{0}, log_damage_{0};
  // Destroyed from the bottom up: gRPC and what asks on its own before what they use, users before
  // stores, the lock last.
  std::unique_ptr<DataLock> lock_;
  std::unique_ptr<StopMark> mark_;
  RealClock clock_;
  Metrics metrics_;
  OpenCalls open_calls_;
  std::unique_ptr<DiskGuard> disk_;
  std::unique_ptr<rpc::MemoryBudget> memory_;
  rpc::DrainSignal drain_;
  std::shared_ptr<grpc::ServerCredentials> server_credentials_;
  std::shared_ptr<grpc::ChannelCredentials> peer_credentials_;
  std::shared_ptr<storage::RocksCache> cache_;
  std::unique_ptr<storage::LogDirectory> directory_;
  // The directory's.
  storage::EventLog* log_ = nullptr;
  std::unique_ptr<Intake> intake_;
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<storage::HeadReader> heads_;
  std::unique_ptr<storage::RocksKv> totals_kv_;
  std::unique_ptr<storage::TotalsStore> totals_;
  std::unique_ptr<Projector> projector_;
  std::unique_ptr<Runner> runner_;
  std::unique_ptr<TotalsReader> reader_;
  std::unique_ptr<WatchHub> hub_;
  std::unique_ptr<CoverageWatch> coverage_;
  std::unique_ptr<Verifier> verifier_;
  std::unique_ptr<Scrubber> scrubber_;
  std::unique_ptr<LogCopier> copier_;
  std::unique_ptr<Signer> signer_;
  std::unique_ptr<rpc::ReadExecutor> executor_;
  std::unique_ptr<rpc::Calls> calls_;
  std::vector<std::unique_ptr<Upstream>> upstreams_;
  SystemParts parts_;
  std::unique_ptr<LogFeed> log_feed_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<Periodic> housekeeping_;
  std::unique_ptr<Periodic> coverage_period_;
  // Outlives what it handed connections to.
  std::unique_ptr<Door> door_;
  std::unique_ptr<SelfProbe> probe_;
  mutable absl::Mutex probe_mu_;
  absl::Time answered_ ABSL_GUARDED_BY(probe_mu_) = absl::InfiniteFuture();
  std::string unanswered_ ABSL_GUARDED_BY(probe_mu_);
  std::unique_ptr<Periodic> probe_period_;
  std::unique_ptr<RecoveryDoor> recovery_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<AdminHttp> admin_;
};

// gRPC's own lines: what a handshake failed of is for the operator, the rest for who debugs.
void TakeGrpcLine(gpr_log_func_args* line) {
  const bool handshake =
      absl::StrContains(line->message, "Handshake failed") && !SelfProbe::TakeUnfinished();
  logging::Write(handshake ? logging::Level::kInfo : logging::Level::kDebug, "grpc",
                 {{"says", line->message}});
}

// As many files as the system lets this user open: shells and containers begin with few.
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

// Why a start failed, for supervisors and scripts: docs/operations.md.
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
  // What does not parse is answered with its field; protobuf's own lines about it would only fill
  // the log.
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
