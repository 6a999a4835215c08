#include "services/authority/authority_rpc.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/authority/principal.h"
#include "domain/reason.h"
#include "domain/shapes.h"
#include "fiscal/authority/v1/authority_service.pb.h"
#include "services/ledger/moments.h"
#include "services/rpc/service.h"
#include "services/wire/page.h"
#include "services/wire/text_wire.h"

namespace fiscal::services {
namespace {

namespace pb = fiscal::authority::v1;
using authority::Grant;
using domain::Position;
using domain::Reason;
using Violations = std::vector<domain::Violation>;

static_assert(static_cast<int>(Authority::Mode::kEnforce) + 1 == pb::AUTHORITY_MODE_ENFORCE);

// A year as the domain has it; one that is none becomes one that is refused.
uint16_t ToYear(int32_t year) {
  return static_cast<uint16_t>(year < 0
                                   ? std::numeric_limits<uint16_t>::max()
                                   : std::min<int32_t>(year, std::numeric_limits<uint16_t>::max()));
}

absl::StatusOr<domain::Code> ToDivision(const std::string& text, const char* field) {
  if (text.empty()) return domain::Code{0};
  const domain::Code division = wire::ParseDivision(text);
  if (division != 0) return division;
  return domain::Refuse({{Reason::kCodeMalformed, field, "", domain::kDivisionShape.Not(text)}});
}

absl::StatusOr<authority::Asked> ToAsked(const pb::ExplainedPart& part) {
  authority::Asked asked;
  Violations violations;
  const auto add = [&](Reason reason, const char* field, domain::Sentence message) {
    violations.push_back({reason, absl::StrCat("part.", field), "", std::move(message)});
  };
  asked.division = wire::ParseDivision(part.division_code());
  if (asked.division == 0 && !part.division_code().empty())
    add(Reason::kCodeMalformed, "division_code", domain::kDivisionShape.Not(part.division_code()));
  asked.own_level = part.own_level();
  asked.department = part.department_code();
  if (!asked.department.empty() && !domain::IsUnitCode(asked.department))
    add(Reason::kCodeMalformed, "department_code",
        domain::kDepartmentCodeShape.Not(asked.department));
  asked.agency = part.agency_code();
  if (!asked.agency.empty() && !domain::IsUnitCode(asked.agency))
    add(Reason::kCodeMalformed, "agency_code", domain::kAgencyCodeShape.Not(asked.agency));
  if (part.fiscal_year() != 0 && !domain::IsFiscalYear(part.fiscal_year())) {
    add(Reason::kCodeMalformed, "fiscal_year",
        domain::kFiscalYearShape.Not(absl::StrCat(part.fiscal_year())));
  } else {
    asked.year = static_cast<uint16_t>(part.fiscal_year());
  }
  if (!budget::v1::Stage_IsValid(part.stage())) {
    add(Reason::kEnumUnknown, "stage",
        {absl::StrCat(part.stage(), " is no stage"), absl::StrCat(part.stage(), "不是预算阶段")});
  } else {
    asked.stage = static_cast<domain::Stage>(part.stage());
  }
  if (!violations.empty()) return domain::Refuse(std::move(violations));
  return asked;
}

absl::StatusOr<authority::GrantEvent> ToEvent(const pb::GrantRequest& request) {
  authority::GrantEvent event;
  event.principal = request.principal();
  event.role = request.role();
  event.note = request.note();
  const pb::GrantScope& scope = request.scope();
  authority::Extent& e = event.extent;
  FISCAL_ASSIGN_OR_RETURN(e.division, ToDivision(scope.division_code(), "scope.division_code"));
  e.own_level = scope.own_level();
  e.departments.assign(scope.department_codes().begin(), scope.department_codes().end());
  e.agencies.assign(scope.agency_codes().begin(), scope.agency_codes().end());
  for (std::vector<std::string>* codes : {&e.departments, &e.agencies}) {
    // The same extent has the same bytes.
    std::sort(codes->begin(), codes->end());
    codes->erase(std::unique(codes->begin(), codes->end()), codes->end());
  }
  e.year_from = ToYear(scope.first_fiscal_year());
  e.year_to = ToYear(scope.last_fiscal_year());
  for (int i = 0; i < scope.stages_size(); ++i) {
    const int stage = scope.stages(i);
    if (stage < 1 || stage > static_cast<int>(domain::Stage::kReallocation)) {
      return domain::Refuse({{Reason::kEnumUnknown, absl::StrCat("scope.stages[", i, "]"), "",
                              "a stage that statements have"}});
    }
    e.stages.push_back(static_cast<domain::Stage>(stage));
  }
  std::sort(e.stages.begin(), e.stages.end());
  e.stages.erase(std::unique(e.stages.begin(), e.stages.end()), e.stages.end());
  return event;
}

void ToProto(const Grant::Act& act, const std::string& position, pb::GrantAct* out) {
  out->set_position(position);
  wire::ToTimestamp(act.commit_time_us, out->mutable_commit_time());
  out->set_principal(act.principal);
  out->set_note(act.note);
}

pb::GrantState ToProto(Grant::State state) {
  return state == Grant::State::kPending  ? pb::GRANT_STATE_PENDING
         : state == Grant::State::kActive ? pb::GRANT_STATE_ACTIVE
                                          : pb::GRANT_STATE_REVOKED;
}

// As of `at`: what came later is not told.
absl::Status ToProto(const storage::EventLog& log, const Grant& grant, Position at,
                     pb::Grant* out) {
  out->set_grant_id(static_cast<int64_t>(grant.granted.position.value()));
  out->set_principal(grant.event.principal);
  out->set_role(grant.event.role);
  const authority::Extent& e = grant.event.extent;
  pb::GrantScope* scope = out->mutable_scope();
  scope->set_division_code(domain::FormatCode(e.division));
  scope->set_own_level(e.own_level);
  for (const std::string& code : e.departments) scope->add_department_codes(code);
  for (const std::string& code : e.agencies) scope->add_agency_codes(code);
  scope->set_first_fiscal_year(e.year_from);
  scope->set_last_fiscal_year(e.year_to);
  for (domain::Stage stage : e.stages) scope->add_stages(static_cast<budget::v1::Stage>(stage));
  out->set_state(ToProto(grant.StateAt(at)));
  const auto add = [&](const Grant::Act& act, pb::GrantAct* to) -> absl::Status {
    FISCAL_ASSIGN_OR_RETURN(const domain::Moment moment, MomentAt(log, act.position));
    ToProto(act, moment.Text(), to);
    return absl::OkStatus();
  };
  FISCAL_RETURN_IF_ERROR(add(grant.granted, out->mutable_granted()));
  if (grant.approved && grant.approved.position <= at)
    FISCAL_RETURN_IF_ERROR(add(grant.approved, out->mutable_approved()));
  if (grant.revoked && grant.revoked.position <= at)
    FISCAL_RETURN_IF_ERROR(add(grant.revoked, out->mutable_revoked()));
  return absl::OkStatus();
}

class AuthorityRpc final : public rpc::Service {
 public:
  AuthorityRpc(rpc::Calls& calls, AuthorityParts parts) : Service(calls), p_(std::move(parts)) {
    Serve(&AuthorityRpc::MakeGrant);
    Serve(&AuthorityRpc::ApproveGrant);
    Serve(&AuthorityRpc::RevokeGrant);
    Serve(&AuthorityRpc::ListGrants);
    Serve(&AuthorityRpc::WhoAmI);
    Serve(&AuthorityRpc::Explain);
  }

  absl::Status MakeGrant(const rpc::Call& call, const pb::GrantRequest* request,
                         pb::GrantResponse* response) {
    FISCAL_ASSIGN_OR_RETURN(authority::GrantEvent event, ToEvent(*request));
    FISCAL_ASSIGN_OR_RETURN(
        const domain::RequestReceipt receipt,
        Order(call, domain::GrantOrder{call.caller().principal, std::move(event)},
              request->ByteSizeLong()));
    const Position position = receipt.receipt.position;
    response->set_grant_id(static_cast<int64_t>(position.value()));
    FISCAL_ASSIGN_OR_RETURN(const domain::Moment at, MomentAt(p_.log, position));
    response->set_position(at.Text());
    response->set_created(receipt.receipt.result == domain::Result::kCreated);
    const std::shared_ptr<const storage::OperatorEvents> operators = p_.log.operators();
    if (const Grant* grant = operators->grants().Find(position); grant != nullptr)
      response->set_state(ToProto(grant->StateAt(Position::Max())));
    return absl::OkStatus();
  }

  absl::Status ApproveGrant(const rpc::Call& call, const pb::ApproveGrantRequest* request,
                            pb::ApproveGrantResponse* response) {
    FISCAL_ASSIGN_OR_RETURN(authority::GrantOrderEvent event,
                            ToOrder(request->grant_id(), request->note()));
    FISCAL_ASSIGN_OR_RETURN(
        const domain::RequestReceipt receipt,
        Order(call, domain::ApprovalOrder{call.caller().principal, std::move(event)},
              request->ByteSizeLong()));
    FISCAL_ASSIGN_OR_RETURN(const domain::Moment at, MomentAt(p_.log, receipt.receipt.position));
    response->set_position(at.Text());
    return absl::OkStatus();
  }

  absl::Status RevokeGrant(const rpc::Call& call, const pb::RevokeGrantRequest* request,
                           pb::RevokeGrantResponse* response) {
    FISCAL_ASSIGN_OR_RETURN(authority::GrantOrderEvent event,
                            ToOrder(request->grant_id(), request->note()));
    FISCAL_ASSIGN_OR_RETURN(
        const domain::RequestReceipt receipt,
        Order(call, domain::RevocationOrder{call.caller().principal, std::move(event)},
              request->ByteSizeLong()));
    FISCAL_ASSIGN_OR_RETURN(const domain::Moment at, MomentAt(p_.log, receipt.receipt.position));
    response->set_position(at.Text());
    return absl::OkStatus();
  }

  void ListGrants(rpc::UnaryCall* call, const pb::ListGrantsRequest* request,
                  pb::ListGrantsResponse* response) {
    call->Read([this, call, request, response] { return List(*call, *request, response); });
  }

  void WhoAmI(rpc::UnaryCall* call, const pb::WhoAmIRequest*, pb::WhoAmIResponse* response) {
    call->Read([this, call, response]() -> absl::Status {
      response->set_principal(call->caller().principal);
      response->set_mode(static_cast<pb::AuthorityMode>(static_cast<int>(p_.authority.mode()) + 1));
      const std::shared_ptr<const Rights> rights = p_.authority.Of(call->caller().principal);
      response->set_configured_admin(rights->admin());
      for (const Grant& grant : rights->grants())
        FISCAL_RETURN_IF_ERROR(ToProto(p_.log, grant, Position::Max(), response->add_grants()));
      return absl::OkStatus();
    });
  }

  void Explain(rpc::UnaryCall* call, const pb::ExplainRequest* request,
               pb::ExplainResponse* response) {
    call->Read([this, request, response] { return ExplainRight(*request, response); });
  }

 private:
  static absl::StatusOr<authority::GrantOrderEvent> ToOrder(int64_t grant_id,
                                                            const std::string& note) {
    if (grant_id <= 0) {
      return domain::Refuse({{Reason::kRequiredFieldMissing, "grant_id", "",
                              "the grant_id of an answer to Grant or ListGrants"}});
    }
    return authority::GrantOrderEvent{Position(static_cast<uint64_t>(grant_id)), note};
  }

  absl::StatusOr<domain::RequestReceipt> Order(const rpc::Call& call, Intake::Request order,
                                               size_t bytes) {
    if (p_.committer == nullptr) {
      return domain::Refuse(Reason::kNotTheWriter,
                            "this process copies the log: ask the submission process");
    }
    return p_.committer->SubmitAndWait(call.key(), std::move(order), bytes);
  }

  absl::Status List(rpc::UnaryCall& call, const pb::ListGrantsRequest& request,
                    pb::ListGrantsResponse* response) const {
    Position at = p_.log.head().position;
    if (!request.position().empty()) {
      FISCAL_ASSIGN_OR_RETURN(const domain::Moment asked,
                              wire::ParsePosition(request.position(), "position"));
      FISCAL_RETURN_IF_ERROR(CheckMoment(p_.log, asked));
      at = asked.position();
    }
    if (!request.principal().empty() && !authority::IsPrincipalPattern(request.principal())) {
      return domain::Refuse(
          {{Reason::kPrincipalMalformed, "principal", "", authority::kPrincipalShape}});
    }
    if (!request.role().empty() && authority::FindRole(request.role()) == nullptr)
      return domain::Refuse({{Reason::kRoleUnknown, "role", "", authority::RoleShape()}});
    FISCAL_ASSIGN_OR_RETURN(wire::PageRoom room,
                            wire::PageRoom::Of(request.page_size(), 100, 1000));
    pb::ListGrantsRequest question = request;
    question.clear_page_token();
    question.clear_page_size();
    const std::string bound = question.SerializeAsString();
    uint64_t after = 0;
    if (!request.page_token().empty()) {
      FISCAL_ASSIGN_OR_RETURN(const std::string place,
                              call.ReadPageToken(bound, request.page_token()));
      if (!absl::SimpleAtoi(place, &after))
        return domain::Refuse(Reason::kPageTokenInvalid, "the page token is malformed");
    }
    const std::shared_ptr<const storage::OperatorEvents> operators = p_.log.operators();
    const std::map<Position, Grant>& all = operators->grants().all();
    uint64_t last = 0;
    for (auto it = all.upper_bound(Position(after)); it != all.end() && it->first <= at; ++it) {
      FISCAL_RETURN_IF_ERROR(call.work().Spend(1));
      const Grant& grant = it->second;
      if (!request.role().empty() && grant.event.role != request.role()) continue;
      if (!request.principal().empty() && grant.event.principal != request.principal() &&
          !authority::Matches(grant.event.principal, request.principal())) {
        continue;
      }
      if (request.standing() && grant.StateAt(at) == Grant::State::kRevoked) continue;
      FISCAL_RETURN_IF_ERROR(ToProto(p_.log, grant, at, response->add_grants()));
      if (!room.Take(response->mutable_grants())) {
        response->set_next_page_token(call.MakeToken(bound, absl::StrCat(last)));
        break;
      }
      last = it->first.value();
    }
    FISCAL_ASSIGN_OR_RETURN(const domain::Moment moment, MomentAt(p_.log, at));
    response->set_position(moment.Text());
    return absl::OkStatus();
  }

  absl::Status ExplainRight(const pb::ExplainRequest& request,
                            pb::ExplainResponse* response) const {
    if (!authority::IsPrincipalPattern(request.principal())) {
      return domain::Refuse(
          {{Reason::kPrincipalMalformed, "principal", "", authority::kPrincipalShape}});
    }
    if (request.verb() <= 0 || request.verb() >= authority::kVerbs)
      return domain::Refuse({{Reason::kEnumUnknown, "verb", "", "a right"}});
    const auto verb = static_cast<authority::Verb>(request.verb());
    FISCAL_ASSIGN_OR_RETURN(const authority::Asked part, ToAsked(request.part()));
    const std::shared_ptr<const domain::Catalog> catalog = p_.catalog();
    const std::shared_ptr<const Rights> rights = p_.authority.Of(request.principal());
    response->set_permitted(p_.authority.mode() != Authority::Mode::kEnforce ||
                            rights->Covers(verb, part, *catalog));
    const std::shared_ptr<const storage::OperatorEvents> operators = p_.log.operators();
    for (const auto& [position, grant] : operators->grants().all()) {
      if (!authority::Matches(grant.event.principal, request.principal())) continue;
      pb::ExplainedGrant* out = response->add_grants();
      FISCAL_RETURN_IF_ERROR(ToProto(p_.log, grant, Position::Max(), out->mutable_grant()));
      out->set_lacks(Lacks(grant, verb, part, *catalog));
      out->set_permits(out->lacks().empty());
    }
    const std::string what = absl::StrCat(authority::NameOf(verb), " for ", TextOf(part));
    if (p_.authority.mode() != Authority::Mode::kEnforce) {
      response->set_reason("this process does not enforce grants: everything is permitted");
      response->set_reason_zh("本进程未启用授权控制，一切操作均被允许");
    } else if (response->permitted()) {
      response->set_reason(absl::StrCat(request.principal(), " may ", what));
      response->set_reason_zh("已获授权");
    } else {
      response->set_reason(absl::StrCat(request.principal(), " has no grant of ", what));
      response->set_reason_zh(response->grants_size() == 0 ? "该身份没有任何授权"
                                                           : "现有授权均不覆盖此项操作");
    }
    return absl::OkStatus();
  }

  // Empty when the grant permits it.
  static std::string Lacks(const Grant& grant, authority::Verb verb, const authority::Asked& part,
                           const domain::Catalog& catalog) {
    const Grant::State state = grant.StateAt(Position::Max());
    if (state == Grant::State::kPending) return "it waits for a second person's approval";
    if (state == Grant::State::kRevoked) return "it was revoked";
    if (!authority::FindRole(grant.event.role)->verbs.Has(verb)) {
      return absl::StrCat("the role ", grant.event.role, " has no right ", authority::NameOf(verb));
    }
    if (!authority::Permits(grant.event, verb, part, catalog)) {
      return absl::StrCat("its scope, ", TextOf(grant.event.extent), ", does not cover ",
                          TextOf(part));
    }
    return "";
  }

  const AuthorityParts p_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAuthorityService(rpc::Calls& calls, AuthorityParts parts) {
  return std::make_unique<AuthorityRpc>(calls, std::move(parts));
}

}  // namespace fiscal::services
