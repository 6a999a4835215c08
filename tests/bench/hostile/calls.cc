#include "tests/bench/hostile/calls.h"

#include <chrono>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace fiscal::bench {
namespace {

std::string NameOf(int code) {
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
}

std::shared_ptr<grpc::Channel> Connect(int port) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // What is not read is sent 64 KB and no more.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  auto channel = grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port),
                                           grpc::InsecureChannelCredentials(), arguments);
  channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10));
  return channel;
}

}  // namespace

void Endings::Count(grpc::StatusCode code) {
  absl::MutexLock lock(&mu_);
  ++counts_[code];
}

int64_t Endings::total() const {
  absl::MutexLock lock(&mu_);
  int64_t total = 0;
  for (const auto& [code, count] : counts_) total += count;
  return total;
}

std::string Endings::text() const {
  absl::MutexLock lock(&mu_);
  std::string text;
  for (const auto& [code, count] : counts_)
    absl::StrAppend(&text, text.empty() ? "" : ", ", NameOf(code), " ", count);
  return text;
}

class Calls::Call final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  Call(Calls* calls, std::vector<grpc::ByteBuffer> parts, bool last, bool read)
      : calls_(calls), parts_(std::move(parts)), last_(last), read_(read) {}

  void Begin(grpc::GenericStub* stub, const std::string& method, absl::Duration deadline) {
    context.set_deadline(absl::ToChronoTime(absl::Now() + deadline));
    stub->PrepareBidiStreamingCall(&context, method, {}, this);
    Write();
    if (read_) StartRead(&answer_);
    StartCall();
  }

  void OnWriteDone(bool ok) override {
    {
      absl::MutexLock lock(&calls_->mu_);
      --calls_->unsent_;
      if (!ok) {
        calls_->unsent_ -= static_cast<int64_t>(parts_.size() - next_);
        next_ = parts_.size();
      }
    }
    if (ok) Write();
  }
  void OnReadDone(bool ok) override {
    if (!ok) return;
    answer_.Clear();
    StartRead(&answer_);
  }
  void OnDone(const grpc::Status& status) override { calls_->Ended(this, status.error_code()); }

  grpc::ClientContext context;

 private:
  void Write() {
    if (next_ == parts_.size()) return;
    const grpc::ByteBuffer* part = &parts_[next_++];
    if (last_ && next_ == parts_.size()) {
      StartWriteLast(part, grpc::WriteOptions());
    } else {
      StartWrite(part);
    }
  }

  Calls* const calls_;
  std::vector<grpc::ByteBuffer> parts_;
  const bool last_, read_;
  size_t next_ = 0;
  grpc::ByteBuffer answer_;
};

Calls::Calls(int port, Endings* endings)
    : endings_(endings), channel_(Connect(port)), stub_(channel_) {}

Calls::~Calls() {
  absl::MutexLock lock(&mu_);
  for (auto& [call, owned] : open_) call->context.TryCancel();
  auto none = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return open_.empty(); };
  mu_.Await(absl::Condition(&none));
}

void Calls::Start(const std::string& method, const grpc::ByteBuffer& request,
                  absl::Duration deadline, bool read) {
  auto owned = std::make_unique<Call>(this, std::vector<grpc::ByteBuffer>{request}, true, read);
  Call* call = owned.get();
  {
    absl::MutexLock lock(&mu_);
    open_[call] = std::move(owned);
    ++unsent_;
  }
  call->Begin(&stub_, method, deadline);
}

void Calls::StartParts(const std::string& method, std::vector<grpc::ByteBuffer> parts,
                       absl::Duration deadline) {
  const auto count = static_cast<int64_t>(parts.size());
  auto owned = std::make_unique<Call>(this, std::move(parts), false, true);
  Call* call = owned.get();
  {
    absl::MutexLock lock(&mu_);
    open_[call] = std::move(owned);
    unsent_ += count;
  }
  call->Begin(&stub_, method, deadline);
}

size_t Calls::open() {
  absl::MutexLock lock(&mu_);
  return open_.size();
}

bool Calls::AwaitOpen(size_t count, absl::Time until) {
  absl::MutexLock lock(&mu_);
  auto few = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return open_.size() <= count; };
  return mu_.AwaitWithDeadline(absl::Condition(&few), until);
}

bool Calls::AwaitSent(absl::Time until) {
  absl::MutexLock lock(&mu_);
  auto sent = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return unsent_ <= 0; };
  return mu_.AwaitWithDeadline(absl::Condition(&sent), until);
}

void Calls::Ended(Call* call, grpc::StatusCode code) {
  endings_->Count(code);
  absl::MutexLock lock(&mu_);
  open_.erase(call);
}

grpc::ByteBuffer Bytes(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace fiscal::bench
