// Who calls.
#ifndef FISCAL_SERVICES_RPC_CALLER_H_
#define FISCAL_SERVICES_RPC_CALLER_H_

#include <string>

#include "grpcpp/support/server_callback.h"

namespace fiscal::services::rpc {

// The caller's identity from its verified certificate. Without TLS everyone is "anonymous": request_ids are then one space.
inline std::string PrincipalOf(const grpc::CallbackServerContext&) { return "anonymous"; }

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_CALLER_H_
