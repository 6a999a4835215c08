// The caller of a request, and the request's id in metadata.
#ifndef FISCAL_SERVICES_RPC_CALLER_H_
#define FISCAL_SERVICES_RPC_CALLER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "grpcpp/support/server_callback.h"

namespace fiscal::services::rpc {

// The name in the caller's verified certificate: its SPIFFE id, else its first subject alternative
// name, else its common name. "anonymous" without one: request_ids are then one space.
std::string PrincipalOf(const grpc::ServerContextBase& context);

// The metadata key under which an answer repeats a write's request_id, so that logs on both sides
// can be matched.
constexpr char kRequestIdKey[] = "fiscal-request-id";
// REQUIRES: before the call is finished. An id that can't stand in metadata is left out.
void NoteRequestId(absl::string_view request_id, grpc::ServerContextBase* context);

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_CALLER_H_
