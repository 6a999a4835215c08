// fiscal.catalog.v1.CatalogService: imports through the committer, lists from the intake's catalog.
// Thread-safe.
#ifndef FISCAL_SERVICES_CATALOG_CATALOG_RPC_H_
#define FISCAL_SERVICES_CATALOG_CATALOG_RPC_H_

#include <memory>

#include "grpcpp/impl/codegen/service_type.h"
#include "services/rpc/call.h"
#include "services/submission/committer.h"

namespace fiscal::services {

std::unique_ptr<grpc::Service> MakeCatalogService(rpc::Calls& calls, Committer& committer);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_CATALOG_CATALOG_RPC_H_
