// Who calls, as gRPC knows him. Nothing else asks it for certificates, addresses or metadata, but
// trace.h for the trace.
#ifndef FISCAL_SERVICES_RPC_CALLER_H_
#define FISCAL_SERVICES_RPC_CALLER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "grpcpp/support/server_callback.h"

namespace fiscal::services::rpc {

// A caller. Callers without a certificate are told apart by their connections.
struct Caller {
  // As domain/authority/principal.h has it. `anonymous` without a certificate: request_ids are then
  // one space. Empty for one who is refused.
  std::string principal;
  // The other end of his connection, as gRPC writes it: "ipv4:10.1.2.3:40404".
  std::string connection;
  // PRINCIPAL_REFUSED for one whose certificate says nothing that counts.
  absl::Status refused;
  // The key by which calls share turns and bounds.
  std::string key() const;
};

// The caller's connection alone.
std::string ConnectionOf(const grpc::ServerContextBase& context);

// His certificate, and the chain he sent, in PEM; empty without. Views of what gRPC keeps as long
// as the connection.
struct Certificate {
  absl::string_view pem, chain;
};
Certificate CertificateOf(const grpc::ServerContextBase& context);

// The metadata key under which an answer repeats a write's request_id, so that logs on both sides
// can be matched.
constexpr char kRequestIdKey[] = "fiscal-request-id";
// REQUIRES: before the call is finished. An id that can't stand in metadata is left out.
void NoteRequestId(absl::string_view request_id, grpc::ServerContextBase* context);

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_CALLER_H_
