// What gRPC counts of the connections of this process's servers.
#include "services/door/transports.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"

namespace fiscal::services {
namespace {

// Says who asked.
class Status final : public admin::v1::AdminService::Service {
 public:
  grpc::Status GetStatus(grpc::ServerContext* context, const admin::v1::GetStatusRequest*,
                         admin::v1::GetStatusResponse* response) override {
    response->set_role(context->peer());
    return grpc::Status::OK;
  }
};

TEST(TransportsTest, EachConnectionHasItsStreams) {
  Status service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const auto stub = admin::v1::AdminService::NewStub(
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  admin::v1::GetStatusResponse response;
  Transports transports;
  int64_t id = 0;
  for (int calls = 1; calls <= 3; ++calls) {
    grpc::ClientContext context;
    ASSERT_TRUE(stub->GetStatus(&context, {}, &response).ok());
    const std::string peer = response.role();
    if (calls == 1) {
      EXPECT_EQ(transports.IdOf(peer), 0) << "not met yet";
      transports.Refresh();
      id = transports.IdOf(peer);
      ASSERT_NE(id, 0) << peer;
    }
    // A stream begins before its call is answered.
    const auto streams = Transports::Count(id);
    ASSERT_TRUE(streams.has_value());
    EXPECT_EQ(streams->started, calls);
    EXPECT_LE(streams->ended, calls);
  }
  EXPECT_EQ(transports.IdOf("ipv4:127.0.0.1:1"), 0);
  EXPECT_FALSE(Transports::Count(int64_t{1} << 40).has_value());
  server->Shutdown();
}

}  // namespace
}  // namespace fiscal::services
