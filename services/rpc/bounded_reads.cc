#include "services/rpc/bounded_reads.h"

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "google/protobuf/descriptor.h"
#include "services/rpc/raw.h"
#include "services/wire/bounds.h"
#include "services/wire/submission_wire.h"

namespace fiscal::services::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;

const MethodDescriptor& MethodOf(const Descriptor& request) {
  const FileDescriptor& file = *request.file();
  const MethodDescriptor* found = nullptr;
  for (int s = 0; s < file.service_count(); ++s) {
    for (int m = 0; m < file.service(s)->method_count(); ++m) {
      if (file.service(s)->method(m)->input_type() == &request) found = file.service(s)->method(m);
    }
  }
  FISCAL_CHECK(found != nullptr, "a request is declared beside the method that takes it");
  return *found;
}

}  // namespace

absl::Status ParseRead(grpc::ByteBuffer* bytes, google::protobuf::Message* message) {
  grpc::ByteBuffer taken;
  taken.Swap(bytes);
  const FlatBytes flat(taken);
  if (flat.view().size() <= kReadBytesMax) return wire::ParseInto(flat.view(), message);
  // Too many values of a field are a better answer than a size.
  FISCAL_RETURN_IF_ERROR(wire::BoundedFields().Count(*message->GetDescriptor(), flat.view()));
  return domain::Refuse(domain::Reason::kMessageTooLarge,
                        absl::StrCat("a request of this method has at most ", kReadBytesMax,
                                     " bytes, not ", flat.view().size()));
}

int IndexOf(const Descriptor& request) { return MethodOf(request).index(); }

std::string PathOf(const Descriptor& request) {
  const MethodDescriptor& method = MethodOf(request);
  return absl::StrCat("/", method.service()->full_name(), "/", method.name());
}

}  // namespace fiscal::services::rpc
