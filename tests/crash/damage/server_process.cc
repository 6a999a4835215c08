#include "tests/crash/damage/server_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/check.h"
#include "services/config/config.h"

extern char** environ;

namespace fiscal::damage {
namespace {

// Far more than any start over these directories takes.
constexpr absl::Duration kStartMax = absl::Seconds(60);
// A process that lets go of its connections and does not end in this time goes on.
constexpr absl::Duration kEndMax = absl::Seconds(10);

std::string Encoded(const ServerSettings& settings) {
  config::v1::ServeConfig config = services::DefaultConfig();
  config::v1::ServerConfig* server = services::MutableServerOf(&config);
  server->set_data_dir(settings.data_dir);
  server->set_listen("127.0.0.1:0");
  server->set_admin_listen("");
  server->mutable_disk()->set_free_bytes_min(0);
  server->mutable_log()->set_level("info");
  server->mutable_log()->set_calls("none");
  server->mutable_storage()->set_log_write_buffer_bytes(settings.write_buffer_bytes);
  server->mutable_storage()->set_totals_write_buffer_bytes(settings.write_buffer_bytes);
  // Only when it is asked, so that what it finds is told of this call.
  server->mutable_storage()->set_scrub_bytes_per_second(0);
  for (const auto& [name, port] : settings.upstreams) {
    config::v1::UpstreamConfig* upstream =
        config.mutable_all()->mutable_submission()->add_upstreams();
    upstream->set_name(name);
    upstream->set_address(absl::StrCat("127.0.0.1:", port));
  }
  return absl::BytesToHexString(config.SerializeAsString());
}

}  // namespace

ServerProcess::ServerProcess(const ServerSettings& settings, const std::function<bool()>& enough) {
  int ends[2];
  FISCAL_CHECK(pipe2(ends, O_CLOEXEC) == 0, "a pipe can be made");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  std::vector<std::string> args = {"server", "--serve", Encoded(settings)};
  std::vector<char*> argv;
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  FISCAL_CHECK(posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, argv.data(), environ) == 0,
               "a server can be started");
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  stderr_ = ends[0];
  ReadUntilServing(enough);
  if (serves()) caller_ = std::make_unique<Caller>(port_);
}

ServerProcess::~ServerProcess() {
  End(SIGKILL);
  close(stderr_);
}

bool ServerProcess::ReadSome(int timeout_ms) {
  pollfd waited{stderr_, POLLIN, 0};
  if (poll(&waited, 1, timeout_ms) <= 0) return true;
  char buffer[4096];
  const ssize_t n = read(stderr_, buffer, sizeof(buffer));
  if (n > 0) said_.append(buffer, static_cast<size_t>(n));
  return n > 0;
}

void ServerProcess::ReadUntilServing(const std::function<bool()>& enough) {
  const absl::Time deadline = absl::Now() + kStartMax;
  while (absl::Now() < deadline) {
    if (enough && enough()) return;
    const bool open = ReadSome(enough ? 0 : 1000);
    const size_t at = said_.find("\"msg\":\"serving\"");
    if (at != std::string::npos && said_.find('\n', at) != std::string::npos) {
      const size_t port = said_.find("\"port\":", at);
      FISCAL_CHECK(port != std::string::npos, "a server says where it listens");
      port_ = std::atoi(said_.c_str() + port + 7);
      return;
    }
    if (open) continue;
    int status = 0;
    waitpid(pid_, &status, 0);
    status_ = status;
    return;
  }
  hung_ = true;
}

std::optional<int> ServerProcess::ended() {
  int status = 0;
  if (!status_.has_value() && waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
  return status_;
}

bool ServerProcess::AwaitEnd() {
  const absl::Time deadline = absl::Now() + kEndMax;
  while (absl::Now() < deadline) {
    // The pipe closes with the process.
    if (ReadSome(1000)) continue;
    int status = 0;
    if (!status_.has_value() && waitpid(pid_, &status, 0) == pid_) status_ = status;
    return true;
  }
  return false;
}

int ServerProcess::End(int signal) {
  if (ended().has_value()) return *status_;
  kill(pid_, signal);
  // It may have more to say than a pipe holds.
  while (ReadSome(-1)) {
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  status_ = status;
  return status;
}

const std::string& ServerProcess::said() {
  pollfd waited{stderr_, POLLIN, 0};
  while (poll(&waited, 1, 0) > 0 && ReadSome(0)) {
  }
  return said_;
}

}  // namespace fiscal::damage
