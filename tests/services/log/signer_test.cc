// What the signer makes of what it finds in a data directory, and how a key is changed.
#include "services/log/signer.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "domain/reason.h"
#include "gtest/gtest.h"
#include "storage/record_codec.h"

namespace fiscal::services {
namespace {

constexpr char kId[] = "0123456789abcdef";

absl::Status Keep(const domain::KeyEvent&) { return absl::OkStatus(); }

class SignerTest : public ::testing::Test {
 protected:
  SignerTest() {
    std::string name = ::testing::TempDir() + "/fiscal_signer_XXXXXX";
    dir_ = mkdtemp(name.data());
  }
  ~SignerTest() override { std::filesystem::remove_all(dir_); }

  std::unique_ptr<Signer> Open(const std::string& recorded, bool first_start = false) {
    return std::make_unique<Signer>(dir_, kId, recorded, first_start);
  }
  // Makes the first key; returns its public half.
  std::string First() { return Open("", true)->key()->public_key_pem(); }
  static void ExpectStopped(const Signer& signer, const std::string& why) {
    const absl::Status stop = signer.stop();
    const domain::Explained e = domain::Explain(stop);
    EXPECT_TRUE(e.reason_known && e.refusal.reason == domain::Reason::kSigningStopped) << stop;
    EXPECT_NE(stop.message().find(why), absl::string_view::npos) << stop;
  }
  std::string Path(const std::string& name) const { return dir_ + "/" + name; }

  std::string dir_;
};

TEST_F(SignerTest, TheFirstStartMakesAKeyAndLaterOnesFindIt) {
  const std::string first = First();
  EXPECT_EQ(Open(first)->key()->public_key_pem(), first);
  // A directory of before keys were said in the log.
  EXPECT_EQ(Open("")->key()->public_key_pem(), first);
}

TEST_F(SignerTest, ALostKeyIsNotReplaced) {
  const std::string first = First();
  std::filesystem::remove(Path("signing-key.pem"));
  ExpectStopped(*Open(first), "lost");
  // Nor is it where only the public half tells that there was one, or nothing does but the log's
  // age.
  ExpectStopped(*Open("", true), "lost");
  std::filesystem::remove(Path("signing-key.pub.pem"));
  ExpectStopped(*Open(""), "lost");
  EXPECT_FALSE(std::filesystem::exists(Path("signing-key.pem")));
}

TEST_F(SignerTest, EachBitOfTheKeyThatIsTurnedStopsOrIsTheSameKey) {
  const std::string first = First();
  std::ifstream in(Path("signing-key.pem"));
  const std::string good{std::istreambuf_iterator<char>(in), {}};
  int stopped = 0;
  for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
    std::ofstream(Path("signing-key.pem")) << bad;
    const auto signer = Open(first);
    if (signer->stop().ok()) {
      EXPECT_EQ(signer->key()->public_key_pem(), first) << bit;
    } else {
      ++stopped;
    }
  }
  EXPECT_GT(stopped, 400);
}

TEST_F(SignerTest, AnotherKeyStops) {
  const std::string first = First();
  ASSERT_TRUE(SigningKey::Stage(dir_).ok());
  ASSERT_TRUE(SigningKey::Adopt(dir_).ok());
  ExpectStopped(*Open(first), "another");
  ExpectStopped(*Open(""), "another");
  std::filesystem::permissions(Path("signing-key.pem"), std::filesystem::perms::all);
  ExpectStopped(*Open(first), "may be read by others");
}

TEST_F(SignerTest, ANewKeyIsVouchedForByTheOneBefore) {
  const std::string first = First();
  const auto signer = Open(first);
  domain::KeyEvent said;
  const auto next = signer->Rotate([&](const domain::KeyEvent& event) {
    said = event;
    // Nothing is signed with it before it was said.
    EXPECT_EQ(signer->key()->public_key_pem(), first);
    return absl::OkStatus();
  });
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_NE(said.public_key_pem, first);
  EXPECT_EQ(signer->key()->public_key_pem(), said.public_key_pem);
  EXPECT_TRUE(
      VerifySignature(first, storage::KeyChangeBytes(kId, said.public_key_pem), said.signature)
          .ok());
  EXPECT_EQ(Open(said.public_key_pem)->key()->public_key_pem(), said.public_key_pem);
  EXPECT_EQ(Open("")->key()->public_key_pem(), said.public_key_pem);
}

TEST_F(SignerTest, AfterALossANewKeyIsMadeOnPurposeAndNobodyVouchesForIt) {
  const std::string first = First();
  std::filesystem::remove(Path("signing-key.pem"));
  const auto signer = Open(first);
  domain::KeyEvent said;
  ASSERT_TRUE(signer
                  ->Rotate([&](const domain::KeyEvent& event) {
                    said = event;
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_EQ(said.signature, "");
  EXPECT_TRUE(signer->stop().ok());
}

TEST_F(SignerTest, AChangeThatWasSaidAndNotFinishedIsFinishedAtTheNextStart) {
  const std::string first = First();
  std::string said;
  const auto keep_and_end = [&](const domain::KeyEvent& event) {
    said = event.public_key_pem;
    return absl::UnavailableError("the process ends here, and nobody knows whether it was kept");
  };
  EXPECT_FALSE(Open(first)->Rotate(keep_and_end).ok());
  EXPECT_TRUE(std::filesystem::exists(Path("signing-key.next.pem")));
  // It was not: the key before goes on. It was: the next one is found.
  EXPECT_EQ(Open(first)->key()->public_key_pem(), first);
  EXPECT_EQ(Open(said)->key()->public_key_pem(), said);
  EXPECT_FALSE(std::filesystem::exists(Path("signing-key.next.pem")));
  EXPECT_EQ(*SigningKey::ReadPublicHalf(dir_), said);
}

// A copy says nothing in a log: the public half beside the key is what it was.
TEST_F(SignerTest, ACopysKeyIsHeldToItsPublicHalf) {
  const std::string first = First();
  const auto signer = Open("", true);
  EXPECT_EQ(signer->key()->public_key_pem(), first);
  const auto next = signer->Rotate(Keep);
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(Open("", true)->key()->public_key_pem(), next->public_key_pem());
  std::filesystem::remove(Path("signing-key.pem"));
  ExpectStopped(*Open("", true), "lost");
}

}  // namespace
}  // namespace fiscal::services
