// The table of methods: what the option of each says (proto/fiscal/method/v1/method.proto), read
// off the descriptors that are linked into the program.
//
// gRPC's own services, health and reflection, are not in it: their protos are public files, to
// which nothing is added. Thread-safe.
#ifndef FISCAL_SERVICES_RPC_METHODS_H_
#define FISCAL_SERVICES_RPC_METHODS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace fiscal::method::v1 {
class Method;
}  // namespace fiscal::method::v1

namespace fiscal::services::rpc {

// Numbers of fiscal.method.v1.CallKind.
enum class CallKind : uint8_t {
  // A read that is always small: runs in the point lane.
  kPointRead = 1,
  // A read of any size: runs in the heavy lane, unless the handler knows that it is small.
  kHeavyRead,
  // A read that asks other systems: runs in the slow lane.
  kSlowRead,
  // An operator's call: runs on a thread of gRPC's, with bounds of its own.
  kOperator,
  // Waits for the committer.
  kWrite,
  // A stream that stays open.
  kStream,
  // A watch: a stream with a bound of its own.
  kWatch,
};

struct Method {
  // As gRPC has it: "/fiscal.aggregation.v1.AggregationService/GetTotal".
  std::string path;
  // The full name of the message it takes, which no other method takes.
  std::string request;
  CallKind kind;
  // False for what the audit log has each time: what is no read, and reading the audit log.
  bool sampled;
  // The whole option: right, scopes, whether it only reads.
  const method::v1::Method& option;

  // The path without its slash.
  absl::string_view name() const { return absl::string_view(path).substr(1); }
};

// Every method of the API, in the order of services and within them as declared.
const std::vector<Method>& Methods();

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_METHODS_H_
