#include "clients/cpp/error.h"

#include "google/rpc/error_details.pb.h"

namespace fiscal::client {

Error ToError(const google::rpc::Status& status) {
  Error error;
  error.code = static_cast<grpc::StatusCode>(status.code());
  error.message = status.message();
  for (const google::protobuf::Any& any : status.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad;
    google::rpc::LocalizedMessage localized;
    google::rpc::RetryInfo retry;
    if (any.UnpackTo(&info)) {
      error.reason = info.reason();
      error.metadata = {info.metadata().begin(), info.metadata().end()};
    } else if (any.UnpackTo(&bad)) {
      for (const auto& v : bad.field_violations())
        error.violations.push_back(
            {v.field(), v.description(), v.reason(), v.localized_message().message()});
    } else if (any.UnpackTo(&localized)) {
      error.message_zh = localized.message();
    } else if (any.UnpackTo(&retry)) {
      error.retry_after = absl::Seconds(retry.retry_delay().seconds()) +
                          absl::Nanoseconds(retry.retry_delay().nanos());
    }
  }
  return error;
}

Error ToError(const grpc::Status& status) {
  google::rpc::Status details;
  Error error;
  if (!status.error_details().empty() && details.ParseFromString(status.error_details()))
    error = ToError(details);
  error.code = status.error_code();
  error.message = status.error_message();
  return error;
}

}  // namespace fiscal::client
