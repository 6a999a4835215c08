// The counters that gRPC keeps of connections that servers of this process took (channelz).
#ifndef FISCAL_SERVICES_DOOR_TRANSPORTS_H_
#define FISCAL_SERVICES_DOOR_TRANSPORTS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace fiscal::services {

// Not thread-safe.
class Transports {
 public:
  struct Streams {
    int64_t started = 0;
    // In whatever way; and of these, those that were reset or cut.
    int64_t ended = 0;
    int64_t failed = 0;
  };
  // Learns which connections there are: about 10 us each.
  void Refresh();
  // 0 when there is none, or Refresh has not met it.
  int64_t IdOf(const std::string& peer) const;
  // Nothing when it has ended. About 10 us.
  static std::optional<Streams> Count(int64_t id);

 private:
  absl::flat_hash_map<std::string, int64_t> ids_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_DOOR_TRANSPORTS_H_
