#include "services/log/log_copier.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "fiscal/log/v1/event_log_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "services/rpc/peer.h"
#include "services/rpc/trace.h"
#include "services/wire/text_wire.h"
#include "storage/ledger.h"
#include "storage/record_codec.h"

namespace fiscal::services {
namespace {

namespace pb = fiscal::log::v1;

constexpr absl::Duration kRetryDelayMax = absl::Seconds(5);

}  // namespace

LogCopier::LogCopier(std::string address, std::shared_ptr<grpc::ChannelCredentials> credentials,
                     storage::EventLog& log, const storage::Kv& ledger, const DiskGuard& disk,
                     std::function<void(absl::Status)> on_failure)
    : address_(std::move(address)),
      credentials_(std::move(credentials)),
      log_(log),
      ledger_(ledger),
      disk_(disk),
      on_failure_(std::move(on_failure)),
      thread_([this] { Run(); }) {}

LogCopier::~LogCopier() { Stop(); }

void LogCopier::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    if (context_ != nullptr) context_->TryCancel();
  }
  if (thread_.joinable()) thread_.join();
}

absl::StatusOr<std::string> LogCopier::FetchLogId(
    const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
    absl::Time deadline) {
  const auto stub = pb::EventLogService::NewStub(rpc::ConnectPeer(address, credentials));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(deadline));
  context.set_wait_for_ready(true);
  pb::ReadRequest request;
  request.set_until_head(true);
  auto reader = stub->Read(&context, request);
  pb::ReadResponse response;
  const bool got = reader->Read(&response);
  context.TryCancel();
  const grpc::Status status = reader->Finish();
  if (!got)
    return absl::UnavailableError(
        absl::StrCat("the log at ", address, " does not answer: ", status.error_message()));
  std::string id = absl::HexStringToBytes(response.log_id());
  if (id.size() != 16)
    return absl::DataLossError(absl::StrCat("the log at ", address, " has a malformed id"));
  return id;
}

absl::Status LogCopier::Keep(const pb::ReadResponse& response) {
  storage::EventLog::Head head = log_.head();
  storage::Ledger ledger(ledger_, log_, head.group + 1);
  storage::LogGroup group;
  for (const pb::LogRecord& record : response.records()) {
    storage::LogEntry entry;
    entry.position = head.position.Next();
    if (record.record().empty()) {
      return absl::PermissionDeniedError(
          absl::StrCat("event ", entry.position.value(),
                       " of the log is not shown to this process:"
                       " its certificate needs a grant of the role replica over everything"));
    }
    entry.record = std::make_shared<const std::string>(record.record());
    FISCAL_ASSIGN_OR_RETURN(entry.leaf_hash, storage::LeafHash(*entry.record));
    entry.chain_hash = storage::ChainHash(head.chain_hash, entry.leaf_hash);
    absl::string_view payload;
    FISCAL_ASSIGN_OR_RETURN(const domain::EventHeader header,
                            storage::DecodeHeader(*entry.record, &payload));
    if (header.position != entry.position ||
        BytesOf(entry.chain_hash) != absl::string_view(record.chain_hash())) {
      return absl::DataLossError(absl::StrCat("record ", entry.position.value(),
                                              " of the upstream does not continue our copy"));
    }
    FISCAL_RETURN_IF_ERROR(ledger.ApplyEvent(entry));
    head.position = entry.position;
    head.chain_hash = entry.chain_hash;
    group.commit_time_us = header.commit_time_us;
    group.entries.push_back(std::move(entry));
  }
  if (group.entries.empty()) return absl::OkStatus();
  ledger.MoveTo(&group.ledger);
  group.record = ledger.TakeRecord();
  return log_.Append(std::move(group));
}

absl::Status LogCopier::CopyOnce() {
  if (disk_.low()) return absl::UnavailableError("the disk is nearly full: nothing is copied");
  const auto stub = pb::EventLogService::NewStub(rpc::ConnectPeer(address_, credentials_));
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  rpc::PassOn(NewTrace(), &context);
  {
    absl::MutexLock lock(&mu_);
    if (stopping_) return absl::CancelledError("stopping");
    context_ = &context;
  }
  const storage::EventLog::Head head = log_.head();
  pb::ReadRequest request;
  if (!head.position.zero()) {
    // The hash tells more than a bound position would: that the histories parted.
    request.set_after_position(domain::Moment(head.position).Text());
    request.set_after_chain_hash(std::string(BytesOf(head.chain_hash)));
  }
  auto reader = stub->Read(&context, request);
  pb::ReadResponse response;
  absl::Status kept;
  while (kept.ok() && reader->Read(&response)) {
    connected_ = true;
    if (disk_.low()) {
      kept = absl::UnavailableError("the disk is nearly full: nothing is copied");
      break;
    }
    if (response.log_id() != absl::BytesToHexString(log_.log_id())) {
      kept = absl::DataLossError("the upstream serves another log than before");
      break;
    }
    kept = Keep(response);
  }
  connected_ = false;
  {
    absl::MutexLock lock(&mu_);
    context_ = nullptr;
  }
  if (!kept.ok()) context.TryCancel();
  const grpc::Status status = reader->Finish();
  if (!kept.ok()) return kept;
  // What the other process has too much of is for now.
  if (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED)
    return absl::UnavailableError(status.error_message());
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

void LogCopier::Run() {
  absl::Duration delay = absl::Milliseconds(50);
  while (true) {
    const domain::Position before = log_.head().position;
    const absl::Status status = CopyOnce();
    absl::MutexLock lock(&mu_);
    if (stopping_) return;
    if (rpc::HistoryParted(status) || absl::IsResourceExhausted(status)) {
      logging::Critical("copying the log stopped",
                        {{"address", address_}, {"status", status.ToString()}});
      on_failure_(status);
      return;
    }
    logging::Warning("the log is not copied for now",
                     {{"address", address_}, {"why", std::string(status.message())}});
    if (log_.head().position > before) delay = absl::Milliseconds(50);
    // Wakes early when stopping.
    auto stopping = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return stopping_; };
    mu_.AwaitWithTimeout(absl::Condition(&stopping), delay);
    if (stopping_) return;
    delay = std::min(delay * 2, kRetryDelayMax);
  }
}

}  // namespace fiscal::services
