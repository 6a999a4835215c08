#include "services/rpc/credentials.h"

#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"

namespace fiscal::services::rpc {
namespace {

namespace tls = grpc::experimental;

// How often certificate files are looked at.
constexpr unsigned kRefreshSeconds = 10;

}  // namespace

std::shared_ptr<grpc::ServerCredentials> ServerCredentials(const config::v1::TlsConfig& config) {
  if (config.certificate_file().empty()) return grpc::InsecureServerCredentials();
  auto provider = std::make_shared<tls::FileWatcherCertificateProvider>(
      config.key_file(), config.certificate_file(), config.client_ca_file(), kRefreshSeconds);
  tls::TlsServerCredentialsOptions options(provider);
  options.watch_identity_key_cert_pairs();
  if (config.client_ca_file().empty()) {
    options.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  } else {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return tls::TlsServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> PeerCredentials(const config::v1::PeerTlsConfig& config) {
  if (config.ca_file().empty()) return grpc::InsecureChannelCredentials();
  tls::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(std::make_shared<tls::FileWatcherCertificateProvider>(
      config.key_file(), config.certificate_file(), config.ca_file(), kRefreshSeconds));
  options.watch_root_certs();
  if (!config.certificate_file().empty()) options.watch_identity_key_cert_pairs();
  return tls::TlsCredentials(options);
}

}  // namespace fiscal::services::rpc
