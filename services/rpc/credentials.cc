#include "services/rpc/credentials.h"

#include <functional>
#include <utility>

#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_certificate_verifier.h"
#include "grpcpp/security/tls_credentials_options.h"
#include "services/rpc/vetted_files.h"

namespace fiscal::services::rpc {
namespace {

namespace tls = grpc::experimental;

// How often gRPC looks at the vetted files.
constexpr unsigned kRefreshSeconds = 1;

// The verifier of credentials, which keeps their files: gRPC's credentials outlive the object that
// stands for them, and let go of their verifier last, when nobody watches the files any more.
class FilesKeeper : public tls::ExternalCertificateVerifier {
 public:
  FilesKeeper(std::unique_ptr<VettedFiles> files,
              std::unique_ptr<tls::CertificateVerifier> verifier)
      : files_(std::move(files)), verifier_(std::move(verifier)) {}

  bool Verify(tls::TlsCustomVerificationCheckRequest* request,
              std::function<void(grpc::Status)> callback, grpc::Status* status) override {
    return verifier_->Verify(request, std::move(callback), status);
  }
  void Cancel(tls::TlsCustomVerificationCheckRequest* request) override {
    verifier_->Cancel(request);
  }

 private:
  const std::unique_ptr<VettedFiles> files_;
  const std::unique_ptr<tls::CertificateVerifier> verifier_;
};

// Has gRPC watch `files`. `verifier` is asked for each peer whose chain was found good.
void Watch(const VettedFiles::Files& files, std::unique_ptr<tls::CertificateVerifier> verifier,
           tls::TlsCredentialsOptions* options) {
  auto vetted = std::make_unique<VettedFiles>(files);
  options->set_certificate_provider(std::make_shared<tls::FileWatcherCertificateProvider>(
      vetted->pair_path(), vetted->pair_path(), vetted->authorities_path(), kRefreshSeconds));
  if (!files.certificate.path.empty()) options->watch_identity_key_cert_pairs();
  if (!files.authorities.path.empty()) options->watch_root_certs();
  options->set_certificate_verifier(tls::ExternalCertificateVerifier::Create<FilesKeeper>(
      std::move(vetted), std::move(verifier)));
}

}  // namespace

std::shared_ptr<grpc::ServerCredentials> ServerCredentials(const config::v1::TlsConfig& config) {
  if (config.certificate_file().empty()) return grpc::InsecureServerCredentials();
  tls::TlsServerCredentialsOptions options(nullptr);
  Watch({{"server.tls.certificate_file", config.certificate_file()},
         {"server.tls.key_file", config.key_file()},
         {"server.tls.client_ca_file", config.client_ca_file()}},
        std::make_unique<tls::NoOpCertificateVerifier>(), &options);
  options.set_cert_request_type(config.client_ca_file().empty()
                                    ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                    : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return tls::TlsServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> PeerCredentials(const config::v1::PeerTlsConfig& config) {
  if (config.ca_file().empty()) return grpc::InsecureChannelCredentials();
  tls::TlsChannelCredentialsOptions options;
  Watch({{"server.peer_tls.certificate_file", config.certificate_file()},
         {"server.peer_tls.key_file", config.key_file()},
         {"server.peer_tls.ca_file", config.ca_file()}},
        std::make_unique<tls::HostNameCertificateVerifier>(), &options);
  return tls::TlsCredentials(options);
}

}  // namespace fiscal::services::rpc
