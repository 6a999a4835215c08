// fiscal.admin.v1.AdminService. Thread-safe.
#ifndef FISCAL_SERVICES_ADMIN_ADMIN_RPC_H_
#define FISCAL_SERVICES_ADMIN_ADMIN_RPC_H_

#include <functional>
#include <memory>

#include "fiscal/admin/v1/admin_service.pb.h"
#include "grpcpp/impl/codegen/service_type.h"
#include "services/aggregation/projector.h"

namespace fiscal::services {

// `projector` is null in a process without totals. `status` fills in how the process is.
std::unique_ptr<grpc::Service> MakeAdminService(
    const Projector* projector, std::function<void(admin::v1::GetStatusResponse*)> status);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_ADMIN_ADMIN_RPC_H_
