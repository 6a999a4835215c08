#include "tests/crash/damage/exchange.h"

#include <chrono>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/check.h"
#include "grpcpp/generic/generic_stub.h"

namespace fiscal::damage {
namespace {

constexpr std::chrono::seconds kDeadline(60);
constexpr int kInFlightMax = 32;

grpc::ByteBuffer ToBuffer(absl::string_view bytes) {
  const grpc::Slice slice(bytes.data(), bytes.size());
  return grpc::ByteBuffer(&slice, 1);
}

std::string ToBytes(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices)
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

std::shared_ptr<grpc::Channel> Connect(int port) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port),
                                   grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

Caller::Caller(int port) : channel_(Connect(port)) {}

grpc::Status Caller::Call(const std::string& method, absl::string_view request,
                          std::string* answer) {
  grpc::Status status;
  CallAll({{method, std::string(request), ""}},
          [&](const Exchange&, const grpc::Status& ended, const std::string& bytes) {
            status = ended;
            *answer = bytes;
          });
  return status;
}

grpc::Status Caller::Call(const std::string& method, const google::protobuf::MessageLite& request,
                          google::protobuf::MessageLite* answer) {
  std::string bytes;
  const grpc::Status status = Call(method, request.SerializeAsString(), &bytes);
  if (status.ok()) FISCAL_CHECK(answer->ParseFromString(bytes), "an answer parses");
  return status;
}

void Caller::CallAll(const std::vector<Exchange>& exchanges,
                     const std::function<void(const Exchange& sent, const grpc::Status& status,
                                              const std::string& answer)>& tell) {
  struct Open {
    grpc::ClientContext context;
    grpc::ByteBuffer request, answer;
  };
  grpc::GenericStub stub(channel_);
  absl::Mutex mu;
  int in_flight = 0;
  const auto room = [&] { return in_flight < kInFlightMax; };
  const auto none = [&] { return in_flight == 0; };
  for (const Exchange& exchange : exchanges) {
    {
      absl::MutexLock lock(&mu);
      mu.Await(absl::Condition(&room));
      ++in_flight;
    }
    Open* open = new Open;
    open->context.set_deadline(std::chrono::system_clock::now() + kDeadline);
    open->request = ToBuffer(exchange.request);
    stub.UnaryCall(&open->context, exchange.method, {}, &open->request, &open->answer,
                   [&, open](const grpc::Status& status) {
                     absl::MutexLock lock(&mu);
                     tell(exchange, status, status.ok() ? ToBytes(open->answer) : "");
                     delete open;
                     --in_flight;
                   });
  }
  absl::MutexLock lock(&mu);
  mu.Await(absl::Condition(&none));
}

void SaveStrings(const std::string& path, const std::vector<std::string>& strings) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  for (const std::string& s : strings) {
    const uint64_t size = s.size();
    out.write(reinterpret_cast<const char*>(&size), sizeof(size));
    out.write(s.data(), static_cast<std::streamsize>(s.size()));
  }
  out.close();
  FISCAL_CHECK(!out.fail(), "a kept file can be written");
}

std::vector<std::string> LoadStrings(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  FISCAL_CHECK(in.is_open(), "a kept file can be read");
  std::vector<std::string> strings;
  uint64_t size = 0;
  while (in.read(reinterpret_cast<char*>(&size), sizeof(size))) {
    strings.emplace_back(size, '\0');
    in.read(strings.back().data(), static_cast<std::streamsize>(size));
    FISCAL_CHECK(!in.fail(), "a kept file is whole");
  }
  return strings;
}

void SaveExchanges(const std::string& path, const std::vector<Exchange>& exchanges) {
  std::vector<std::string> strings;
  for (const Exchange& e : exchanges) {
    for (const std::string* s : {&e.method, &e.request, &e.answer}) strings.push_back(*s);
  }
  SaveStrings(path, strings);
}

std::vector<Exchange> LoadExchanges(const std::string& path) {
  const std::vector<std::string> strings = LoadStrings(path);
  std::vector<Exchange> exchanges;
  for (size_t i = 0; i + 2 < strings.size(); i += 3)
    exchanges.push_back({strings[i], strings[i + 1], strings[i + 2]});
  return exchanges;
}

}  // namespace fiscal::damage
