// What a request is decided against: owners of divisions, and answers that were given.
#include "services/ledger/decide/standing.h"

#include "base/sha256.h"
#include "gtest/gtest.h"
#include "tests/support/upstream_script.h"

namespace fiscal::testing {
namespace {

using services::FindEarlier;
using services::Standing;

class StandingTest : public ::testing::Test {
 protected:
  StandingTest() {
    EXPECT_SCRIPT(script_, R"(
      divisions 140000 141100<140000 140200<140000         => revised @1, 3 added
      agencies  140200 201001/201                          => revised @2, 1 added
      codes     140000 205 20502                           => revised @3, 2 added
      submit r1 140200/201001 l1=20502:10                  => created r1 @4, 1 line
      from city budget 141100/101001 r1 20502:5            => taken to 1 @5
    )");
  }
  LedgerScript script_{services::CheckRules};
  UpstreamScript upstreams_{script_};
};

TEST_F(StandingTest, ADivisionIsItsUpstreamsOrOurs) {
  const auto group = script_.NextGroup();
  const Standing standing = group->standing();
  EXPECT_EQ(standing.OwnerOf(141100), "city");
  EXPECT_EQ(standing.OwnerOf(140200), "");
  EXPECT_EQ(standing.OwnerOf(149900), "");
}

// What an upstream's first statement claims counts for the rest of its group.
TEST_F(StandingTest, AClaimOfTheGroupCounts) {
  const auto group = script_.NextGroup();
  const services::Owners claimed = {{140200, "other"}};
  const Standing is = group->standing();
  const Standing standing{is.log, is.ledger, is.catalog, is.head, is.owners, claimed};
  EXPECT_EQ(standing.OwnerOf(140200), "other");
  EXPECT_EQ(standing.OwnerOf(141100), "city");
}

TEST_F(StandingTest, AnAnswerIsFoundByCallerAndRequestAndBody) {
  const auto group = script_.NextGroup();
  const storage::Ledger& ledger = group->standing().ledger;
  const Digest body = script_.PreparedStatement("submit r1 140200/201001 l1=20502:10").body;
  const Digest other = Sha256({"other"});
  const auto found = FindEarlier(ledger, "test", "r1", {body});
  ASSERT_TRUE(found.ok() && found->has_value()) << found.status();
  EXPECT_EQ(SayReceipt(**found), "created r1 @4, 1 line");
  EXPECT_TRUE(FindEarlier(ledger, "test", "r1", {other, body}).ok());
  EXPECT_EQ(SayRefusal(FindEarlier(ledger, "test", "r1", {other}).status()), "REQUEST_ID_REUSED");
  // Request ids are each caller's own.
  EXPECT_FALSE(FindEarlier(ledger, "somebody", "r1", {body})->has_value());
  EXPECT_FALSE(FindEarlier(ledger, "test", "r2", {body})->has_value());
}

}  // namespace
}  // namespace fiscal::testing
