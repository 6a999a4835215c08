#include "services/server.h"

#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <random>
#include <set>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/signing.h"
#include "base/status_macros.h"
#include "google/protobuf/stubs/logging.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/health_check_service_interface.h"
#include "services/admin/admin_rpc.h"
#include "services/aggregation/aggregation_rpc.h"
#include "services/aggregation/runner.h"
#include "services/catalog/catalog_rpc.h"
#include "services/disclosure/disclosure_rpc.h"
#include "services/federation/federation_rpc.h"
#include "services/federation/upstream.h"
#include "services/log/log_copier.h"
#include "services/log/log_rpc.h"
#include "services/rpc/peer.h"
#include "services/rpc/raw.h"
#include "services/submission/submission_rpc.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"
#include "storage/anchor.h"
#include "storage/rocks/rocks_kv.h"
#include "storage/schema.h"

namespace fiscal::services {
namespace {

std::string RandomId() {
  std::random_device device;
  std::string id;
  for (int i = 0; i < 16; ++i) id.push_back(static_cast<char>(device() & 0xff));
  return id;
}

// The one deliberate end of the process outside main: what is on disk is the truth, a restart finds it.
void EndProcess(const std::string& why) {
  spdlog::critical("stopping at once: {}", why);
  spdlog::shutdown();
  std::fflush(nullptr);
  _exit(70);
}

absl::StatusOr<std::unique_ptr<storage::RocksKv>> OpenStore(
    const std::string& path, bool wal, std::shared_ptr<storage::RocksCache> cache) {
  storage::RocksOptions options;
  options.path = path;
  options.wal = wal;
  options.ordered_kinds = wal ? storage::kLogOrderedKinds : storage::kTotalsOrderedKinds;
  options.block_cache = std::move(cache);
  // Of the totals, what is not written yet is folded again after a crash.
  options.write_buffer_bytes = size_t{wal ? 64u : 32u} << 20;
  return storage::RocksKv::Open(options);
}

absl::Status CheckOptions(const ServeOptions& o) {
  if (o.data_dir.empty()) return absl::InvalidArgumentError("--data-dir is required");
  if (o.role != "all" && o.role != "submission" && o.role != "aggregation") {
    return absl::InvalidArgumentError(
        absl::StrCat("--role ", o.role, ": all, submission or aggregation"));
  }
  if ((o.role == "aggregation") != !o.log_address.empty()) {
    return absl::InvalidArgumentError(o.role == "aggregation"
                                          ? "--role aggregation needs --log HOST:PORT"
                                          : "--log is for --role aggregation only");
  }
  std::set<std::string> names;
  for (const auto& [name, address] : o.upstreams) {
    if (o.role == "aggregation")
      return absl::InvalidArgumentError("--upstream is for the process that writes the log");
    const bool good =
        !name.empty() && name.size() <= 32 && std::all_of(name.begin(), name.end(), [](char c) {
          return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
        });
    if (!good || address.find(':') == std::string::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("--upstream ", name, "=", address,
                       ": NAME=HOST:PORT with a name of letters, digits, - and _, at most 32"));
    }
    if (!names.insert(name).second)
      return absl::InvalidArgumentError(absl::StrCat("--upstream ", name, ": named twice"));
  }
  const size_t colon = o.listen.rfind(':');
  int port = -1;
  if (colon == std::string::npos || !absl::SimpleAtoi(o.listen.substr(colon + 1), &port) ||
      port < 0 || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("--listen ", o.listen, ": HOST:PORT with a port of 0 to 65535"));
  }
  const std::string host = o.listen.substr(0, colon);
  const bool loopback = host == "localhost" || host == "[::1]" || absl::StartsWith(host, "127.");
  if (!loopback && !o.insecure) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--listen ", o.listen, ": without TLS only loopback is served; --insecure overrides"));
  }
  return absl::OkStatus();
}

class ServerImpl final : public Server {
 public:
  explicit ServerImpl(const ServeOptions& options) : options_(options) {}
  ~ServerImpl() override { Stop(); }

  absl::Status Open() {
    FISCAL_RETURN_IF_ERROR(CheckOptions(options_));
    std::error_code error;
    std::filesystem::create_directories(options_.data_dir, error);
    if (error)
      return absl::InvalidArgumentError(
          absl::StrCat("--data-dir ", options_.data_dir, ": ", error.message()));
    FISCAL_RETURN_IF_ERROR(OpenLog());
    const bool submission = options_.role != "aggregation",
               aggregation = options_.role != "submission";
    heads_ = std::make_unique<storage::HeadReader>(*log_kv_);
    if (submission) {
      FISCAL_ASSIGN_OR_RETURN(intake_, Intake::Open(*log_kv_, *log_, clock_));
      committer_ = std::make_unique<Committer>(*intake_, Committer::Options(), [] {
        EndProcess("a write to the log failed; its outcome is unknown");
      });
      services_.push_back(MakeSubmissionService(*committer_, *heads_));
      services_.push_back(MakeCatalogService(*committer_));
    }
    FISCAL_ASSIGN_OR_RETURN(SigningKey key, SigningKey::LoadOrCreate(options_.data_dir));
    services_.push_back(MakeEventLogService(*log_, key));
    if (aggregation) {
      FISCAL_ASSIGN_OR_RETURN(totals_kv_,
                              OpenStore(options_.data_dir + "/totals", /*wal=*/false, cache_));
      FISCAL_ASSIGN_OR_RETURN(totals_, storage::TotalsStore::Open(*totals_kv_));
      FISCAL_ASSIGN_OR_RETURN(projector_, Projector::Open(*log_, *totals_, Projector::Options()));
      // What a crash left unfolded is folded before anybody is served.
      while (projector_->folded() < log_->head().position)
        FISCAL_RETURN_IF_ERROR(projector_->Step(1024).status());
      runner_ = std::make_unique<Runner>(*log_, *projector_, [](absl::Status status) {
        EndProcess(absl::StrCat("folding the log failed: ", status.ToString()));
      });
      reader_ = std::make_unique<TotalsReader>(*projector_);
      hub_ = std::make_unique<WatchHub>(*projector_, WatchHub::Options());
      services_.push_back(
          MakeAggregationService(*runner_, *reader_, *heads_, *hub_, /*copy=*/!submission));
      services_.push_back(MakeDisclosureService(*runner_, *reader_, *heads_));
      services_.push_back(MakeAdminService(*projector_));
    }
    for (const auto& [name, address] : options_.upstreams)
      upstreams_.push_back(std::make_unique<Upstream>(name, address, *committer_));
    FederationParts parts{*log_, projector_.get(), intake_.get(), {}, key, clock_};
    for (const auto& upstream : upstreams_) parts.upstreams.push_back(upstream.get());
    services_.push_back(MakeFederationService(std::move(parts)));
    if (!submission) {
      copier_ = std::make_unique<LogCopier>(options_.log_address, *log_, [](absl::Status status) {
        EndProcess(absl::StrCat("the log can't be copied: ", status.ToString()));
      });
    }
    return Listen();
  }

  int port() const override { return port_; }

  void Stop() override {
    if (stopped_) return;
    stopped_ = true;
    // Callers first, then what they use, in the order of the way of a line item.
    if (log_ != nullptr) log_->StopWaiting();
    if (hub_ != nullptr) hub_->Drain();
    if (server_ != nullptr) {
      server_->GetHealthCheckService()->SetServingStatus(false);
      server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(2));
    }
    if (copier_ != nullptr) copier_->Stop();
    for (const auto& upstream : upstreams_) upstream->Stop();
    if (committer_ != nullptr) committer_->Stop();
    if (runner_ != nullptr) runner_->Stop();
    if (server_ != nullptr) server_->Wait();
    if (hub_ != nullptr) hub_->Stop();
    if (projector_ != nullptr) {
      const absl::Status flushed = projector_->Flush();
      if (!flushed.ok())
        spdlog::warn("totals were not flushed and will be folded again: {}", flushed.ToString());
    }
  }

 private:
  absl::Status OpenLog() {
    cache_ = storage::NewRocksCache(size_t{128} << 20);
    FISCAL_ASSIGN_OR_RETURN(log_kv_, OpenStore(options_.data_dir + "/log", /*wal=*/true, cache_));
    anchor_ = std::make_unique<storage::FileAnchor>(options_.data_dir + "/anchor");
    std::string id = RandomId();
    if (options_.role == "aggregation" && absl::IsNotFound(anchor_->Read().status())) {
      FISCAL_ASSIGN_OR_RETURN(
          id, LogCopier::FetchLogId(options_.log_address, absl::Now() + absl::Minutes(1)));
    }
    FISCAL_ASSIGN_OR_RETURN(log_, storage::EventLog::Open(*log_kv_, *anchor_, id));
    return absl::OkStatus();
  }

  absl::Status Listen() {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(static_cast<int>(rpc::kUnaryBytesMax));
    // A compressed message is inflated before its size is looked at.
    builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
    builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
    builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 8 << 10);
    // Readers of a quiet log ask for signs of life.
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                               rpc::kKeepaliveMs - 5000);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddListeningPort(options_.listen, grpc::InsecureServerCredentials(), &port_);
    for (const std::unique_ptr<grpc::Service>& service : services_)
      builder.RegisterService(service.get());
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0) {
      return absl::FailedPreconditionError(
          absl::StrCat("can't listen on ", options_.listen, ": is the port in use?"));
    }
    return absl::OkStatus();
  }

  const ServeOptions options_;
  int port_ = 0;
  bool stopped_ = false;
  // Destroyed from the bottom up: gRPC before what handlers use, users before stores.
  RealClock clock_;
  std::shared_ptr<storage::RocksCache> cache_;
  std::unique_ptr<storage::RocksKv> log_kv_;
  std::unique_ptr<storage::FileAnchor> anchor_;
  std::unique_ptr<storage::EventLog> log_;
  std::unique_ptr<Intake> intake_;
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<storage::HeadReader> heads_;
  std::unique_ptr<storage::RocksKv> totals_kv_;
  std::unique_ptr<storage::TotalsStore> totals_;
  std::unique_ptr<Projector> projector_;
  std::unique_ptr<Runner> runner_;
  std::unique_ptr<TotalsReader> reader_;
  std::unique_ptr<WatchHub> hub_;
  std::unique_ptr<LogCopier> copier_;
  std::vector<std::unique_ptr<Upstream>> upstreams_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServeOptions& options) {
  auto server = std::make_unique<ServerImpl>(options);
  FISCAL_RETURN_IF_ERROR(server->Open());
  return std::unique_ptr<Server>(std::move(server));
}

int Serve(const ServeOptions& options) {
  // Blocked before any thread starts, so that all threads inherit it and sigwait gets the signal.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  // What does not parse is answered with its field; protobuf's own lines about it would only fill the log.
  google::protobuf::SetLogHandler(nullptr);
  spdlog::set_default_logger(spdlog::stderr_logger_mt("fiscal"));
  const absl::Time start = absl::Now();
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(options);
  if (!server.ok()) {
    std::fprintf(stderr, "fiscal serve: %s\n", std::string(server.status().message()).c_str());
    const bool usage =
        absl::IsInvalidArgument(server.status()) || absl::IsFailedPrecondition(server.status());
    return usage ? 2 : absl::IsUnavailable(server.status()) ? 6 : 1;
  }
  spdlog::info("serving {} as {} on port {}, ready after {}", options.data_dir, options.role,
               (*server)->port(),
               absl::FormatDuration(absl::Trunc(absl::Now() - start, absl::Milliseconds(1))));
  int signal = 0;
  sigwait(&signals, &signal);
  spdlog::info("stopping");
  (*server)->Stop();
  spdlog::info("stopped");
  return 0;
}

}  // namespace fiscal::services
