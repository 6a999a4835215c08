#include "services/rpc/caller.h"

#include "absl/strings/str_cat.h"
#include "domain/authority/principal.h"
#include "domain/shapes.h"
#include "grpcpp/server_context.h"

namespace fiscal::services::rpc {
std::string Caller::key() const {
  if (principal == authority::kAnonymous) return absl::StrCat(principal, "@", connection);
  // Who is refused is his address, whatever connections he makes.
  if (principal.empty()) return absl::StrCat("@", connection.substr(0, connection.rfind(':')));
  return principal;
}

std::string ConnectionOf(const grpc::ServerContextBase& context) { return context.peer(); }

Certificate CertificateOf(const grpc::ServerContextBase& context) {
  Certificate certificate;
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  if (auth == nullptr) return certificate;
  const auto find = [&](const char* property) {
    const std::vector<grpc::string_ref> values = auth->FindPropertyValues(property);
    return values.empty() ? absl::string_view()
                          : absl::string_view(values[0].data(), values[0].size());
  };
  certificate.pem = find("x509_pem_cert");
  certificate.chain = find("x509_pem_cert_chain");
  return certificate;
}

void NoteRequestId(absl::string_view request_id, grpc::ServerContextBase* context) {
  if (domain::IsRequestId(request_id))
    context->AddTrailingMetadata(kRequestIdKey, std::string(request_id));
}

}  // namespace fiscal::services::rpc
