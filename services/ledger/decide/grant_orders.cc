#include "services/ledger/decide/grant_orders.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/authority/principal.h"
#include "domain/reason.h"
#include "domain/shapes.h"
#include "storage/operator_events.h"
#include "storage/record_codec.h"

namespace fiscal::services {
namespace {

using authority::Grant;
using domain::EventKind;
using domain::Position;
using domain::Reason;
using domain::Refuse;
using Violations = std::vector<domain::Violation>;

// Departments, agencies or stages of one grant.
constexpr size_t kCodesMax = 100;

void CheckCodes(const std::vector<std::string>& codes, const char* field,
                const domain::Shape& shape, Violations* violations) {
  if (codes.size() > kCodesMax)
    violations->push_back({Reason::kTooManyValues, field, "", absl::StrCat("at most ", kCodesMax)});
  for (size_t i = 0; i < codes.size() && i < kCodesMax; ++i) {
    if (!domain::IsUnitCode(codes[i]))
      violations->push_back(
          {Reason::kCodeMalformed, absl::StrCat(field, "[", i, "]"), "", shape.Not(codes[i])});
  }
}

void CheckYear(uint16_t year, const char* field, Violations* violations) {
  if (year != 0 && !domain::IsFiscalYear(year))
    violations->push_back(
        {Reason::kCodeMalformed, field, "", domain::kFiscalYearShape.Not(absl::StrCat(year))});
}

absl::Status CheckEvent(const authority::GrantEvent& event) {
  Violations violations;
  if (event.principal.empty()) {
    violations.push_back({Reason::kRequiredFieldMissing, "principal", "", "required"});
  } else if (!authority::IsPrincipalPattern(event.principal)) {
    violations.push_back(
        {Reason::kPrincipalMalformed, "principal", "", authority::kPrincipalShape});
  }
  if (authority::FindRole(event.role) == nullptr)
    violations.push_back({Reason::kRoleUnknown, "role", "", authority::RoleShape()});
  const authority::Extent& e = event.extent;
  if (e.division != 0 && !domain::IsDivision(e.division))
    violations.push_back(
        {Reason::kCodeMalformed, "scope.division_code", "", domain::kDivisionShape});
  if (e.division == 0 && (e.own_level || !e.departments.empty() || !e.agencies.empty())) {
    violations.push_back({Reason::kRequiredFieldMissing, "scope.division_code", "",
                          "an own level, departments and agencies are those of a division"});
  }
  CheckCodes(e.departments, "scope.department_codes", domain::kDepartmentCodeShape, &violations);
  CheckCodes(e.agencies, "scope.agency_codes", domain::kAgencyCodeShape, &violations);
  CheckYear(e.year_from, "scope.first_fiscal_year", &violations);
  CheckYear(e.year_to, "scope.last_fiscal_year", &violations);
  if (e.year_from != 0 && e.year_to != 0 && e.year_from > e.year_to) {
    violations.push_back(
        {Reason::kQueryInvalid, "scope.last_fiscal_year", "", "is before the first"});
  }
  if (!domain::IsNote(event.note))
    violations.push_back({Reason::kTextInvalid, "note", "", domain::kNoteShape});
  return violations.empty() ? absl::OkStatus() : Refuse(std::move(violations));
}

absl::StatusOr<const Grant*> Find(const storage::OperatorEvents& operators, Position position) {
  const Grant* grant = operators.grants().Find(position);
  if (grant != nullptr) return grant;
  return Refuse(Reason::kGrantNotFound, absl::StrCat("event ", position.value(), " is no grant"));
}

absl::Status CheckNote(const std::string& note) {
  if (domain::IsNote(note)) return absl::OkStatus();
  return Refuse({{Reason::kTextInvalid, "note", "", domain::kNoteShape}});
}

}  // namespace

absl::StatusOr<OrderDecision> Decide(const domain::GrantOrder& order, const Standing& standing) {
  FISCAL_RETURN_IF_ERROR(CheckEvent(order.event));
  if (authority::Matches(order.event.principal, order.principal))
    return Refuse(Reason::kSecondPersonNeeded, "nobody grants a role to himself");
  OrderDecision d;
  const std::shared_ptr<const storage::OperatorEvents> operators = standing.log.operators();
  for (const auto& [position, grant] : operators->grants().all()) {
    if (grant.event.principal == order.event.principal && grant.event.role == order.event.role &&
        grant.event.extent == order.event.extent &&
        grant.StateAt(Position::Max()) != Grant::State::kRevoked) {
      d.in_force_at = position;
      return d;
    }
  }
  d.kind = EventKind::kGrant;
  d.payload = storage::EncodeGrant(order.event);
  return d;
}

absl::StatusOr<OrderDecision> Decide(const domain::ApprovalOrder& order, const Standing& standing) {
  FISCAL_RETURN_IF_ERROR(CheckNote(order.event.note));
  const std::shared_ptr<const storage::OperatorEvents> operators = standing.log.operators();
  FISCAL_ASSIGN_OR_RETURN(const Grant* grant, Find(*operators, order.event.grant));
  OrderDecision d;
  if (grant->approved && grant->approved.principal == order.principal && !grant->revoked) {
    d.in_force_at = grant->approved.position;
    return d;
  }
  if (grant->StateAt(Position::Max()) != Grant::State::kPending) {
    return Refuse(Reason::kGrantNotPending,
                  absl::StrCat("grant ", order.event.grant.value(), " is not pending"));
  }
  if (grant->granted.principal == order.principal ||
      authority::Matches(grant->event.principal, order.principal)) {
    return Refuse(Reason::kSecondPersonNeeded, "who made a grant, or gets it, does not approve it");
  }
  d.kind = EventKind::kGrantApproval;
  d.payload = storage::EncodeGrantOrder(order.event);
  return d;
}

absl::StatusOr<OrderDecision> Decide(const domain::RevocationOrder& order,
                                     const Standing& standing) {
  FISCAL_RETURN_IF_ERROR(CheckNote(order.event.note));
  const std::shared_ptr<const storage::OperatorEvents> operators = standing.log.operators();
  FISCAL_ASSIGN_OR_RETURN(const Grant* grant, Find(*operators, order.event.grant));
  OrderDecision d;
  if (grant->revoked) {
    d.in_force_at = grant->revoked.position;
    return d;
  }
  d.kind = EventKind::kGrantRevocation;
  d.payload = storage::EncodeGrantOrder(order.event);
  return d;
}

}  // namespace fiscal::services
