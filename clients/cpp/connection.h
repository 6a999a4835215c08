// A channel to a Fiscal server and one place for deadlines and retries. Thread-safe.
#ifndef FISCAL_CLIENTS_CPP_CONNECTION_H_
#define FISCAL_CLIENTS_CPP_CONNECTION_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"

namespace fiscal::client {

class Connection {
 public:
  struct Options {
    std::string server = "127.0.0.1:7411";
    absl::Duration connect_timeout = absl::Seconds(5);
    absl::Duration call_timeout = absl::Seconds(30);
    // Attempts of a call that answers UNAVAILABLE; a write keeps its request_id, so that nothing doubles.
    int attempts_max = 5;
  };
  explicit Connection(Options options);

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  const Options& options() const { return options_; }

  // Waits until the server answers; UNAVAILABLE with one clear sentence when it does not.
  grpc::Status Connect() const;

  // Runs `call` with a fresh context and deadline until it is not UNAVAILABLE or attempts are used up.
  grpc::Status Call(const std::function<grpc::Status(grpc::ClientContext*)>& call,
                    bool deadline = true) const;

 private:
  const Options options_;
  std::shared_ptr<grpc::Channel> channel_;
};

// 128 random bits, hexadecimal.
std::string RandomRequestId();

}  // namespace fiscal::client

#endif  // FISCAL_CLIENTS_CPP_CONNECTION_H_
