// The trace of a call: the caller's, or a new one, and passed on.
#include "services/rpc/trace.h"

#include <map>
#include <string>

#include "grpcpp/test/client_context_test_peer.h"
#include "grpcpp/test/server_context_test_spouse.h"
#include "gtest/gtest.h"

namespace fiscal::services::rpc {
namespace {

constexpr char kTrace[] = "0af7651916cd43dd8448eb211c80319c";
constexpr char kParent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(TraceTest, ACallerWithATraceKeepsIt) {
  grpc::ServerContext context;
  grpc::testing::ServerContextTestSpouse spouse(&context);
  spouse.AddClientMetadata("traceparent", kParent);
  TraceContext caller;
  ASSERT_TRUE(CallersTrace(context, &caller));
  EXPECT_EQ(caller.trace_id, kTrace);
  EXPECT_EQ(caller.span_id, "b7ad6b7169203331");
  const TraceContext ours = TraceOf(context);
  EXPECT_EQ(ours.trace_id, kTrace);
  EXPECT_NE(ours.span_id, caller.span_id) << "a span of our own";
  EXPECT_TRUE(ours.sampled);
}

TEST(TraceTest, ACallerWithoutOneGetsANewOne) {
  TraceContext caller;
  grpc::ServerContext none, garbage;
  EXPECT_FALSE(CallersTrace(none, &caller));
  grpc::testing::ServerContextTestSpouse spouse(&garbage);
  spouse.AddClientMetadata("traceparent", "garbage");
  EXPECT_FALSE(CallersTrace(garbage, &caller));
  EXPECT_EQ(TraceOf(garbage).trace_id.size(), 32u);
  EXPECT_NE(TraceOf(none).trace_id, TraceOf(none).trace_id);
}

TEST(TraceTest, IsPassedOnAsItCame) {
  TraceContext trace;
  ASSERT_TRUE(ParseTraceparent(kParent, &trace));
  grpc::ClientContext context;
  PassOn(trace, &context);
  const auto sent = grpc::testing::ClientContextTestPeer(&context).GetSendInitialMetadata();
  ASSERT_EQ(sent.count("traceparent"), 1u);
  EXPECT_EQ(sent.find("traceparent")->second, kParent);
}

}  // namespace
}  // namespace fiscal::services::rpc
