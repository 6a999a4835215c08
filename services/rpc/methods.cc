#include "services/rpc/methods.h"

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "fiscal/admin/v1/admin_service.pb.h"
#include "fiscal/aggregation/v1/aggregation_service.pb.h"
#include "fiscal/audit/v1/audit_service.pb.h"
#include "fiscal/authority/v1/authority_service.pb.h"
#include "fiscal/catalog/v1/catalog_service.pb.h"
#include "fiscal/disclosure/v1/disclosure_service.pb.h"
#include "fiscal/federation/v1/federation_service.pb.h"
#include "fiscal/log/v1/event_log_service.pb.h"
#include "fiscal/method/v1/method.pb.h"
#include "fiscal/submission/v1/submission_service.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"

namespace fiscal::services::rpc {
namespace {

namespace pb = fiscal::method::v1;

static_assert(static_cast<int>(CallKind::kWatch) == pb::CALL_KIND_WATCH && pb::CallKind_MAX == 7);

// A service has a file of its own, which any of its messages leads to.
void AddService(const google::protobuf::Descriptor& message, std::vector<Method>* methods) {
  const google::protobuf::ServiceDescriptor& service = *message.file()->service(0);
  for (int i = 0; i < service.method_count(); ++i) {
    const google::protobuf::MethodDescriptor& method = *service.method(i);
    const pb::Method& option = method.options().GetExtension(pb::method);
    FISCAL_CHECK(option.kind() != pb::CALL_KIND_UNSPECIFIED,
                 "every method has the option fiscal.method.v1.method");
    methods->push_back({absl::StrCat("/", service.full_name(), "/", method.name()),
                        method.input_type()->full_name(), static_cast<CallKind>(option.kind()),
                        option.read_only() && option.verb() != pb::VERB_READ_AUDIT, option});
  }
}

std::vector<Method>* ReadMethods() {
  auto* methods = new std::vector<Method>();
  AddService(*admin::v1::GetStatusRequest::descriptor(), methods);
  AddService(*aggregation::v1::GetTotalRequest::descriptor(), methods);
  AddService(*audit::v1::ListRequest::descriptor(), methods);
  AddService(*authority::v1::GrantRequest::descriptor(), methods);
  AddService(*catalog::v1::ImportCatalogRequest::descriptor(), methods);
  AddService(*disclosure::v1::GetTablesRequest::descriptor(), methods);
  AddService(*federation::v1::ReconcileRequest::descriptor(), methods);
  AddService(*log::v1::ReadRequest::descriptor(), methods);
  AddService(*submission::v1::SubmitBudgetRequest::descriptor(), methods);
  return methods;
}

}  // namespace

const std::vector<Method>& Methods() {
  static const std::vector<Method>* methods = ReadMethods();
  return *methods;
}

}  // namespace fiscal::services::rpc
