#include "services/rpc/trace.h"

#include "grpcpp/server_context.h"

namespace fiscal::services::rpc {
namespace {

constexpr char kHeader[] = "traceparent";

}  // namespace

bool CallersTrace(const grpc::ServerContextBase& context, TraceContext* trace) {
  const auto& metadata = context.client_metadata();
  const auto it = metadata.find(kHeader);
  return it != metadata.end() &&
         ParseTraceparent(absl::string_view(it->second.data(), it->second.size()), trace);
}

TraceContext TraceOf(const grpc::ServerContextBase& context) {
  TraceContext parent;
  return CallersTrace(context, &parent) ? ChildOf(parent) : NewTrace();
}

void PassOn(const TraceContext& trace, grpc::ClientContext* context) {
  context->AddMetadata(kHeader, FormatTraceparent(trace));
}

}  // namespace fiscal::services::rpc
