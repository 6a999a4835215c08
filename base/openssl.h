// OpenSSL's objects with owners, for code that reads or writes keys and certificates.
#ifndef FISCAL_BASE_OPENSSL_H_
#define FISCAL_BASE_OPENSSL_H_

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace fiscal::openssl {

template <typename T, void (*Free)(T*)>
struct Deleter {
  void operator()(T* p) const { Free(p); }
};
inline void FreeBio(BIO* bio) { BIO_free_all(bio); }
using Bio = std::unique_ptr<BIO, Deleter<BIO, FreeBio>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY, EVP_PKEY_free>>;
using Context = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX, EVP_MD_CTX_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509, X509_free>>;

// OpenSSL keeps what went wrong per thread, where the next caller would find it.
struct ForgetErrors {
  ~ForgetErrors() { ERR_clear_error(); }
};

// In place of asking for a passphrase on the terminal.
inline int NoPassphrase(char*, int, int, void*) { return -1; }

// Reads from `pem`, which outlives it.
inline Bio Reader(absl::string_view pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}
// The bytes that were written into memory.
inline std::string Written(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

// The certificates of a text in PEM.
struct Certificates {
  std::vector<Certificate> all;
  // False when a block is broken: a file that is half written is none.
  bool whole = false;
};
Certificates ReadCertificates(absl::string_view pem);
// Whether reading blocks of PEM stopped because none was left, and not at a broken one. Of the last
// call of this thread.
bool ReadToTheEnd();

// The end of its validity; InfinitePast where it says none.
absl::Time NotAfter(const X509* certificate);
absl::Time TimeOf(const ASN1_TIME* time);
std::string TextOf(const ASN1_STRING* text);
// The subject alternative names of a type: GEN_URI, GEN_DNS.
std::vector<std::string> AlternativeNames(const X509* certificate, int type);

}  // namespace fiscal::openssl

#endif  // FISCAL_BASE_OPENSSL_H_
