// Another system that is read from: which of its answers are never asked again.
#include "services/rpc/peer.h"

#include "gtest/gtest.h"

namespace fiscal::services::rpc {
namespace {

TEST(PeerTest, AnotherHistoryIsNeverReadAgain) {
  EXPECT_TRUE(HistoryParted(absl::DataLossError("another history")));
  EXPECT_TRUE(HistoryParted(absl::OutOfRangeError("it went back")));
  EXPECT_FALSE(HistoryParted(absl::UnavailableError("away")));
  EXPECT_FALSE(HistoryParted(absl::OkStatus()));
}

// A channel is one's own: it connects when it is used, and not before.
TEST(PeerTest, AChannelWaitsForItsFirstCall) {
  const auto channel = ConnectPeer("127.0.0.1:1", grpc::InsecureChannelCredentials());
  EXPECT_EQ(channel->GetState(/*try_to_connect=*/false), GRPC_CHANNEL_IDLE);
}

}  // namespace
}  // namespace fiscal::services::rpc
