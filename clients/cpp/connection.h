// A channel to a Fiscal server and one place for TLS, deadlines and retries. Thread-safe.
//
// The retry policy, which a client in any language does well to have (docs/errors.md): a call that
// answers UNAVAILABLE was not refused, the server stops (DRAINING), starts (RECOVERING) or can't be
// reached; one that answers CANCELLED, which nobody asked for, met the server as it closed. It is
// sent again with the same request_id after 100 ms, then after twice as long, at most every 2 s,
// give or take a fifth, until its time is up; so a restart of the server is a pause and no error.
// RESOURCE_EXHAUSTED that says after how long it may be sent again is sent again after that.
#ifndef FISCAL_CLIENTS_CPP_CONNECTION_H_
#define FISCAL_CLIENTS_CPP_CONNECTION_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"

namespace fiscal::client {

// True when an answer says only that the server went away, so that the same call is sent again.
// CANCELLED is what gRPC itself answers a call with that reaches a server just as it begins to
// close; a caller that cancelled knows so.
bool ServerWentAway(const grpc::Status& status);

class Connection {
 public:
  // PEM files, read again when they change.
  struct Tls {
    // Authorities of the server's certificate; empty: no TLS.
    std::string ca_file;
    // The certificate shown to the server, and its key; empty for none.
    std::string certificate_file;
    std::string key_file;
  };
  struct Options {
    std::string server = "127.0.0.1:7411";
    Tls tls;
    // The time to wait for a server that never answered.
    absl::Duration connect_timeout = absl::Seconds(5);
    // The time of a call, all its attempts together.
    absl::Duration call_timeout = absl::Seconds(30);
    // The time for which a call without that limit, a stream, is tried again without progress.
    absl::Duration retry_for = absl::Seconds(60);
    // Sent with every call when it is set: a W3C traceparent, which the server's logs name.
    std::string traceparent;
  };
  explicit Connection(Options options);

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  const Options& options() const { return options_; }

  // Waits until the server answers; UNAVAILABLE with one clear sentence when it does not.
  grpc::Status Connect() const;

  // Runs `call`, which does not cancel, with a fresh context until the server neither goes away nor
  // asks for a pause, or its time is up.
  grpc::Status Call(const std::function<grpc::Status(grpc::ClientContext*)>& call,
                    bool deadline = true) const;
  // Prepares the context of a call, as Call does; for calls that don't go through it.
  void Prepare(grpc::ClientContext* context) const;

 private:
  const Options options_;
  std::shared_ptr<grpc::Channel> channel_;
  // The server answered at least once.
  mutable std::atomic<bool> reached_{false};
};

// 128 random bits, hexadecimal.
std::string RandomRequestId();

}  // namespace fiscal::client

#endif  // FISCAL_CLIENTS_CPP_CONNECTION_H_
