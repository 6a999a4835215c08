#include "services/door/message_counter.h"

#include <optional>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "services/rpc/caller.h"
#include "services/rpc/methods.h"

namespace fiscal::services {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

// A call's metadata, at most as gRPC takes it, its frames and its end. Looking at the metadata
// would cost more than a small call's handler.
constexpr int64_t kBytesPerCall = 9 << 10;
// Messages of methods that are none of ours: health and reflection, which are small.
constexpr int64_t kBytesPerOther = 4 << 10;

// How many bytes a message came as; nothing for none. Methods of ours take bytes (rpc/service.h),
// and get a buffer without any where the call ended, or was reset, before its message.
std::optional<int64_t> BytesOf(const void* message, bool ours) {
  if (message == nullptr) return std::nullopt;
  if (!ours) return kBytesPerOther;
  const auto* bytes = static_cast<const grpc::ByteBuffer*>(message);
  if (!bytes->Valid()) return std::nullopt;
  return static_cast<int64_t>(bytes->Length());
}

class Call final : public Interceptor {
 public:
  Call(Door& door, ServerRpcInfo* info, bool ours) : door_(door), info_(info), ours_(ours) {}
  ~Call() override {
    if (use_ == nullptr) return;
    if (took_) {
      use_->busy.fetch_sub(1, std::memory_order_relaxed);
    } else {
      use_->seen.fetch_add(1, std::memory_order_relaxed);
    }
  }

  void Intercept(InterceptorBatchMethods* methods) override {
    // A synchronous method's call knows its peer only after this was made.
    if (use_ == nullptr) use_ = door_.UseOf(rpc::ConnectionOf(*info_->server_context()));
    if (use_ != nullptr &&
        methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_MESSAGE)) {
      Take(methods->GetRecvMessage());
    }
    methods->Proceed();
  }

 private:
  void Take(const void* message) {
    const std::optional<int64_t> length = BytesOf(message, ours_);
    // The end of a stream, or of a caller.
    if (!length.has_value()) return;
    // Five bytes of length, and the heads of frames and of TLS records.
    int64_t bytes = *length + *length / 64 + 64;
    if (!took_) {
      took_ = true;
      bytes += kBytesPerCall;
      use_->busy.fetch_add(1, std::memory_order_relaxed);
      use_->seen.fetch_add(1, std::memory_order_relaxed);
    }
    use_->bytes.fetch_add(bytes, std::memory_order_relaxed);
  }

  Door& door_;
  ServerRpcInfo* const info_;
  const bool ours_;
  std::shared_ptr<ConnectionUse> use_;
  bool took_ = false;
};

class Counter final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit Counter(Door& door) : door_(door) {
    for (const rpc::Method& method : rpc::Methods()) ours_.insert(method.path);
  }
  Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    const char* path = info->method();
    return new Call(door_, info, path != nullptr && ours_.contains(path));
  }

 private:
  Door& door_;
  absl::flat_hash_set<absl::string_view> ours_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeMessageCounter(
    Door& door) {
  return std::make_unique<Counter>(door);
}

}  // namespace fiscal::services
