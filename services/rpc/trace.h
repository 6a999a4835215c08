// The trace of a call: told in logs and passed on to upstreams; nothing is collected here.
#ifndef FISCAL_SERVICES_RPC_TRACE_H_
#define FISCAL_SERVICES_RPC_TRACE_H_

#include "base/trace_context.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/server_callback.h"

namespace fiscal::services::rpc {

// The trace a call came with and its caller's span; false when it came with none.
bool CallersTrace(const grpc::ServerContextBase& context, TraceContext* trace);
// A span of ours in the trace a call came with, of a new trace without.
TraceContext TraceOf(const grpc::ServerContextBase& context);
// Names the trace to whom is called.
void PassOn(const TraceContext& trace, grpc::ClientContext* context);

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_TRACE_H_
