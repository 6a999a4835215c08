#include "services/audit/audit_rpc.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "fiscal/audit/v1/audit_service.pb.h"
#include "services/ledger/work.h"
#include "services/rpc/methods.h"
#include "services/rpc/service.h"
#include "services/wire/page.h"
#include "services/wire/text_wire.h"

namespace fiscal::services {
namespace {

namespace pb = fiscal::audit::v1;
using domain::AuditEntry;
using domain::AuditOutcome;
using domain::Reason;

static_assert(static_cast<int>(AuditOutcome::kLost) == pb::OUTCOME_LOST && pb::Outcome_MAX == 5);

absl::StatusOr<absl::Time> ToTime(const google::protobuf::Timestamp& time, const char* field) {
  FISCAL_ASSIGN_OR_RETURN(const int64_t micros, wire::ToMicros(time, field));
  return absl::FromUnixMicros(micros);
}

bool IsMethod(const std::string& name) {
  const std::vector<rpc::Method>& methods = rpc::Methods();
  return std::any_of(methods.begin(), methods.end(),
                     [&](const rpc::Method& method) { return method.name() == name; });
}

void ToProto(const AuditEntry& entry, pb::AuditEntry* out) {
  out->set_sequence(static_cast<int64_t>(entry.sequence));
  wire::ToTimestamp(entry.time_us, out->mutable_end_time());
  out->set_outcome(static_cast<pb::Outcome>(entry.outcome));
  out->set_principal(entry.principal);
  out->set_connection(entry.connection);
  out->set_method(entry.method);
  out->set_reason(entry.reason);
  out->set_missing_verb(entry.missing_verb);
  out->set_scope(entry.scope);
  out->set_request_id(entry.request_id);
  out->set_trace_id(entry.trace_id);
  if (entry.outcome != AuditOutcome::kLost) return;
  out->set_lost_count(static_cast<int64_t>(entry.lost_count));
  wire::ToTimestamp(entry.lost_from_us, out->mutable_lost_from_time());
  wire::ToTimestamp(entry.lost_to_us, out->mutable_lost_to_time());
}

absl::StatusOr<storage::AuditQuery> ToQuery(const pb::ListRequest& request) {
  storage::AuditQuery query;
  if (request.has_from_time()) {
    FISCAL_ASSIGN_OR_RETURN(query.from, ToTime(request.from_time(), "from_time"));
  }
  if (request.has_to_time()) {
    FISCAL_ASSIGN_OR_RETURN(query.to, ToTime(request.to_time(), "to_time"));
  }
  if (query.to < query.from)
    return domain::Refuse({{Reason::kQueryInvalid, "to_time", "", "is before from_time"}});
  query.principal = request.principal();
  if (absl::EndsWith(query.principal, "*")) {
    query.principal.pop_back();
    query.principal_prefix = true;
  }
  if (!pb::Outcome_IsValid(request.outcome()))
    return domain::Refuse({{Reason::kEnumUnknown, "outcome", "", "an outcome, or none"}});
  if (request.outcome() != pb::OUTCOME_UNSPECIFIED)
    query.outcome = static_cast<AuditOutcome>(request.outcome());
  if (!request.method().empty() && !IsMethod(request.method())) {
    return domain::Refuse({{Reason::kQueryInvalid, "method", "",
                            "no method of this API: a full name like "
                            "fiscal.aggregation.v1.AggregationService/GetTotal"}});
  }
  query.method = request.method();
  query.oldest_first = request.oldest_first();
  return query;
}

class AuditRpc final : public rpc::Service {
 public:
  AuditRpc(rpc::Calls& calls, AuditTrail& trail) : Service(calls), trail_(trail) {
    Serve(&AuditRpc::List);
    Serve(&AuditRpc::GetAuditHead);
  }

  void List(rpc::UnaryCall* call, const pb::ListRequest* request, pb::ListResponse* response) {
    call->Read([this, call, request, response]() -> absl::Status {
      return Page(*call, *request, call->work(), response);
    });
  }

  void GetAuditHead(rpc::UnaryCall* call, const pb::GetAuditHeadRequest*,
                    pb::GetAuditHeadResponse* response) {
    call->Read([this, response]() -> absl::Status {
      trail_.Settle();
      FISCAL_ASSIGN_OR_RETURN(const storage::AuditLog::Head head, trail_.head());
      response->set_tree_size(static_cast<int64_t>(head.size));
      response->set_root_hash(std::string(BytesOf(head.root)));
      response->set_first_sequence(static_cast<int64_t>(head.first));
      return absl::OkStatus();
    });
  }

 private:
  absl::Status Page(const rpc::Call& call, const pb::ListRequest& request, Work& work,
                    pb::ListResponse* response) {
    FISCAL_ASSIGN_OR_RETURN(storage::AuditQuery query, ToQuery(request));
    FISCAL_ASSIGN_OR_RETURN(wire::PageRoom room,
                            wire::PageRoom::Of(request.page_size(), 100, 1000));
    query.limit = room.count_max();
    pb::ListRequest question = request;
    question.clear_page_token();
    question.clear_page_size();
    const std::string bound = question.SerializeAsString();
    if (!request.page_token().empty()) {
      FISCAL_ASSIGN_OR_RETURN(const std::string place,
                              call.ReadPageToken(bound, request.page_token()));
      if (!absl::SimpleAtoi(place, &query.after)) {
        return domain::Refuse(
            {{Reason::kPageTokenInvalid, "page_token", "", "not a token of this question"}});
      }
    }
    trail_.Settle();
    FISCAL_ASSIGN_OR_RETURN(
        const storage::AuditPage page,
        trail_.List(query, [&work](uint64_t units) { return work.Spend(units); }));
    uint64_t next = page.next, last = 0;
    for (const storage::AuditPage::Row& row : page.rows) {
      pb::AuditEntry* entry = response->add_entries();
      ToProto(row.entry, entry);
      entry->set_leaf_hash(std::string(BytesOf(row.leaf_hash)));
      if (!room.Take(response->mutable_entries())) {
        next = last;
        break;
      }
      last = row.entry.sequence;
    }
    if (next != 0) response->set_next_page_token(call.MakeToken(bound, absl::StrCat(next)));
    return absl::OkStatus();
  }

  AuditTrail& trail_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAuditService(rpc::Calls& calls, AuditTrail& trail) {
  return std::make_unique<AuditRpc>(calls, trail);
}

}  // namespace fiscal::services
