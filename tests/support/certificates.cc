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
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  return certificate;
}

void AddExtension(X509* certificate, int nid, const std::string& value) {
  const std::unique_ptr<X509_EXTENSION, FreeExtension> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str()));
  X509_add_ext(certificate, extension.get(), -1);
}

}  // namespace

struct Authority::Impl {
  Key key = NewKey();
  Certificate certificate = NewCertificate("authority", key.get(), 1, 3650);
  std::string pem;
  mutable long serial = 1;
};

Authority::Authority() : impl_(std::make_unique<Impl>()) {
  X509* c = impl_->certificate.get();
  X509_set_issuer_name(c, X509_get_subject_name(c));
  AddExtension(c, NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(c, impl_->key.get(), EVP_sha256());
  impl_->pem = CertificatePem(c);
}

Authority::~Authority() = default;

const std::string& Authority::certificate() const { return impl_->pem; }

Pem Authority::Sign(const std::string& common_name, const std::string& uri, int days) const {
  const Key key = NewKey();
  const Certificate c = NewCertificate(common_name, key.get(), ++impl_->serial, days);
  X509_set_issuer_name(c.get(), X509_get_subject_name(impl_->certificate.get()));
  AddExtension(c.get(), NID_subject_alt_name,
               (uri.empty() ? "" : "URI:" + uri + ",") + "DNS:localhost,IP:127.0.0.1");
  X509_sign(c.get(), impl_->key.get(), EVP_sha256());
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return {CertificatePem(c.get()), openssl::Written(bio.get())};
}

}  // namespace fiscal::testing
