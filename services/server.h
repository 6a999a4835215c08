// Wires one process of the parts in services/server: Stores, Writer, Reader, Edge. Its role is
// which of them exist.
//
//   fiscal serve  --->  Serve  --->  Server::Start ... Server::Stop
//
// A process recovers, serves, drains. While it recovers its API answers RECOVERING and health
// NOT_SERVING; while it drains it is not ready, finishes what it accepted and tells open streams to
// go on elsewhere.
// Thread-safe after Start.
#ifndef FISCAL_SERVICES_SERVER_H_
#define FISCAL_SERVICES_SERVER_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "fiscal/config/v1/config.pb.h"
#include "services/rpc/call.h"

namespace fiscal::services {

class Server {
 public:
  virtual ~Server() = default;
  // Recovers and serves. INVALID_ARGUMENT: the configuration is wrong (services/config).
  // FAILED_PRECONDITION: another process uses the data directory or an address. UNAVAILABLE: the
  // submission process does not answer. DATA_LOSS: what is on disk does not fit the anchor or the
  // hash chain. `before_serving` is called once recovered, before the first call is taken: after it
  // returns, a stop signal drains; before, it exits at once.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      const config::v1::ServeConfig& config, const std::function<void()>& before_serving = nullptr);
  // The port listened on.
  virtual int port() const = 0;
  // Of the operator's HTTP; 0 when there is none.
  virtual int admin_port() const = 0;
  // The calls it took. REQUIRES: Start.
  virtual const rpc::Calls& calls() const = 0;
  // Drains, then closes the stores. Idempotent.
  virtual void Stop() = 0;
};

// Starts a server, waits for SIGINT or SIGTERM, stops it. Returns the exit code: 2 for a wrong
// configuration.
int Serve(const config::v1::ServeConfig& config);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_SERVER_H_
