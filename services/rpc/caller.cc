#include "services/rpc/caller.h"

#include "absl/strings/str_cat.h"
#include "domain/shapes.h"
#include "grpcpp/server_context.h"

namespace fiscal::services::rpc {
namespace {

constexpr char kAnonymous[] = "anonymous";

std::string PrincipalOf(const grpc::ServerContextBase& context) {
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  if (auth == nullptr || !auth->IsPeerAuthenticated()) return kAnonymous;
  for (const char* property :
       {"peer_spiffe_id", "x509_subject_alternative_name", "x509_common_name"}) {
    const std::vector<grpc::string_ref> values = auth->FindPropertyValues(property);
    if (!values.empty() && !values[0].empty())
      return std::string(values[0].data(), values[0].size());
  }
  return kAnonymous;
}

}  // namespace

std::string Caller::key() const {
  return principal == kAnonymous ? absl::StrCat(principal, "@", connection) : principal;
}

Caller CallerOf(const grpc::ServerContextBase& context) {
  return {PrincipalOf(context), context.peer()};
}

std::string ConnectionOf(const grpc::ServerContextBase& context) { return context.peer(); }

void NoteRequestId(absl::string_view request_id, grpc::ServerContextBase* context) {
  if (domain::IsRequestId(request_id))
    context->AddTrailingMetadata(kRequestIdKey, std::string(request_id));
}

}  // namespace fiscal::services::rpc
