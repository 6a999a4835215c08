// fiscal.audit.v1.AuditService over the audit log of this process. Thread-safe.
#ifndef FISCAL_SERVICES_AUDIT_AUDIT_RPC_H_
#define FISCAL_SERVICES_AUDIT_AUDIT_RPC_H_

#include <memory>

#include "grpcpp/impl/codegen/service_type.h"
#include "services/audit/audit_trail.h"
#include "services/rpc/call.h"

namespace fiscal::services {

// REQUIRES: `calls` and `trail` outlive the service.
std::unique_ptr<grpc::Service> MakeAuditService(rpc::Calls& calls, AuditTrail& trail);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_AUDIT_AUDIT_RPC_H_
