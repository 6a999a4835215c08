// W3C Trace Context, level 1: which trace a call belongs to. Traces are told in logs and passed on to upstreams; nothing is collected here.
#ifndef FISCAL_SERVICES_RPC_TRACE_H_
#define FISCAL_SERVICES_RPC_TRACE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/server_callback.h"

namespace fiscal::services::rpc {

struct TraceContext {
  // 32 and 16 lower-case hexadecimal digits, not all zero.
  std::string trace_id;
  std::string span_id;
  bool sampled = false;
};

// A `traceparent` as a caller sent it; one that is malformed is no trace, and a new one starts: `false`.
bool ParseTraceparent(absl::string_view header, TraceContext* trace);
std::string FormatTraceparent(const TraceContext& trace);
// A span of its own: below `parent`, or the first of a new trace.
TraceContext ChildOf(const TraceContext& parent);
TraceContext NewTrace();

// The trace a call came with and its caller's span; false when it came with none.
bool CallersTrace(const grpc::ServerContextBase& context, TraceContext* trace);
// A span of ours in the trace a call came with, of a new trace without.
TraceContext TraceOf(const grpc::ServerContextBase& context);
// Names the trace to whom is called.
void PassOn(const TraceContext& trace, grpc::ClientContext* context);

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_TRACE_H_
