// Another system of Fiscal that this one reads from: the submission process, an upstream.
#ifndef FISCAL_SERVICES_RPC_PEER_H_
#define FISCAL_SERVICES_RPC_PEER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "grpcpp/channel.h"
#include "grpcpp/security/credentials.h"

namespace fiscal::services::rpc {

// The interval of keepalives on a silent connection. Servers permit it (AddDoor).
constexpr int kKeepaliveMs = 30000;

// A channel of its own: it reconnects every second, takes records of any size, and notices a peer
// that is gone.
std::shared_ptr<grpc::Channel> ConnectPeer(
    const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials);

// True for the answer of a peer whose log is not, or no longer, the one read before: never retry.
inline bool HistoryParted(const absl::Status& status) {
  return absl::IsDataLoss(status) || absl::IsOutOfRange(status);
}

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_PEER_H_
