// Calls as bytes: what was sent, and what must come back when it is sent again.
#ifndef FISCAL_TESTS_CRASH_DAMAGE_EXCHANGE_H_
#define FISCAL_TESTS_CRASH_DAMAGE_EXCHANGE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/message_lite.h"
#include "grpcpp/grpcpp.h"

namespace fiscal::damage {

struct Exchange {
  std::string method;   // "/package.Service/Method"
  std::string request;  // serialized
  std::string answer;   // serialized
};

// One connection; calls of any method by their bytes. Thread-safe.
class Caller {
 public:
  explicit Caller(int port);

  grpc::Status Call(const std::string& method, absl::string_view request, std::string* answer);
  // The same with messages.
  grpc::Status Call(const std::string& method, const google::protobuf::MessageLite& request,
                    google::protobuf::MessageLite* answer);
  // Sends all of them, several at a time, and tells of each answer, in any order, one at a time.
  void CallAll(const std::vector<Exchange>& exchanges,
               const std::function<void(const Exchange& sent, const grpc::Status& status,
                                        const std::string& answer)>& tell);
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  const std::shared_ptr<grpc::Channel> channel_;
};

// A list of byte strings as a file. Aborts when the file can't be written or read.
void SaveStrings(const std::string& path, const std::vector<std::string>& strings);
std::vector<std::string> LoadStrings(const std::string& path);
void SaveExchanges(const std::string& path, const std::vector<Exchange>& exchanges);
std::vector<Exchange> LoadExchanges(const std::string& path);

}  // namespace fiscal::damage

#endif  // FISCAL_TESTS_CRASH_DAMAGE_EXCHANGE_H_
