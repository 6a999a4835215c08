#include "services/federation/federation_rpc.h"

#include <deque>
#include <functional>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "fiscal/federation/v1/federation_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "services/federation/digests.h"
#include "services/federation/postings.h"
#include "services/federation/reconcile.h"
#include "services/log/log_stream.h"
#include "services/log/past_head.h"
#include "services/rpc/status.h"
#include "services/wire/text_wire.h"

namespace fiscal::services {
namespace {

using domain::Code;
using domain::Position;
using domain::Reason;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
namespace pb = fiscal::federation::v1;

static_assert(static_cast<int>(Upstream::State::kRefused) == pb::UPSTREAM_STATE_REFUSED &&
              pb::UpstreamState_MAX == 5);

constexpr absl::Duration kUpstreamTimeout = absl::Seconds(30);
constexpr absl::Duration kFoldTimeout = absl::Seconds(30);

absl::StatusOr<size_t> AppendPosting(const storage::EventLog& log, const storage::LogEntry& entry,
                                     pb::ReadPostingsResponse* response, bool* more) {
  FISCAL_ASSIGN_OR_RETURN(UpstreamRecords::Record record,
                          ToUpstreamRecord(entry, *log.operators(), more));
  pb::PostedEvent* event = response->add_events();
  event->set_position(wire::FormatPosition(record.position));
  wire::ToTimestamp(record.commit_time_us, event->mutable_commit_time());
  event->set_leaf_hash(std::string(BytesOf(record.leaf_hash)));
  event->set_chain_hash(std::string(BytesOf(record.chain_hash)));
  if (!record.posting.empty()) event->set_posting(std::move(record.posting));
  if (!record.catalog.empty()) event->set_catalog(std::move(record.catalog));
  return event->ByteSizeLong();
}

// Calls that take long, one after the other, on a thread of their own.
class Worker {
 public:
  Worker() : thread_([this] { Run(); }) {}
  ~Worker() {
    {
      absl::MutexLock lock(&mu_);
      stopping_ = true;
    }
    thread_.join();
  }
  void Do(std::function<void()> task) {
    absl::MutexLock lock(&mu_);
    tasks_.push_back(std::move(task));
  }

 private:
  void Run() {
    while (true) {
      std::function<void()> task;
      {
        absl::MutexLock lock(&mu_);
        auto ready = [this]()
                         ABSL_NO_THREAD_SAFETY_ANALYSIS { return !tasks_.empty() || stopping_; };
        mu_.Await(absl::Condition(&ready));
        if (tasks_.empty()) return;
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
      task();
    }
  }
  absl::Mutex mu_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

class FederationRpc final : public pb::FederationService::CallbackService {
 public:
  explicit FederationRpc(FederationParts parts) : p_(std::move(parts)) {}

  grpc::ServerWriteReactor<pb::ReadPostingsResponse>* ReadPostings(
      CallbackServerContext*, const pb::ReadPostingsRequest* request) override {
    using Stream = LogStream<pb::ReadPostingsResponse>;
    const absl::StatusOr<Position> after =
        Stream::Start(p_.log, request->after_position(), request->after_chain_hash());
    if (!after.ok()) return new RefusedStream<pb::ReadPostingsResponse>(after.status());
    return new Stream(p_.log, *after, /*until_head=*/false,
                      [this](const storage::LogEntry& entry, pb::ReadPostingsResponse* response,
                             bool* more) { return AppendPosting(p_.log, entry, response, more); });
  }

  ServerUnaryReactor* GetUpstreams(CallbackServerContext* context, const pb::GetUpstreamsRequest*,
                                   pb::GetUpstreamsResponse* response) override {
    return Finish(context->DefaultReactor(), List(response));
  }

  ServerUnaryReactor* GetDigests(CallbackServerContext* context,
                                 const pb::GetDigestsRequest* request,
                                 pb::GetDigestsResponse* response) override {
    ServerUnaryReactor* reactor = context->DefaultReactor();
    worker_.Do(
        [this, reactor, request, response] { Finish(reactor, Digests(*request, response)); });
    return reactor;
  }

  ServerUnaryReactor* Reconcile(CallbackServerContext* context, const pb::ReconcileRequest* request,
                                pb::ReconcileResponse* response) override {
    ServerUnaryReactor* reactor = context->DefaultReactor();
    // Not the digests' thread: an upstream of an upstream may ask for ours meanwhile.
    reconciler_.Do([this, reactor, request, response, trace = rpc::TraceOf(*context)] {
      Finish(reactor, Compare(*request, trace, response));
    });
    return reactor;
  }

 private:
  static ServerUnaryReactor* Finish(ServerUnaryReactor* reactor, const absl::Status& status) {
    reactor->Finish(rpc::ToGrpc(status));
    return reactor;
  }

  std::vector<Code> DivisionsOf(const std::string& upstream) const {
    std::vector<Code> divisions;
    for (const auto& [division, owner] : p_.intake->UpstreamDivisions()) {
      if (owner == upstream) divisions.push_back(division);
    }
    return divisions;
  }

  absl::Status List(pb::GetUpstreamsResponse* response) const {
    for (const Upstream* upstream : p_.upstreams) {
      FISCAL_ASSIGN_OR_RETURN(const storage::UpstreamState taken,
                              p_.intake->ReadUpstream(upstream->name()));
      const Upstream::Status status = upstream->status();
      pb::Upstream* out = response->add_upstreams();
      out->set_name(upstream->name());
      out->set_address(upstream->address());
      out->set_state(static_cast<pb::UpstreamState>(status.state));
      out->set_message(status.message);
      if (status.head > 0) {
        out->set_head_position(wire::FormatPosition(status.head));
        out->set_lag_count(
            status.head > taken.position ? static_cast<int64_t>(status.head - taken.position) : 0);
      }
      if (taken.position > 0) {
        out->set_position(wire::FormatPosition(taken.position));
        wire::ToTimestamp(taken.commit_time_us, out->mutable_commit_time());
        out->set_log_id(absl::BytesToHexString(taken.log_id));
      }
      for (Code division : DivisionsOf(upstream->name()))
        out->add_division_codes(domain::FormatCode(division));
    }
    return absl::OkStatus();
  }

  absl::Status Digests(const pb::GetDigestsRequest& request,
                       pb::GetDigestsResponse* response) const {
    if (p_.projector == nullptr) {
      return domain::Refuse(Reason::kQueryInvalid,
                            "this process keeps no totals: ask the aggregation process");
    }
    Position position = p_.projector->folded();
    if (!request.position().empty()) {
      FISCAL_ASSIGN_OR_RETURN(position, wire::ParsePosition(request.position()));
      if (position > p_.log.head().position) {
        return PastHead(p_.log, absl::StrCat("the log ends at ", p_.log.head().position));
      }
      if (!p_.projector->WaitFolded(position, absl::Now() + kFoldTimeout))
        return domain::Refuse(Reason::kPositionTimeout, "the position was not reached in time");
    }
    DigestPlace place;
    const bool year = request.fiscal_year() != 0, stage = request.stage() != 0,
               division = !request.division_code().empty(), agency = !request.agency_code().empty();
    if (request.fiscal_year() < 0 || request.fiscal_year() > 2999 || year != stage ||
        (division && !year) || (agency && !division) ||
        !budget::v1::Stage_IsValid(request.stage()) ||
        request.stage() == budget::v1::STAGE_CURRENT) {
      return domain::Refuse({{Reason::kQueryInvalid, "fiscal_year", "",
                              "year and stage, then division, then agency"}});
    }
    place.year = static_cast<uint16_t>(request.fiscal_year());
    place.stage = static_cast<domain::Stage>(request.stage());
    if (division) {
      place.division = wire::ParseDivision(request.division_code());
      if (place.division == 0)
        return domain::Refuse({{Reason::kCodeMalformed, "division_code", "", "6 digits"}});
    }
    place.agency = request.agency_code();
    std::vector<Code> divisions;
    for (int i = 0; i < request.division_codes_size(); ++i) {
      divisions.push_back(wire::ParseDivision(request.division_codes(i)));
      if (divisions.back() == 0) {
        return domain::Refuse(
            {{Reason::kCodeMalformed, absl::StrCat("division_codes[", i, "]"), "", "6 digits"}});
      }
    }
    FISCAL_ASSIGN_OR_RETURN(const std::vector<DigestEntry> entries,
                            DigestsAt(*p_.projector, place, divisions, position));
    for (const DigestEntry& entry : entries) {
      pb::Digest* digest = response->add_digests();
      digest->set_key(entry.key);
      digest->set_digest(std::string(BytesOf(entry.digest)));
      digest->set_fiscal_year(entry.year);
      digest->set_stage(static_cast<budget::v1::Stage>(entry.stage));
      FISCAL_ASSIGN_OR_RETURN(const int64_t fen,
                              domain::ToInt64(entry.value.amount_fen, entry.key));
      digest->set_amount_fen(fen);
      digest->set_line_count(entry.value.line_count());
    }
    response->set_position(wire::FormatPosition(position));
    response->set_root(std::string(BytesOf(RootOf(entries))));
    return absl::OkStatus();
  }

  // One level of the upstream's digests.
  static absl::StatusOr<std::vector<DigestEntry>> Ask(Upstream& upstream, const DigestPlace& place,
                                                      Position position,
                                                      const TraceContext& trace) {
    pb::GetDigestsRequest request;
    request.set_position(wire::FormatPosition(position));
    request.set_fiscal_year(place.year);
    request.set_stage(static_cast<budget::v1::Stage>(place.stage));
    request.set_division_code(domain::FormatCode(place.division));
    request.set_agency_code(place.agency);
    grpc::ClientContext context;
    rpc::PassOn(trace, &context);
    context.set_deadline(absl::ToChronoTime(absl::Now() + kUpstreamTimeout));
    pb::GetDigestsResponse response;
    const grpc::Status status = upstream.stub().GetDigests(&context, request, &response);
    if (!status.ok()) {
      return domain::Refuse(Reason::kUpstreamUnreachable,
                            absl::StrCat("upstream ", upstream.name(), " at ", upstream.address(),
                                         " does not answer: ", status.error_message()));
    }
    std::vector<DigestEntry> entries;
    for (const pb::Digest& digest : response.digests()) {
      DigestEntry& entry = entries.emplace_back();
      entry.key = digest.key();
      if (digest.digest().size() != 32)
        return domain::Refuse(Reason::kUpstreamUnreachable, "the upstream sent no digest");
      entry.digest = DigestOf(digest.digest());
      entry.year = static_cast<uint16_t>(digest.fiscal_year());
      entry.stage = static_cast<domain::Stage>(digest.stage());
      entry.value.amount_fen = digest.amount_fen();
    }
    return entries;
  }

  absl::Status Compare(const pb::ReconcileRequest& request, const TraceContext& trace,
                       pb::ReconcileResponse* response) {
    Upstream* upstream = nullptr;
    for (Upstream* u : p_.upstreams) {
      if (u->name() == request.upstream()) upstream = u;
    }
    if (upstream == nullptr) {
      return domain::Refuse(Reason::kUpstreamUnknown,
                            absl::StrCat("there is no upstream ", request.upstream()));
    }
    if (p_.projector == nullptr) {
      return domain::Refuse(Reason::kQueryInvalid,
                            "this process keeps no totals: it can't reconcile");
    }
    FISCAL_ASSIGN_OR_RETURN(const storage::UpstreamState taken,
                            p_.intake->ReadUpstream(upstream->name()));
    if (!p_.projector->WaitFolded(taken.local_position, absl::Now() + kFoldTimeout))
      return domain::Refuse(Reason::kPositionTimeout, "what was taken over is not folded yet");
    const std::vector<Code> divisions = DivisionsOf(upstream->name());
    FISCAL_ASSIGN_OR_RETURN(
        const Difference difference,
        FirstDifference(
            [&](const DigestPlace& place) { return Ask(*upstream, place, taken.position, trace); },
            [&](const DigestPlace& place) -> absl::StatusOr<std::vector<DigestEntry>> {
              // Nothing was taken over yet: no divisions are not all of them.
              if (divisions.empty()) return std::vector<DigestEntry>();
              return DigestsAt(*p_.projector, place, divisions, taken.local_position);
            }));
    response->set_equal(difference.place.empty());
    response->set_difference(difference.place);
    FISCAL_ASSIGN_OR_RETURN(const int64_t upstream_fen,
                            domain::ToInt64(difference.left_fen, difference.place));
    FISCAL_ASSIGN_OR_RETURN(const int64_t local_fen,
                            domain::ToInt64(difference.right_fen, difference.place));
    response->set_upstream_fen(upstream_fen);
    response->set_local_fen(local_fen);
    response->set_call_count(difference.calls);
    pb::Certificate* c = response->mutable_certificate();
    c->set_upstream(upstream->name());
    c->set_upstream_log_id(absl::BytesToHexString(taken.log_id));
    c->set_upstream_position(wire::FormatPosition(taken.position));
    c->set_upstream_chain_hash(std::string(BytesOf(taken.chain_hash)));
    c->set_log_id(absl::BytesToHexString(p_.log.log_id()));
    c->set_position(wire::FormatPosition(taken.local_position));
    for (Code division : divisions) c->add_division_codes(domain::FormatCode(division));
    c->set_upstream_root(std::string(BytesOf(difference.left_root)));
    c->set_local_root(std::string(BytesOf(difference.right_root)));
    wire::ToTimestamp(absl::ToUnixMicros(p_.clock.Now()), c->mutable_issue_time());
    // Without a key the comparison is as true, and nobody's word.
    const absl::StatusOr<SigningKey> key = p_.signer.key();
    if (!key.ok()) return absl::OkStatus();
    c->set_public_key_pem(key->public_key_pem());
    c->set_signature(key->Sign(c->SerializeAsString()));
    return absl::OkStatus();
  }

  const FederationParts p_;
  Worker worker_;
  Worker reconciler_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeFederationService(FederationParts parts) {
  return std::make_unique<FederationRpc>(std::move(parts));
}

}  // namespace fiscal::services
