#include "tests/simulation/grant_oracle.h"

#include <algorithm>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "storage/record_codec.h"
#include "tests/simulation/model.h"

namespace fiscal::simulation {
namespace {

using authority::Asked;
using authority::Extent;
using authority::Verb;
using domain::Code;
using domain::Position;
using domain::Stage;
using State = authority::Grant::State;

// What nobody named yet, in each dimension, so that "all that there is" is less than "all".
constexpr char kOther[] = "other";

constexpr Code kDivisions[] = {141100, 141121, 141122};
constexpr const char* kAgencies[] = {"101001", "101002", "102001", "103001"};

std::set<std::string> PlacesBelow(Code division) {
  std::set<std::string> out;
  for (Code d : kDivisions) {
    if (division != 0 && d != division && ParentDivision(d) != division) continue;
    out.insert(std::to_string(d));
    out.insert(absl::StrCat("below ", d));
  }
  if (division == 0) out.insert(kOther);
  return out;
}

void AddDepartment(const std::string& department, std::set<std::string>* units) {
  for (const char* a : kAgencies) {
    if (DepartmentOfAgency(a) == department) units->insert(a);
  }
  units->insert(department);
  units->insert(department + kOther);
}

std::set<std::string> AllUnits() {
  std::set<std::string> units = {kOther};
  for (const char* a : kAgencies) AddDepartment(DepartmentOfAgency(a), &units);
  return units;
}

std::set<std::string> Years(int from, int to) {
  std::set<std::string> years;
  for (int year = 2020; year <= 2030; ++year) {
    if ((from == 0 || year >= from) && (to == 0 || year <= to)) years.insert(std::to_string(year));
  }
  if (from == 0) years.insert("before");
  if (to == 0) years.insert("after");
  return years;
}

std::set<std::string> Stages(std::vector<Stage> stages) {
  if (stages.size() == 1 && stages[0] == Stage::kCurrent)
    stages = {Stage::kApproved, Stage::kAdjustment, Stage::kReallocation};
  std::set<std::string> out;
  for (Stage s : stages) out.insert(std::to_string(static_cast<int>(s)));
  if (!stages.empty()) return out;
  for (int s = 1; s < static_cast<int>(Stage::kCurrent); ++s) out.insert(std::to_string(s));
  out.insert(kOther);
  return out;
}

GrantOracle::Cells CellsOf(const Extent& e) {
  GrantOracle::Cells cells;
  const bool of_units = !e.departments.empty() || !e.agencies.empty();
  // Departments and agencies are those of the division: elsewhere the code is another's.
  cells.places = e.own_level || of_units ? std::set<std::string>{std::to_string(e.division)}
                                         : PlacesBelow(e.division);
  for (const std::string& d : e.departments) AddDepartment(d, &cells.units);
  cells.units.insert(e.agencies.begin(), e.agencies.end());
  if (!of_units) cells.units = AllUnits();
  cells.years = Years(e.year_from, e.year_to);
  cells.stages = Stages(e.stages);
  return cells;
}

GrantOracle::Cells CellsOf(const Asked& a) {
  GrantOracle::Cells cells;
  const bool of_units = !a.department.empty() || !a.agency.empty();
  cells.places = a.own_level || of_units ? std::set<std::string>{std::to_string(a.division)}
                                         : PlacesBelow(a.division);
  if (!a.agency.empty()) {
    cells.units = {AllUnits().count(a.agency) > 0 ? a.agency : kOther};
  } else if (!a.department.empty()) {
    AddDepartment(a.department, &cells.units);
  } else {
    cells.units = AllUnits();
  }
  cells.years = Years(a.year, a.year);
  cells.stages =
      Stages(a.stage == Stage::kNone ? std::vector<Stage>() : std::vector<Stage>{a.stage});
  return cells;
}

bool Holds(const std::set<std::string>& all, const std::set<std::string>& part) {
  return std::includes(all.begin(), all.end(), part.begin(), part.end());
}

bool IsFor(const std::string& pattern, const std::string& principal) {
  if (!absl::EndsWith(pattern, "/*")) return pattern == principal;
  return absl::StartsWith(principal, pattern.substr(0, pattern.size() - 1));
}

// The rights of the roles that this world has, of those that it asks for.
bool RoleHas(const std::string& role, Verb verb) {
  static const auto* const rights = new std::map<std::string, std::set<Verb>>{
      {"submitter",
       {Verb::kWrite, Verb::kValidate, Verb::kReadDetail, Verb::kReadAggregate, Verb::kList}},
      {"reviewer",
       {Verb::kWrite, Verb::kValidate, Verb::kReadDetail, Verb::kReadAggregate, Verb::kList,
        Verb::kCertify, Verb::kControl}},
      {"reader", {Verb::kReadAggregate}},
      {"detail-reader", {Verb::kReadDetail, Verb::kReadAggregate, Verb::kList}},
      {"consumer", {Verb::kRollUp, Verb::kReconcile, Verb::kReadAggregate, Verb::kWitness}},
      {"replica", {Verb::kReplicate, Verb::kWitness}},
      {"catalog-owner", {Verb::kWriteCatalog}},
      {"security-admin", {Verb::kGrant}}};
  const auto it = rights->find(role);
  return it != rights->end() && it->second.count(verb) > 0;
}

const char* NameOfStage(Stage stage) {
  switch (stage) {
    case Stage::kRequested:
      return "REQUESTED";
    case Stage::kApproved:
      return "APPROVED";
    case Stage::kReallocation:
      return "REALLOCATION";
    default:
      return "?";
  }
}

}  // namespace

State GrantOracle::Grant::StateAt(Position at) const {
  if (!revoked.zero() && revoked <= at) return State::kRevoked;
  return needs_approval && (approved.zero() || approved > at) ? State::kPending : State::kActive;
}

absl::Status GrantOracle::Read(const storage::EventLog& log, Position until) {
  for (; read_ < until; ++read_) {
    FISCAL_ASSIGN_OR_RETURN(const storage::LogEntry entry, log.Read(read_.Next()));
    const domain::EventKind kind = storage::KindOf(*entry.record);
    if (kind != domain::EventKind::kGrant && kind != domain::EventKind::kGrantApproval &&
        kind != domain::EventKind::kGrantRevocation)
      continue;
    FISCAL_ASSIGN_OR_RETURN(const domain::Event event, storage::DecodeRecord(entry.record));
    if (kind == domain::EventKind::kGrant) {
      Grant& g = grants_[entry.position];
      g.event = event.grant;
      g.cells = CellsOf(event.grant.extent);
      g.granter = event.header.principal;
      g.granted = entry.position;
      g.needs_approval = event.grant.role == "replica" || event.grant.role == "security-admin" ||
                         event.grant.extent.division == 0;
      continue;
    }
    const auto it = grants_.find(event.grant_order.grant);
    if (it == grants_.end()) return absl::InternalError("an order about no grant");
    if (kind == domain::EventKind::kGrantRevocation) {
      it->second.revoked = entry.position;
    } else {
      it->second.approved = entry.position;
      it->second.approver = event.header.principal;
    }
  }
  return absl::OkStatus();
}

bool GrantOracle::Covers(const std::string& principal, Verb verb, const Asked& asked) const {
  const Cells want = CellsOf(asked);
  return std::any_of(grants_.begin(), grants_.end(), [&](const auto& of) {
    const Grant& g = of.second;
    return g.StateAt(read_) == State::kActive && IsFor(g.event.principal, principal) &&
           RoleHas(g.event.role, verb) && Holds(g.cells.places, want.places) &&
           Holds(g.cells.units, want.units) && Holds(g.cells.years, want.years) &&
           Holds(g.cells.stages, want.stages);
  });
}

bool GrantOracle::Has(const std::string& principal, Verb verb) const {
  if (verb == Verb::kGrant &&
      std::find(admins_.begin(), admins_.end(), principal) != admins_.end()) {
    return true;
  }
  return std::any_of(grants_.begin(), grants_.end(), [&](const auto& of) {
    const Grant& g = of.second;
    return g.StateAt(read_) == State::kActive && IsFor(g.event.principal, principal) &&
           RoleHas(g.event.role, verb);
  });
}

bool GrantOracle::SeesList(const std::string& principal, Verb verb, domain::CatalogList list,
                           Code division) const {
  const bool agencies = list == domain::CatalogList::kAgency;
  if (Covers(principal, verb, {division, agencies, "", "", 2024})) return true;
  if (agencies) return false;
  // The lists of the top serve all of this world.
  return std::any_of(grants_.begin(), grants_.end(), [&](const auto& of) {
    const Grant& g = of.second;
    return g.StateAt(read_) == State::kActive && IsFor(g.event.principal, principal) &&
           RoleHas(g.event.role, verb) &&
           (list == domain::CatalogList::kDivision || g.event.extent.division != 0);
  });
}

absl::Status GrantOracle::Denied(const std::string& principal, const char* right,
                                 const std::string& scope) const {
  static const auto* const roles =
      new std::map<std::string, std::string>{{"WRITE", "submitter, reviewer"},
                                             {"VALIDATE", "submitter, reviewer"},
                                             {"CERTIFY", "reviewer"},
                                             {"CONTROL", "reviewer"},
                                             {"WRITE_CATALOG", "catalog-owner"},
                                             {"GRANT", "security-admin"}};
  domain::Refusal refusal;
  refusal.reason = domain::Reason::kRightNotGranted;
  refusal.message =
      absl::StrCat(principal, " has no grant of ", right, scope.empty() ? "" : " for ", scope,
                   "; roles with it: ", roles->at(right));
  refusal.metadata = {{"principal", principal}, {"right", right}};
  if (!scope.empty()) refusal.metadata.push_back({"scope", scope});
  return domain::ToStatus(std::move(refusal));
}

absl::Status GrantOracle::Check(const domain::Submission& s) const {
  const Asked asked = {s.key.division, true, "", s.key.agency, s.key.year, s.key.stage};
  const std::string scope =
      absl::StrCat("division ", s.key.division, ", agency ", s.key.agency, ", year ", s.key.year,
                   ", stage ", NameOfStage(s.key.stage));
  const Verb verb = s.validate_only ? Verb::kValidate : Verb::kWrite;
  if (!Covers(s.principal, verb, asked))
    return Denied(s.principal, s.validate_only ? "VALIDATE" : "WRITE", scope);
  if (s.certify && !Covers(s.principal, Verb::kCertify, asked))
    return Denied(s.principal, "CERTIFY", scope);
  if (s.control && !Covers(s.principal, Verb::kControl, asked))
    return Denied(s.principal, "CONTROL", scope);
  return absl::OkStatus();
}

absl::Status GrantOracle::Check(const domain::Reallocation& r) const {
  for (const domain::Submission& part : r.parts) FISCAL_RETURN_IF_ERROR(Check(part));
  return absl::OkStatus();
}

absl::Status GrantOracle::Check(const domain::CatalogImport& import) const {
  const Code division = import.event.division;
  if (Covers(import.principal, Verb::kWriteCatalog, {division, true, "", "", import.event.year}))
    return absl::OkStatus();
  // Who has the right nowhere is told the same.
  return Denied(
      import.principal, "WRITE_CATALOG",
      absl::StrCat("division ", division, " without those below, year ", import.event.year));
}

absl::Status GrantOracle::CheckOrder(const std::string& principal) const {
  return Has(principal, Verb::kGrant) ? absl::OkStatus() : Denied(principal, "GRANT", "");
}

GrantOracle::Answer GrantOracle::Decide(const domain::GrantOrder& order, Position next) const {
  if (IsFor(order.event.principal, order.principal))
    return {domain::InfoOf(domain::Reason::kSecondPersonNeeded).code, {}};
  for (const auto& [position, g] : grants_) {
    if (g.revoked.zero() && g.event.principal == order.event.principal &&
        g.event.role == order.event.role && g.event.extent == order.event.extent) {
      return {absl::StatusCode::kOk, position};
    }
  }
  return {absl::StatusCode::kOk, next};
}

GrantOracle::Answer GrantOracle::Decide(const domain::ApprovalOrder& order, Position next) const {
  const auto it = grants_.find(order.event.grant);
  if (it == grants_.end()) return {domain::InfoOf(domain::Reason::kGrantNotFound).code, {}};
  const Grant& g = it->second;
  if (g.revoked.zero() && g.approver == order.principal) return {absl::StatusCode::kOk, g.approved};
  if (g.StateAt(read_) != State::kPending)
    return {domain::InfoOf(domain::Reason::kGrantNotPending).code, {}};
  if (g.granter == order.principal || IsFor(g.event.principal, order.principal))
    return {domain::InfoOf(domain::Reason::kSecondPersonNeeded).code, {}};
  return {absl::StatusCode::kOk, next};
}

GrantOracle::Answer GrantOracle::Decide(const domain::RevocationOrder& order, Position next) const {
  const auto it = grants_.find(order.event.grant);
  if (it == grants_.end()) return {domain::InfoOf(domain::Reason::kGrantNotFound).code, {}};
  return {absl::StatusCode::kOk, it->second.revoked.zero() ? next : it->second.revoked};
}

bool GrantOracle::Agrees(const authority::Grants& grants, Position at) const {
  const auto& others = grants.all();
  return others.size() == grants_.size() &&
         std::equal(
             others.begin(), others.end(), grants_.begin(), [&](const auto& a, const auto& b) {
               return a.first == b.first && a.second.event.principal == b.second.event.principal &&
                      a.second.event.role == b.second.event.role &&
                      a.second.event.extent == b.second.event.extent &&
                      a.second.StateAt(read_) == b.second.StateAt(read_) &&
                      (a.first > at || a.second.StateAt(at) == b.second.StateAt(at));
             });
}

}  // namespace fiscal::simulation
