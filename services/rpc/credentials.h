// TLS credentials for callers and for peers. Files that change are taken once they are fit for use
// (vetted_files.h).
#ifndef FISCAL_SERVICES_RPC_CREDENTIALS_H_
#define FISCAL_SERVICES_RPC_CREDENTIALS_H_

#include <memory>

#include "fiscal/config/v1/config.pb.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"

namespace fiscal::services::rpc {

// Plain text when no certificate is configured.
std::shared_ptr<grpc::ServerCredentials> ServerCredentials(const config::v1::TlsConfig& tls);
// Plain text when no authorities are configured.
std::shared_ptr<grpc::ChannelCredentials> PeerCredentials(const config::v1::PeerTlsConfig& tls);

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_CREDENTIALS_H_
