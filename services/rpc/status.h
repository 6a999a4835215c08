// Turns a status of ours into gRPC's, with reason, fields and a Chinese message, and without engine
// text. The only place that does.
#ifndef FISCAL_SERVICES_RPC_STATUS_H_
#define FISCAL_SERVICES_RPC_STATUS_H_

#include <string>

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace fiscal::services::rpc {

// OK stays OK. The trailers it makes stay below the 8 KB that clients take: of many violations the
// first ones are told, and ErrorInfo.metadata `violations_omitted` says how many more there are.
grpc::Status ToGrpc(const absl::Status& status);
// The same as a message, for errors inside a stream, with all violations. REQUIRES: not OK.
google::rpc::Status ToProto(const absl::Status& status);
// The reason such a status carries (docs/errors.md); its code's name when it carries none. Empty
// when it is OK.
std::string ReasonOf(const grpc::Status& status);
std::string ReasonOf(const google::rpc::Status& status);

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_STATUS_H_
