#include "base/tls_files.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
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

// The setting that names a file, and its bytes.
struct File {
  std::string where;
  std::string bytes;

  absl::Status Wrong(absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(where, ": ", what));
  }
};

absl::StatusOr<File> Open(const NamedFile& named) {
  File file{absl::StrCat(named.name, " ", Shown(named.path)), ""};
  absl::StatusOr<std::string> bytes = ReadSmallFile(named.path);
  if (!bytes.ok()) return file.Wrong(bytes.status().message());
  file.bytes = *std::move(bytes);
  return file;
}

absl::StatusOr<std::vector<Certificate>> CertificatesOf(const File& file) {
  const ForgetErrors forget;
  const Bio bio = Reader(file.bytes);
  std::vector<Certificate> certificates;
  ERR_clear_error();
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr))
    certificates.emplace_back(certificate);
  // The end of a file is told as a block that does not begin; anything else is a block that is
  // broken.
  const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!ended) {
    return file.Wrong(absl::StrCat("certificate ", certificates.size() + 1,
                                   " in it can't be read: is the file whole?"));
  }
  if (certificates.empty()) return file.Wrong("no certificate in PEM in it");
  return certificates;
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

absl::StatusOr<Key> KeyOf(const File& file) {
  const ForgetErrors forget;
  Key key(PEM_read_bio_PrivateKey(Reader(file.bytes).get(), nullptr, NoPassphrase, nullptr));
  if (key != nullptr) return key;
  return file.Wrong(absl::StrContains(file.bytes, "ENCRYPTED")
                        ? "the key has a passphrase; nobody is there to type it"
                        : "no private key in PEM in it");
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
  FISCAL_ASSIGN_OR_RETURN(const File certificate, Open(certificate_file));
  FISCAL_ASSIGN_OR_RETURN(const std::vector<Certificate> chain, CertificatesOf(certificate));
  FISCAL_ASSIGN_OR_RETURN(const File secret, Open(key_file));
  FISCAL_ASSIGN_OR_RETURN(const Key key, KeyOf(secret));
  const ForgetErrors forget;
  if (X509_check_private_key(chain[0].get(), key.get()) != 1) {
    return secret.Wrong(
        absl::StrCat("is not the key of the first certificate in ", Shown(certificate_file.path)));
  }
  for (size_t i = 0; i < chain.size(); ++i) {
    const std::string fault = NotValidNow(chain[i]);
    if (!fault.empty()) {
      return certificate.Wrong(
          chain.size() == 1 ? fault : absl::StrCat("certificate ", i + 1, " in it: ", fault));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckAuthorities(const NamedFile& named) {
  if (named.path.empty()) return absl::OkStatus();
  FISCAL_ASSIGN_OR_RETURN(const File file, Open(named));
  FISCAL_ASSIGN_OR_RETURN(const std::vector<Certificate> authorities, CertificatesOf(file));
  for (const Certificate& authority : authorities) {
    if (NotValidNow(authority).empty()) return absl::OkStatus();
  }
  return file.Wrong(NotValidNow(authorities[0]));
}

absl::StatusOr<absl::Time> CertificateExpiry(const NamedFile& named) {
  FISCAL_ASSIGN_OR_RETURN(const File file, Open(named));
  FISCAL_ASSIGN_OR_RETURN(const std::vector<Certificate> chain, CertificatesOf(file));
  struct tm end {};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(chain[0].get()), &end) != 1)
    return file.Wrong("the certificate says no end in time");
  return absl::FromTimeT(timegm(&end));
}

}  // namespace fiscal
