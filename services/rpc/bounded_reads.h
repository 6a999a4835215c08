// Requests that handlers take as messages: looked at as bytes before protobuf makes a message of
// them.
//
//   gRPC --(bytes)--> Unparsed --> size, values (wire/bounds.h), parse --(message)--> handler
//
// gRPC by itself would parse whatever comes, and answer UNIMPLEMENTED to bytes that do not parse.
#ifndef FISCAL_SERVICES_RPC_BOUNDED_READS_H_
#define FISCAL_SERVICES_RPC_BOUNDED_READS_H_

#include <memory>
#include <string>
#include <type_traits>

#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "google/protobuf/message.h"
#include "grpcpp/impl/codegen/method_handler.h"
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

// Parses `bytes` and clears them. MESSAGE_TOO_LARGE, or the error of wire::ParseInto.
absl::Status ParseRead(grpc::ByteBuffer* bytes, google::protobuf::Message* message);

// A request as it came, and what is made of it. Its bytes come first, and its layout is plain:
// interceptors, which are given its address, take it for a buffer (door/message_counter.cc).
template <typename Request>
class Unparsed final {
 public:
  void Take(grpc::ByteBuffer* bytes) { bytes_.Swap(bytes); }
  // Called once. The message lives as long as the call.
  absl::StatusOr<const Request*> Parse() {
    static_assert(std::is_standard_layout_v<Unparsed>);
    message_ = std::make_unique<Request>();
    FISCAL_RETURN_IF_ERROR(ParseRead(&bytes_, message_.get()));
    return message_.get();
  }

 private:
  grpc::ByteBuffer bytes_;
  std::unique_ptr<Request> message_;
};

// The place in its service, and the path, of the method that takes `request`.
int IndexOf(const google::protobuf::Descriptor& request);
std::string PathOf(const google::protobuf::Descriptor& request);

// `Generated`: protoc's class of a service whose methods are callbacks, or grpc::Service itself
// where they are synchronous. The service, when it is made, says Bound(&Service::Method) of each
// that takes a message.
template <typename Generated>
class BoundedReads : public Generated {
 protected:
  template <typename Service, typename Request, typename Response>
  void Bound(grpc::ServerUnaryReactor* (Service::*handler)(grpc::CallbackServerContext*,
                                                           const Request*, Response*)) {
    this->MarkMethodCallback(
        IndexOf(*Request::descriptor()),
        new grpc::internal::CallbackUnaryHandler<Unparsed<Request>, Response>(
            [service = static_cast<Service*>(this), handler](
                grpc::CallbackServerContext* context, const Unparsed<Request>* request,
                Response* response) -> grpc::ServerUnaryReactor* {
              const absl::StatusOr<const Request*> parsed = Parse(request);
              if (parsed.ok()) return (service->*handler)(context, *parsed, response);
              grpc::ServerUnaryReactor* refused = context->DefaultReactor();
              refused->Finish(ToGrpc(parsed.status()));
              return refused;
            }));
  }

  template <typename Service, typename Request, typename Response>
  void Bound(grpc::ServerWriteReactor<Response>* (Service::*handler)(grpc::CallbackServerContext*,
                                                                     const Request*)) {
    this->MarkMethodCallback(
        IndexOf(*Request::descriptor()),
        new grpc::internal::CallbackServerStreamingHandler<Unparsed<Request>, Response>(
            [service = static_cast<Service*>(this), handler](
                grpc::CallbackServerContext* context,
                const Unparsed<Request>* request) -> grpc::ServerWriteReactor<Response>* {
              const absl::StatusOr<const Request*> parsed = Parse(request);
              if (!parsed.ok()) return new RefusedStream<Response>(parsed.status());
              return (service->*handler)(context, *parsed);
            }));
  }

  template <typename Service, typename Request, typename Response>
  void Bound(grpc::Status (Service::*handler)(grpc::ServerContext*, const Request*, Response*)) {
    // gRPC keeps no copy.
    static const auto* path = new std::string(PathOf(*Request::descriptor()));
    this->AddMethod(new grpc::internal::RpcServiceMethod(
        path->c_str(), grpc::internal::RpcMethod::NORMAL_RPC,
        new grpc::internal::RpcMethodHandler<Service, Unparsed<Request>, Response>(
            [handler](Service* service, grpc::ServerContext* context,
                      const Unparsed<Request>* request, Response* response) {
              const absl::StatusOr<const Request*> parsed = Parse(request);
              if (!parsed.ok()) return ToGrpc(parsed.status());
              return (service->*handler)(context, *parsed, response);
            },
            static_cast<Service*>(this))));
  }

 private:
  // The call's own, which gRPC lends as const.
  template <typename Request>
  static absl::StatusOr<const Request*> Parse(const Unparsed<Request>* request) {
    return const_cast<Unparsed<Request>*>(request)->Parse();
  }
};

}  // namespace fiscal::services::rpc

namespace grpc {

template <typename Request>
class SerializationTraits<fiscal::services::rpc::Unparsed<Request>, void> {
 public:
  static Status Deserialize(ByteBuffer* bytes, fiscal::services::rpc::Unparsed<Request>* out) {
    out->Take(bytes);
    return Status::OK;
  }
};

}  // namespace grpc

#endif  // FISCAL_SERVICES_RPC_BOUNDED_READS_H_
