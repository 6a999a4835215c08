// Who calls, and which request of his it is.
#ifndef FISCAL_SERVICES_RPC_CALLER_H_
#define FISCAL_SERVICES_RPC_CALLER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "grpcpp/support/server_callback.h"

namespace fiscal::services::rpc {

// The name in the caller's verified certificate: its SPIFFE id, else its first subject alternative
// name, else its common name. "anonymous" without one: request_ids are then one space.
std::string PrincipalOf(const grpc::ServerContextBase& context);

// The answer's metadata that repeats a write's request_id: for whoever reads logs on both sides.
constexpr char kRequestIdKey[] = "fiscal-request-id";
// REQUIRES: before the call is finished. An id that can't stand in metadata is left out.
void NoteRequestId(absl::string_view request_id, grpc::ServerContextBase* context);

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_CALLER_H_
