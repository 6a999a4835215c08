#include "clients/cpp/connection.h"

#include <algorithm>
#include <random>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "clients/cpp/error.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"

namespace fiscal::client {

namespace {

constexpr absl::Duration kDelayMin = absl::Milliseconds(100);
constexpr absl::Duration kDelayMax = absl::Seconds(2);
constexpr unsigned kRefreshSeconds = 10;

std::shared_ptr<grpc::ChannelCredentials> CredentialsOf(const Connection::Tls& tls) {
  if (tls.ca_file.empty()) return grpc::InsecureChannelCredentials();
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(
      std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
          tls.key_file, tls.certificate_file, tls.ca_file, kRefreshSeconds));
  options.watch_root_certs();
  if (!tls.certificate_file.empty()) options.watch_identity_key_cert_pairs();
  return grpc::experimental::TlsCredentials(options);
}

}  // namespace

bool ServerWentAway(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         status.error_code() == grpc::StatusCode::CANCELLED;
}

Connection::Connection(Options options) : options_(std::move(options)) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(64 << 20);
  arguments.SetMaxSendMessageSize(64 << 20);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 60000);
  // A watch sends nothing else.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  channel_ = grpc::CreateCustomChannel(options_.server, CredentialsOf(options_.tls), arguments);
}

grpc::Status Connection::Connect() const {
  const auto deadline = absl::ToChronoTime(absl::Now() + options_.connect_timeout);
  if (channel_->WaitForConnected(deadline)) return grpc::Status::OK;
  return grpc::Status(grpc::StatusCode::UNAVAILABLE,
                      absl::StrCat("no server answers at ", options_.server));
}

void Connection::Prepare(grpc::ClientContext* context) const {
  if (!options_.traceparent.empty()) context->AddMetadata("traceparent", options_.traceparent);
}

grpc::Status Connection::Call(const std::function<grpc::Status(grpc::ClientContext*)>& call,
                              bool deadline) const {
  const absl::Time start = absl::Now();
  absl::Duration delay = kDelayMin;
  absl::BitGen random;
  while (true) {
    grpc::ClientContext context;
    Prepare(&context);
    if (deadline) context.set_deadline(absl::ToChronoTime(start + options_.call_timeout));
    const grpc::Status status = call(&context);
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE) reached_ = true;
    const absl::Duration asked = ToError(status).retry_after;
    if (!ServerWentAway(status) && asked == absl::ZeroDuration()) return status;
    if (channel_->GetState(/*try_to_connect=*/true) == GRPC_CHANNEL_READY) reached_ = true;
    const absl::Time end = start + (!reached_  ? options_.connect_timeout
                                    : deadline ? options_.call_timeout
                                               : options_.retry_for);
    // Never sooner than is asked.
    const absl::Time next = absl::Now() + asked + delay * absl::Uniform(random, 0.8, 1.2);
    if (next >= end) return status;
    // A channel that is not connected gets on only while somebody waits for it.
    if (!channel_->WaitForConnected(absl::ToChronoTime(next))) {
      delay = std::min(delay * 2, kDelayMax);
      continue;
    }
    reached_ = true;
    absl::SleepFor(next - absl::Now());
    delay = std::min(delay * 2, kDelayMax);
  }
}

std::string RandomRequestId() {
  std::random_device device;
  std::string id;
  for (int i = 0; i < 4; ++i) absl::StrAppendFormat(&id, "%08x", device());
  return id;
}

}  // namespace fiscal::client
