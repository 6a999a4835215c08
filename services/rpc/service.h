// A service of gRPC's, made of handlers that get a Call: the one adapter between the two.
//
//   gRPC --(bytes)--> Service: makes the Call, admits it, parses, asks the gate
//     --(Call, message)--> handler
//
// A request is looked at as bytes before protobuf makes a message of it: its size and the number of
// its values are bounded (wire/bounds.h). gRPC by itself would parse whatever comes, and answer
// UNIMPLEMENTED to bytes that do not parse. A call that is refused or does not parse is answered
// here. Which method a handler serves is told by the request it takes.
#ifndef FISCAL_SERVICES_RPC_SERVICE_H_
#define FISCAL_SERVICES_RPC_SERVICE_H_

#include <memory>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "grpcpp/impl/codegen/method_handler.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/impl/codegen/rpc_service_method.h"
#include "grpcpp/impl/codegen/server_callback_handlers.h"
#include "grpcpp/impl/codegen/service_type.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "services/rpc/call.h"
#include "services/rpc/status.h"

namespace fiscal::services::rpc {

// More than twice the largest useful read, a batch of 1,000 filters.
constexpr size_t kReadBytesMax = 1 << 20;

// CANCELLED when the call ended before its message came.
absl::Status CheckCame(const grpc::ByteBuffer& bytes);
// Parses the bytes gRPC lends, and clears them. MESSAGE_TOO_LARGE, or the error of CheckCame or
// wire::ParseInto.
absl::Status ParseRead(const grpc::ByteBuffer& bytes, google::protobuf::Message* message);

// A stream that ends at once with an error: a grpc::ServerWriteReactor or ServerBidiReactor.
template <typename Reactor>
class RefusedStream final : public Reactor {
 public:
  explicit RefusedStream(const absl::Status& status) { this->Finish(ToGrpc(status)); }
  void OnDone() override { delete this; }
};

// A handler is a method of the class that is derived from this; its constructor names each of them.
class Service : public grpc::Service {
 public:
  using WireReactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

 protected:
  // REQUIRES: `calls` outlives the service.
  explicit Service(Calls& calls) : calls_(calls) {}

  // Finishes the call, now or later. The request lives as long as the call.
  template <typename Own, typename Request, typename Response>
  void Serve(void (Own::*handler)(UnaryCall*, const Request*, Response*)) {
    Calls::Passed& to = Taking<Request>();
    Add(to, grpc::internal::RpcMethod::NORMAL_RPC, kParsed,
        new grpc::internal::CallbackUnaryHandler<grpc::ByteBuffer, Response>(
            [this, &to, handler](grpc::CallbackServerContext* context,
                                 const grpc::ByteBuffer* bytes, Response* response) {
              auto* call = new ParsedCall<Request>(calls_, Count(to), *context);
              absl::Status status = call->admitted();
              if (status.ok()) status = ParseRead(*bytes, &call->request);
              if (status.ok()) status = call->MayAsk(call->request);
              if (status.ok()) {
                (static_cast<Own*>(this)->*handler)(call, &call->request, response);
              } else {
                call->Finish(status);
              }
              return call;
            }));
  }

  // As above, of a request that the handler parses itself. Those are writes, and what they are
  // about is looked at where they are decided.
  template <typename Request, typename Own>
  void ServeBytes(void (Own::*handler)(UnaryCall*, const grpc::ByteBuffer*, grpc::ByteBuffer*)) {
    Calls::Passed& to = Taking<Request>();
    Add(to, grpc::internal::RpcMethod::NORMAL_RPC, kBytes,
        new grpc::internal::CallbackUnaryHandler<grpc::ByteBuffer, grpc::ByteBuffer>(
            [this, &to, handler](grpc::CallbackServerContext* context,
                                 const grpc::ByteBuffer* bytes, grpc::ByteBuffer* response) {
              auto* call = new UnaryCall(calls_, Count(to), *context);
              absl::Status status = call->admitted();
              if (status.ok()) status = CheckCame(*bytes);
              if (status.ok()) {
                (static_cast<Own*>(this)->*handler)(call, bytes, response);
              } else {
                call->Finish(status);
              }
              return call;
            }));
  }

  // Answers with a stream. The request lives until the handler returns.
  template <typename Own, typename Request, typename Response>
  void Serve(grpc::ServerWriteReactor<Response>* (Own::*handler)(std::unique_ptr<Call>,
                                                                 const Request*)) {
    using Reactor = grpc::ServerWriteReactor<Response>;
    Calls::Passed& to = Taking<Request>();
    Add(to, grpc::internal::RpcMethod::SERVER_STREAMING, kParsed,
        new grpc::internal::CallbackServerStreamingHandler<grpc::ByteBuffer, Response>(
            [this, &to, handler](grpc::CallbackServerContext* context,
                                 const grpc::ByteBuffer* bytes) -> Reactor* {
              auto call = std::make_unique<Call>(calls_, Count(to), *context);
              absl::Status status = call->admitted();
              Request request;
              if (status.ok()) status = ParseRead(*bytes, &request);
              if (status.ok()) status = call->MayAsk(request);
              call->WriteDown(status);
              if (!status.ok()) return new RefusedStream<Reactor>(status);
              return (static_cast<Own*>(this)->*handler)(std::move(call), &request);
            }));
  }

  // Takes a stream and answers with one, both as bytes.
  template <typename Request, typename Own>
  void ServeBytes(WireReactor* (Own::*handler)(std::unique_ptr<Call>)) {
    Calls::Passed& to = Taking<Request>();
    Add(to, grpc::internal::RpcMethod::BIDI_STREAMING, kBytes,
        new grpc::internal::CallbackBidiHandler<grpc::ByteBuffer, grpc::ByteBuffer>(
            [this, &to, handler](grpc::CallbackServerContext* context) -> WireReactor* {
              auto call = std::make_unique<Call>(calls_, Count(to), *context);
              call->WriteDown(call->admitted());
              if (!call->admitted().ok()) return new RefusedStream<WireReactor>(call->admitted());
              return (static_cast<Own*>(this)->*handler)(std::move(call));
            }));
  }

  // Answers on a thread of gRPC's that the call has for itself, so that it may take long.
  template <typename Own, typename Request, typename Response>
  void Serve(absl::Status (Own::*handler)(const Call&, const Request*, Response*)) {
    Calls::Passed& to = Taking<Request>();
    Add(to, grpc::internal::RpcMethod::NORMAL_RPC, kThreaded,
        new grpc::internal::RpcMethodHandler<Service, grpc::ByteBuffer, Response>(
            [&to, handler](Service* service, grpc::ServerContext* context,
                           const grpc::ByteBuffer* bytes, Response* response) {
              Call call(service->calls_, Count(to), *context);
              absl::Status status = call.admitted();
              Request request;
              if (status.ok()) status = ParseRead(*bytes, &request);
              if (status.ok()) status = call.MayAsk(request);
              if (status.ok())
                status = (static_cast<Own*>(service)->*handler)(call, &request, response);
              call.WriteDown(status);
              return ToGrpc(status);
            },
            this));
  }

 private:
  template <typename Request>
  struct ParsedCall final : UnaryCall {
    using UnaryCall::UnaryCall;
    Request request;
  };
  enum Api { kParsed, kBytes, kThreaded };

  template <typename Request>
  Calls::Passed& Taking() {
    return calls_.Taking(Request::descriptor()->full_name());
  }
  static const Method& Count(Calls::Passed& to) {
    to.count.fetch_add(1, std::memory_order_relaxed);
    return *to.method;
  }
  void Add(const Calls::Passed& to, grpc::internal::RpcMethod::RpcType type, Api api,
           grpc::internal::MethodHandler* handler);

  Calls& calls_;
  int added_ = 0;
};

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_SERVICE_H_
