// Who calls, as gRPC knows him. Nothing else asks it for certificates, addresses or metadata, but
// trace.h for the trace.
#ifndef FISCAL_SERVICES_RPC_CALLER_H_
#define FISCAL_SERVICES_RPC_CALLER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "grpcpp/support/server_callback.h"

namespace fiscal::services::rpc {

// A caller. Callers without a certificate are told apart by their connections.
struct Caller {
  // The name in his verified certificate: its SPIFFE id, else its first subject alternative name,
  // else its common name. "anonymous" without one: request_ids are then one space.
  std::string principal;
  // The other end of his connection, as gRPC writes it: "ipv4:10.1.2.3:40404".
  std::string connection;
  // The key by which calls share turns and bounds.
  std::string key() const;
};

Caller CallerOf(const grpc::ServerContextBase& context);
// The caller's connection alone.
std::string ConnectionOf(const grpc::ServerContextBase& context);

// The metadata key under which an answer repeats a write's request_id, so that logs on both sides
// can be matched.
constexpr char kRequestIdKey[] = "fiscal-request-id";
// REQUIRES: before the call is finished. An id that can't stand in metadata is left out.
void NoteRequestId(absl::string_view request_id, grpc::ServerContextBase* context);

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_CALLER_H_
