// An answer that is not OK, with what the service says about it.
#ifndef FISCAL_CLIENTS_CPP_ERROR_H_
#define FISCAL_CLIENTS_CPP_ERROR_H_

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace fiscal::client {

struct Error {
  struct Violation {
    std::string field;
    // English, with the reason and the line_id.
    std::string description;
    std::string reason;
    std::string message_zh;
  };
  grpc::StatusCode code = grpc::StatusCode::OK;
  // fiscal.error.v1.Reason without its prefix; empty when the answer did not come from Fiscal.
  std::string reason;
  std::string message;
  std::string message_zh;
  std::map<std::string, std::string> metadata;
  // The first ones: the metadata `violations_omitted` says how many more there are.
  std::vector<Violation> violations;
  // After how long the same may be sent again as it is; zero when the service says nothing of it.
  absl::Duration retry_after = absl::ZeroDuration();
};

Error ToError(const grpc::Status& status);
Error ToError(const google::rpc::Status& status);

}  // namespace fiscal::client

#endif  // FISCAL_CLIENTS_CPP_ERROR_H_
