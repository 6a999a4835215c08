// Answers at the API's address while the process recovers: health is NOT_SERVING, every call gets
// UNAVAILABLE with the reason RECOVERING and the progress. Without it callers of a long recovery
// could not tell it from a dead host.
//
// Between its end and the real server's start connections wait: the address is the Door's, which
// listens from the one to the other.
#ifndef FISCAL_SERVICES_OPS_RECOVERY_DOOR_H_
#define FISCAL_SERVICES_OPS_RECOVERY_DOOR_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/security/server_credentials.h"
#include "services/door/door.h"

namespace fiscal::services {

class RecoveryDoor {
 public:
  // `services` are the names that health is asked for. `progress` says in a few words how far it
  // is; called from any thread. REQUIRES: `door` outlives the result.
  static absl::StatusOr<std::unique_ptr<RecoveryDoor>> Open(
      Door& door, int64_t streams_max, std::shared_ptr<grpc::ServerCredentials> credentials,
      const std::vector<std::string>& services, std::function<std::string()> progress);
  // Takes no more connections and closes its own.
  virtual ~RecoveryDoor() = default;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_OPS_RECOVERY_DOOR_H_
