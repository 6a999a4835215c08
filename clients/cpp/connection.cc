#include "clients/cpp/connection.h"

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

namespace fiscal::client {

Connection::Connection(Options options) : options_(std::move(options)) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(64 << 20);
  arguments.SetMaxSendMessageSize(64 << 20);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 60000);
  // A watch sends nothing else.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  channel_ =
      grpc::CreateCustomChannel(options_.server, grpc::InsecureChannelCredentials(), arguments);
}

grpc::Status Connection::Connect() const {
  const auto deadline = absl::ToChronoTime(absl::Now() + options_.connect_timeout);
  if (channel_->WaitForConnected(deadline)) return grpc::Status::OK;
  return grpc::Status(grpc::StatusCode::UNAVAILABLE,
                      absl::StrCat("no server answers at ", options_.server));
}

grpc::Status Connection::Call(const std::function<grpc::Status(grpc::ClientContext*)>& call,
                              bool deadline) const {
  grpc::Status status;
  absl::Duration wait = absl::Milliseconds(100);
  for (int attempt = 0; attempt < options_.attempts_max; ++attempt) {
    grpc::ClientContext context;
    if (deadline) context.set_deadline(absl::ToChronoTime(absl::Now() + options_.call_timeout));
    status = call(&context);
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE) return status;
    // Waits for the channel, not for a fixed time: it is back as soon as the server is.
    channel_->GetState(true);
    if (!channel_->WaitForConnected(absl::ToChronoTime(absl::Now() + wait)))
      wait = std::min(wait * 2, absl::Seconds(2));
  }
  return status;
}

std::string RandomRequestId() {
  std::random_device device;
  std::string id;
  for (int i = 0; i < 4; ++i) absl::StrAppendFormat(&id, "%08x", device());
  return id;
}

}  // namespace fiscal::client
