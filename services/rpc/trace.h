// The trace of a call: written to logs and passed on to upstreams. Nothing is collected here.
#ifndef FISCAL_SERVICES_RPC_TRACE_H_
#define FISCAL_SERVICES_RPC_TRACE_H_

#include "base/trace_context.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/server_callback.h"

namespace fiscal::services::rpc {

// Gets the trace a call came with and its caller's span; false when it came with none.
bool CallersTrace(const grpc::ServerContextBase& context, TraceContext* trace);
// A new span in the trace the call came with, or in a new trace.
TraceContext TraceOf(const grpc::ServerContextBase& context);
// Sends the trace with an outgoing call.
void PassOn(const TraceContext& trace, grpc::ClientContext* context);

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_TRACE_H_
