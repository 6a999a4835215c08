// Who calls without a certificate, and which request ids an answer repeats.
#include "services/rpc/caller.h"

#include <string>

#include "grpcpp/test/server_context_test_spouse.h"
#include "gtest/gtest.h"

namespace fiscal::services::rpc {
namespace {

// Who calls with one is in operations_test.cc: it takes a handshake.
TEST(CallerTest, WithoutACertificateThereIsNone) {
  const grpc::ServerContext context;
  EXPECT_EQ(CertificateOf(context).pem, "");
  EXPECT_EQ(CertificateOf(context).chain, "");
}

TEST(CallerTest, CallersWithoutANameAreToldApartByTheirConnections) {
  EXPECT_EQ((Caller{"spiffe://x/a", "ipv4:1", {}}.key()), "spiffe://x/a");
  EXPECT_EQ((Caller{"anonymous", "ipv4:1", {}}.key()), "anonymous@ipv4:1");
  EXPECT_EQ((Caller{"", "ipv4:10.0.0.1:4711", {}}.key()), "@ipv4:10.0.0.1");
}

std::string Noted(absl::string_view request_id) {
  grpc::ServerContext context;
  NoteRequestId(request_id, &context);
  const auto trailers = grpc::testing::ServerContextTestSpouse(&context).GetTrailingMetadata();
  const auto it = trailers.find(kRequestIdKey);
  return it == trailers.end() ? "nothing" : it->second;
}

TEST(CallerTest, AnAnswerRepeatsARequestIdThatCanStandInMetadata) {
  EXPECT_EQ(Noted("r-77"), "r-77");
  EXPECT_EQ(Noted(std::string(64, 'x')), std::string(64, 'x'));
  EXPECT_EQ(Noted(std::string(65, 'x')), "nothing");
  EXPECT_EQ(Noted(""), "nothing");
  EXPECT_EQ(Noted("a\nb"), "nothing");
  EXPECT_EQ(Noted("预算"), "nothing");
}

}  // namespace
}  // namespace fiscal::services::rpc
