// Servers as children of a test program, which is its own server: started with --serve it runs
// services::Serve. So that they can be killed.
#ifndef FISCAL_TESTS_SUPPORT_CHILDREN_H_
#define FISCAL_TESTS_SUPPORT_CHILDREN_H_

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "grpcpp/channel.h"
#include "tests/support/serve_options.h"

namespace fiscal::testing {

// A port that nobody listens on, and that no other test program gets as long as this one runs. The
// system hands it out to nobody by itself: it is below those for outgoing connections.
int FreePort();

// A channel that looks for its server often.
std::shared_ptr<grpc::Channel> ConnectTo(const std::string& address);

// Waits until the server behind `channel` is recovered and takes calls.
bool AwaitServing(const std::shared_ptr<grpc::Channel>& channel);

class ServerChild {
 public:
  explicit ServerChild(const ServeOptions& options);
  // What it writes to stderr is added to the file.
  ServerChild(const config::v1::ServeConfig& config, const std::string& stderr_file);
  ~ServerChild();
  ServerChild(const ServerChild&) = delete;
  ServerChild& operator=(const ServerChild&) = delete;

  // Sends the signal and waits; the exit status as of waitpid. Idempotent.
  int End(int signal);
  pid_t pid() const { return pid_; }
  // Waits for it to end by itself.
  int Wait();

 private:
  void Start(const config::v1::ServeConfig& config, const std::string& stderr_file,
             std::optional<int64_t> open_files_max);

  pid_t pid_ = -1;
};

// For main: serves and returns the exit code when the program was started to do that.
std::optional<int> ServeIfAsked(int argc, char** argv);

}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_SUPPORT_CHILDREN_H_
