// Connects to the own address as a caller would, so that a listener that is dead while the process
// lives is seen.
//
// Plain: our SETTINGS are answered with the server's. TLS: the server shows its certificate; a
// caller's own is not shown, so where callers must have one the handshake ends there. The
// connection is beside the door's caps: a full door is no dead one.
#ifndef FISCAL_SERVICES_DOOR_SELF_PROBE_H_
#define FISCAL_SERVICES_DOOR_SELF_PROBE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/door/door.h"

namespace fiscal::services {

class SelfProbe {
 public:
  enum class Tls { kNone, kAnonymous, kAsksForCertificates };
  // Of the address that `door` listens on. REQUIRES: `door` outlives it.
  static std::unique_ptr<SelfProbe> Make(const std::string& listen, Door& door, Tls tls);
  virtual ~SelfProbe() = default;
  // Blocks for at most `limit`. UNAVAILABLE says how far it came. One at a time.
  virtual absl::Status Look(absl::Duration limit) = 0;

  // True once for each handshake that a probe left unfinished on purpose, which gRPC logs as
  // failed.
  static bool TakeUnfinished();
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_DOOR_SELF_PROBE_H_
