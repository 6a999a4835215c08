#include "domain/authority/grants.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/check.h"
#include "domain/authority/principal.h"
#include "domain/totals.h"

namespace fiscal::authority {
namespace {

using domain::Catalog;
using domain::Code;
using domain::Position;
using domain::Stage;

constexpr absl::string_view kStages[] = {"",           "REQUESTED",    "REVIEWED",
                                         "APPROVED",   "EXECUTED",     "FINAL",
                                         "ADJUSTMENT", "REALLOCATION", "CURRENT"};

template <typename List, typename Value>
bool Contains(const List& list, const Value& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool IsBelow(Code division, Code above, uint16_t year, const Catalog& catalog) {
  return Contains(catalog.ChainOf(division, year), above);
}

// In each year that has a list of divisions, of which there is one: trees differ.
bool IsAlwaysBelow(Code division, Code above, const Catalog& catalog) {
  bool below = false;
  uint16_t last = 0;
  for (const auto& [key, entries] : catalog.lists()) {
    if (key.list != domain::CatalogList::kDivision || key.year == last) continue;
    last = key.year;
    if (catalog.FindDivision(division, key.year) == nullptr) continue;
    if (!IsBelow(division, above, key.year, catalog)) return false;
    below = true;
  }
  return below;
}

bool CoversDivision(const Extent& e, const Asked& a, const Catalog& catalog) {
  if (e.division == 0) return true;
  if (a.division == e.division)
    return !e.own_level || a.own_level || !a.department.empty() || !a.agency.empty();
  if (e.own_level || a.division == 0) return false;
  // Departments and agencies are those of the division: the same code is another unit below.
  if (!e.departments.empty() || !e.agencies.empty()) return false;
  return a.year == 0 ? IsAlwaysBelow(a.division, e.division, catalog)
                     : IsBelow(a.division, e.division, a.year, catalog);
}

// The department of what is stated under this code: an agency's, or a whole department's own.
std::string DepartmentIn(uint16_t year, const Asked& a, const Catalog& catalog) {
  if (const domain::CatalogEntry* entry = catalog.FindAgency(a.division, year, a.agency))
    return entry->department_code;
  return catalog.HasDepartment(a.division, year, a.agency) ? a.agency : std::string();
}

// One, unless no year was asked about.
std::vector<std::string> DepartmentsOf(const Asked& a, const Catalog& catalog) {
  std::vector<std::string> departments;
  if (a.year != 0) {
    departments.push_back(DepartmentIn(a.year, a, catalog));
  } else {
    for (const auto& [key, entries] : catalog.lists()) {
      if (key.list == domain::CatalogList::kAgency && key.division == a.division)
        departments.push_back(DepartmentIn(key.year, a, catalog));
    }
  }
  departments.erase(std::remove(departments.begin(), departments.end(), ""), departments.end());
  if (departments.empty() && !a.department.empty()) departments.push_back(a.department);
  return departments;
}

bool CoversUnits(const Extent& e, const Asked& a, const Catalog& catalog) {
  if (e.departments.empty() && e.agencies.empty()) return true;
  if (a.agency.empty()) return !a.department.empty() && Contains(e.departments, a.department);
  if (Contains(e.agencies, a.agency)) return true;
  const std::vector<std::string> departments = DepartmentsOf(a, catalog);
  return !departments.empty() &&
         std::all_of(departments.begin(), departments.end(),
                     [&](const std::string& d) { return Contains(e.departments, d); });
}

bool CoversStages(const Extent& e, const Asked& a) {
  if (e.stages.empty()) return true;
  if (a.stage == Stage::kNone) return false;
  const absl::Span<const Stage> stages = domain::StagesOf(a.stage);
  return std::all_of(stages.begin(), stages.end(), [&](Stage s) { return Contains(e.stages, s); });
}

}  // namespace

std::string TextOf(const Extent& e) {
  std::vector<std::string> parts;
  if (e.division != 0) {
    parts.push_back(absl::StrCat("division ", domain::FormatCode(e.division),
                                 e.own_level ? " without those below" : ""));
  }
  if (!e.departments.empty())
    parts.push_back(absl::StrCat("department ", absl::StrJoin(e.departments, ",")));
  if (!e.agencies.empty()) parts.push_back(absl::StrCat("agency ", absl::StrJoin(e.agencies, ",")));
  if (e.year_from != 0 && e.year_from == e.year_to) {
    parts.push_back(absl::StrCat("year ", e.year_from));
  } else {
    if (e.year_from != 0) parts.push_back(absl::StrCat("from year ", e.year_from));
    if (e.year_to != 0) parts.push_back(absl::StrCat("to year ", e.year_to));
  }
  if (!e.stages.empty()) {
    parts.push_back(
        absl::StrCat("stage ", absl::StrJoin(e.stages, ",", [](std::string* out, Stage stage) {
                       absl::StrAppend(out, kStages[static_cast<size_t>(stage)]);
                     })));
  }
  return parts.empty() ? "everything" : absl::StrJoin(parts, ", ");
}

std::string TextOf(const Asked& a) {
  Extent e;
  e.division = a.division;
  if (!a.department.empty()) e.departments.push_back(a.department);
  if (!a.agency.empty()) e.agencies.push_back(a.agency);
  // An agency is of the division's own level in any case.
  e.own_level = a.own_level && a.department.empty() && a.agency.empty();
  e.year_from = e.year_to = a.year;
  if (a.stage != Stage::kNone) e.stages.push_back(a.stage);
  return TextOf(e);
}

bool Covers(const Extent& extent, const Asked& asked, const Catalog& catalog) {
  if (asked.year == 0 ? extent.year_from != 0 || extent.year_to != 0
                      : (extent.year_from != 0 && asked.year < extent.year_from) ||
                            (extent.year_to != 0 && asked.year > extent.year_to)) {
    return false;
  }
  return CoversStages(extent, asked) && CoversDivision(extent, asked, catalog) &&
         CoversUnits(extent, asked, catalog);
}

bool Permits(const GrantEvent& grant, Verb verb, const Asked& part, const Catalog& catalog) {
  const Role* role = FindRole(grant.role);
  if (role == nullptr || !role->verbs.Has(verb)) return false;
  if (IsSystemWide(verb)) return true;
  if (verb != Verb::kReadCatalog) return Covers(grant.extent, part, catalog);
  Extent extent = grant.extent;
  extent.own_level = extent.own_level || !extent.departments.empty() || !extent.agencies.empty();
  extent.departments.clear();
  extent.agencies.clear();
  extent.stages.clear();
  return Covers(extent, part, catalog);
}

bool NeedsApproval(const GrantEvent& event) {
  const Role* role = FindRole(event.role);
  FISCAL_CHECK(role != nullptr, "a grant is of a role that exists");
  if (role->two_persons != TwoPersons::kDivision) return role->two_persons == TwoPersons::kAlways;
  const Extent& e = event.extent;
  // GB/T 2260: a province's code ends in 0000. Own levels, departments and agencies are parts.
  return e.division == 0 ||
         (e.division % 10000 == 0 && !e.own_level && e.departments.empty() && e.agencies.empty());
}

Grant::State Grant::StateAt(Position at) const {
  if (revoked && revoked.position <= at) return State::kRevoked;
  if (needs_approval && !(approved && approved.position <= at)) return State::kPending;
  return State::kActive;
}

void Grants::Add(Grant::Act act, GrantEvent event) {
  Grant grant;
  grant.needs_approval = NeedsApproval(event);
  grant.event = std::move(event);
  const Position position = act.position;
  grant.granted = std::move(act);
  grants_.emplace(position, std::move(grant));
}

bool Grants::Approve(Position grant, Grant::Act act) {
  const auto it = grants_.find(grant);
  if (it == grants_.end() || it->second.StateAt(act.position) != Grant::State::kPending)
    return false;
  it->second.approved = std::move(act);
  return true;
}

bool Grants::Revoke(Position grant, Grant::Act act) {
  const auto it = grants_.find(grant);
  if (it == grants_.end() || it->second.revoked) return false;
  it->second.revoked = std::move(act);
  return true;
}

const Grant* Grants::Find(Position grant) const {
  const auto it = grants_.find(grant);
  return it == grants_.end() ? nullptr : &it->second;
}

std::vector<const Grant*> Grants::Of(absl::string_view principal) const {
  std::vector<const Grant*> found;
  for (const auto& [position, grant] : grants_) {
    if (grant.StateAt(Position::Max()) == Grant::State::kActive &&
        Matches(grant.event.principal, principal)) {
      found.push_back(&grant);
    }
  }
  return found;
}

}  // namespace fiscal::authority
