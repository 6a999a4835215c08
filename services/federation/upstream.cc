#include "services/federation/upstream.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "domain/requests.h"
#include "grpcpp/grpcpp.h"
#include "services/rpc/peer.h"
#include "services/wire/text_wire.h"

namespace fiscal::services {
namespace {

namespace pb = fiscal::federation::v1;
using domain::Position;

constexpr absl::Duration kDelayMin = absl::Milliseconds(50);
constexpr absl::Duration kDelayMax = absl::Seconds(5);
// How soon what was refused is tried again: an import of a catalog may have helped.
constexpr absl::Duration kBlockedDelay = absl::Seconds(1);
// The same for an event that no system of ours would post: its operator has to act first.
constexpr absl::Duration kRefusedDelay = absl::Seconds(5);
// The end of the year 9999, Unix time.
constexpr int64_t kSecondsMax = 253402300799;

absl::Status Unsound(absl::string_view fault) {
  return domain::Refuse(domain::Reason::kUpstreamEventInvalid, fault);
}

absl::StatusOr<domain::UpstreamRecords::Record> ToRecord(const pb::PostedEvent& event) {
  domain::UpstreamRecords::Record record;
  const absl::StatusOr<domain::Moment> at = wire::ParsePosition(event.position(), "position");
  if (!at.ok()) return Unsound("an event has no position");
  record.position = at->position();
  if (event.leaf_hash().size() != 32 || event.chain_hash().size() != 32)
    return Unsound(absl::StrCat("event ", record.position.value(), " has no hashes"));
  record.leaf_hash = DigestOf(event.leaf_hash());
  record.chain_hash = DigestOf(event.chain_hash());
  const auto& time = event.commit_time();
  if (time.seconds() < 0 || time.seconds() > kSecondsMax || time.nanos() < 0 ||
      time.nanos() > 999999999)
    return Unsound(absl::StrCat("event ", record.position.value(), " has no commit time"));
  record.commit_time_us = time.seconds() * 1000000 + time.nanos() / 1000;
  record.posting = event.posting();
  record.catalog = event.catalog();
  return record;
}

bool IsFor(const absl::Status& status, domain::Reason reason) {
  const domain::Explained e = domain::Explain(status);
  return e.reason_known && e.refusal.reason == reason;
}

}  // namespace

absl::string_view NameOf(Upstream::State state) {
  switch (state) {
    case Upstream::State::kConnecting:
      return "connecting";
    case Upstream::State::kFollowing:
      return "following";
    case Upstream::State::kBlocked:
      return "blocked";
    case Upstream::State::kStopped:
      return "stopped";
    case Upstream::State::kRefused:
      return "refused";
    case Upstream::State::kNone:
      break;
  }
  return "none";
}

Upstream::Upstream(std::string name, std::string address,
                   const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                   Committer& committer)
    : name_(std::move(name)),
      address_(std::move(address)),
      committer_(committer),
      stub_(pb::FederationService::NewStub(rpc::ConnectPeer(address_, credentials))),
      thread_([this] { Run(); }) {}

Upstream::~Upstream() { Stop(); }

void Upstream::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    if (context_ != nullptr) context_->TryCancel();
  }
  if (thread_.joinable()) thread_.join();
}

Upstream::Status Upstream::status() const {
  absl::MutexLock lock(&mu_);
  return status_;
}

void Upstream::Say(State state, std::string message) {
  absl::MutexLock lock(&mu_);
  if (state != status_.state || message != status_.message) {
    const logging::Level level = state == State::kStopped     ? logging::Level::kCritical
                                 : state == State::kRefused   ? logging::Level::kError
                                 : state == State::kFollowing ? logging::Level::kInfo
                                                              : logging::Level::kWarning;
    logging::Write(level, "upstream",
                   {{"upstream", name_},
                    {"address", address_},
                    {"state", NameOf(state)},
                    {"why", message},
                    {"trace_id", trace_.trace_id}});
  }
  status_.state = state;
  status_.message = std::move(message);
}

absl::Status Upstream::Follow() {
  FISCAL_ASSIGN_OR_RETURN(const storage::UpstreamState state,
                          committer_.intake().ReadUpstream(name_));
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  // Both systems' logs name the same trace.
  trace_ = NewTrace();
  rpc::PassOn(trace_, &context);
  {
    absl::MutexLock lock(&mu_);
    if (stopping_) return absl::CancelledError("stopping");
    context_ = &context;
  }
  pb::ReadPostingsRequest request;
  if (!state.position.zero()) {
    // The hash tells more than a bound position would: that the histories parted.
    request.set_after_position(domain::Moment(state.position).Text());
    request.set_after_chain_hash(std::string(BytesOf(state.chain_hash)));
  }
  auto reader = stub_->ReadPostings(&context, request);
  pb::ReadPostingsResponse response;
  absl::Status kept;
  while (kept.ok() && reader->Read(&response)) {
    domain::UpstreamRecords records;
    records.upstream = name_;
    records.log_id = absl::HexStringToBytes(response.log_id());
    // Not every upstream names a position before its first event.
    const absl::StatusOr<domain::Moment> head =
        response.head_position().empty()
            ? domain::Moment()
            : wire::ParsePosition(response.head_position(), "head_position");
    if (records.log_id.size() != 16 || !head.ok()) {
      kept = absl::DataLossError("the upstream answers without naming its log");
      break;
    }
    if (!state.position.zero() && records.log_id != state.log_id) {
      kept = absl::DataLossError("the upstream serves another log than before");
      break;
    }
    for (const pb::PostedEvent& event : response.events()) {
      absl::StatusOr<domain::UpstreamRecords::Record> record = ToRecord(event);
      if (!record.ok()) {
        kept = record.status();
        break;
      }
      records.records.push_back(*std::move(record));
    }
    {
      absl::MutexLock lock(&mu_);
      status_.head = *head;
      status_.heard = absl::Now();
    }
    if (kept.ok() && !records.records.empty())
      kept = committer_
                 .SubmitAndWait(absl::StrCat("upstream ", name_), std::move(records),
                                response.ByteSizeLong())
                 .status();
    if (!kept.ok()) break;
    Say(State::kFollowing, "");
  }
  {
    absl::MutexLock lock(&mu_);
    context_ = nullptr;
  }
  if (!kept.ok()) context.TryCancel();
  const grpc::Status status = reader->Finish();
  if (!kept.ok()) return kept;
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

void Upstream::Run() {
  absl::Duration delay = kDelayMin;
  while (true) {
    const absl::Status status = Follow();
    absl::Duration wait = delay;
    delay = std::min(delay * 2, kDelayMax);
    {
      absl::MutexLock lock(&mu_);
      if (stopping_) return;
      if (status_.state == State::kFollowing) wait = delay = kDelayMin;
    }
    if (rpc::HistoryParted(status)) {
      Say(State::kStopped, std::string(status.message()));
      return;
    }
    // Refused here: by the catalog, because the disk or the queue is full, or for the clock.
    const bool blocked = absl::IsFailedPrecondition(status) || absl::IsInvalidArgument(status) ||
                         absl::IsResourceExhausted(status) ||
                         IsFor(status, domain::Reason::kClockStepped);
    const bool refused = IsFor(status, domain::Reason::kUpstreamEventInvalid);
    Say(refused   ? State::kRefused
        : blocked ? State::kBlocked
                  : State::kConnecting,
        std::string(status.message()));
    if (blocked) wait = refused ? kRefusedDelay : kBlockedDelay;
    absl::MutexLock lock(&mu_);
    // Wakes early when stopping.
    auto stopping = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return stopping_; };
    mu_.AwaitWithTimeout(absl::Condition(&stopping), wait);
    if (stopping_) return;
  }
}

}  // namespace fiscal::services
