#include "tests/support/children.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "grpcpp/grpcpp.h"

namespace fiscal::testing {

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

std::shared_ptr<grpc::Channel> ConnectTo(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 50);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

ServerChild::ServerChild(const services::ServeOptions& o) {
  std::vector<std::string> args = {"server", "--serve", o.data_dir,
                                   o.listen, o.role,    o.log_address};
  for (const auto& [name, address] : o.upstreams) args.push_back(name + "=" + address);
  std::vector<char*> argv;
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
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
  if (argc < 6 || std::strcmp(argv[1], "--serve") != 0) return std::nullopt;
  services::ServeOptions options;
  options.data_dir = argv[2];
  options.listen = argv[3];
  options.role = argv[4];
  options.log_address = argv[5];
  for (int i = 6; i < argc; ++i) {
    const std::string upstream = argv[i];
    const size_t equals = upstream.find('=');
    options.upstreams.emplace_back(upstream.substr(0, equals), upstream.substr(equals + 1));
  }
  return services::Serve(options);
}

}  // namespace fiscal::testing
