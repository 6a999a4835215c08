// TLS for callers and peers, by files: who is let in, and by what name.
#include "services/rpc/credentials.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
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
  // Of all authorities that sign here: which of them are let in is what is tested.
  Identities* identities = nullptr;
  grpc::Status GetStatus(grpc::ServerContext* context, const admin::v1::GetStatusRequest*,
                         admin::v1::GetStatusResponse* response) override {
    const absl::string_view pem = CertificateOf(*context).pem;
    response->set_role(pem.empty() ? "anonymous" : identities->Of(pem, "").value_or("refused"));
    return grpc::Status::OK;
  }
};

// Lines of the log about refused files, while it lives. What else is written waits in a pipe: no
// more than a few calls are refused meanwhile.
class Refusals {
 public:
  static constexpr char kNothing[] = "nothing was said";
  Refusals() : stderr_(dup(STDERR_FILENO)) {
    EXPECT_EQ(pipe2(ends_, O_CLOEXEC), 0);
    dup2(ends_[1], STDERR_FILENO);
  }
  ~Refusals() {
    dup2(stderr_, STDERR_FILENO);
    for (const int fd : {stderr_, ends_[0], ends_[1]}) close(fd);
  }
  // Waits for the next one.
  std::string Next() {
    while (true) {
      const size_t end = text_.find('\n');
      if (end != std::string::npos) {
        const std::string line = text_.substr(0, end);
        text_.erase(0, end + 1);
        if (absl::StrContains(line, "TLS files are refused")) return line;
        continue;
      }
      pollfd ready{ends_[0], POLLIN, 0};
      if (poll(&ready, 1, 60000) != 1) return kNothing;
      char piece[4096];
      const ssize_t n = read(ends_[0], piece, sizeof(piece));
      if (n > 0) text_.append(piece, static_cast<size_t>(n));
    }
  }

 private:
  const int stderr_;
  int ends_[2] = {-1, -1};
  std::string text_;
};

class CredentialsTest : public ::testing::Test {
 protected:
  CredentialsTest() {
    char name[] = "/tmp/fiscal-credentials-XXXXXX";
    dir_ = mkdtemp(name);
    Write("ca.crt", authority_.certificate());
    Write("names.crt", authority_.certificate() + other_.certificate());
    identities_ = std::make_unique<Identities>(clock_, Identities::Options{Path("names.crt"), ""});
    service_.identities = identities_.get();
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
  std::string Read(const std::string& name) const {
    std::ifstream in(Path(name));
    return std::string(std::istreambuf_iterator<char>(in), {});
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
  // Whom the server takes us for; the code when it does not let us in. A new connection each time.
  std::string CallAs(const config::v1::PeerTlsConfig& tls) const {
    return CallWith(PeerCredentials(tls));
  }
  std::string CallWith(const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                       const std::string& host = "localhost") const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetSslTargetNameOverride(host);
    const auto channel =
        grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port_), credentials, arguments);
    grpc::ClientContext context;
    admin::v1::GetStatusResponse response;
    const grpc::Status status =
        admin::v1::AdminService::NewStub(channel)->GetStatus(&context, {}, &response);
    return status.ok() ? response.role() : absl::StrCat("code ", int{status.error_code()});
  }

  // True once a call is answered with `answer`.
  static bool Becomes(const std::function<std::string()>& call, const std::string& answer) {
    const absl::Time limit = absl::Now() + absl::Minutes(1);
    while (absl::Now() < limit) {
      if (call() == answer) return true;
    }
    return false;
  }

  const testing::Authority authority_{"authority", "URI:spiffe://fiscal.example"},
      other_{"other", "URI:spiffe://fiscal.example"};
  RealClock clock_;
  std::unique_ptr<Identities> identities_;
  const std::string kRefused = absl::StrCat("code ", int{grpc::StatusCode::UNAVAILABLE});
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
  Start(Tls(true));
  EXPECT_EQ(CallAs(Peer("bureau")), "spiffe://fiscal.example/bureau");
  EXPECT_NE(CallAs(Peer("other")), "anonymous");
  // Without a certificate, or without TLS, nobody gets in.
  EXPECT_EQ(CallAs(Peer("")), kRefused);
  EXPECT_EQ(CallAs({}), kRefused);
}

TEST_F(CredentialsTest, WhereNoCertificateIsAskedForCallersAreAnonymous) {
  Start(Tls(false));
  EXPECT_EQ(CallAs(Peer("")), "anonymous");
}

TEST_F(CredentialsTest, AServerIsTheHostInItsCertificate) {
  Start(Tls(false));
  EXPECT_EQ(CallWith(PeerCredentials(Peer("")), "localhost"), "anonymous");
  EXPECT_EQ(CallWith(PeerCredentials(Peer("")), "elsewhere"), kRefused);
}

TEST_F(CredentialsTest, APairThatIsNoneLeavesTheOneBefore) {
  const testing::Pem ended = authority_.Sign("server", "", -1);
  Start(Tls(false));
  Refusals refusals;
  Write("server.crt", "junk\n");
  std::string line = refusals.Next();
  EXPECT_TRUE(absl::StrContains(line, "the ones before stay in use")) << line;
  EXPECT_TRUE(absl::StrContains(line, "server.tls.certificate_file")) << line;
  EXPECT_TRUE(absl::StrContains(line, "no certificate in PEM in it")) << line;
  EXPECT_EQ(CallAs(Peer("")), "anonymous");
  // Junk was said once, however often it was looked at since: the next line is of the next change.
  Write("server.crt", authority_.Sign("server").certificate);
  line = refusals.Next();
  EXPECT_TRUE(absl::StrContains(line, "is not the key of the first certificate")) << line;
  EXPECT_EQ(CallAs(Peer("")), "anonymous");
  std::filesystem::remove(Path("server.key"));
  line = refusals.Next();
  EXPECT_TRUE(absl::StrContains(line, "server.tls.key_file")) << line;
  EXPECT_TRUE(absl::StrContains(line, "No such file or directory")) << line;
  EXPECT_EQ(CallAs(Peer("")), "anonymous");
  Write("server.crt", ended.certificate);
  Write("server.key", ended.key);
  // What was between the two writes may be said too.
  while (!absl::StrContains(line, "expired at ") && line != Refusals::kNothing)
    line = refusals.Next();
  EXPECT_TRUE(absl::StrContains(line, "expired at ")) << line;
  EXPECT_EQ(CallAs(Peer("")), "anonymous");
}

TEST_F(CredentialsTest, ANewPairIsTakenOnceItIsWhole) {
  const testing::Pem renewed = other_.Sign("server");
  Write("other-ca.crt", other_.certificate());
  config::v1::PeerTlsConfig new_peer;
  new_peer.set_ca_file(Path("other-ca.crt"));
  Start(Tls(false));
  auto refusals = std::make_unique<Refusals>();
  Write("server.key", renewed.key);
  EXPECT_TRUE(absl::StrContains(refusals->Next(), "is not the key of the first certificate"));
  EXPECT_EQ(CallAs(Peer("")), "anonymous");
  EXPECT_EQ(CallAs(new_peer), kRefused);
  Write("server.crt", renewed.certificate);
  refusals.reset();
  EXPECT_TRUE(Becomes([&] { return CallAs(new_peer); }, "anonymous"));
  EXPECT_EQ(CallAs(Peer("")), kRefused);
}

TEST_F(CredentialsTest, AuthoritiesThatAreNoneLeaveTheOnesBefore) {
  const testing::Pem new_caller = other_.Sign("agency", "spiffe://fiscal.example/agency");
  Write("agency.crt", new_caller.certificate);
  Write("agency.key", new_caller.key);
  Sign("bureau", "spiffe://fiscal.example/bureau");
  Write("callers.crt", authority_.certificate());
  config::v1::TlsConfig tls = Tls(true);
  tls.set_client_ca_file(Path("callers.crt"));
  Start(tls);
  auto refusals = std::make_unique<Refusals>();
  Write("callers.crt", "junk\n");
  const std::string line = refusals->Next();
  EXPECT_TRUE(absl::StrContains(line, "server.tls.client_ca_file")) << line;
  EXPECT_EQ(CallAs(Peer("bureau")), "spiffe://fiscal.example/bureau");
  EXPECT_EQ(CallAs(Peer("agency")), kRefused);
  Write("callers.crt", other_.certificate());
  refusals.reset();
  EXPECT_TRUE(Becomes([&] { return CallAs(Peer("agency")); }, "spiffe://fiscal.example/agency"));
  EXPECT_EQ(CallAs(Peer("bureau")), kRefused);
}

TEST_F(CredentialsTest, WhatIsShownToPeersIsVettedToo) {
  Sign("bureau", "spiffe://fiscal.example/bureau");
  Start(Tls(true));
  config::v1::PeerTlsConfig tls = Peer("bureau");
  Write("peers.crt", authority_.certificate());
  tls.set_ca_file(Path("peers.crt"));
  const auto credentials = PeerCredentials(tls);
  auto refusals = std::make_unique<Refusals>();
  Write("bureau.crt", "junk\n");
  std::string line = refusals->Next();
  EXPECT_TRUE(absl::StrContains(line, "server.peer_tls.certificate_file")) << line;
  Write("peers.crt", "junk\n");
  line = refusals->Next();
  EXPECT_TRUE(absl::StrContains(line, "server.peer_tls.ca_file")) << line;
  EXPECT_EQ(CallWith(credentials), "spiffe://fiscal.example/bureau");
  Sign("bureau", "spiffe://fiscal.example/office");
  refusals.reset();
  EXPECT_TRUE(Becomes([&] { return CallWith(credentials); }, "spiffe://fiscal.example/office"));
}

TEST_F(CredentialsTest, FilesThatWereNeverGoodAreTakenWhenTheyAre) {
  const std::string certificate = Read("server.crt");
  Write("server.crt", "junk\n");
  auto refusals = std::make_unique<Refusals>();
  Start(Tls(false));
  const std::string line = refusals->Next();
  EXPECT_TRUE(absl::StrContains(line, "no connection is made")) << line;
  EXPECT_EQ(CallAs(Peer("")), kRefused);
  Write("server.crt", certificate);
  refusals.reset();
  EXPECT_TRUE(Becomes([&] { return CallAs(Peer("")); }, "anonymous"));
}

}  // namespace
}  // namespace fiscal::services::rpc
