#include "services/ledger/answer/plan.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace fiscal::services {
namespace {

using domain::Catalog;
using domain::CellKind;
using domain::Code;
using domain::Dimension;
using domain::GroupBy;
using domain::OrgType;
using domain::TotalFilter;

bool Asks(absl::Span<const GroupBy> group_by, Dimension d) {
  return std::any_of(group_by.begin(), group_by.end(),
                     [d](const GroupBy& g) { return g.dimension == d; });
}

CellKind KindOf(const TotalFilter& f, absl::Span<const GroupBy> group_by) {
  auto asks = [&](Dimension d) { return Asks(group_by, d); };
  CellKind kind = CellKind::kNone;
  auto need = [&](CellKind k) {
    kind = kind == CellKind::kNone || kind == k ? k : CellKind::kLeaf;
  };
  if (f.functional != 0 || asks(Dimension::kFunctional)) need(CellKind::kFunctional);
  // Cells of revenue are of income only, those of economic codes of expenditure only.
  const bool income = f.direction == domain::Direction::kIncome;
  if (f.revenue != 0 || asks(Dimension::kRevenue))
    need(income ? CellKind::kRevenue : CellKind::kLeaf);
  if (f.dept_economic != 0 || asks(Dimension::kDeptEconomic))
    need(income ? CellKind::kLeaf : CellKind::kDeptEconomic);
  if (f.gov_economic != 0 || asks(Dimension::kGovEconomic))
    need(income ? CellKind::kLeaf : CellKind::kGovEconomic);
  if (!f.project.empty() || asks(Dimension::kProject)) kind = CellKind::kLeaf;
  if (!f.agency.empty() || asks(Dimension::kAgency)) kind = CellKind::kLeaf;
  return kind;
}

// The agencies of one division.
void AppendLeaves(const Filter& filter, Code division, std::vector<Target>* out) {
  const TotalFilter& f = filter.asked();
  const Catalog::Entries* agencies = filter.catalog().AgenciesOf(division, f.year);
  if (agencies == nullptr) return;
  std::set<std::pair<std::string, std::string>> leaves;  // agency, department
  for (const auto& [code, entry] : *agencies) {
    if (!f.department.empty() && entry.department_code != f.department) continue;
    if (!f.agency.empty() && code != f.agency && entry.department_code != f.agency) continue;
    leaves.emplace(code, entry.department_code);
    // A statement of a whole department counts under the department's code.
    leaves.emplace(entry.department_code, entry.department_code);
  }
  for (const auto& [agency, dept] : leaves) {
    if (!f.agency.empty() && agency != f.agency) continue;
    out->push_back({{OrgType::kAgency, division, agency}, dept, division});
  }
}

}  // namespace

bool IsOrganisation(Dimension d) {
  return d == Dimension::kDepartment || d == Dimension::kAgency || d == Dimension::kDivision;
}

Reads ReadsOf(const TotalFilter& f, absl::Span<const GroupBy> group_by) {
  const CellKind kind = KindOf(f, group_by);
  switch (kind) {
    case CellKind::kFunctional:
      // A crosswalk may bring codes of any 类.
      return {kind, domain::CodeClass(f.classification_year == 0 ? f.functional : 0)};
    case CellKind::kRevenue:
      return {kind, domain::CodeClass(f.revenue)};
    case CellKind::kDeptEconomic:
      return {kind, domain::CodeClass(f.dept_economic)};
    case CellKind::kGovEconomic:
      return {kind, domain::CodeClass(f.gov_economic)};
    default:
      return {kind, {}};
  }
}

bool IsSmall(const TotalFilter& filter) {
  return !filter.agency.empty() || KindOf(filter, {}) != CellKind::kLeaf;
}

std::vector<Target> LeavesOf(const Filter& filter) {
  std::vector<Target> targets;
  for (Code d : filter.Subtree()) AppendLeaves(filter, d, &targets);
  return targets;
}

std::vector<Target> TargetsOf(const Filter& filter, absl::Span<const GroupBy> group_by) {
  const TotalFilter& f = filter.asked();
  std::vector<Target> targets;
  if (KindOf(f, group_by) == CellKind::kLeaf) return LeavesOf(filter);
  if (!f.department.empty()) {
    return {{{OrgType::kDepartment, f.division, f.department}, f.department, f.division}};
  }
  if (Asks(group_by, Dimension::kDepartment)) {
    for (Code d : filter.Subtree()) {
      const Catalog::Entries* agencies = filter.catalog().AgenciesOf(d, f.year);
      if (agencies == nullptr) continue;
      std::set<std::string> departments;
      for (const auto& [code, entry] : *agencies) departments.insert(entry.department_code);
      for (const std::string& p : departments)
        targets.push_back({{OrgType::kDepartment, d, p}, p, d});
    }
    return targets;
  }
  if (Asks(group_by, Dimension::kDivision)) {
    for (Code d : filter.Subtree()) targets.push_back({{OrgType::kOwnLevel, d, ""}, "", d});
    return targets;
  }
  return {
      {{f.own_level ? OrgType::kOwnLevel : OrgType::kDivision, f.division, ""}, "", f.division}};
}

}  // namespace fiscal::services
