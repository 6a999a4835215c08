// Checks PEM files before anything is served, or asked, with them.
#ifndef FISCAL_BASE_TLS_FILES_H_
#define FISCAL_BASE_TLS_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace fiscal {

// A file and what names it in an error: a setting, a flag.
struct NamedFile {
  std::string name;
  // Empty: not set.
  std::string path;
};

// Both or neither are set, readable, PEM; certificates that are valid now, and the key of the first
// of them, without a passphrase. INVALID_ARGUMENT: one line.
absl::Status CheckCertificate(const NamedFile& certificate, const NamedFile& key);

// Not set, or at least one of the authorities in it is valid now: bundles carry ended ones along.
absl::Status CheckAuthorities(const NamedFile& file);

// A file as it was read, or why it can't be.
struct PemFile {
  NamedFile named;
  absl::StatusOr<std::string> bytes;
};
PemFile ReadPem(NamedFile named);

// What the checks above let pass, of files that were read: what they check, in PEM, without
// anything else that the files have. Of a pair the key comes first, then its certificates.
absl::StatusOr<std::string> PemOfPair(const PemFile& certificate, const PemFile& key);
absl::StatusOr<std::string> PemOfAuthorities(const PemFile& file);

// When the first certificate of a file ends. INVALID_ARGUMENT when there is none.
absl::StatusOr<absl::Time> CertificateExpiry(const NamedFile& certificate);

}  // namespace fiscal

#endif  // FISCAL_BASE_TLS_FILES_H_
