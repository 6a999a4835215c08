// What calls take of their connections, over a door and a server.
#include "services/door/message_counter.h"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "services/rpc/service.h"
#include "services/rpc/token_sealer.h"
#include "tests/support/tokens.h"

namespace fiscal::services {
namespace {

constexpr int64_t kMiB = 1 << 20;

// Takes its requests as bytes, as all of ours do; says who asked.
class Status final : public rpc::Service {
 public:
  explicit Status(rpc::Calls& calls) : Service(calls) { Serve(&Status::GetStatus); }
  void GetStatus(rpc::UnaryCall* call, const admin::v1::GetStatusRequest*,
                 admin::v1::GetStatusResponse* response) {
    response->set_role(call->caller().connection);
    call->Finish(absl::OkStatus());
  }
};

class MessageCounterTest : public ::testing::Test {
 protected:
  MessageCounterTest() : door_(*Door::Open("127.0.0.1:0", {8, 8, 16, 64 * kMiB})) {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    Door::Taker taker = AddDoor(16, grpc::InsecureServerCredentials(), &builder);
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> creators;
    creators.push_back(MakeMessageCounter(*door_));
    builder.experimental().SetInterceptorCreators(std::move(creators));
    server_ = builder.BuildAndStart();
    door_->HandTo(std::move(taker));
    channel_ = grpc::CreateChannel(absl::StrCat("127.0.0.1:", door_->port()),
                                   grpc::InsecureChannelCredentials());
    stub_ = admin::v1::AdminService::NewStub(channel_);
  }
  ~MessageCounterTest() override {
    door_->Close();
    server_->Shutdown();
  }
  // The peer's name, as gRPC calls it.
  std::string Call() {
    grpc::ClientContext context;
    admin::v1::GetStatusResponse response;
    const grpc::Status status = stub_->GetStatus(&context, {}, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.role();
  }

  rpc::ReadExecutor executor_{{}};
  RealClock clock_;
  rpc::Gate gate_;
  const std::unique_ptr<rpc::TokenSealer> tokens_ = testing::NewTokens(clock_);
  rpc::Calls calls_{{clock_, executor_, gate_, *tokens_}, {}};
  std::unique_ptr<Door> door_;
  Status service_{calls_};
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<admin::v1::AdminService::Stub> stub_;
};

TEST_F(MessageCounterTest, ACallIsSeenAndItsBytesAreTaken) {
  const std::string peer = Call();
  const std::shared_ptr<ConnectionUse> use = door_->UseOf(peer);
  ASSERT_NE(use, nullptr) << peer;
  // Counted before the call is answered.
  EXPECT_EQ(use->seen, 1);
  const int64_t one = use->bytes;
  EXPECT_GT(one, 0);
  EXPECT_EQ(Call(), peer);
  EXPECT_EQ(use->seen, 2);
  EXPECT_EQ(use->bytes, 2 * one);
}

// A call that ends before its message, or is reset, took none and is not answered as one.
TEST_F(MessageCounterTest, ACallWithoutAMessageTakesNothing) {
  const std::shared_ptr<ConnectionUse> use = door_->UseOf(Call());
  ASSERT_NE(use, nullptr);
  const int64_t one = use->bytes;
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  const auto call = grpc::GenericStub(channel_).PrepareCall(
      &context, "/fiscal.admin.v1.AdminService/GetStatus", &queue);
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok);
  };
  call->StartCall(nullptr);
  ASSERT_TRUE(wait());
  call->WritesDone(nullptr);
  ASSERT_TRUE(wait());
  grpc::Status status;
  call->Finish(&status, nullptr);
  ASSERT_TRUE(wait());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED) << status.error_message();
  // Said when gRPC has done with it.
  const absl::Time limit = absl::Now() + absl::Seconds(30);
  while (use->seen < 2 && absl::Now() < limit) std::this_thread::yield();
  EXPECT_EQ(use->seen, 2);
  EXPECT_EQ(use->bytes, one);
  EXPECT_EQ(use->busy, 0);
}

}  // namespace
}  // namespace fiscal::services
