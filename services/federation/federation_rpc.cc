#include "services/federation/federation_rpc.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "domain/shapes.h"
#include "fiscal/federation/v1/federation_service.pb.h"
#include "grpcpp/grpcpp.h"
#include "services/ledger/compare/digests.h"
#include "services/ledger/compare/postings.h"
#include "services/ledger/compare/reconcile.h"
#include "services/ledger/moments.h"
#include "services/log/log_stream.h"
#include "services/rpc/service.h"
#include "services/wire/text_wire.h"
#include "storage/record_codec.h"

namespace fiscal::services {
namespace {

using domain::Code;
using domain::Moment;
using domain::Position;
using domain::Reason;
namespace pb = fiscal::federation::v1;

static_assert(static_cast<int>(Upstream::State::kRefused) == pb::UPSTREAM_STATE_REFUSED &&
              pb::UpstreamState_MAX == 5);

constexpr absl::Duration kUpstreamTimeout = absl::Seconds(30);
constexpr absl::Duration kFoldTimeout = absl::Seconds(30);

// How far an upstream's log was taken over.
Moment MomentOf(const storage::UpstreamState& taken) {
  return Moment(taken.position, taken.log_id, taken.chain_hash);
}

absl::StatusOr<size_t> AppendPosting(const storage::EventLog& log, const LogView& view,
                                     const storage::LogEntry& entry,
                                     pb::ReadPostingsResponse* response, bool* more) {
  FISCAL_ASSIGN_OR_RETURN(domain::UpstreamRecords::Record record,
                          ToUpstreamRecord(entry, *log.operators(), more));
  if (!record.posting.empty() || !record.catalog.empty()) {
    absl::string_view payload;
    FISCAL_ASSIGN_OR_RETURN(const domain::EventHeader header,
                            storage::DecodeHeader(*entry.record, &payload));
    if (!view.Sees(header, payload)) {
      record.posting.clear();
      record.catalog.clear();
    }
  }
  pb::PostedEvent* event = response->add_events();
  event->set_position(domain::Moment(record.position, log.log_id(), record.chain_hash).Text());
  wire::ToTimestamp(record.commit_time_us, event->mutable_commit_time());
  event->set_leaf_hash(std::string(BytesOf(record.leaf_hash)));
  event->set_chain_hash(std::string(BytesOf(record.chain_hash)));
  if (!record.posting.empty()) event->set_posting(std::move(record.posting));
  if (!record.catalog.empty()) event->set_catalog(std::move(record.catalog));
  return event->ByteSizeLong();
}

class FederationRpc final : public rpc::Service {
 public:
  FederationRpc(rpc::Calls& calls, FederationParts parts)
      : Service(calls),
        p_(std::move(parts)),
        projector_(p_.runner == nullptr ? nullptr : &p_.runner->projector()) {
    Serve(&FederationRpc::ReadPostings);
    Serve(&FederationRpc::GetUpstreams);
    Serve(&FederationRpc::GetDigests);
    Serve(&FederationRpc::Reconcile);
  }

  grpc::ServerWriteReactor<pb::ReadPostingsResponse>* ReadPostings(
      std::unique_ptr<rpc::Call> call, const pb::ReadPostingsRequest* request) {
    using Stream = LogStream<pb::ReadPostingsResponse>;
    const absl::StatusOr<Position> after =
        Stream::Start(p_.log, request->after_position(), request->after_chain_hash());
    if (!after.ok()) return new rpc::RefusedStream<Stream::Reactor>(after.status());
    const LogView view(p_.authority, p_.catalog, call->caller().principal,
                       authority::Verb::kRollUp);
    return new Stream(
        std::move(call), p_.feed, *after, /*until_head=*/false,
        [this, view](const storage::LogEntry& entry, pb::ReadPostingsResponse* response,
                     bool* more) { return AppendPosting(p_.log, view, entry, response, more); });
  }

  void GetUpstreams(rpc::UnaryCall* call, const pb::GetUpstreamsRequest*,
                    pb::GetUpstreamsResponse* response) {
    call->Read([this, response] { return List(response); });
  }

  void GetDigests(rpc::UnaryCall* call, const pb::GetDigestsRequest* request,
                  pb::GetDigestsResponse* response) {
    const absl::StatusOr<Position> position = PositionOf(*request);
    if (!position.ok()) return call->Finish(position.status());
    auto answer = [this, call, request, response, at = *position] {
      return Digests(*call, *request, at, response);
    };
    call->OnLeave([this, call] { p_.runner->Forget(&call->work()); });
    p_.runner->WhenFolded(*position, std::min(call->answer_by(), absl::Now() + kFoldTimeout),
                          call->key(), &call->work(), [call, answer](const absl::Status& reached) {
                            const absl::Status may = reached.ok() ? call->Still() : reached;
                            if (may.ok()) {
                              call->Read(answer);
                            } else {
                              call->Finish(may);
                            }
                          });
  }

  void Reconcile(rpc::UnaryCall* call, const pb::ReconcileRequest* request,
                 pb::ReconcileResponse* response) {
    // Not the lane of digests: an upstream of an upstream may ask for ours meanwhile.
    call->Read([this, call, request, response, trace = call->trace()] {
      return Compare(*request, trace, *call, response);
    });
  }

 private:
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
      if (const Position head = status.head.position(); !head.zero()) {
        out->set_head_position(status.head.Text());
        out->set_lag_count(head > taken.position ? static_cast<int64_t>(head - taken.position) : 0);
      }
      if (!taken.position.zero()) {
        out->set_position(MomentOf(taken).Text());
        wire::ToTimestamp(taken.commit_time_us, out->mutable_commit_time());
        out->set_log_id(absl::BytesToHexString(taken.log_id));
      }
      for (Code division : DivisionsOf(upstream->name()))
        out->add_division_codes(domain::FormatCode(division));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Position> PositionOf(const pb::GetDigestsRequest& request) const {
    if (projector_ == nullptr) {
      return domain::Refuse(Reason::kQueryInvalid,
                            "this process keeps no totals: ask the aggregation process");
    }
    if (request.position().empty()) return projector_->folded();
    FISCAL_ASSIGN_OR_RETURN(const Moment asked,
                            wire::ParsePosition(request.position(), "position"));
    FISCAL_RETURN_IF_ERROR(CheckMoment(p_.log, asked));
    return asked.position();
  }

  // A caller who names no division compares those that he may: of a system below those are what was
  // taken over from it. RIGHT_NOT_GRANTED when there are none.
  absl::Status Narrow(const rpc::Call& call, const DigestPlace& place,
                      std::vector<Code>* divisions) const {
    constexpr authority::Verb kVerb = authority::Verb::kReconcile;
    const auto part = [&](Code division) {
      return authority::Asked{division, false, "", place.agency, place.year, place.stage};
    };
    if (place.division != 0 || !divisions->empty() || call.Sees(kVerb, part(0)))
      return absl::OkStatus();
    for (const auto& [key, entries] : p_.catalog()->lists()) {
      if (key.list != domain::CatalogList::kDivision || (place.year != 0 && key.year != place.year))
        continue;
      for (const auto& [code, entry] : *entries) {
        const Code division = domain::ParseCode(code);
        if (call.Sees(kVerb, part(division))) divisions->push_back(division);
      }
    }
    std::sort(divisions->begin(), divisions->end());
    divisions->erase(std::unique(divisions->begin(), divisions->end()), divisions->end());
    if (!divisions->empty()) return absl::OkStatus();
    return p_.authority.May(call.caller().principal, kVerb, {part(0)}, *p_.catalog());
  }

  absl::Status Digests(rpc::UnaryCall& call, const pb::GetDigestsRequest& request,
                       Position position, pb::GetDigestsResponse* response) const {
    DigestPlace place;
    const bool year = request.fiscal_year() != 0, stage = request.stage() != 0,
               division = !request.division_code().empty(), agency = !request.agency_code().empty();
    if (request.fiscal_year() < 0 || request.fiscal_year() > domain::kFiscalYearMax ||
        year != stage || (division && !year) || (agency && !division) ||
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
    FISCAL_RETURN_IF_ERROR(Narrow(call, place, &divisions));
    FISCAL_ASSIGN_OR_RETURN(const std::vector<DigestEntry> entries,
                            DigestsAt(*projector_, place, divisions, position, call.work()));
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
    FISCAL_ASSIGN_OR_RETURN(const Moment at, MomentAt(p_.log, position));
    response->set_position(at.Text());
    response->set_root(std::string(BytesOf(RootOf(entries))));
    return absl::OkStatus();
  }

  // One level of the upstream's digests.
  static absl::StatusOr<std::vector<DigestEntry>> Ask(Upstream& upstream, const DigestPlace& place,
                                                      const Moment& at, const TraceContext& trace,
                                                      absl::Time deadline) {
    pb::GetDigestsRequest request;
    request.set_position(at.Text());
    request.set_fiscal_year(place.year);
    request.set_stage(static_cast<budget::v1::Stage>(place.stage));
    request.set_division_code(domain::FormatCode(place.division));
    request.set_agency_code(place.agency);
    grpc::ClientContext context;
    rpc::PassOn(trace, &context);
    context.set_deadline(absl::ToChronoTime(std::min(deadline, absl::Now() + kUpstreamTimeout)));
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
                       rpc::UnaryCall& call, pb::ReconcileResponse* response) const {
    Upstream* upstream = nullptr;
    for (Upstream* u : p_.upstreams) {
      if (u->name() == request.upstream()) upstream = u;
    }
    if (upstream == nullptr) {
      return domain::Refuse(Reason::kUpstreamUnknown,
                            absl::StrCat("there is no upstream ", request.upstream()));
    }
    if (projector_ == nullptr) {
      return domain::Refuse(Reason::kQueryInvalid,
                            "this process keeps no totals: it can't reconcile");
    }
    FISCAL_ASSIGN_OR_RETURN(const storage::UpstreamState taken,
                            p_.intake->ReadUpstream(upstream->name()));
    if (!projector_->WaitFolded(taken.local_position,
                                std::min(call.answer_by(), absl::Now() + kFoldTimeout)))
      return domain::Refuse(Reason::kPositionTimeout, "what was taken over is not folded yet");
    const std::vector<Code> divisions = DivisionsOf(upstream->name());
    FISCAL_ASSIGN_OR_RETURN(
        const Difference difference,
        FirstDifference(
            [&](const DigestPlace& place) -> absl::StatusOr<std::vector<DigestEntry>> {
              FISCAL_RETURN_IF_ERROR(call.work().Wanted());
              return Ask(*upstream, place, MomentOf(taken), trace, call.answer_by());
            },
            [&](const DigestPlace& place) -> absl::StatusOr<std::vector<DigestEntry>> {
              // Nothing was taken over yet: no divisions are not all of them.
              if (divisions.empty()) return std::vector<DigestEntry>();
              return DigestsAt(*projector_, place, divisions, taken.local_position, call.work());
            }));
    response->set_equal(difference.place.empty());
    response->set_difference(difference.place);
    // Who looks after the machine learns where, and not how much.
    if (call.Sees(authority::Verb::kReconcile, authority::Asked())) {
      FISCAL_ASSIGN_OR_RETURN(const int64_t upstream_fen,
                              domain::ToInt64(difference.left_fen, difference.place));
      FISCAL_ASSIGN_OR_RETURN(const int64_t local_fen,
                              domain::ToInt64(difference.right_fen, difference.place));
      response->set_upstream_fen(upstream_fen);
      response->set_local_fen(local_fen);
    }
    response->set_call_count(difference.calls);
    pb::Certificate* c = response->mutable_certificate();
    c->set_upstream(upstream->name());
    c->set_upstream_log_id(absl::BytesToHexString(taken.log_id));
    c->set_upstream_position(MomentOf(taken).Text());
    c->set_upstream_chain_hash(std::string(BytesOf(taken.chain_hash)));
    c->set_log_id(absl::BytesToHexString(p_.log.log_id()));
    FISCAL_ASSIGN_OR_RETURN(const Moment local, MomentAt(p_.log, taken.local_position));
    c->set_position(local.Text());
    for (Code division : divisions) c->add_division_codes(domain::FormatCode(division));
    c->set_upstream_root(std::string(BytesOf(difference.left_root)));
    c->set_local_root(std::string(BytesOf(difference.right_root)));
    wire::ToTimestamp(absl::ToUnixMicros(p_.clock.Now()), c->mutable_issue_time());
    // Without a key the comparison is as true, but unsigned.
    const absl::StatusOr<SigningKey> key = p_.signer.key();
    if (!key.ok()) return absl::OkStatus();
    c->set_public_key_pem(key->public_key_pem());
    c->set_signature(key->Sign(c->SerializeAsString()));
    return absl::OkStatus();
  }

  const FederationParts p_;
  // Null where no totals are kept.
  const Projector* const projector_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeFederationService(rpc::Calls& calls, FederationParts parts) {
  return std::make_unique<FederationRpc>(calls, std::move(parts));
}

}  // namespace fiscal::services
