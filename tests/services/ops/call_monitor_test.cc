// Calls are counted as they come and end, by method and code; services that are none of ours are
// not.
#include "services/ops/call_monitor.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"

namespace fiscal::services {
namespace {

constexpr char kRpc[] = "rpc=\"fiscal.admin.v1.AdminService/GetStatus\"";

TEST(OpenCallsTest, IsTheNumberThatBeganAndDidNotEnd) {
  OpenCalls open;
  open.Began();
  open.Began();
  EXPECT_EQ(open.count(), 2);
  open.Ended();
  EXPECT_EQ(open.count(), 1);
}

// A service that answers what it is told to.
class Told final : public admin::v1::AdminService::Service {
 public:
  grpc::Status GetStatus(grpc::ServerContext*, const admin::v1::GetStatusRequest*,
                         admin::v1::GetStatusResponse*) override {
    return answer;
  }
  grpc::Status answer;
};

class CallMonitorTest : public ::testing::Test {
 protected:
  CallMonitorTest() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> creators;
    creators.push_back(MakeCallMonitor(metrics_, open_, {"fiscal.admin.v1.AdminService"},
                                       {CallLines::kNone, absl::Seconds(1)}));
    builder.experimental().SetInterceptorCreators(std::move(creators));
    server_ = builder.BuildAndStart();
    stub_ = admin::v1::AdminService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }
  ~CallMonitorTest() override { server_->Shutdown(); }

  grpc::Status Call() {
    grpc::ClientContext context;
    admin::v1::GetStatusResponse response;
    return stub_->GetStatus(&context, {}, &response);
  }
  bool Says(const std::string& line) {
    return absl::StrContains(metrics_.Scrape(), absl::StrCat(line, "\n"));
  }

  Metrics metrics_;
  OpenCalls open_;
  Told service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<admin::v1::AdminService::Stub> stub_;
};

// Counted before its answer goes out: who has the answer sees the count.
TEST_F(CallMonitorTest, ACallIsCountedByItsCode) {
  EXPECT_TRUE(Call().ok());
  EXPECT_TRUE(Call().ok());
  service_.answer = grpc::Status(grpc::StatusCode::NOT_FOUND, "no");
  EXPECT_FALSE(Call().ok());
  EXPECT_TRUE(Says(absl::StrCat("fiscal_rpc_started_total{", kRpc, "} 3")));
  EXPECT_TRUE(Says(absl::StrCat("fiscal_rpc_completed_total{code=\"OK\",", kRpc, "} 2")));
  EXPECT_TRUE(Says(absl::StrCat("fiscal_rpc_completed_total{code=\"NOT_FOUND\",", kRpc, "} 1")));
  EXPECT_TRUE(Says(absl::StrCat("fiscal_rpc_duration_seconds_count{", kRpc, "} 3")));
  EXPECT_TRUE(Says("fiscal_refusals_total{reason=\"NOT_FOUND\"} 1"));
}

// It is open until the transport has its last byte, and the server's end waits for that.
TEST_F(CallMonitorTest, NoCallIsOpenAfterTheServersEnd) {
  EXPECT_TRUE(Call().ok());
  server_->Shutdown();
  server_->Wait();
  EXPECT_EQ(open_.count(), 0);
}

}  // namespace
}  // namespace fiscal::services
