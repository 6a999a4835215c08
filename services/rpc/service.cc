#include "services/rpc/service.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "services/rpc/raw.h"
#include "services/wire/bounds.h"
#include "services/wire/submission_wire.h"

namespace fiscal::services::rpc {

absl::Status CheckCame(const grpc::ByteBuffer& bytes) {
  return bytes.Valid() ? absl::OkStatus()
                       : absl::CancelledError("the call ended before its message came");
}

absl::Status ParseRead(const grpc::ByteBuffer& bytes, google::protobuf::Message* message) {
  FISCAL_RETURN_IF_ERROR(CheckCame(bytes));
  grpc::ByteBuffer taken;
  // The call's own, which gRPC lends as const.
  taken.Swap(const_cast<grpc::ByteBuffer*>(&bytes));
  const FlatBytes flat(taken);
  if (flat.view().size() <= kReadBytesMax) return wire::ParseInto(flat.view(), message);
  // Too many values of a field are a better answer than a size.
  FISCAL_RETURN_IF_ERROR(wire::BoundedFields().Count(*message->GetDescriptor(), flat.view()));
  return domain::Refuse(domain::Reason::kMessageTooLarge,
                        absl::StrCat("a request of this method has at most ", kReadBytesMax,
                                     " bytes, not ", flat.view().size()));
}

void Service::Add(const Calls::Passed& to, grpc::internal::RpcMethod::RpcType type, Api api,
                  grpc::internal::MethodHandler* handler) {
  // gRPC keeps no copy of the path; the table of methods is never freed.
  AddMethod(new grpc::internal::RpcServiceMethod(to.method->path.c_str(), type,
                                                 api == kThreaded ? handler : nullptr));
  if (api == kParsed) MarkMethodCallback(added_, handler);
  if (api == kBytes) MarkMethodRawCallback(added_, handler);
  ++added_;
}

}  // namespace fiscal::services::rpc
