#include "tests/support/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/openssl.h"

namespace fiscal::testing {
namespace {

using openssl::Bio;
using openssl::Certificate;
using openssl::Key;

struct FreeExtension {
  void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
};

struct FreeList {
  void operator()(X509_CRL* p) const { X509_CRL_free(p); }
};
struct FreeTime {
  void operator()(ASN1_TIME* p) const { ASN1_TIME_free(p); }
};

std::string CertificatePem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  return openssl::Written(bio.get());
}

Key NewKey() { return Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")); }

// Unsigned.
Certificate NewCertificate(const std::string& common_name, EVP_PKEY* key, long serial, int days) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), days * 86400L);
  X509_set_pubkey(certificate.get(), key);
  if (!common_name.empty()) {
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                               0);
  }
  return certificate;
}

void AddExtension(X509* certificate, int nid, const std::string& value) {
  const std::unique_ptr<X509_EXTENSION, FreeExtension> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str()));
  X509_add_ext(certificate, extension.get(), -1);
}

}  // namespace

struct Authority::Impl {
  explicit Impl(const std::string& common_name)
      : certificate(NewCertificate(common_name, key.get(), 1, 3650)) {}
  Key key = NewKey();
  Certificate certificate;
  std::string pem;
  mutable long serial = 1;
};

Authority::Authority(const std::string& common_name, const std::string& names)
    : impl_(std::make_unique<Impl>(common_name)) {
  X509* c = impl_->certificate.get();
  X509_set_issuer_name(c, X509_get_subject_name(c));
  AddExtension(c, NID_basic_constraints, "critical,CA:TRUE");
  if (!names.empty()) AddExtension(c, NID_subject_alt_name, names);
  X509_sign(c, impl_->key.get(), EVP_sha256());
  impl_->pem = CertificatePem(c);
}

Authority::~Authority() = default;

const std::string& Authority::certificate() const { return impl_->pem; }

Pem Authority::Sign(const std::string& common_name, const std::string& uri, int days) const {
  return SignNames(common_name,
                   (uri.empty() ? "" : "URI:" + uri + ",") + "DNS:localhost,IP:127.0.0.1", days);
}

std::string Authority::RevocationList(const std::vector<std::string>& revoked) const {
  const std::unique_ptr<X509_CRL, FreeList> list(X509_CRL_new());
  X509_CRL_set_version(list.get(), 1);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(impl_->certificate.get()));
  const std::unique_ptr<ASN1_TIME, FreeTime> now(X509_gmtime_adj(nullptr, -60)),
      later(X509_gmtime_adj(nullptr, 86400));
  X509_CRL_set1_lastUpdate(list.get(), now.get());
  X509_CRL_set1_nextUpdate(list.get(), later.get());
  for (const std::string& pem : revoked) {
    const Certificate certificate(
        PEM_read_bio_X509(openssl::Reader(pem).get(), nullptr, nullptr, nullptr));
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate.get()));
    X509_REVOKED_set_revocationDate(entry, now.get());
    X509_CRL_add0_revoked(list.get(), entry);
  }
  X509_CRL_sort(list.get());
  X509_CRL_sign(list.get(), impl_->key.get(), EVP_sha256());
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_CRL(bio.get(), list.get());
  return openssl::Written(bio.get());
}

Pem Authority::SignNames(const std::string& common_name, const std::string& names, int days) const {
  const Key key = NewKey();
  const Certificate c = NewCertificate(common_name, key.get(), ++impl_->serial, days);
  X509_set_issuer_name(c.get(), X509_get_subject_name(impl_->certificate.get()));
  if (!names.empty()) AddExtension(c.get(), NID_subject_alt_name, names);
  X509_sign(c.get(), impl_->key.get(), EVP_sha256());
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return {CertificatePem(c.get()), openssl::Written(bio.get())};
}

}  // namespace fiscal::testing
