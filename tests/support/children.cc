#include "tests/support/children.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/check.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "services/server.h"

namespace fiscal::testing {

namespace {

// Linux takes ports of outgoing connections, and those of port 0, from 32768 on.
constexpr int kFirstPort = 18000, kPorts = 12000;

bool NobodyListensOn(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int reuse = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  address.sin_port = htons(static_cast<uint16_t>(port));
  const bool free = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return free;
}

}  // namespace

int FreePort() {
  static std::atomic<int> next{getpid() * 97};
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "fiscal-test-ports";
  std::filesystem::create_directories(folder);
  for (int tried = 0; tried < kPorts; ++tried) {
    const int port = kFirstPort + static_cast<int>(static_cast<unsigned>(next++) % kPorts);
    const std::string lock_file = (folder / absl::StrCat(port)).string();
    const int lock = open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock < 0) continue;
    // The lock ends with the process.
    if (flock(lock, LOCK_EX | LOCK_NB) == 0 && NobodyListensOn(port)) return port;
    close(lock);
  }
  FISCAL_CHECK(false, "there is a port that nobody uses");
}

std::shared_ptr<grpc::Channel> ConnectTo(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 50);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

bool AwaitServing(const std::shared_ptr<grpc::Channel>& channel) {
  const auto stub = admin::v1::AdminService::NewStub(channel);
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (absl::Now() < deadline) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(deadline));
    admin::v1::GetStatusResponse status;
    if (stub->GetStatus(&context, admin::v1::GetStatusRequest(), &status).ok() && status.ready())
      return true;
    channel->WaitForStateChange(channel->GetState(/*try_to_connect=*/true),
                                absl::ToChronoTime(absl::Now() + absl::Milliseconds(10)));
  }
  return false;
}

ServerChild::ServerChild(const ServeOptions& options) {
  Start(options.Config(), "", options.open_files_max);
}

ServerChild::ServerChild(const config::v1::ServeConfig& config, const std::string& stderr_file) {
  Start(config, stderr_file, std::nullopt);
}

void ServerChild::Start(const config::v1::ServeConfig& config, const std::string& stderr_file,
                        std::optional<int64_t> open_files_max) {
  std::vector<std::string> args = {"server", "--serve",
                                   absl::BytesToHexString(config.SerializeAsString())};
  std::vector<char*> argv;
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    if (open_files_max.has_value()) {
      const auto files = static_cast<rlim_t>(*open_files_max);
      const rlimit limit{files, files};
      setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (!stderr_file.empty())
      dup2(open(stderr_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644), 2);
    execv("/proc/self/exe", argv.data());
    _exit(127);
  }
}

ServerChild::~ServerChild() { End(SIGKILL); }

int ServerChild::End(int signal) {
  if (pid_ <= 0) return 0;
  kill(pid_, signal);
  return Wait();
}

int ServerChild::Wait() {
  int status = 0;
  if (pid_ > 0) waitpid(pid_, &status, 0);
  pid_ = -1;
  return status;
}

std::optional<int> ServeIfAsked(int argc, char** argv) {
  if (argc != 3 || std::strcmp(argv[1], "--serve") != 0) return std::nullopt;
  config::v1::ServeConfig config;
  if (!config.ParseFromString(absl::HexStringToBytes(argv[2]))) return 127;
  return services::Serve(config);
}

}  // namespace fiscal::testing
