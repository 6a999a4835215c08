// The sockets that listen at a HOST:PORT, bound once and kept for as long as the process takes
// connections.
#ifndef FISCAL_SERVICES_DOOR_LISTENER_H_
#define FISCAL_SERVICES_DOOR_LISTENER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace fiscal::services {

class Listener {
 public:
  // 0.0.0.0 and [::] are every address of this machine, of both kinds; a name is every address it
  // stands for. FAILED_PRECONDITION: they can't be listened on; a port that another process listens
  // on is never shared with it.
  static absl::StatusOr<std::unique_ptr<Listener>> Bind(const std::string& address);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Non-blocking.
  const std::vector<int>& sockets() const { return sockets_; }
  int port() const { return port_; }

 private:
  Listener() = default;
  std::vector<int> sockets_;
  int port_ = 0;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_DOOR_LISTENER_H_
