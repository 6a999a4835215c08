// Describes the services of this process to tools (grpcurl, IDEs) by grpc.reflection.v1. gRPC's
// library has v1alpha alone, as a plugin of the server (server.cc); the two list the same services.
// Thread-safe.
#ifndef FISCAL_SERVICES_OPS_REFLECTION_RPC_H_
#define FISCAL_SERVICES_OPS_REFLECTION_RPC_H_

#include <memory>
#include <string>
#include <vector>

#include "grpcpp/impl/service_type.h"

namespace fiscal::services {

// `services` are the full names of ours. Health and reflection are listed beside them.
std::unique_ptr<grpc::Service> MakeReflectionService(std::vector<std::string> services);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_OPS_REFLECTION_RPC_H_
