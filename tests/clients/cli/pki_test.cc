// A trial authority: what it signs is verified by OpenSSL as a server would, with and without its
// revocation list; what it must not do, it does not.
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/openssl.h"
#include "base/small_file.h"
#include "base/tls_files.h"
#include "clients/cli/pki/authority.h"
#include "clients/cli/pki/signer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fiscal::cli::pki {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

using List = std::unique_ptr<X509_CRL, openssl::Deleter<X509_CRL, X509_CRL_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, openssl::Deleter<GENERAL_NAMES, GENERAL_NAMES_free>>;
using Store = std::unique_ptr<X509_STORE, openssl::Deleter<X509_STORE, X509_STORE_free>>;
using StoreContext =
    std::unique_ptr<X509_STORE_CTX, openssl::Deleter<X509_STORE_CTX, X509_STORE_CTX_free>>;

mode_t ModeOf(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

std::string Read(const std::string& path) {
  const absl::StatusOr<std::string> bytes = ReadSmallFile(path);
  EXPECT_TRUE(bytes.ok()) << path << ": " << bytes.status();
  return bytes.value_or("");
}

openssl::Certificate CertificateIn(const std::string& path) {
  const std::string pem = Read(path);
  openssl::Certificate certificate(
      PEM_read_bio_X509(openssl::Reader(pem).get(), nullptr, openssl::NoPassphrase, nullptr));
  EXPECT_NE(certificate, nullptr) << path;
  return certificate;
}

List ListIn(const std::string& path) {
  const std::string pem = Read(path);
  List list(
      PEM_read_bio_X509_CRL(openssl::Reader(pem).get(), nullptr, openssl::NoPassphrase, nullptr));
  EXPECT_NE(list, nullptr) << path;
  return list;
}

// As "URI:spiffe://..." and so on, in the order they stand.
std::vector<std::string> NamesOf(const openssl::Certificate& certificate) {
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> printed;
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const openssl::Bio bio(BIO_new(BIO_s_mem()));
    GENERAL_NAME_print(bio.get(), sk_GENERAL_NAME_value(names.get(), i));
    printed.push_back(openssl::Written(bio.get()));
  }
  return printed;
}

class PkiTest : public ::testing::Test {
 protected:
  PkiTest()
      : folder_(
            (std::filesystem::temp_directory_path() / absl::StrCat("fiscal-pki-test-", getpid()))
                .string()),
        dir_(folder_ + "/pki") {
    std::filesystem::create_directory(folder_);
    const absl::StatusOr<absl::Time> made = Authority::Make(dir_, "fiscal.example", 3650, now_);
    EXPECT_TRUE(made.ok()) << made.status();
    EXPECT_EQ(*made, now_ + absl::Hours(24) * kListDays);
  }
  ~PkiTest() override { std::filesystem::remove_all(folder_); }

  absl::StatusOr<Issued> Issue(const Order& order) {
    absl::StatusOr<Authority> authority = Authority::Open(dir_);
    if (!authority.ok()) return authority.status();
    return authority->Issue(order, now_);
  }
  Issued MustIssue(const Order& order) {
    const absl::StatusOr<Issued> issued = Issue(order);
    EXPECT_TRUE(issued.ok()) << issued.status();
    return issued.value_or(Issued());
  }
  absl::StatusOr<Revoked> Revoke(const std::string& name_or_serial) {
    absl::StatusOr<Authority> authority = Authority::Open(dir_);
    if (!authority.ok()) return authority.status();
    return authority->Revoke(name_or_serial, now_);
  }

  // X509_V_OK, or why a process with this authority, and its list if it looks at one, would not
  // take the certificate for `purpose` at `time`.
  int Verified(const std::string& path, int purpose, bool with_list, absl::Time time) {
    const Store store(X509_STORE_new());
    const openssl::Certificate root = CertificateIn(dir_ + "/ca.pem"), leaf = CertificateIn(path);
    X509_STORE_add_cert(store.get(), root.get());
    if (with_list) X509_STORE_add_crl(store.get(), ListIn(dir_ + "/crl.pem").get());
    const StoreContext context(X509_STORE_CTX_new());
    X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), nullptr);
    X509_STORE_CTX_set_purpose(context.get(), purpose);
    X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_time(parameters, absl::ToTimeT(time));
    X509_VERIFY_PARAM_set_flags(parameters,
                                X509_V_FLAG_X509_STRICT | (with_list ? X509_V_FLAG_CRL_CHECK : 0));
    const bool good = X509_verify_cert(context.get()) == 1;
    const int error = X509_STORE_CTX_get_error(context.get());
    EXPECT_EQ(good, error == X509_V_OK);
    return error;
  }
  int Verified(const std::string& path, bool with_list) {
    return Verified(path, X509_PURPOSE_SSL_CLIENT, with_list, now_);
  }

  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(dir_))
      files.push_back(entry.path().filename().string());
    return files;
  }

  const absl::Time now_ = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()));
  const std::string folder_;
  const std::string dir_;
};

TEST_F(PkiTest, AnAuthorityIsBoundToItsTrustDomain) {
  EXPECT_THAT(Files(), UnorderedElementsAre("ca.pem", "ca-key.pem", "crl.pem", "issued.csv"));
  EXPECT_EQ(ModeOf(dir_), 0700u);
  EXPECT_EQ(ModeOf(dir_ + "/ca-key.pem"), 0600u);
  const openssl::Certificate root = CertificateIn(dir_ + "/ca.pem");
  EXPECT_THAT(NamesOf(root), ElementsAre("URI:spiffe://fiscal.example"));
  EXPECT_EQ(X509_check_ca(root.get()), 1);
  EXPECT_EQ(X509_get_key_usage(root.get()), uint32_t{KU_KEY_CERT_SIGN | KU_CRL_SIGN});
  char name[100];
  X509_NAME_get_text_by_NID(X509_get_subject_name(root.get()), NID_commonName, name, sizeof(name));
  EXPECT_STREQ(name, "Fiscal trial authority of fiscal.example");
  EXPECT_TRUE(CheckAuthorities({"ca", dir_ + "/ca.pem"}).ok());
}

TEST_F(PkiTest, ACertificateIsOfOnePrincipal) {
  const Issued issued = MustIssue({"agency/141100/035/submit"});
  EXPECT_EQ(issued.certificate_file, dir_ + "/agency-141100-035-submit.pem");
  EXPECT_EQ(issued.key_file, dir_ + "/agency-141100-035-submit-key.pem");
  EXPECT_EQ(issued.principal, "spiffe://fiscal.example/agency/141100/035/submit");
  EXPECT_EQ(issued.not_after, now_ + absl::Hours(24) * 30);
  EXPECT_EQ(ModeOf(issued.key_file), 0600u);
  EXPECT_THAT(NamesOf(CertificateIn(issued.certificate_file)),
              ElementsAre("URI:" + issued.principal));
  // The chain and its key, as a client would be configured with.
  EXPECT_TRUE(CheckCertificate({"cert", issued.certificate_file}, {"key", issued.key_file}).ok());
  EXPECT_EQ(*CertificateExpiry({"cert", issued.certificate_file}), issued.not_after);

  EXPECT_EQ(Verified(issued.certificate_file, false), X509_V_OK);
  EXPECT_EQ(Verified(issued.certificate_file, true), X509_V_OK);
  EXPECT_EQ(Verified(issued.certificate_file, X509_PURPOSE_SSL_SERVER, false, now_),
            X509_V_ERR_INVALID_PURPOSE);
  EXPECT_EQ(Verified(issued.certificate_file, X509_PURPOSE_SSL_CLIENT, false,
                     issued.not_after + absl::Seconds(1)),
            X509_V_ERR_CERT_HAS_EXPIRED);
}

TEST_F(PkiTest, AServersCertificateHasItsHosts) {
  const Issued issued = MustIssue({"server/one", 90, {"localhost", "127.0.0.1", "::1"}});
  const openssl::Certificate certificate = CertificateIn(issued.certificate_file);
  EXPECT_THAT(NamesOf(certificate),
              ElementsAre("URI:spiffe://fiscal.example/server/one", "DNS:localhost",
                          "IP Address:127.0.0.1", "IP Address:0:0:0:0:0:0:0:1"));
  EXPECT_EQ(X509_check_host(certificate.get(), "localhost", 0, 0, nullptr), 1);
  for (const int purpose : {X509_PURPOSE_SSL_CLIENT, X509_PURPOSE_SSL_SERVER})
    EXPECT_EQ(Verified(issued.certificate_file, purpose, true, now_), X509_V_OK);
}

TEST_F(PkiTest, WhatIsRevokedIsOnTheList) {
  const Issued first = MustIssue({"agency/141100/035/submit"});
  // A second one of the same name, in another place.
  std::filesystem::rename(first.certificate_file, folder_ + "/first.pem");
  std::filesystem::rename(first.key_file, folder_ + "/first-key.pem");
  const Issued second = MustIssue({"agency/141100/035/submit"});
  const Issued third = MustIssue({"agency/141100/035/submit-2"});
  EXPECT_NE(first.serial, second.serial);

  // One of them by its serial, then the other by the name; again, none is left.
  EXPECT_EQ(Revoke(first.serial)->count, 1);
  EXPECT_EQ(Verified(folder_ + "/first.pem", true), X509_V_ERR_CERT_REVOKED);
  EXPECT_EQ(Verified(folder_ + "/first.pem", false), X509_V_OK);
  EXPECT_EQ(Verified(second.certificate_file, true), X509_V_OK);
  const absl::StatusOr<Revoked> by_name = Revoke("agency/141100/035/submit");
  ASSERT_TRUE(by_name.ok()) << by_name.status();
  EXPECT_EQ(by_name->count, 1);
  EXPECT_EQ(by_name->next_update, now_ + absl::Hours(24) * kListDays);
  EXPECT_EQ(Verified(second.certificate_file, true), X509_V_ERR_CERT_REVOKED);
  EXPECT_EQ(Verified(third.certificate_file, true), X509_V_OK);
  EXPECT_EQ(Revoke("agency/141100/035/submit")->count, 0);
  EXPECT_TRUE(absl::IsNotFound(Revoke("agency/141100/035").status()));
  EXPECT_THAT(Read(dir_ + "/issued.csv"), HasSubstr(absl::StrCat(second.serial, ",")));
}

TEST_F(PkiTest, AListEndsUnlessItIsRenewed) {
  const Issued issued = MustIssue({"operator/ops1", 90});
  const Issued gone = MustIssue({"operator/ops2", 90});
  ASSERT_TRUE(Revoke("operator/ops2").ok());
  const absl::Time later = now_ + absl::Hours(24) * kListDays + absl::Minutes(1);
  EXPECT_EQ(Verified(issued.certificate_file, X509_PURPOSE_SSL_CLIENT, true, later),
            X509_V_ERR_CRL_HAS_EXPIRED);
  {
    absl::StatusOr<Authority> authority = Authority::Open(dir_);
    ASSERT_TRUE(authority.ok()) << authority.status();
    EXPECT_EQ(*authority->RenewList(later), later + absl::Hours(24) * kListDays);
  }
  EXPECT_EQ(Verified(issued.certificate_file, X509_PURPOSE_SSL_CLIENT, true, later), X509_V_OK);
  EXPECT_EQ(Verified(gone.certificate_file, X509_PURPOSE_SSL_CLIENT, true, later),
            X509_V_ERR_CERT_REVOKED);
}

TEST_F(PkiTest, NothingIsOverwritten) {
  const std::string root = Read(dir_ + "/ca.pem");
  const absl::Status again = Authority::Make(dir_, "fiscal.example", 1, now_).status();
  EXPECT_TRUE(absl::IsAlreadyExists(again)) << again;
  EXPECT_TRUE(
      absl::IsAlreadyExists(Authority::Make(dir_ + "/ca.pem", "fiscal.example", 1, now_).status()));
  EXPECT_EQ(Read(dir_ + "/ca.pem"), root);

  const Issued issued = MustIssue({"a/b-c"});
  const std::string key = Read(issued.key_file);
  // The same name; another that would have its files; those of the authority; a key of another.
  for (const char* name : {"a/b-c", "a-b/c", "ca", "ca-key", "crl", "a/b-c-key"}) {
    const absl::Status status = Issue({name}).status();
    EXPECT_TRUE(absl::IsAlreadyExists(status)) << name << ": " << status;
  }
  EXPECT_EQ(Read(issued.key_file), key);
  EXPECT_EQ(Files().size(), 6u);
  // Nor is anything left of an authority that could not be made.
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) files += entry.exists();
  EXPECT_EQ(files, 1);
}

TEST_F(PkiTest, WrongNamesAreRefused) {
  for (const std::string& name :
       {std::string(), std::string("/a"), std::string("a/"), std::string("a//b"), std::string("."),
        std::string("a/../b"), std::string("A"), std::string("a b"), std::string("a,b"),
        std::string("a\nb"), std::string("a\0b", 3), std::string("吕梁"), std::string("a?b"),
        std::string("a:b"), std::string(201, 'a')}) {
    const absl::Status status = Issue({name}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << name << ": " << status;
    EXPECT_THAT(std::string(status.message()), StartsWith("name "));
  }
  for (const char* host : {"", "a_b", "-a", "a..b", "A", "a,DNS:b", "10.0.0.256", "*", "a."}) {
    const absl::Status status = Issue({"server/one", 30, {host}}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << host << ": " << status;
  }
  for (const char* trust_domain : {"", "Fiscal", "a/b", "a:1"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        Authority::Make(folder_ + "/other", trust_domain, 1, now_).status()))
        << trust_domain;
  }
  EXPECT_EQ(Files().size(), 4u);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/other"));
  // As long as may be; the common name is cut, the principal is not.
  const Issued longest = MustIssue({std::string(200, 'a')});
  EXPECT_EQ(Verified(longest.certificate_file, true), X509_V_OK);
}

TEST_F(PkiTest, ACertificateEndsBeforeItsAuthority) {
  const std::string dir = folder_ + "/short";
  ASSERT_TRUE(Authority::Make(dir, "fiscal.example", 10, now_).ok());
  absl::StatusOr<Authority> authority = Authority::Open(dir);
  ASSERT_TRUE(authority.ok()) << authority.status();
  EXPECT_TRUE(absl::IsFailedPrecondition(authority->Issue({"a", 11}, now_).status()));
  EXPECT_TRUE(authority->Issue({"a", 10}, now_).ok());
}

TEST_F(PkiTest, ADirectoryThatIsNoAuthorityIsRefused) {
  const auto refused = [&](const std::string& what) {
    const absl::Status status = Authority::Open(dir_).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(what));
  };
  chmod((dir_ + "/ca-key.pem").c_str(), 0640);
  refused("ca-key.pem: may be read by others");
  chmod((dir_ + "/ca-key.pem").c_str(), 0600);
  ASSERT_TRUE(Authority::Open(dir_).ok());

  const std::string good = Read(dir_ + "/issued.csv");
  const std::string serial(32, '4');
  for (const std::string& text :
       {std::string(), std::string("serial\n"), absl::StrCat(good, serial, ",a\n"),
        absl::StrCat(good, "x,a,2030-01-01T00:00:00Z,\n"), absl::StrCat(good, serial, ",a,soon,\n"),
        absl::StrCat(good, serial, ",a,2030-01-01T00:00:00Z,yes\n")}) {
    std::ofstream(dir_ + "/issued.csv") << text;
    refused("issued.csv: ");
  }
  std::ofstream(dir_ + "/issued.csv") << good;

  const std::string other = folder_ + "/other";
  ASSERT_TRUE(Authority::Make(other, "fiscal.example", 10, now_).ok());
  std::filesystem::copy_file(other + "/ca.pem", dir_ + "/ca.pem",
                             std::filesystem::copy_options::overwrite_existing);
  refused("the private key is not the certificate's");
  std::filesystem::remove(dir_ + "/ca.pem");
  refused("ca.pem: ");
  std::filesystem::remove_all(other);
  EXPECT_TRUE(absl::IsFailedPrecondition(Authority::Open(other).status()));
}

TEST_F(PkiTest, AnEmptyDirectoryIsTaken) {
  const std::string dir = folder_ + "/empty";
  std::filesystem::create_directory(dir);
  EXPECT_TRUE(Authority::Make(dir + "/", "fiscal.example", 10, now_).ok());
  EXPECT_EQ(ModeOf(dir), 0700u);
  EXPECT_TRUE(Authority::Open(dir).ok());
}

}  // namespace
}  // namespace fiscal::cli::pki
