// `fiscal admin pki` as scripts use it: what it prints, its exit codes, and that it asks no server.
// Runs the program `fiscal`.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/support/programs.h"

namespace fiscal::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

class PkiCommandTest : public ::testing::Test {
 protected:
  PkiCommandTest()
      : folder_((std::filesystem::temp_directory_path() /
                 absl::StrCat("fiscal-pki-command-test-", getpid()))
                    .string()),
        dir_(folder_ + "/pki") {
    std::filesystem::create_directory(folder_);
  }
  ~PkiCommandTest() override { std::filesystem::remove_all(folder_); }

  // Nobody listens at port 1.
  Ran Pki(const std::string& arguments, const std::string& flags = "") const {
    return RunFiscal(
        absl::StrCat("--server 127.0.0.1:1 ", flags, " admin pki ", arguments, " --dir ", dir_));
  }
  json Answer(const std::string& arguments) const {
    const Ran ran = Pki(arguments, "-o json");
    EXPECT_EQ(ran.code, 0) << arguments << ": " << ran.err;
    return json::parse(ran.out, nullptr, /*allow_exceptions=*/false);
  }

  const std::string folder_;
  const std::string dir_;
};

TEST_F(PkiCommandTest, FromTheAuthorityToTheRevocation) {
  const Ran made = Pki("init --trust-domain fiscal.example");
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr(absl::StrCat("authority    ", dir_, "/ca.pem\n")));
  EXPECT_THAT(made.out, HasSubstr(absl::StrCat("crl.pem, renew it before 2")));
  EXPECT_THAT(made.out, HasSubstr(absl::StrCat(": fiscal admin pki crl --dir ", dir_, "\n")));

  const Ran issued = Pki("issue agency/141100/035/submit");
  ASSERT_EQ(issued.code, 0) << issued.err;
  EXPECT_THAT(issued.out, HasSubstr(absl::StrCat(
                              "certificate  ", dir_, "/agency-141100-035-submit.pem\n",
                              "key          ", dir_, "/agency-141100-035-submit-key.pem\n",
                              "principal    spiffe://fiscal.example/agency/141100/035/submit\n")));

  // --host takes one name each time, so the name may follow it.
  const json server = Answer("issue --server --host localhost --host 127.0.0.1 server/one");
  EXPECT_EQ(server["principal"], "spiffe://fiscal.example/server/one");
  EXPECT_THAT(server["serial"].get<std::string>(), MatchesRegex("[0-9a-f]+"));

  const json by_serial = Answer("revoke " + server["serial"].get<std::string>());
  EXPECT_EQ(by_serial["revoked"], 1);
  EXPECT_EQ(by_serial["crl"], dir_ + "/crl.pem");
  EXPECT_THAT(by_serial["crl_next_update"].get<std::string>(), MatchesRegex("2.*T.*Z"));
  EXPECT_EQ(Answer("revoke server/one")["revoked"], 0);
  const Ran revoked = Pki("revoke agency/141100/035/submit");
  EXPECT_EQ(revoked.code, 0);
  EXPECT_THAT(revoked.out, HasSubstr("revoked      1\n"));
  EXPECT_EQ(Answer("crl")["revoked"], 0);
}

TEST_F(PkiCommandTest, WhatIsWrongIsSaidInBothLanguages) {
  const Ran none = Pki("issue a");
  EXPECT_EQ(none.code, 3);
  EXPECT_THAT(none.out, IsEmpty());
  EXPECT_THAT(none.err, HasSubstr(dir_));
  EXPECT_EQ(Pki("init --trust-domain Fiscal").code, 2);
  ASSERT_EQ(Pki("init --trust-domain fiscal.example").code, 0);
  const Ran again = Pki("init --trust-domain fiscal.example");
  EXPECT_EQ(again.code, 5);
  EXPECT_THAT(again.err, HasSubstr("不予覆盖"));
  const Ran name = Pki("issue a//b");
  EXPECT_EQ(name.code, 2);
  EXPECT_THAT(name.err, HasSubstr("name a//b: must be segments"));
  EXPECT_EQ(Pki("issue a --days 398").code, 2);
  EXPECT_EQ(Pki("issue a --days 0").code, 2);
  EXPECT_EQ(Pki("issue a --server").code, 2);
  EXPECT_EQ(Pki("issue a --host localhost").code, 2);
  EXPECT_EQ(Pki("issue a --server --host a,b").code, 2);
  ASSERT_EQ(Pki("issue a").code, 0);
  EXPECT_EQ(Pki("issue a").code, 5);
  const Ran unknown = Pki("revoke b", "-o json");
  EXPECT_EQ(unknown.code, 4);
  const json error = json::parse(unknown.out, nullptr, /*allow_exceptions=*/false)["error"];
  EXPECT_EQ(error["code"], "NOT_FOUND");
  EXPECT_EQ(error["message_zh"], "没有该名称或序列号的证书");
}

}  // namespace
}  // namespace fiscal::testing
