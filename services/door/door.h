// The door of the API: accepts connections, keeps their number within bounds, hands them to gRPC
// and closes those that cost too much.
//
//   Listener --(accept)--> Door --(a descriptor)--> gRPC: the recovery's server first, then the
//       real one
//                            ^--(what was taken)-- message_counter.h, for each call;  meter.h says
//                                what is compared
//
// gRPC's own accept loop ends for good when the descriptors are used up once, and nothing in gRPC
// bounds what a peer makes it keep. So:
//   - More connections than the bound, in all or of one address, are closed at once. Those inside
//     stay open. The bound is lowered to what the limit of open files leaves beside a part for the
//     stores: a connection takes two descriptors, gRPC's and the guard's.
//   - A descriptor is kept in reserve: with none left, it is given up to accept a connection and
//     close it, so that callers are told at once, and the first caller after some are free again
//     is served.
//   - A connection whose meter is above its bound, or has most when all together are above theirs,
//     is shut down; bytes of it that were not read are thrown away.
//   - When the process grows faster than what requests have reserved, connections on which no call
//     has taken a message yet are shut down, if they owe some: what gRPC makes of a header block
//     may be many times its bytes.
// One thread. It wakes up for a connection when bytes come, then looks every 20 ms while they do
// (every 4 ms at a caller who begins, and while bounds are near); those that are idle for long cost
// nothing.
// Thread-safe.
#ifndef FISCAL_SERVICES_DOOR_DOOR_H_
#define FISCAL_SERVICES_DOOR_DOOR_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"

namespace fiscal::services {

// The counters that calls keep of their connection. Thread-safe.
struct ConnectionUse {
  // Taken by calls.
  std::atomic<int64_t> bytes{0};
  // Calls that took a message or ended without one.
  std::atomic<int64_t> seen{0};
  // Calls that took one and go on.
  std::atomic<int64_t> busy{0};
};

class Door {
 public:
  struct Options {
    int64_t connections_max = 0;
    int64_t connections_per_address_max = 0;
    // Of one connection, as gRPC is told too.
    int64_t streams_max = 0;
    // Of all connections; one has at most three quarters.
    int64_t untaken_bytes_max = 0;
    // Resident memory of the process, and how much of it requests account for. Nothing: memory is
    // not looked at.
    int64_t (*resident_bytes)() = nullptr;
    std::function<int64_t()> accounted_bytes = nullptr;
  };
  struct Counts {
    int64_t open = 0;
    // In force, which is less than the setting when there are too few descriptors.
    int64_t open_max = 0;
    int64_t accepted = 0;
    int64_t refused_all = 0;
    int64_t refused_address = 0;
    int64_t refused_descriptors = 0;
    int64_t cut_bytes = 0;
    int64_t cut_streams = 0;
    int64_t cut_memory = 0;
    int64_t untaken_bytes = 0;
  };
  // Takes the descriptor of a connection.
  using Taker = std::function<void(int fd)>;

  // Listens; nobody is accepted before HandTo. FAILED_PRECONDITION: the address can't be listened
  // on.
  static absl::StatusOr<std::unique_ptr<Door>> Open(const std::string& listen,
                                                    const Options& options);
  // REQUIRES: servers that were handed connections are shut down.
  virtual ~Door() = default;
  virtual int port() const = 0;

  // Hands connections to `taker` from now on; with none they wait. Returns once no connection is
  // still being handed to the taker before.
  virtual void HandTo(Taker taker) = 0;
  // Listens no more. Connections stay, and are watched.
  virtual void Close() = 0;
  // The use of the connection that gRPC calls `peer`. Null when there is no such connection any
  // more.
  virtual std::shared_ptr<ConnectionUse> UseOf(const std::string& peer) const = 0;
  // A connection from this port of this machine is neither counted nor refused, until 0 is said:
  // the self-probe's own.
  virtual void Expect(int port) = 0;
  virtual Counts counts() const = 0;
};

// Sets up a server of the API: the bounds that gRPC can keep, and connections through the door.
// REQUIRES: `door` outlives the server. The result is for Door::HandTo once the server is started.
Door::Taker AddDoor(int64_t streams_max, std::shared_ptr<grpc::ServerCredentials> credentials,
                    grpc::ServerBuilder* builder);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_DOOR_DOOR_H_
