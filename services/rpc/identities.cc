#include "services/rpc/identities.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/openssl.h"
#include "base/small_file.h"
#include "base/status_macros.h"
#include "base/time_text.h"
#include "domain/authority/principal.h"
#include "domain/reason.h"

namespace fiscal::services::rpc {
namespace {

using openssl::Bio;
using openssl::Certificate;
using openssl::ForgetErrors;
using openssl::NoPassphrase;
using openssl::Reader;

using RevocationList = std::unique_ptr<X509_CRL, openssl::Deleter<X509_CRL, X509_CRL_free>>;
using Store = std::unique_ptr<X509_STORE, openssl::Deleter<X509_STORE, X509_STORE_free>>;
using StoreContext =
    std::unique_ptr<X509_STORE_CTX, openssl::Deleter<X509_STORE_CTX, X509_STORE_CTX_free>>;
inline void FreeStack(STACK_OF(X509) * stack) { sk_X509_free(stack); }
using Stack = std::unique_ptr<STACK_OF(X509), openssl::Deleter<STACK_OF(X509), FreeStack>>;

// Certificates judged and kept; all are judged again when there are more.
constexpr size_t kVerdictsMax = 20000;

absl::Status Refused(absl::string_view why) {
  return domain::Refuse(domain::Reason::kPrincipalRefused,
                        absl::StrCat("the caller's certificate ", why));
}

std::vector<std::string> SpiffeIds(const X509* certificate) {
  std::vector<std::string> ids;
  for (std::string& uri : openssl::AlternativeNames(certificate, GEN_URI)) {
    if (absl::StartsWith(uri, "spiffe://")) ids.push_back(std::move(uri));
  }
  return ids;
}

// All common names of a subject.
std::vector<std::string> CommonNames(const X509* certificate) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  std::vector<std::string> names;
  for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;)
    names.push_back(openssl::TextOf(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  return names;
}

std::string SubjectOf(const X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  return openssl::Written(bio.get());
}

// What an authority is called where it vouches for names.
std::string AuthorityName(const X509* authority) {
  const std::vector<std::string> names = CommonNames(authority);
  return names.size() == 1 ? names[0] : SubjectOf(authority);
}

// That `authority` may vouch for the trust domain of `principal`; empty when it may.
std::string CantVouch(const X509* authority, size_t authorities, absl::string_view principal) {
  const std::vector<std::string> ids = SpiffeIds(authority);
  for (const std::string& id : ids) {
    if (id == absl::StrCat("spiffe://", authority::TrustDomainOf(principal))) return "";
  }
  if (ids.empty() && authorities == 1) return "";
  return absl::StrCat("has a SPIFFE id of a trust domain that its authority, ",
                      AuthorityName(authority),
                      ids.empty() ? ", does not name; with several authorities each has to"
                                  : ", does not vouch for");
}

absl::StatusOr<std::string> NameIn(const X509* certificate, const X509* authority,
                                   size_t authorities) {
  const std::vector<std::string> ids = SpiffeIds(certificate);
  if (ids.size() > 1) return Refused("has several SPIFFE ids");
  if (ids.size() == 1) {
    std::string principal = authority::SpiffePrincipal(ids[0]);
    if (principal.empty()) return Refused("has a SPIFFE id that is malformed");
    const std::string fault = CantVouch(authority, authorities, principal);
    if (!fault.empty()) return Refused(fault);
    return principal;
  }
  const std::string issuer = AuthorityName(authority);
  const std::vector<std::string> hosts = openssl::AlternativeNames(certificate, GEN_DNS);
  if (hosts.size() > 1) return Refused("has several DNS names and no SPIFFE id");
  const std::vector<std::string> names = CommonNames(certificate);
  if (hosts.empty() && names.size() != 1)
    return Refused(names.empty() ? "has no name" : "has several common names");
  std::string principal = hosts.empty() ? authority::CommonNamePrincipal(names[0], issuer)
                                        : authority::DnsPrincipal(hosts[0], issuer);
  if (principal.empty()) return Refused("has a name that no principal can have");
  return principal;
}

}  // namespace

struct Identities::Trust {
  std::vector<Certificate> authorities;
  // Of different subjects: one that is renewed is the same authority.
  size_t subjects = 0;
  Store store;
  std::vector<RevocationList> lists;
  // When the first of them ends.
  absl::Time next_update = absl::InfiniteFuture();

  // True when the authority that issued `certificate`, with the key of `issuer`, revoked it.
  bool Revoked(X509* certificate, X509* issuer) const {
    for (const RevocationList& list : lists) {
      if (X509_NAME_cmp(X509_CRL_get_issuer(list.get()), X509_get_issuer_name(certificate)) != 0)
        continue;
      X509_REVOKED* entry = nullptr;
      // 2: taken off the list again.
      if (X509_CRL_verify(list.get(), X509_get0_pubkey(issuer)) == 1 &&
          X509_CRL_get0_by_cert(list.get(), &entry, certificate) == 1) {
        return true;
      }
    }
    return false;
  }
};

Identities::Identities(Clock& clock, Options options)
    : clock_(clock), options_(std::move(options)) {
  Refresh();
}

Identities::~Identities() = default;

absl::StatusOr<std::shared_ptr<const Identities::Trust>> Identities::ReadTrust(
    const std::string& authorities, const std::string& lists) {
  const ForgetErrors forget;
  auto trust = std::make_shared<Trust>();
  openssl::Certificates read = openssl::ReadCertificates(authorities);
  if (read.all.empty() || !read.whole)
    return absl::InvalidArgumentError("not whole certificates of authorities in PEM");
  trust->authorities = std::move(read.all);
  trust->store = Store(X509_STORE_new());
  std::map<std::string, std::string> subjects;
  for (const Certificate& authority : trust->authorities) {
    X509_STORE_add_cert(trust->store.get(), authority.get());
    const std::string name = AuthorityName(authority.get());
    const auto known = subjects.emplace(name, SubjectOf(authority.get())).first;
    if (known->second != SubjectOf(authority.get())) {
      return absl::InvalidArgumentError(absl::StrCat("two authorities of it are called ", name,
                                                     ": whom they vouch for would be "
                                                     "one and the same"));
    }
  }
  trust->subjects = subjects.size();
  if (lists.empty()) return std::shared_ptr<const Trust>(std::move(trust));
  const Bio bio = Reader(lists);
  ERR_clear_error();
  while (X509_CRL* list = PEM_read_bio_X509_CRL(bio.get(), nullptr, NoPassphrase, nullptr))
    trust->lists.emplace_back(list);
  if (trust->lists.empty() || !openssl::ReadToTheEnd())
    return absl::InvalidArgumentError("no whole list of revoked certificates in PEM");
  for (const RevocationList& list : trust->lists) {
    const ASN1_TIME* next = X509_CRL_get0_nextUpdate(list.get());
    if (next != nullptr) trust->next_update = std::min(trust->next_update, openssl::TimeOf(next));
  }
  return std::shared_ptr<const Trust>(std::move(trust));
}

bool Identities::Refresh() {
  if (options_.client_ca_file.empty()) return false;
  const auto complain = [&](const std::string& file, absl::string_view why) {
    absl::MutexLock lock(&mu_);
    const std::string complaint = absl::StrCat(file, ": ", why);
    if (complaint != complained_) {
      logging::Warning("callers are judged by the authorities and lists from before",
                       {{"file", file}, {"why", std::string(why)}});
    }
    complained_ = complaint;
    return false;
  };
  absl::StatusOr<std::string> authorities = ReadSmallFile(options_.client_ca_file);
  if (!authorities.ok()) return complain(options_.client_ca_file, authorities.status().message());
  absl::StatusOr<std::string> lists = std::string();
  if (!options_.client_crl_file.empty()) lists = ReadSmallFile(options_.client_crl_file);
  if (!lists.ok()) return complain(options_.client_crl_file, lists.status().message());
  if (lists->empty() && !options_.client_crl_file.empty())
    return complain(options_.client_crl_file, "no list of revoked certificates in PEM");
  {
    absl::MutexLock lock(&mu_);
    if (trust_ != nullptr && *authorities == authorities_ && *lists == lists_) {
      complained_.clear();
      WarnOfEnd();
      return false;
    }
  }
  absl::StatusOr<std::shared_ptr<const Trust>> trust = ReadTrust(*authorities, *lists);
  if (!trust.ok()) return complain(options_.client_ca_file, trust.status().message());
  absl::MutexLock lock(&mu_);
  trust_ = *std::move(trust);
  authorities_ = *std::move(authorities);
  lists_ = *std::move(lists);
  complained_.clear();
  verdicts_.clear();
  warned_ = false;
  WarnOfEnd();
  return true;
}

void Identities::WarnOfEnd() {
  if (warned_ || clock_.Now() < trust_->next_update) return;
  warned_ = true;
  logging::Warning("a list of revoked certificates has ended; it goes on counting",
                   {{"file", options_.client_crl_file}, {"end", UtcText(trust_->next_update)}});
}

absl::StatusOr<std::string> Identities::Of(absl::string_view certificate, absl::string_view chain) {
  if (options_.client_ca_file.empty()) return std::string(authority::kAnonymous);
  if (certificate.empty()) return Refused("is missing");
  std::shared_ptr<const Verdict> verdict;
  std::shared_ptr<const Trust> trust;
  {
    absl::ReaderMutexLock lock(&mu_);
    const auto it = verdicts_.find(certificate);
    if (it != verdicts_.end()) verdict = it->second;
    trust = trust_;
  }
  if (verdict == nullptr) {
    if (trust == nullptr) return Refused("can't be judged: there are no authorities");
    verdict = std::make_shared<const Verdict>(Judge(*trust, certificate, chain));
    absl::MutexLock lock(&mu_);
    if (verdicts_.size() >= kVerdictsMax) verdicts_.clear();
    // Not what other authorities judged.
    if (trust == trust_) verdicts_.emplace(certificate, verdict);
  }
  if (verdict->principal.ok() && clock_.Now() > verdict->not_after) return Refused("has expired");
  return verdict->principal;
}

Identities::Verdict Identities::Judge(const Trust& trust, absl::string_view certificate,
                                      absl::string_view chain) const {
  const ForgetErrors forget;
  const std::vector<Certificate> leaf = openssl::ReadCertificates(certificate).all;
  if (leaf.empty()) return {Refused("can't be read"), absl::InfiniteFuture()};
  const std::vector<Certificate> sent = openssl::ReadCertificates(chain).all;
  const Stack between(sk_X509_new_null());
  for (const Certificate& c : sent) sk_X509_push(between.get(), c.get());
  const StoreContext context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), trust.store.get(), leaf[0].get(), between.get());
  X509_STORE_CTX_set_default(context.get(), "ssl_client");
  if (X509_verify_cert(context.get()) != 1) {
    return {Refused(absl::StrCat("does not hold: ", X509_verify_cert_error_string(
                                                        X509_STORE_CTX_get_error(context.get())))),
            absl::InfiniteFuture()};
  }
  STACK_OF(X509)* verified = X509_STORE_CTX_get0_chain(context.get());
  const int size = sk_X509_num(verified);
  absl::Time not_after = absl::InfiniteFuture();
  for (int i = 0; i < size; ++i) {
    X509* c = sk_X509_value(verified, i);
    not_after = std::min(not_after, openssl::NotAfter(c));
    if (i + 1 < size && trust.Revoked(c, sk_X509_value(verified, i + 1)))
      return {Refused("was revoked"), absl::InfiniteFuture()};
  }
  return {NameIn(leaf[0].get(), sk_X509_value(verified, size - 1), trust.subjects), not_after};
}

}  // namespace fiscal::services::rpc
