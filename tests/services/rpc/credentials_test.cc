// TLS for callers and peers, by files: who is let in, and by what name.
#include "services/rpc/credentials.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "services/rpc/caller.h"
#include "services/rpc/identities.h"
#include "tests/support/certificates.h"

namespace fiscal::services::rpc {
namespace {

// Says who asked.
class Status final : public admin::v1::AdminService::Service {
 public:
  // Null: certificates are not read.
  Identities* identities = nullptr;
  grpc::Status GetStatus(grpc::ServerContext* context, const admin::v1::GetStatusRequest*,
                         admin::v1::GetStatusResponse* response) override {
    response->set_role(identities == nullptr
                           ? CertificateOf(*context).pem.empty() ? "anonymous" : "somebody"
                           : identities->Of(CertificateOf(*context).pem, "").value_or("refused"));
    return grpc::Status::OK;
  }
};

class CredentialsTest : public ::testing::Test {
 protected:
  CredentialsTest() {
    char name[] = "/tmp/fiscal-credentials-XXXXXX";
    dir_ = mkdtemp(name);
    Write("ca.crt", authority_.certificate());
    Sign("server", "");
  }
  ~CredentialsTest() override {
    if (server_ != nullptr) server_->Shutdown();
    std::filesystem::remove_all(dir_);
  }
  std::string Path(const std::string& name) const { return absl::StrCat(dir_, "/", name); }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name)) << text;
  }
  void Sign(const std::string& name, const std::string& spiffe_id) const {
    const testing::Pem pem = authority_.Sign(name, spiffe_id);
    Write(name + ".crt", pem.certificate);
    Write(name + ".key", pem.key);
  }
  void Start(const config::v1::TlsConfig& tls) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", ServerCredentials(tls), &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }
  config::v1::TlsConfig Tls(bool asks_for_certificates) const {
    config::v1::TlsConfig tls;
    tls.set_certificate_file(Path("server.crt"));
    tls.set_key_file(Path("server.key"));
    if (asks_for_certificates) tls.set_client_ca_file(Path("ca.crt"));
    return tls;
  }
  config::v1::PeerTlsConfig Peer(const std::string& name) const {
    config::v1::PeerTlsConfig tls;
    tls.set_ca_file(Path("ca.crt"));
    if (name.empty()) return tls;
    tls.set_certificate_file(Path(name + ".crt"));
    tls.set_key_file(Path(name + ".key"));
    return tls;
  }
  // Whom the server takes us for; the code when it does not let us in.
  std::string CallAs(const config::v1::PeerTlsConfig& tls) const {
    const auto channel =
        grpc::CreateChannel(absl::StrCat("localhost:", port_), PeerCredentials(tls));
    grpc::ClientContext context;
    admin::v1::GetStatusResponse response;
    const grpc::Status status =
        admin::v1::AdminService::NewStub(channel)->GetStatus(&context, {}, &response);
    return status.ok() ? response.role() : absl::StrCat("code ", int{status.error_code()});
  }

  const testing::Authority authority_;
  std::string dir_;
  Status service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(CredentialsTest, WithoutFilesTextIsPlain) {
  Start({});
  EXPECT_EQ(CallAs({}), "anonymous");
}

TEST_F(CredentialsTest, ACallerIsTheNameInItsCertificate) {
  Sign("bureau", "spiffe://fiscal.example/bureau");
  Sign("other", "");
  RealClock clock;
  Identities identities(clock, {Path("ca.crt"), ""});
  service_.identities = &identities;
  Start(Tls(true));
  EXPECT_EQ(CallAs(Peer("bureau")), "spiffe://fiscal.example/bureau");
  EXPECT_NE(CallAs(Peer("other")), "anonymous");
  // Without a certificate, or without TLS, nobody gets in.
  EXPECT_EQ(CallAs(Peer("")), absl::StrCat("code ", int{grpc::StatusCode::UNAVAILABLE}));
  EXPECT_EQ(CallAs({}), absl::StrCat("code ", int{grpc::StatusCode::UNAVAILABLE}));
}

TEST_F(CredentialsTest, WhereNoCertificateIsAskedForCallersAreAnonymous) {
  Start(Tls(false));
  EXPECT_EQ(CallAs(Peer("")), "anonymous");
}

}  // namespace
}  // namespace fiscal::services::rpc
