#include "services/config/tls_files.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/openssl.h"
#include "base/status_macros.h"
#include "services/config/setting.h"
#include "services/config/small_file.h"

namespace fiscal::services::settings {
namespace {

using openssl::Bio;
using openssl::Certificate;
using openssl::ForgetErrors;
using openssl::Key;
using openssl::NoPassphrase;
using openssl::Reader;

// A setting that names a file, and the bytes of that.
struct File {
  std::string where;
  std::string bytes;

  absl::Status Wrong(absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(where, ": ", what));
  }
};

absl::StatusOr<File> Open(const std::string& setting, const std::string& path) {
  File file{absl::StrCat(setting, " ", Shown(path)), ""};
  absl::StatusOr<std::string> bytes = ReadSmallFile(path);
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
  // The end of a file is told as a block that does not begin; anything else is a block that is broken.
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
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return absl::StrCat(ended ? "expired at " : "not valid before ",
                      absl::string_view(data, static_cast<size_t>(size)));
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

absl::Status CheckCertificate(absl::string_view group, const std::string& certificate_file,
                              const std::string& key_file) {
  const std::string certificate_name = absl::StrCat(group, ".certificate_file"),
                    key_name = absl::StrCat(group, ".key_file");
  if (certificate_file.empty() && key_file.empty()) return absl::OkStatus();
  if (certificate_file.empty() || key_file.empty()) {
    const bool key = key_file.empty();
    return absl::InvalidArgumentError(absl::StrCat(key ? key_name : certificate_name,
                                                   ": must be set too, as ",
                                                   key ? certificate_name : key_name, " is"));
  }
  FISCAL_ASSIGN_OR_RETURN(const File certificate, Open(certificate_name, certificate_file));
  FISCAL_ASSIGN_OR_RETURN(const std::vector<Certificate> chain, CertificatesOf(certificate));
  FISCAL_ASSIGN_OR_RETURN(const File secret, Open(key_name, key_file));
  FISCAL_ASSIGN_OR_RETURN(const Key key, KeyOf(secret));
  const ForgetErrors forget;
  if (X509_check_private_key(chain[0].get(), key.get()) != 1) {
    return secret.Wrong(
        absl::StrCat("is not the key of the first certificate in ", Shown(certificate_file)));
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

absl::Status CheckAuthorities(absl::string_view setting, const std::string& path) {
  if (path.empty()) return absl::OkStatus();
  FISCAL_ASSIGN_OR_RETURN(const File file, Open(std::string(setting), path));
  FISCAL_ASSIGN_OR_RETURN(const std::vector<Certificate> authorities, CertificatesOf(file));
  for (const Certificate& authority : authorities) {
    if (NotValidNow(authority).empty()) return absl::OkStatus();
  }
  return file.Wrong(NotValidNow(authorities[0]));
}

}  // namespace fiscal::services::settings
