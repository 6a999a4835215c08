// Who a certificate says its holder is, and when it says nothing that counts.
#include "services/rpc/identities.h"

#include <fstream>
#include <string>

#include "absl/time/time.h"
#include "domain/reason.h"
#include "gtest/gtest.h"
#include "tests/support/certificates.h"

namespace fiscal::services::rpc {
namespace {

using testing::Authority;
using testing::Pem;

class IdentitiesTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& bytes) {
    std::ofstream(::testing::TempDir() + name, std::ios::trunc) << bytes;
  }
  Identities::Options Files() {
    return {::testing::TempDir() + "ca.pem", ::testing::TempDir() + "crl.pem"};
  }
  // The principal, or why there is none.
  static std::string Said(Identities& identities, const Pem& pem) {
    const absl::StatusOr<std::string> principal = identities.Of(pem.certificate, "");
    if (principal.ok()) return *principal;
    EXPECT_EQ(principal.status().code(), absl::StatusCode::kUnauthenticated);
    return std::string(principal.status().message());
  }

  ManualClock clock_{absl::Now()};
  Authority authority_;
};

TEST_F(IdentitiesTest, WithoutAuthoritiesEverybodyIsAnonymous) {
  Identities identities(clock_, {});
  EXPECT_EQ(*identities.Of("", ""), "anonymous");
  EXPECT_FALSE(identities.Refresh());
}

TEST_F(IdentitiesTest, WithoutAnAuthorityThatCanBeReadNobodyIsLetIn) {
  Write("ca.pem", "junk");
  Write("crl.pem", authority_.RevocationList({}));
  Identities identities(clock_, Files());
  EXPECT_EQ(Said(identities, authority_.SignNames("a", "")),
            "the caller's certificate can't be judged: there are no authorities");
  Write("ca.pem", authority_.certificate());
  EXPECT_TRUE(identities.Refresh());
  EXPECT_EQ(Said(identities, authority_.SignNames("a", "")), "cn:a@authority");
}

TEST_F(IdentitiesTest, TheSpiffeIdComesFirstThenOneDnsNameThenTheCommonName) {
  Write("ca.pem", authority_.certificate());
  Write("crl.pem", authority_.RevocationList({}));
  Identities identities(clock_, Files());
  const auto said = [&](const char* common_name, const char* names) {
    return Said(identities, authority_.SignNames(common_name, names));
  };
  EXPECT_EQ(said("bureau", "URI:spiffe://x/a,DNS:h"), "spiffe://x/a");
  EXPECT_EQ(said("bureau", "DNS:h.example,URI:https://other"), "dns:h.example@authority");
  EXPECT_EQ(said("bureau", ""), "cn:bureau@authority");
  // Kinds that are the system's own can't be had.
  EXPECT_EQ(said("anonymous", ""), "cn:anonymous@authority");
  EXPECT_EQ(said("upstream:lvliang", ""), "cn:upstream:lvliang@authority");
  EXPECT_EQ(said("bureau", "URI:spiffe://x/a,URI:spiffe://x/b"),
            "the caller's certificate has several SPIFFE ids");
  EXPECT_EQ(said("bureau", "URI:spiffe://x/a/../b"),
            "the caller's certificate has a SPIFFE id that is malformed");
  EXPECT_EQ(said("bureau", "DNS:a.example,DNS:b.example"),
            "the caller's certificate has several DNS names and no SPIFFE id");
  EXPECT_EQ(said("", ""), "the caller's certificate has no name");
  EXPECT_EQ(said("财政局", ""), "the caller's certificate has a name that no principal can have");
  EXPECT_EQ(Said(identities, {"", ""}), "the caller's certificate is missing");
  EXPECT_EQ(Said(identities, {"junk", ""}), "the caller's certificate can't be read");
}

TEST_F(IdentitiesTest, AnAuthorityVouchesForItsOwnTrustDomainsAlone) {
  const Authority city("city", "URI:spiffe://city.example");
  const Authority county("county", "URI:spiffe://county.example");
  Write("ca.pem", city.certificate() + county.certificate() + authority_.certificate());
  Write("crl.pem", authority_.RevocationList({}));
  Identities identities(clock_, Files());
  EXPECT_EQ(Said(identities, city.SignNames("", "URI:spiffe://city.example/a")),
            "spiffe://city.example/a");
  EXPECT_EQ(Said(identities, county.SignNames("", "URI:spiffe://city.example/a")),
            "the caller's certificate has a SPIFFE id of a trust domain that its authority, "
            "county, does not vouch for");
  EXPECT_EQ(Said(identities, authority_.SignNames("", "URI:spiffe://city.example/a")),
            "the caller's certificate has a SPIFFE id of a trust domain that its authority, "
            "authority, does not name; with several authorities each has to");
  // Other names are told apart by who vouches.
  EXPECT_EQ(Said(identities, city.SignNames("a", "")), "cn:a@city");
  EXPECT_EQ(Said(identities, county.SignNames("a", "")), "cn:a@county");
}

TEST_F(IdentitiesTest, StrangersTheExpiredAndTheRevokedAreRefused) {
  Write("ca.pem", authority_.certificate());
  Write("crl.pem", authority_.RevocationList({}));
  Identities identities(clock_, Files());
  const Pem good = authority_.SignNames("a", ""), other = authority_.SignNames("b", "");
  EXPECT_EQ(Said(identities, good), "cn:a@authority");
  EXPECT_NE(Said(identities, Authority().SignNames("a", "")).find("does not hold"),
            std::string::npos);
  EXPECT_NE(Said(identities, authority_.SignNames("a", "", -1)).find("does not hold"),
            std::string::npos);
  EXPECT_FALSE(identities.Refresh());
  Write("crl.pem", authority_.RevocationList({good.certificate}));
  EXPECT_TRUE(identities.Refresh());
  EXPECT_EQ(Said(identities, good), "the caller's certificate was revoked");
  EXPECT_EQ(Said(identities, other), "cn:b@authority");
  // Another authority's list of the same name says nothing.
  Write("crl.pem", Authority().RevocationList({other.certificate}));
  EXPECT_TRUE(identities.Refresh());
  EXPECT_EQ(Said(identities, other), "cn:b@authority");
  EXPECT_EQ(Said(identities, good), "cn:a@authority");
  // A certificate ends while its connection lives.
  clock_.Advance(absl::Hours(24 * 31));
  EXPECT_EQ(Said(identities, good), "the caller's certificate has expired");
}

// It goes on counting: nobody is locked out by a holiday.
TEST_F(IdentitiesTest, AListOfRevokedCertificatesThatEndsIsSaidOnce) {
  const Pem revoked = authority_.SignNames("a", "");
  Write("ca.pem", authority_.certificate());
  Write("crl.pem", authority_.RevocationList({revoked.certificate}));
  Identities identities(clock_, Files());
  const auto said = [&] {
    ::testing::internal::CaptureStderr();
    identities.Refresh();
    return ::testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(said(), "");
  clock_.Advance(absl::Hours(25));
  EXPECT_NE(said().find("a list of revoked certificates has ended"), std::string::npos);
  EXPECT_EQ(said(), "");
  EXPECT_EQ(Said(identities, revoked), "the caller's certificate was revoked");
}

TEST_F(IdentitiesTest, AuthoritiesThatAreWithdrawnNoLongerCountAndJunkChangesNothing) {
  Write("ca.pem", authority_.certificate());
  Write("crl.pem", authority_.RevocationList({}));
  Identities identities(clock_, Files());
  const Pem pem = authority_.SignNames("a", "");
  EXPECT_EQ(Said(identities, pem), "cn:a@authority");
  Write("ca.pem", "junk");
  EXPECT_FALSE(identities.Refresh());
  EXPECT_EQ(Said(identities, pem), "cn:a@authority");
  // Nor what is half written, or nothing yet: a list that was taken goes on counting.
  const std::string list = authority_.RevocationList({pem.certificate});
  Write("ca.pem", authority_.certificate());
  Write("crl.pem", list);
  EXPECT_TRUE(identities.Refresh());
  EXPECT_EQ(Said(identities, pem), "the caller's certificate was revoked");
  for (const std::string& wrong :
       {std::string("junk"), std::string(), list.substr(0, 200), list + list.substr(0, 200)}) {
    Write("crl.pem", wrong);
    EXPECT_FALSE(identities.Refresh());
    EXPECT_EQ(Said(identities, pem), "the caller's certificate was revoked");
  }
  Write("crl.pem", authority_.RevocationList({}));
  EXPECT_TRUE(identities.Refresh());
  Write("ca.pem", authority_.certificate() + authority_.certificate().substr(0, 100));
  EXPECT_FALSE(identities.Refresh());
  EXPECT_EQ(Said(identities, pem), "cn:a@authority");
  Write("crl.pem", authority_.RevocationList({}));
  Write("ca.pem", Authority("another").certificate());
  EXPECT_TRUE(identities.Refresh());
  EXPECT_NE(Said(identities, pem).find("does not hold"), std::string::npos);
}

}  // namespace
}  // namespace fiscal::services::rpc
