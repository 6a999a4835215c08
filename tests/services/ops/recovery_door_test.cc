// While a process recovers, every call is told to come again and how far it is.
#include "services/ops/recovery_door.h"

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "services/rpc/status.h"

namespace fiscal::services {
namespace {

namespace hlt = grpc::health::v1;

TEST(RecoveryDoorTest, EveryCallIsToldToComeAgain) {
  auto door = Door::Open("127.0.0.1:0", {8, 8, 16, 64 << 20});
  ASSERT_TRUE(door.ok()) << door.status();
  const std::string service = "fiscal.admin.v1.AdminService";
  auto recovery = RecoveryDoor::Open(**door, 16, grpc::InsecureServerCredentials(), {service},
                                     [] { return std::string("folding event 3 of 9"); });
  ASSERT_TRUE(recovery.ok()) << recovery.status();
  const auto channel = grpc::CreateChannel(absl::StrCat("127.0.0.1:", (*door)->port()),
                                           grpc::InsecureChannelCredentials());
  {
    grpc::ClientContext context;
    admin::v1::GetStatusResponse response;
    const grpc::Status status =
        admin::v1::AdminService::NewStub(channel)->GetStatus(&context, {}, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(rpc::ReasonOf(status), "RECOVERING");
    EXPECT_TRUE(absl::StrContains(status.error_message(), "folding event 3 of 9"))
        << status.error_message();
  }
  for (const std::string& asked : {std::string(), service}) {
    grpc::ClientContext context;
    hlt::HealthCheckRequest request;
    request.set_service(asked);
    hlt::HealthCheckResponse response;
    ASSERT_TRUE(hlt::Health::NewStub(channel)->Check(&context, request, &response).ok()) << asked;
    EXPECT_EQ(response.status(), hlt::HealthCheckResponse::NOT_SERVING) << asked;
  }
}

}  // namespace
}  // namespace fiscal::services
