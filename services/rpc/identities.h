// Who callers are, by their certificates: one place that reads names out of them, checks that they
// still hold, and notices when authorities or lists of revoked certificates change.
//
//   gRPC's handshake --(certificate)--> Identities::Of --> principal (domain/authority/principal.h)
//
// A certificate says who its holder is by one SPIFFE id; without any, by one DNS name; without any,
// by its common name. None, or several of the kind that counts, is refused, and so is a SPIFFE id
// that its authority can't vouch for: an authority whose own certificate names trust domains as
// URIs vouches for those alone; one that names none vouches for any, if it is the only one.
// Thread-safe.
#ifndef FISCAL_SERVICES_RPC_IDENTITIES_H_
#define FISCAL_SERVICES_RPC_IDENTITIES_H_

#include <atomic>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace fiscal::services::rpc {

class Identities {
 public:
  struct Options {
    // PEM. Without authorities every caller is anonymous.
    std::string client_ca_file;
    // PEM; empty for none.
    std::string client_crl_file;
  };

  // Reads the files. REQUIRES: `clock` outlives it; the authorities were checked
  // (base/tls_files.h).
  Identities(Clock& clock, Options options);
  ~Identities();

  // The principal of the holder of a certificate, in PEM; `chain` as he sent it. Without
  // authorities `anonymous`. UNAUTHENTICATED with PRINCIPAL_REFUSED.
  absl::StatusOr<std::string> Of(absl::string_view certificate, absl::string_view chain)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Reads the files again. True when one changed: then callers let in before may be refused now. A
  // file that can't be read, or is none of its kind, changes nothing, and a line says so once, as
  // one does when a list of revoked certificates ends.
  bool Refresh() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Trust;
  struct Verdict {
    absl::StatusOr<std::string> principal;
    // A certificate that ends while its connection lives ends its calls.
    absl::Time not_after;
  };

  static absl::StatusOr<std::shared_ptr<const Trust>> ReadTrust(const std::string& authorities,
                                                                const std::string& lists);
  Verdict Judge(const Trust& trust, absl::string_view certificate, absl::string_view chain) const;
  void WarnOfEnd() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Clock& clock_;
  const Options options_;
  mutable absl::Mutex mu_;
  std::string authorities_ ABSL_GUARDED_BY(mu_), lists_ ABSL_GUARDED_BY(mu_);
  std::string complained_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<const Trust> trust_ ABSL_GUARDED_BY(mu_);
  // That one of its lists has ended was said.
  bool warned_ ABSL_GUARDED_BY(mu_) = false;
  // By the certificate's PEM.
  absl::flat_hash_map<std::string, std::shared_ptr<const Verdict>> verdicts_ ABSL_GUARDED_BY(mu_);
};

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_IDENTITIES_H_
