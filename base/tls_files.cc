#include "base/tls_files.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/openssl.h"
#include "base/small_file.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace fiscal {
namespace {

using openssl::Bio;
using openssl::Certificate;
using openssl::ForgetErrors;
using openssl::Key;
using openssl::NoPassphrase;
using openssl::Reader;

absl::Status Wrong(const PemFile& file, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(file.named.name, " ", Shown(file.named.path), ": ", what));
}

absl::StatusOr<std::vector<Certificate>> CertificatesOf(const PemFile& file) {
  if (!file.bytes.ok()) return Wrong(file, file.bytes.status().message());
  const ForgetErrors forget;
  openssl::Certificates certificates = openssl::ReadCertificates(*file.bytes);
  if (!certificates.whole) {
    return Wrong(file, absl::StrCat("certificate ", certificates.all.size() + 1,
                                    " in it can't be read: is the file whole?"));
  }
  if (certificates.all.empty()) return Wrong(file, "no certificate in PEM in it");
  return std::move(certificates.all);
}

// Empty when `certificate` is valid now.
std::string NotValidNow(const Certificate& certificate) {
  const ASN1_TIME* begin = X509_get0_notBefore(certificate.get());
  const ASN1_TIME* end = X509_get0_notAfter(certificate.get());
  const bool ended = X509_cmp_current_time(end) < 0;
  if (!ended && X509_cmp_current_time(begin) <= 0) return "";
  const Bio bio(BIO_new(BIO_s_mem()));
  ASN1_TIME_print(bio.get(), ended ? end : begin);
  return absl::StrCat(ended ? "expired at " : "not valid before ", openssl::Written(bio.get()));
}

absl::StatusOr<Key> KeyOf(const PemFile& file) {
  if (!file.bytes.ok()) return Wrong(file, file.bytes.status().message());
  const ForgetErrors forget;
  Key key(PEM_read_bio_PrivateKey(Reader(*file.bytes).get(), nullptr, NoPassphrase, nullptr));
  if (key != nullptr) return key;
  return Wrong(file, absl::StrContains(*file.bytes, "ENCRYPTED")
                         ? "the key has a passphrase; nobody is there to type it"
                         : "no private key in PEM in it");
}

void Write(const std::vector<Certificate>& certificates, BIO* bio) {
  for (const Certificate& certificate : certificates) PEM_write_bio_X509(bio, certificate.get());
}

}  // namespace

absl::Status CheckCertificate(const NamedFile& certificate_file, const NamedFile& key_file) {
  if (certificate_file.path.empty() && key_file.path.empty()) return absl::OkStatus();
  if (certificate_file.path.empty() || key_file.path.empty()) {
    const bool key = key_file.path.empty();
    return absl::InvalidArgumentError(
        absl::StrCat((key ? key_file : certificate_file).name, ": must be set too, as ",
                     (key ? certificate_file : key_file).name, " is"));
  }
  return PemOfPair(ReadPem(certificate_file), ReadPem(key_file)).status();
}

absl::Status CheckAuthorities(const NamedFile& named) {
  if (named.path.empty()) return absl::OkStatus();
  return PemOfAuthorities(ReadPem(named)).status();
}

PemFile ReadPem(NamedFile named) {
  absl::StatusOr<std::string> bytes = ReadSmallFile(named.path);
  return {std::move(named), std::move(bytes)};
}

absl::StatusOr<std::string> PemOfPair(const PemFile& certificate_file, const PemFile& key_file) {
  FISCAL_ASSIGN_OR_RETURN(const std::vector<Certificate> chain, CertificatesOf(certificate_file));
  FISCAL_ASSIGN_OR_RETURN(const Key key, KeyOf(key_file));
  const ForgetErrors forget;
  if (X509_check_private_key(chain[0].get(), key.get()) != 1) {
    return Wrong(key_file, absl::StrCat("is not the key of the first certificate in ",
                                        Shown(certificate_file.named.path)));
  }
  for (size_t i = 0; i < chain.size(); ++i) {
    const std::string fault = NotValidNow(chain[i]);
    if (!fault.empty()) {
      return Wrong(certificate_file, chain.size() == 1
                                         ? fault
                                         : absl::StrCat("certificate ", i + 1, " in it: ", fault));
    }
  }
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  Write(chain, bio.get());
  return openssl::Written(bio.get());
}

absl::StatusOr<std::string> PemOfAuthorities(const PemFile& file) {
  FISCAL_ASSIGN_OR_RETURN(const std::vector<Certificate> authorities, CertificatesOf(file));
  const bool valid =
      std::any_of(authorities.begin(), authorities.end(),
                  [](const Certificate& authority) { return NotValidNow(authority).empty(); });
  if (!valid) return Wrong(file, NotValidNow(authorities[0]));
  const Bio bio(BIO_new(BIO_s_mem()));
  Write(authorities, bio.get());
  return openssl::Written(bio.get());
}

absl::StatusOr<absl::Time> CertificateExpiry(const NamedFile& named) {
  const PemFile file = ReadPem(named);
  FISCAL_ASSIGN_OR_RETURN(const std::vector<Certificate> chain, CertificatesOf(file));
  const absl::Time end = openssl::NotAfter(chain[0].get());
  if (end == absl::InfinitePast()) return Wrong(file, "the certificate says no end in time");
  return end;
}

}  // namespace fiscal
