// fiscal.admin.v1.AdminService. Thread-safe.
#ifndef FISCAL_SERVICES_ADMIN_ADMIN_RPC_H_
#define FISCAL_SERVICES_ADMIN_ADMIN_RPC_H_

#include <memory>

#include "grpcpp/impl/codegen/service_type.h"
#include "services/aggregation/projector.h"

namespace fiscal::services {

std::unique_ptr<grpc::Service> MakeAdminService(const Projector& projector);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_ADMIN_ADMIN_RPC_H_
