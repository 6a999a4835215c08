// The key and certificate of a trial authority, and what it signs with them; in memory.
//
//   Authority (files) --> Signer --> certificates, revocation lists
//
// ECDSA P-256 with SHA-256 throughout. Everything signed begins an hour before `now`, for clocks
// that are behind. Thread-compatible.
#ifndef FISCAL_CLIENTS_CLI_PKI_SIGNER_H_
#define FISCAL_CLIENTS_CLI_PKI_SIGNER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/openssl.h"

namespace fiscal::cli::pki {

// PEM; the key is PKCS #8 without a passphrase.
struct Pem {
  std::string certificate;
  std::string key;
};

// What a certificate says of whom it is given to.
struct Subject {
  // Path of the SPIFFE id; as CheckName wants it.
  std::string name;
  // For a server: DNS names and IP addresses it is reached by; as CheckHost wants them.
  std::vector<std::string> hosts;
  // Hexadecimal, of NewSerial.
  std::string serial;
  absl::Time not_after;
};

struct Revocation {
  std::string serial;
  absl::Time time;
};

class Signer {
 public:
  // A new authority, self-signed. REQUIRES: CheckTrustDomain.
  static Signer Make(const std::string& trust_domain, absl::Time now, absl::Time not_after);
  // FAILED_PRECONDITION: not what Make made, or the key is of another.
  static absl::StatusOr<Signer> Parse(absl::string_view certificate_pem, absl::string_view key_pem);

  Pem ToPem() const;
  const std::string& trust_domain() const { return trust_domain_; }
  absl::Time not_after() const;
  // The SPIFFE id: "spiffe://TRUST/NAME".
  std::string PrincipalOf(absl::string_view name) const;

  // A certificate with a new key: of a client, and with hosts of a server too. After it stands the
  // authority's own.
  Pem Sign(const Subject& subject, absl::Time now) const;
  // PEM of the list of what is revoked; nobody takes it after `next_update`.
  std::string RevocationList(const std::vector<Revocation>& revoked, absl::Time now,
                             absl::Time next_update) const;

 private:
  Signer(openssl::Key key, openssl::Certificate certificate, std::string trust_domain);

  openssl::Key key_;
  openssl::Certificate certificate_;
  std::string trust_domain_;
};

// Random, 32 digits.
std::string NewSerial();

// INVALID_ARGUMENT otherwise. Lower-case letters, digits, '-', '_' and '.'; at most 255 bytes.
absl::Status CheckTrustDomain(absl::string_view trust_domain);
// The same letters in segments between '/', none of them empty, "." or ".."; at most 200 bytes.
absl::Status CheckName(absl::string_view name);
// An IP address or a DNS name.
absl::Status CheckHost(absl::string_view host);

}  // namespace fiscal::cli::pki

#endif  // FISCAL_CLIENTS_CLI_PKI_SIGNER_H_
