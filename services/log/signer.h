// Signs tree heads and certificates, while the key in the data directory is the one that the log
// names.
//
//   <data-dir>/signing-key.pem ------------------> Signer --> EventLogService, FederationService
//   the last kKey event of the log --------------^
//   at a copy, which writes no events,
//   <data-dir>/signing-key.pub.pem --------------^
//
// A key that is lost, damaged or replaced stops signing and nothing else. A new one is made only on
// purpose (Rotate), and the log then names it. Thread-safe.
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
  // Reads the directory once. `recorded`: the public key that the log names; empty when it names
  // none, and then the public half beside the key counts. `first_start`: true when there never was
  // a key, so that one is made.
  Signer(std::string directory, std::string log_id, absl::string_view recorded, bool first_start);

  // SIGNING_STOPPED, with the reason.
  absl::StatusOr<SigningKey> key() const ABSL_LOCKS_EXCLUDED(mu_);
  // OK while it signs.
  absl::Status stop() const { return key().status(); }

  // Makes a new key. `keep` makes the log name it before anything is signed with it; at a copy it
  // does nothing. After an error the old key goes on, or the next start finds what the log names.
  using Keep = std::function<absl::Status(const domain::KeyEvent&)>;
  absl::StatusOr<SigningKey> Rotate(const Keep& keep) ABSL_LOCKS_EXCLUDED(rotating_, mu_);

 private:
  absl::StatusOr<SigningKey> Find(absl::string_view recorded, bool first_start) const;
  void Set(absl::StatusOr<SigningKey> key) ABSL_LOCKS_EXCLUDED(mu_);

  const std::string directory_;
  const std::string log_id_;
  // Held while a key is made. Lock order: before mu_.
  absl::Mutex rotating_;
  mutable absl::Mutex mu_;
  absl::StatusOr<SigningKey> key_ ABSL_GUARDED_BY(mu_);
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LOG_SIGNER_H_
