// TLS: who is let in, and how this process shows itself to others. Files are read again when they
// change.
#ifndef FISCAL_SERVICES_RPC_CREDENTIALS_H_
#define FISCAL_SERVICES_RPC_CREDENTIALS_H_

#include <memory>

#include "fiscal/config/v1/config.pb.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"

namespace fiscal::services::rpc {

// Without a certificate: plain.
std::shared_ptr<grpc::ServerCredentials> ServerCredentials(const config::v1::TlsConfig& tls);
// Without authorities: plain.
std::shared_ptr<grpc::ChannelCredentials> PeerCredentials(const config::v1::PeerTlsConfig& tls);

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_CREDENTIALS_H_
