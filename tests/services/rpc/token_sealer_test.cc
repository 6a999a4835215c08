// Tokens: whose they are, what of them may be changed (nothing), how long they are good for, and
// what a file of keys may look like.
#include "services/rpc/token_sealer.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace fiscal::services::rpc {
namespace {

constexpr TokenSealer::Binding kOwn{"dns:bureau", "List", "division 141100"};

class TokenSealerTest : public ::testing::Test {
 protected:
  TokenSealerTest() {
    char name[] = "/tmp/fiscal-tokens-XXXXXX";
    dir_ = mkdtemp(name);
  }
  ~TokenSealerTest() override { std::filesystem::remove_all(dir_); }

  // The file that is written before it takes the place of the other.
  std::string InTheWay() const { return absl::StrCat(path(), ".", getpid(), ".part"); }
  std::string path() const { return dir_ + "/token-key"; }
  std::string File() const {
    std::ostringstream text;
    text << std::ifstream(path()).rdbuf();
    return text.str();
  }
  void Write(const std::string& text, mode_t mode = 0600) const {
    std::ofstream(path()) << text;
    chmod(path().c_str(), mode);
  }
  std::unique_ptr<TokenSealer> Keep() {
    auto sealer = TokenSealer::Keep(dir_, clock_);
    EXPECT_TRUE(sealer.ok()) << sealer.status();
    return *std::move(sealer);
  }
  // Why a start would be refused, with the directory as D.
  std::string Refusal() {
    const auto sealer = TokenSealer::Keep(dir_, clock_);
    if (sealer.ok()) return "taken";
    EXPECT_TRUE(absl::IsFailedPrecondition(sealer.status())) << sealer.status();
    const std::string message(sealer.status().message());
    EXPECT_TRUE(absl::StartsWith(message, path() + ": ")) << message;
    return message.substr(path().size() + 2, message.find(';') - path().size() - 2);
  }

  std::string dir_;
  ManualClock clock_{absl::FromUnixSeconds(1704067200)};
};

TEST_F(TokenSealerTest, GivesBackThePlace) {
  const auto sealer = Keep();
  for (const std::string& place :
       {std::string(), std::string("7 of 9"), std::string(1000, '\0'), std::string("预算")}) {
    const std::string token = sealer->Seal(kOwn, place);
    EXPECT_EQ(sealer->Open(kOwn, token), place);
    for (const char c : token)
      EXPECT_TRUE(absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_') << c;
  }
}

TEST_F(TokenSealerTest, ATokenIsOfOneCallerMethodAndQuestion) {
  const auto sealer = Keep();
  const std::string token = sealer->Seal(kOwn, "7");
  for (const TokenSealer::Binding& other :
       std::vector<TokenSealer::Binding>{{"dns:other", "List", "division 141100"},
                                         {"anonymous", "List", "division 141100"},
                                         {"dns:bureau", "Watch", "division 141100"},
                                         {"dns:bureau", "List", "division 141101"},
                                         {"dns:bureau", "List", ""},
                                         // The same bytes, cut elsewhere.
                                         {"dns:bureauList", "", "division 141100"},
                                         {"dns:bureau", "Listdivision", " 141100"},
                                         {"", "dns:bureauList", "division 141100"}}) {
    EXPECT_FALSE(sealer->Open(other, token).has_value())
        << other.principal << "|" << other.method << "|" << other.question;
  }
  EXPECT_EQ(sealer->Open(kOwn, token), "7");
}

TEST_F(TokenSealerTest, NothingOfItCanBeChanged) {
  const auto sealer = Keep();
  const std::string token = sealer->Seal(kOwn, "240-9f3c2ab81d04");
  for (size_t i = 0; i < token.size(); ++i) {
    EXPECT_FALSE(sealer->Open(kOwn, token.substr(0, i)).has_value()) << i;
    for (int bit = 0; bit < 8; ++bit) {
      std::string other = token;
      other[i] = static_cast<char>(other[i] ^ (1 << bit));
      EXPECT_FALSE(sealer->Open(kOwn, other).has_value()) << i << " " << bit;
    }
  }
  for (const std::string& other :
       {token + "A", token + "=", token + "==", token + " ", " " + token, token + token,
        std::string(1 << 20, 'A'), std::string("not base64!")}) {
    EXPECT_FALSE(sealer->Open(kOwn, other).has_value()) << other.substr(0, 100);
  }
}

TEST_F(TokenSealerTest, ItsKeyOutlivesTheProcess) {
  const std::string token = Keep()->Seal(kOwn, "7");
  struct stat info;
  ASSERT_EQ(stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(Keep()->Open(kOwn, token), "7");
  // Without the file everything starts anew.
  std::filesystem::remove(path());
  EXPECT_FALSE(Keep()->Open(kOwn, token).has_value());
}

TEST_F(TokenSealerTest, KeysTakeTurnsAndATokenOutlivesItsKeysTurnByTwo) {
  auto sealer = Keep();
  sealer->Renew();
  const std::string first = File(), early = sealer->Seal(kOwn, "early");
  clock_.Advance(TokenSealer::kTurn - absl::Seconds(1));
  sealer->Renew();
  EXPECT_EQ(File(), first) << "its turn is not over";
  const std::string late = sealer->Seal(kOwn, "late");
  std::set<std::string> files = {first};
  for (size_t turn = 1; turn < TokenSealer::kKeysMax; ++turn) {
    clock_.Advance(TokenSealer::kTurn);
    sealer->Renew();
    EXPECT_TRUE(files.insert(File()).second) << "a new key";
    // A restart finds the same keys.
    if (turn == 1) sealer = Keep();
    EXPECT_EQ(sealer->Open(kOwn, early), "early") << turn;
    EXPECT_EQ(sealer->Open(kOwn, late), "late") << turn;
    EXPECT_EQ(sealer->Open(kOwn, sealer->Seal(kOwn, "new")), "new") << turn;
    EXPECT_NE(sealer->Seal(kOwn, "early"), early) << "the new key seals";
  }
  clock_.Advance(TokenSealer::kTurn);
  sealer->Renew();
  EXPECT_FALSE(sealer->Open(kOwn, early).has_value());
  EXPECT_FALSE(sealer->Open(kOwn, late).has_value());
  EXPECT_FALSE(Keep()->Open(kOwn, late).has_value());
}

TEST_F(TokenSealerTest, AKeyOfAWrongClockIsReplaced) {
  const auto sealer = Keep();
  const std::string first = File();
  clock_.Advance(-10 * TokenSealer::kTurn);
  sealer->Renew();
  EXPECT_NE(File(), first);
}

TEST_F(TokenSealerTest, WhereNoKeyCanBeWrittenTheOldOneGoesOn) {
  const auto sealer = Keep();
  const std::string token = sealer->Seal(kOwn, "7"), first = File();
  // In the way of what is renamed.
  std::filesystem::create_directories(InTheWay() + "/x");
  clock_.Advance(TokenSealer::kTurn);
  sealer->Renew();
  EXPECT_EQ(sealer->Seal(kOwn, "7"), token);
  EXPECT_EQ(File(), first);
  std::filesystem::remove_all(InTheWay());
  sealer->Renew();
  EXPECT_EQ(File(), first) << "tried an hour later, not at once";
  clock_.Advance(absl::Hours(1));
  sealer->Renew();
  EXPECT_NE(File(), first);
  EXPECT_NE(sealer->Seal(kOwn, "7"), token);
  EXPECT_EQ(sealer->Open(kOwn, token), "7");
}

TEST_F(TokenSealerTest, ADamagedFileIsSaidWithItsName) {
  const std::string key = absl::StrCat("2024-01-01T00:00:00Z ", std::string(64, 'a'));
  Write("# A comment.\n0123abcd " + key + "\n");
  EXPECT_EQ(Refusal(), "taken");
  const std::string form = " is no key: 8 hexadecimal digits, a time, 64 more digits";
  for (const std::string& line :
       {std::string("x"), "0123abc " + key, "0123abcD " + key, "0123abcd " + key + "a",
        "0123abcd " + key + " ", "0123abcd 2024-13-01T00:00:00Z " + std::string(64, 'a'),
        "0123abcd 2024-01-01T00:00:00Z " + std::string(63, 'a') + "g",
        std::string("0123abcd  ") + key, std::string("\0\0\0\0", 4)}) {
    Write("# A comment.\n" + line + "\n");
    EXPECT_EQ(Refusal(), "line 2" + form) << line;
  }
  Write("");
  EXPECT_EQ(Refusal(), "has no key");
  Write("0123abcd " + key + "\n0123abcd " + key + "\n");
  EXPECT_EQ(Refusal(), "line 2 has an id once more");
  Write("0123abcd " + key + "\n", 0644);
  EXPECT_EQ(Refusal(),
            "may be read by others: its mode must be 0600, or 0640 for a group of its own");
  Write("0123abcd " + key + "\n", 0640);
  EXPECT_EQ(Refusal(), "taken");
}

TEST_F(TokenSealerTest, WhereNoFileCanBeMadeTheDirectoryIsNamed) {
  std::filesystem::create_directories(InTheWay() + "/x");
  const auto sealer = TokenSealer::Keep(dir_, clock_);
  EXPECT_TRUE(absl::IsInvalidArgument(sealer.status())) << sealer.status();
  EXPECT_TRUE(absl::StartsWith(sealer.status().message(),
                               absl::StrCat("server.data_dir ", dir_, ": token-key: ")))
      << sealer.status();
}

TEST_F(TokenSealerTest, WhoSharesAFileTakesTheTokensOfTheOthersAndLeavesItAlone) {
  const auto owner = Keep();
  auto shared = TokenSealer::Share(path(), clock_);
  ASSERT_TRUE(shared.ok()) << shared.status();
  EXPECT_EQ((*shared)->Open(kOwn, owner->Seal(kOwn, "7")), "7");
  EXPECT_EQ(owner->Open(kOwn, (*shared)->Seal(kOwn, "8")), "8");
  const std::string before = File();
  clock_.Advance(5 * TokenSealer::kTurn);
  (*shared)->Renew();
  EXPECT_EQ(File(), before);
  for (const std::string& text : {std::string(), std::string("x\n")}) {
    Write(text);
    const absl::Status refused = TokenSealer::Share(path(), clock_).status();
    EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
    EXPECT_TRUE(
        absl::StartsWith(refused.message(), absl::StrCat("server.token_key_file ", path(), ": ")))
        << refused;
  }
  std::filesystem::remove(path());
  EXPECT_EQ(TokenSealer::Share(path(), clock_).status().message(),
            absl::StrCat("server.token_key_file ", path(), ": No such file or directory"));
}

TEST_F(TokenSealerTest, TokensAreMadeAndReadWhileAKeyIsRenewed) {
  const auto sealer = Keep();
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&sealer] {
      for (int i = 0; i < 500; ++i)
        EXPECT_EQ(sealer->Open(kOwn, sealer->Seal(kOwn, "7")), "7") << i;
    });
  }
  // Two keys at most come between a token and its reading.
  for (int i = 0; i < 2; ++i) {
    clock_.Advance(TokenSealer::kTurn);
    sealer->Renew();
  }
  for (std::thread& caller : callers) caller.join();
}

}  // namespace
}  // namespace fiscal::services::rpc
