#include "services/rpc/raw.h"

#include <vector>

namespace fiscal::services::rpc {

FlatBytes::FlatBytes(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return;
  if (slices.size() == 1) {
    slice_ = slices[0];
    view_ = absl::string_view(reinterpret_cast<const char*>(slice_.begin()), slice_.size());
    return;
  }
  copy_.reserve(buffer.Length());
  for (const grpc::Slice& s : slices)
    copy_.append(reinterpret_cast<const char*>(s.begin()), s.size());
  view_ = copy_;
}

grpc::ByteBuffer ToBuffer(const google::protobuf::MessageLite& message) {
  const std::string bytes = message.SerializeAsString();
  grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace fiscal::services::rpc
