// Wires one process: stores, intake, projector, gRPC services. The only place with rpc/ and storage/rocks that names
// concrete classes.
//
//   fiscal serve  --->  Serve  --->  Server::Start ... Server::Stop
//
// Thread-safe after Start.
#ifndef FISCAL_SERVICES_SERVER_H_
#define FISCAL_SERVICES_SERVER_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace fiscal::services {

struct ServeOptions {
  std::string data_dir;
  // HOST:PORT; port 0 takes a free one. Another host than loopback needs `insecure`.
  std::string listen;
  // all, submission or aggregation.
  std::string role = "all";
  // Where an aggregation process reads the log.
  std::string log_address;
  // Systems below, by name, HOST:PORT: what they post is taken over. Not for the role aggregation.
  std::vector<std::pair<std::string, std::string>> upstreams;
  // Serve without TLS on any address.
  bool insecure = false;
};

class Server {
 public:
  virtual ~Server() = default;
  // INVALID_ARGUMENT: the options are wrong. FAILED_PRECONDITION: another process uses the data dir. DATA_LOSS: what is on
  // disk does not fit the anchor or the hash chain.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServeOptions& options);
  // The port listened on.
  virtual int port() const = 0;
  // Finishes accepted work, closes the stores. Idempotent.
  virtual void Stop() = 0;
};

// Starts a server, waits for SIGINT or SIGTERM, stops it. Returns the exit code: 2 for wrong options.
int Serve(const ServeOptions& options);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_SERVER_H_
