#include "base/openssl.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ctime>

namespace fiscal::openssl {
namespace {

inline void FreeNames(GENERAL_NAMES* names) { GENERAL_NAMES_free(names); }
using Names = std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES, FreeNames>>;

}  // namespace

Certificates ReadCertificates(absl::string_view pem) {
  const ForgetErrors forget;
  const Bio bio = Reader(pem);
  Certificates certificates;
  ERR_clear_error();
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr))
    certificates.all.emplace_back(certificate);
  certificates.whole = ReadToTheEnd();
  return certificates;
}

// The end is told as a block that does not begin.
bool ReadToTheEnd() { return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE; }

absl::Time NotAfter(const X509* certificate) { return TimeOf(X509_get0_notAfter(certificate)); }

absl::Time TimeOf(const ASN1_TIME* time) {
  struct tm fields {};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return absl::InfinitePast();
  return absl::FromTimeT(timegm(&fields));
}

std::string TextOf(const ASN1_STRING* text) {
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                     static_cast<size_t>(ASN1_STRING_length(text)));
}

std::vector<std::string> AlternativeNames(const X509* certificate, int type) {
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> out;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == type) out.push_back(TextOf(name->d.ia5));
  }
  return out;
}

}  // namespace fiscal::openssl
