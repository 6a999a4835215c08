// A server whose signing key is lost, damaged, swapped or changed on purpose: what it says, and
// that everything else goes on.
#include "base/signing.h"

#include <filesystem>
#include <fstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "clients/cpp/log_proof.h"
#include "fiscal/federation/v1/federation_service.grpc.pb.h"
#include "fiscal/log/v1/event_log_service.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/integration/deployment.h"
#include "tests/support/catalog.h"
#include "tests/support/children.h"

namespace fiscal::testing {
namespace {

namespace adm = fiscal::admin::v1;
namespace lg = fiscal::log::v1;

class SigningServerTest : public ::testing::Test {
 protected:
  SigningServerTest() {
    options_.data_dir = dir_.path() + "/data";
    options_.listen = absl::StrCat("127.0.0.1:", FreePort());
    channel_ = ConnectTo(options_.listen);
    Start();
  }
  void Start() {
    server_.reset();
    auto started = services::Server::Start(options_.Config());
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
  }
  void Stop() { server_.reset(); }
  std::string Path(const std::string& name) const { return options_.data_dir + "/" + name; }

  client::Error TreeHead(lg::GetTreeHeadResponse* response) {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    return client::ToError(
        lg::EventLogService::NewStub(channel_)->GetTreeHead(&context, {}, response));
  }
  lg::GetKeysResponse Keys() {
    lg::GetKeysResponse response;
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    EXPECT_TRUE(lg::EventLogService::NewStub(channel_)->GetKeys(&context, {}, &response).ok());
    return response;
  }
  adm::GetStatusResponse Status() {
    adm::GetStatusResponse response;
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    EXPECT_TRUE(adm::AdminService::NewStub(channel_)->GetStatus(&context, {}, &response).ok());
    return response;
  }
  adm::RotateSigningKeyResponse Rotate() {
    adm::RotateSigningKeyResponse response;
    grpc::ClientContext context;
    const grpc::Status status =
        adm::AdminService::NewStub(channel_)->RotateSigningKey(&context, {}, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  // Nothing is signed, which is said; the rest is served.
  void ExpectStopped(const std::string& why) {
    lg::GetTreeHeadResponse head;
    const client::Error error = TreeHead(&head);
    EXPECT_EQ(error.reason, "SIGNING_STOPPED");
    EXPECT_NE(error.message.find(why), std::string::npos) << error.message;
    EXPECT_FALSE(head.has_tree_head());
    EXPECT_NE(Status().log().signing_stopped_message().find(why), std::string::npos);
    EXPECT_TRUE(Status().ready());
    EXPECT_TRUE(ImportSmallCatalog(channel_, 3));
  }

  TempDir dir_;
  testing::ServeOptions options_;
  std::unique_ptr<services::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

client::TreeHead ToHead(const lg::SignedTreeHead& head) {
  return {absl::HexStringToBytes(head.log_id()), static_cast<uint64_t>(head.tree_size()),
          DigestOf(head.root_hash()),
          head.head_time().seconds() * 1000000 + head.head_time().nanos() / 1000, head.signature()};
}

TEST_F(SigningServerTest, TheKeyIsSaidInTheLogOnceAndALostOneIsNotReplaced) {
  const lg::GetKeysResponse said = Keys();
  ASSERT_EQ(said.changes_size(), 1);
  EXPECT_EQ(said.changes(0).principal(), "fiscal");
  lg::GetTreeHeadResponse head;
  ASSERT_EQ(TreeHead(&head).code, grpc::OK);
  EXPECT_EQ(head.public_key_pem(), said.changes(0).public_key_pem());
  Start();
  EXPECT_EQ(Keys().changes_size(), 1);

  Stop();
  const std::string key = ReadFile(Path("signing-key.pem"));
  std::filesystem::remove(Path("signing-key.pem"));
  Start();
  ExpectStopped("lost");
  EXPECT_FALSE(std::filesystem::exists(Path("signing-key.pem")));
  // Neither does a directory whose public half went too make one up.
  Stop();
  std::filesystem::remove(Path("signing-key.pub.pem"));
  Start();
  ExpectStopped("lost");
  // The same key put back signs again.
  Stop();
  std::ofstream(Path("signing-key.pem")) << key;
  std::filesystem::permissions(Path("signing-key.pem"), std::filesystem::perms::owner_read |
                                                            std::filesystem::perms::owner_write);
  Start();
  ASSERT_EQ(TreeHead(&head).code, grpc::OK);
  EXPECT_EQ(head.public_key_pem(), said.changes(0).public_key_pem());
}

TEST_F(SigningServerTest, AFlippedKeyAndASwappedOneStopSigning) {
  Stop();
  std::string key = ReadFile(Path("signing-key.pem"));
  const std::string good = key;
  key[key.size() / 2] = key[key.size() / 2] == 'A' ? 'B' : 'A';
  std::ofstream(Path("signing-key.pem")) << key;
  Start();
  ExpectStopped("signing key");
  Stop();
  TempDir other;
  ASSERT_TRUE(SigningKey::Stage(other.path()).ok());
  std::ofstream(Path("signing-key.pem")) << ReadFile(other.path() + "/signing-key.next.pem");
  // Also when its public half came with it: the log says which it was.
  std::filesystem::remove(Path("signing-key.pub.pem"));
  Start();
  ExpectStopped("another");
}

TEST_F(SigningServerTest, ARotationIsAnEventThatWitnessesCanFollow) {
  lg::GetTreeHeadResponse before, after;
  ASSERT_EQ(TreeHead(&before).code, grpc::OK);
  const adm::RotateSigningKeyResponse rotated = Rotate();
  EXPECT_NE(rotated.public_key_pem(), before.public_key_pem());
  ASSERT_EQ(TreeHead(&after).code, grpc::OK);
  EXPECT_EQ(after.public_key_pem(), rotated.public_key_pem());
  const lg::GetKeysResponse said = Keys();
  ASSERT_EQ(said.changes_size(), 2);
  EXPECT_EQ(said.changes(1).position(), rotated.position());
  // Who trusts the first key follows to the second, and checks heads of both.
  std::vector<client::KeyChange> changes;
  for (const auto& c : said.changes()) changes.push_back({c.public_key_pem(), c.signature()});
  const std::string keys =
      client::FollowKeys(before.public_key_pem(), absl::HexStringToBytes(said.log_id()), changes);
  EXPECT_TRUE(client::Verify(ToHead(before.tree_head()), keys).ok());
  EXPECT_TRUE(client::Verify(ToHead(after.tree_head()), keys).ok());
  EXPECT_FALSE(client::Verify(ToHead(after.tree_head()), before.public_key_pem()).ok());
  Start();
  ASSERT_EQ(TreeHead(&after).code, grpc::OK);
  EXPECT_EQ(after.public_key_pem(), rotated.public_key_pem());

  // After a loss a new key is made on purpose, and nobody vouches for it.
  Stop();
  std::filesystem::remove(Path("signing-key.pem"));
  Start();
  ExpectStopped("lost");
  const adm::RotateSigningKeyResponse anew = Rotate();
  ASSERT_EQ(TreeHead(&after).code, grpc::OK);
  EXPECT_EQ(after.public_key_pem(), anew.public_key_pem());
  EXPECT_EQ(Keys().changes(2).signature(), "");
  EXPECT_EQ(Status().log().signing_stopped_message(), "");
}

// A copy has a key of its own, which no event says: the public half beside it does.
TEST_F(SigningServerTest, ACopySignsWithItsOwnKeyAndPassesOnTheKeysOfTheLog) {
  TempDir dir;
  testing::ServeOptions copy;
  copy.data_dir = dir.path() + "/data";
  copy.listen = absl::StrCat("127.0.0.1:", FreePort());
  copy.role = "aggregation";
  copy.log_address = options_.listen;
  Rotate();
  auto reader = services::Server::Start(copy.Config());
  ASSERT_TRUE(reader.ok()) << reader.status();
  const auto stub = lg::EventLogService::NewStub(ConnectTo(copy.listen));
  lg::GetKeysResponse keys;
  const absl::Time end = absl::Now() + absl::Seconds(30);
  while (keys.changes_size() < 2 && absl::Now() < end) {
    grpc::ClientContext context;
    keys.Clear();
    ASSERT_TRUE(stub->GetKeys(&context, {}, &keys).ok());
  }
  ASSERT_EQ(keys.changes_size(), 2);
  lg::GetTreeHeadResponse head;
  grpc::ClientContext context;
  ASSERT_TRUE(stub->GetTreeHead(&context, {}, &head).ok());
  EXPECT_NE(head.public_key_pem(), keys.changes(1).public_key_pem());
  EXPECT_TRUE(client::Verify(ToHead(head.tree_head()), head.public_key_pem()).ok());
  const std::string own = head.public_key_pem();
  reader->reset();
  std::filesystem::remove(copy.data_dir + "/signing-key.pem");
  reader = services::Server::Start(copy.Config());
  ASSERT_TRUE(reader.ok()) << reader.status();
  grpc::ClientContext again;
  again.set_wait_for_ready(true);
  EXPECT_EQ(client::ToError(stub->GetTreeHead(&again, {}, &head)).reason, "SIGNING_STOPPED");
  adm::RotateSigningKeyResponse rotated;
  grpc::ClientContext rotate;
  ASSERT_TRUE(adm::AdminService::NewStub(ConnectTo(copy.listen))
                  ->RotateSigningKey(&rotate, {}, &rotated)
                  .ok());
  EXPECT_EQ(rotated.position(), "");
  EXPECT_NE(rotated.public_key_pem(), own);
}

}  // namespace
}  // namespace fiscal::testing
