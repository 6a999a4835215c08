#include "services/rpc/credentials.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <ctime>

#include "absl/strings/str_cat.h"
#include "base/openssl.h"
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

absl::StatusOr<absl::Time> CertificateExpiry(const std::string& certificate_file) {
  std::FILE* file = std::fopen(certificate_file.c_str(), "r");
  if (file == nullptr)
    return absl::InvalidArgumentError(absl::StrCat(certificate_file, " can't be read"));
  const openssl::ForgetErrors forget;
  const openssl::Certificate certificate(PEM_read_X509(file, nullptr, nullptr, nullptr));
  std::fclose(file);
  if (certificate == nullptr)
    return absl::InvalidArgumentError(absl::StrCat(certificate_file, " has no certificate"));
  struct tm end {};
  const int good = ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end);
  if (good != 1)
    return absl::InvalidArgumentError(absl::StrCat(certificate_file, " has no end of validity"));
  return absl::FromTimeT(timegm(&end));
}

}  // namespace fiscal::services::rpc
