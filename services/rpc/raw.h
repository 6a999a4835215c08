// Requests as bytes: write methods parse themselves, so that bytes which do not parse are answered
// with the field that is wrong.
#ifndef FISCAL_SERVICES_RPC_RAW_H_
#define FISCAL_SERVICES_RPC_RAW_H_

#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "grpcpp/support/byte_buffer.h"

namespace fiscal::services::rpc {

// A buffer's bytes in one piece: in place when it is one slice, copied otherwise. Lives as long as
// the view is used.
class FlatBytes {
 public:
  explicit FlatBytes(const grpc::ByteBuffer& buffer);
  FlatBytes(const FlatBytes&) = delete;
  FlatBytes& operator=(const FlatBytes&) = delete;
  absl::string_view view() const { return view_; }

 private:
  grpc::Slice slice_;
  std::string copy_;
  absl::string_view view_;
};

grpc::ByteBuffer ToBuffer(const google::protobuf::MessageLite& message);

// Start values of the limits in docs/limitations.md.
constexpr size_t kUnaryBytesMax = 16 << 20;
constexpr size_t kFrameBytesMax = 1 << 20;

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_RAW_H_
