// Another system of Fiscal that this one reads from: the submission process, an upstream.
#ifndef FISCAL_SERVICES_RPC_PEER_H_
#define FISCAL_SERVICES_RPC_PEER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "grpcpp/channel.h"
#include "grpcpp/security/credentials.h"

namespace fiscal::services::rpc {

// How often a silent connection is asked for a sign of life; servers take that as no offence
// (ServerImpl::Listen).
constexpr int kKeepaliveMs = 30000;

// A channel of its own that looks for the peer every second, takes any record, and notices a peer
// that is silent because it is gone.
std::shared_ptr<grpc::Channel> ConnectPeer(
    const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials);

// What a peer says whose log is not, or no longer, the one read before: never to be retried.
inline bool HistoryParted(const absl::Status& status) {
  return absl::IsDataLoss(status) || absl::IsOutOfRange(status);
}

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_PEER_H_
