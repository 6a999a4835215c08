// Each page of the operator, as a row: a request => status and body.
#include "services/ops/admin_pages.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace fiscal::services {
namespace {

class AdminPagesTest : public ::testing::Test {
 protected:
  std::string Get(const std::string& path, const std::string& method = "GET") const {
    const HttpListener::Answer answer = pages_.Answer({method, path, "", ""});
    return absl::StrCat(answer.status, " ", answer.body);
  }

  Metrics metrics_;
  AdminPages::Health health_;
  const AdminPages pages_{metrics_, "all", [this] { return health_; }};
};

TEST_F(AdminPagesTest, HealthIsWhetherItAnswersAndReadyIsWhetherItTakesCalls) {
  health_ = {"", false, "recovering: 12 %"};
  EXPECT_EQ(Get("/healthz"), "200 ok\n");
  EXPECT_EQ(Get("/readyz"), "503 recovering: 12 %\n");
  health_ = {"", true, "ready"};
  EXPECT_EQ(Get("/healthz"), "200 ok\n");
  EXPECT_EQ(Get("/readyz"), "200 ready\n");
  health_ = {"no handshake", true, "ready"};
  const std::string dead = "503 the API does not answer at its own address: no handshake\n";
  EXPECT_EQ(Get("/healthz"), dead);
  EXPECT_EQ(Get("/readyz"), dead);
}

TEST_F(AdminPagesTest, OthersAreWhatTheyAreCalled) {
  EXPECT_TRUE(absl::StrContains(Get("/buildinfo"), "\"role\":\"all\""));
  EXPECT_TRUE(absl::StartsWith(Get("/metrics"), "200 "));
  EXPECT_EQ(Get("/buildinfo", "HEAD"), Get("/buildinfo"));
  EXPECT_EQ(Get("/"), "404 /healthz /readyz /metrics /buildinfo\n");
  EXPECT_EQ(Get("/metrics/../etc/passwd").substr(0, 3), "404");
}

TEST_F(AdminPagesTest, NothingIsChangedHere) {
  const HttpListener::Answer answer = pages_.Answer({"DELETE", "/metrics", "", ""});
  EXPECT_EQ(answer.status, 405);
  ASSERT_EQ(answer.headers.size(), 1u);
  EXPECT_EQ(answer.headers[0].second, "GET, HEAD");
}

}  // namespace
}  // namespace fiscal::services
