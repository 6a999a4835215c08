// Signs tree heads and certificates, as long as the key in the data directory is the one that was
// said for good.
//
//   <data-dir>/signing-key.pem ------------------> Signer --> EventLogService, FederationService
//   the last kKey event of the log --------------^
//   at a copy, which writes no events,
//   <data-dir>/signing-key.pub.pem --------------^
//
// A key that is lost, damaged or another one stops signing and nothing else: a new one is made on
// purpose only (Rotate), and said in the log. Thread-safe.
#ifndef FISCAL_SERVICES_LOG_SIGNER_H_
#define FISCAL_SERVICES_LOG_SIGNER_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/signing.h"
#include "domain/event.h"

namespace fiscal::services {

class Signer {
 public:
  // Looks at the directory once. `recorded` is the public key that the log names, empty where it
  // names none: then what stands beside the key counts. `first_start`: there never was a key, so
  // one is made.
  Signer(std::string directory, std::string log_id, absl::string_view recorded, bool first_start);

  // SIGNING_STOPPED, which says why.
  absl::StatusOr<SigningKey> key() const ABSL_LOCKS_EXCLUDED(mu_);
  // OK while it signs.
  absl::Status stop() const { return key().status(); }

  // Makes a new key. `keep` has it said for good before anything is signed with it; at a copy it
  // has nothing to do. After an error the key before goes on, or what is said is found at the next
  // start.
  using Keep = std::function<absl::Status(const domain::KeyEvent&)>;
  absl::StatusOr<SigningKey> Rotate(const Keep& keep) ABSL_LOCKS_EXCLUDED(rotating_, mu_);

 private:
  absl::StatusOr<SigningKey> Find(absl::string_view recorded, bool first_start) const;
  void Set(absl::StatusOr<SigningKey> key) ABSL_LOCKS_EXCLUDED(mu_);

  const std::string directory_;
  const std::string log_id_;
  // Held while a key is made. Before mu_.
  absl::Mutex rotating_;
  mutable absl::Mutex mu_;
  absl::StatusOr<SigningKey> key_ ABSL_GUARDED_BY(mu_);
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LOG_SIGNER_H_
