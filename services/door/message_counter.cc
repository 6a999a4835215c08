#include "services/door/message_counter.h"

#include <cstring>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_replace.h"
#include "absl/synchronization/mutex.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"

namespace fiscal::services {
namespace {

using google::protobuf::Message;
using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

// A call's frames, its end, and what its answer is acknowledged with.
constexpr int64_t kBytesPerCall = 256;
// Messages of methods that are none of ours: health and reflection, which are small.
constexpr int64_t kBytesPerOther = 4 << 10;

// How many bytes a message came as. `prototype` is a request of its method as it would be if gRPC had parsed it; write methods
// take bytes instead. An interceptor is not told which of the two it has: only a parsed one begins with the class's own table.
int64_t BytesOf(const void* message, const Message* prototype) {
  if (message == nullptr) return 0;
  if (prototype == nullptr) return kBytesPerOther;
  if (std::memcmp(message, static_cast<const void*>(prototype), sizeof(void*)) == 0)
    return static_cast<int64_t>(static_cast<const Message*>(message)->ByteSizeLong());
  const auto* bytes = static_cast<const grpc::ByteBuffer*>(message);
  return bytes->Valid() ? static_cast<int64_t>(bytes->Length()) : 0;
}

class Call final : public Interceptor {
 public:
  Call(Door& door, ServerRpcInfo* info, const Message* prototype)
      : door_(door), info_(info), prototype_(prototype) {}
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
    if (use_ == nullptr) use_ = door_.UseOf(info_->server_context()->peer());
    if (use_ != nullptr &&
        methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_MESSAGE)) {
      Take(methods->GetRecvMessage());
    }
    methods->Proceed();
  }

 private:
  void Take(const void* message) {
    // The end of a stream, or of a caller.
    if (message == nullptr) return;
    // Five bytes of length, and the heads of frames and of TLS records.
    int64_t bytes = BytesOf(message, prototype_);
    bytes += bytes / 64 + 64;
    if (!took_) {
      took_ = true;
      bytes += kBytesPerCall;
      for (const auto& [key, value] : info_->server_context()->client_metadata())
        bytes += static_cast<int64_t>(key.size() + value.size());
      use_->busy.fetch_add(1, std::memory_order_relaxed);
      use_->seen.fetch_add(1, std::memory_order_relaxed);
    }
    use_->bytes.fetch_add(bytes, std::memory_order_relaxed);
  }

  Door& door_;
  ServerRpcInfo* const info_;
  const Message* const prototype_;
  std::shared_ptr<ConnectionUse> use_;
  bool took_ = false;
};

class Counter final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit Counter(Door& door) : door_(door) {}
  Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    return new Call(door_, info, PrototypeOf(info->method()));
  }

 private:
  // Nothing for methods that this program does not know.
  const Message* PrototypeOf(const char* path) ABSL_LOCKS_EXCLUDED(mu_) {
    if (path == nullptr || *path != '/') return nullptr;
    {
      absl::ReaderMutexLock lock(&mu_);
      const auto it = prototypes_.find(path);
      if (it != prototypes_.end()) return it->second;
    }
    const auto* method =
        google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(
            absl::StrReplaceAll(path + 1, {{"/", "."}}));
    // Callers may name any number of methods that there are not.
    if (method == nullptr) return nullptr;
    const Message* prototype =
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(method->input_type());
    absl::MutexLock lock(&mu_);
    prototypes_[path] = prototype;
    return prototype;
  }

  Door& door_;
  absl::Mutex mu_;
  absl::flat_hash_map<std::string, const Message*> prototypes_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeMessageCounter(
    Door& door) {
  return std::make_unique<Counter>(door);
}

}  // namespace fiscal::services
