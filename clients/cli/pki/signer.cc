#include "clients/cli/pki/signer.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/check.h"
#include "base/text.h"

namespace fiscal::cli::pki {
namespace {

using openssl::Bio;
using openssl::Certificate;
using openssl::Deleter;
using openssl::ForgetErrors;
using openssl::Key;

using Address = std::unique_ptr<ASN1_OCTET_STRING, Deleter<ASN1_OCTET_STRING, ASN1_STRING_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION, X509_EXTENSION_free>>;
using Integer = std::unique_ptr<ASN1_INTEGER, Deleter<ASN1_INTEGER, ASN1_INTEGER_free>>;
using List = std::unique_ptr<X509_CRL, Deleter<X509_CRL, X509_CRL_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES, GENERAL_NAMES_free>>;
using Number = std::unique_ptr<BIGNUM, Deleter<BIGNUM, BN_free>>;
using Time = std::unique_ptr<ASN1_TIME, Deleter<ASN1_TIME, ASN1_TIME_free>>;

constexpr absl::string_view kScheme = "spiffe://";
constexpr absl::Duration kBackdated = absl::Hours(1);
constexpr size_t kTrustDomainBytesMax = 255, kNameBytesMax = 200, kHostBytesMax = 253;
// X.520: of a common name.
constexpr size_t kCommonNameBytesMax = 64;

// What is made here is made of parts that were checked: OpenSSL fails without memory or randomness.
void Must(bool done) { FISCAL_CHECK(done, "OpenSSL makes certificates of what was checked"); }

Key NewKey() {
  Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  Must(key != nullptr);
  return key;
}

Time TimeOf(absl::Time time) {
  Time made(ASN1_TIME_set(nullptr, absl::ToTimeT(time)));
  Must(made != nullptr);
  return made;
}

Integer SerialOf(const std::string& hex) {
  BIGNUM* number = nullptr;
  Must(BN_hex2bn(&number, hex.c_str()) == static_cast<int>(hex.size()));
  const Number owner(number);
  Integer serial(BN_to_ASN1_INTEGER(number, nullptr));
  Must(serial != nullptr);
  return serial;
}

void SetCommonName(X509* certificate, const std::string& text) {
  const std::string name = text.size() <= kCommonNameBytesMax
                               ? text
                               : absl::StrCat(text.substr(0, kCommonNameBytesMax - 3), "...");
  Must(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                  reinterpret_cast<const unsigned char*>(name.data()),
                                  static_cast<int>(name.size()), -1, 0) == 1);
}

void AddExtension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  Must(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

void AddName(int type, ASN1_STRING* value, GENERAL_NAMES* names) {
  GENERAL_NAME* name = GENERAL_NAME_new();
  Must(name != nullptr && value != nullptr);
  GENERAL_NAME_set0_value(name, type, value);
  Must(sk_GENERAL_NAME_push(names, name) > 0);
}

void AddText(int type, absl::string_view text, GENERAL_NAMES* names) {
  ASN1_STRING* value = ASN1_STRING_type_new(V_ASN1_IA5STRING);
  Must(value != nullptr && ASN1_STRING_set(value, text.data(), static_cast<int>(text.size())) == 1);
  AddName(type, value, names);
}

// Null for what is no IP address.
Address AddressOf(absl::string_view host) {
  const ForgetErrors forget;
  return Address(a2i_IPADDRESS(std::string(host).c_str()));
}

void AddAlternativeNames(X509* certificate, absl::string_view uri,
                         const std::vector<std::string>& hosts) {
  const Names names(GENERAL_NAMES_new());
  Must(names != nullptr);
  AddText(GEN_URI, uri, names.get());
  for (const std::string& host : hosts) {
    Address address = AddressOf(host);
    if (address != nullptr) {
      AddName(GEN_IPADD, address.release(), names.get());
    } else {
      AddText(GEN_DNS, host, names.get());
    }
  }
  Must(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0) == 1);
}

// Without extensions and signature.
Certificate NewCertificate(const std::string& common_name, const std::string& serial, EVP_PKEY* key,
                           absl::Time now, absl::Time not_after) {
  Certificate certificate(X509_new());
  X509* c = certificate.get();
  Must(c != nullptr && X509_set_version(c, X509_VERSION_3) == 1 &&
       X509_set_serialNumber(c, SerialOf(serial).get()) == 1 &&
       X509_set1_notBefore(c, TimeOf(now - kBackdated).get()) == 1 &&
       X509_set1_notAfter(c, TimeOf(not_after).get()) == 1 && X509_set_pubkey(c, key) == 1);
  SetCommonName(c, common_name);
  return certificate;
}

std::string PemOf(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  Must(PEM_write_bio_X509(bio.get(), certificate) == 1);
  return openssl::Written(bio.get());
}

std::string PemOf(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  Must(PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return openssl::Written(bio.get());
}

// Empty when the certificate does not have exactly one URI, of a trust domain.
std::string TrustDomainOf(X509* certificate) {
  const std::vector<std::string> uris = openssl::AlternativeNames(certificate, GEN_URI);
  if (uris.size() != 1) return "";
  absl::string_view uri = uris[0];
  return absl::ConsumePrefix(&uri, kScheme) && CheckTrustDomain(uri).ok() ? std::string(uri) : "";
}

bool IsNameLetter(char c) {
  return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '_' || c == '.';
}

bool IsHostLabel(absl::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
         });
}

}  // namespace

Signer::Signer(Key key, Certificate certificate, std::string trust_domain)
    : key_(std::move(key)),
      certificate_(std::move(certificate)),
      trust_domain_(std::move(trust_domain)) {}

Signer Signer::Make(const std::string& trust_domain, absl::Time now, absl::Time not_after) {
  const ForgetErrors forget;
  Key key = NewKey();
  Certificate certificate = NewCertificate(absl::StrCat("Fiscal trial authority of ", trust_domain),
                                           NewSerial(), key.get(), now, not_after);
  X509* c = certificate.get();
  Must(X509_set_issuer_name(c, X509_get_subject_name(c)) == 1);
  AddExtension(c, c, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  AddExtension(c, c, NID_key_usage, "critical,keyCertSign,cRLSign");
  AddExtension(c, c, NID_subject_key_identifier, "hash");
  AddAlternativeNames(c, absl::StrCat(kScheme, trust_domain), {});
  Must(X509_sign(c, key.get(), EVP_sha256()) > 0);
  return Signer(std::move(key), std::move(certificate), trust_domain);
}

absl::StatusOr<Signer> Signer::Parse(absl::string_view certificate_pem, absl::string_view key_pem) {
  const ForgetErrors forget;
  Certificate certificate(PEM_read_bio_X509(openssl::Reader(certificate_pem).get(), nullptr,
                                            openssl::NoPassphrase, nullptr));
  if (certificate == nullptr) return absl::FailedPreconditionError("no certificate in PEM");
  // Fills in what X509_check_ca and others look at.
  if (X509_check_ca(certificate.get()) != 1)
    return absl::FailedPreconditionError("the certificate is of no authority");
  std::string trust_domain = TrustDomainOf(certificate.get());
  if (trust_domain.empty()) {
    return absl::FailedPreconditionError(
        "the authority is bound to no trust domain: its certificate must have one URI, "
        "spiffe://TRUST_DOMAIN");
  }
  Key key(PEM_read_bio_PrivateKey(openssl::Reader(key_pem).get(), nullptr, openssl::NoPassphrase,
                                  nullptr));
  if (key == nullptr) return absl::FailedPreconditionError("no private key in PEM");
  if (X509_check_private_key(certificate.get(), key.get()) != 1)
    return absl::FailedPreconditionError("the private key is not the certificate's");
  return Signer(std::move(key), std::move(certificate), std::move(trust_domain));
}

Pem Signer::ToPem() const { return {PemOf(certificate_.get()), PemOf(key_.get())}; }

absl::Time Signer::not_after() const { return openssl::NotAfter(certificate_.get()); }

std::string Signer::PrincipalOf(absl::string_view name) const {
  return absl::StrCat(kScheme, trust_domain_, "/", name);
}

Pem Signer::Sign(const Subject& subject, absl::Time now) const {
  const ForgetErrors forget;
  const Key key = NewKey();
  const Certificate certificate =
      NewCertificate(subject.name, subject.serial, key.get(), now, subject.not_after);
  X509 *c = certificate.get(), *issuer = certificate_.get();
  Must(X509_set_issuer_name(c, X509_get_subject_name(issuer)) == 1);
  AddExtension(c, issuer, NID_basic_constraints, "critical,CA:FALSE");
  AddExtension(c, issuer, NID_key_usage, "critical,digitalSignature");
  AddExtension(c, issuer, NID_ext_key_usage,
               subject.hosts.empty() ? "clientAuth" : "clientAuth,serverAuth");
  AddExtension(c, issuer, NID_subject_key_identifier, "hash");
  AddExtension(c, issuer, NID_authority_key_identifier, "keyid:always");
  AddAlternativeNames(c, PrincipalOf(subject.name), subject.hosts);
  Must(X509_sign(c, key_.get(), EVP_sha256()) > 0);
  return {absl::StrCat(PemOf(c), PemOf(issuer)), PemOf(key.get())};
}

std::string Signer::RevocationList(const std::vector<Revocation>& revoked, absl::Time now,
                                   absl::Time next_update) const {
  const ForgetErrors forget;
  const List list(X509_CRL_new());
  X509_CRL* l = list.get();
  Must(l != nullptr && X509_CRL_set_version(l, X509_CRL_VERSION_2) == 1 &&
       X509_CRL_set_issuer_name(l, X509_get_subject_name(certificate_.get())) == 1 &&
       X509_CRL_set1_lastUpdate(l, TimeOf(now - kBackdated).get()) == 1 &&
       X509_CRL_set1_nextUpdate(l, TimeOf(next_update).get()) == 1);
  for (const Revocation& one : revoked) {
    X509_REVOKED* entry = X509_REVOKED_new();
    Must(entry != nullptr &&
         X509_REVOKED_set_serialNumber(entry, SerialOf(one.serial).get()) == 1 &&
         X509_REVOKED_set_revocationDate(entry, TimeOf(one.time).get()) == 1 &&
         X509_CRL_add0_revoked(l, entry) == 1);
  }
  // Numbers of lists rise; the clock's do, without a file to keep them in.
  const Integer number(ASN1_INTEGER_new());
  Must(number != nullptr && ASN1_INTEGER_set_int64(number.get(), absl::ToUnixMicros(now)) == 1 &&
       X509_CRL_add1_ext_i2d(l, NID_crl_number, number.get(), 0, 0) == 1);
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate_.get(), nullptr, nullptr, l, 0);
  const Extension issuer(
      X509V3_EXT_conf_nid(nullptr, &context, NID_authority_key_identifier, "keyid:always"));
  Must(issuer != nullptr && X509_CRL_add_ext(l, issuer.get(), -1) == 1 && X509_CRL_sort(l) == 1 &&
       X509_CRL_sign(l, key_.get(), EVP_sha256()) > 0);
  const Bio bio(BIO_new(BIO_s_mem()));
  Must(PEM_write_bio_X509_CRL(bio.get(), l) == 1);
  return openssl::Written(bio.get());
}

std::string NewSerial() {
  unsigned char bytes[16];
  Must(RAND_bytes(bytes, sizeof(bytes)) == 1);
  // Positive and of one length: neither sign nor leading zeros to be dropped.
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x3f) | 0x40);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes), sizeof(bytes)));
}

absl::Status CheckTrustDomain(absl::string_view trust_domain) {
  if (!trust_domain.empty() && trust_domain.size() <= kTrustDomainBytesMax &&
      std::all_of(trust_domain.begin(), trust_domain.end(), IsNameLetter)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("trust domain ", Shown(trust_domain),
                   ": must be 1 to 255 lower-case letters, digits, '-', '_' and '.'"));
}

absl::Status CheckName(absl::string_view name) {
  bool sound = name.size() <= kNameBytesMax;
  for (const absl::string_view segment : absl::StrSplit(name, '/')) {
    sound = sound && !segment.empty() && segment != "." && segment != ".." &&
            std::all_of(segment.begin(), segment.end(), IsNameLetter);
  }
  if (sound) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("name ", Shown(name),
                   ": must be segments of lower-case letters, digits, '-', '_' and '.' between "
                   "'/', none empty, '.' or '..', at most 200 bytes in all"));
}

absl::Status CheckHost(absl::string_view host) {
  // Digits alone at the end are an address, right or wrong.
  const absl::string_view last = host.substr(host.rfind('.') + 1);
  bool sound =
      host.size() <= kHostBytesMax && !std::all_of(last.begin(), last.end(), absl::ascii_isdigit);
  for (const absl::string_view label : absl::StrSplit(host, '.'))
    sound = sound && IsHostLabel(label);
  if (sound || (host.find('\0') == host.npos && AddressOf(host) != nullptr))
    return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("host ", Shown(host), ": must be a DNS name in lower case or an IP address"));
}

}  // namespace fiscal::cli::pki
