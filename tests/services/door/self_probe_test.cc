// A probe tells a listener that answers from one that only the kernel keeps open.
#include "services/door/self_probe.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "services/door/door.h"
#include "services/rpc/credentials.h"
#include "tests/support/certificates.h"

namespace fiscal::services {
namespace {

constexpr int64_t kMiB = 1 << 20;

class SelfProbeTest : public ::testing::Test {
 protected:
  SelfProbeTest() {
    char name[] = "/tmp/fiscal-probe-XXXXXX";
    dir_ = mkdtemp(name);
  }
  ~SelfProbeTest() override { std::filesystem::remove_all(dir_); }
  std::string dir_;
};

TEST_F(SelfProbeTest, TellsAListenerThatAnswersFromOneThatDoesNot) {
  const testing::Authority authority;
  const testing::Pem pem = authority.Sign("fiscal");
  config::v1::TlsConfig tls;
  tls.set_certificate_file(dir_ + "/tls.crt");
  tls.set_key_file(dir_ + "/tls.key");
  tls.set_client_ca_file(dir_ + "/ca.crt");
  std::ofstream(tls.certificate_file()) << pem.certificate;
  std::ofstream(tls.key_file()) << pem.key;
  std::ofstream(tls.client_ca_file()) << authority.certificate();
  for (const bool with_tls : {false, true}) {
    auto door = Door::Open("127.0.0.1:0", {8, 8, 16, 64 * kMiB});
    ASSERT_TRUE(door.ok()) << door.status();
    const auto kind = with_tls ? SelfProbe::Tls::kAsksForCertificates : SelfProbe::Tls::kNone;
    const auto probe = SelfProbe::Make("127.0.0.1:0", **door, kind);
    // Connected by the kernel, answered by nobody.
    const absl::Status dead = probe->Look(absl::Milliseconds(50));
    EXPECT_EQ(dead.message(), with_tls ? "no answer to the TLS hello" : "no answer to SETTINGS");
    // A server without a service can't be made.
    admin::v1::AdminService::CallbackService service;
    grpc::ServerBuilder builder;
    builder.RegisterService(&service);
    Door::Taker taker =
        AddDoor(16, rpc::ServerCredentials(with_tls ? tls : config::v1::TlsConfig()), &builder);
    const auto server = builder.BuildAndStart();
    (*door)->HandTo(std::move(taker));
    EXPECT_TRUE(probe->Look(absl::Seconds(60)).ok()) << probe->Look(absl::Seconds(60));
    (*door)->Close();
    EXPECT_FALSE(probe->Look(absl::Seconds(60)).ok());
    server->Shutdown();
  }
}

}  // namespace
}  // namespace fiscal::services
