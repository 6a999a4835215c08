#include "services/ledger/answer/plan.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace fiscal::services {
namespace {

using domain::Catalog;
using domain::ChunkKind;
using domain::Code;
using domain::Dimension;
using domain::GroupBy;
using domain::OrgType;
using domain::TotalFilter;

bool Asks(absl::Span<const GroupBy> group_by, Dimension d) {
  return std::any_of(group_by.begin(), group_by.end(),
                     [d](const GroupBy& g) { return g.dimension == d; });
}

ChunkKind KindNeeded(const TotalFilter& f, absl::Span<const GroupBy> group_by) {
  auto asks = [&](Dimension d) { return Asks(group_by, d); };
  ChunkKind kind = ChunkKind::kNone;
  auto need = [&](ChunkKind k) {
    kind = kind == ChunkKind::kNone || kind == k ? k : ChunkKind::kLeaf;
  };
  if (f.functional != 0 || asks(Dimension::kFunctional)) need(ChunkKind::kFunctional);
  // Chunks of revenue keep income only, those of economic codes expenditure only.
  const bool income = f.direction == domain::Direction::kIncome;
  if (f.revenue != 0 || asks(Dimension::kRevenue))
    need(income ? ChunkKind::kRevenue : ChunkKind::kLeaf);
  if (f.dept_economic != 0 || asks(Dimension::kDeptEconomic))
    need(income ? ChunkKind::kLeaf : ChunkKind::kDeptEconomic);
  if (f.gov_economic != 0 || asks(Dimension::kGovEconomic))
    need(income ? ChunkKind::kLeaf : ChunkKind::kGovEconomic);
  if (!f.project.empty() || asks(Dimension::kProject)) kind = ChunkKind::kLeaf;
  if (!f.agency.empty() || asks(Dimension::kAgency)) kind = ChunkKind::kLeaf;
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
  const ChunkKind kind = KindNeeded(f, group_by);
  switch (kind) {
    case ChunkKind::kFunctional:
      // A crosswalk may bring codes of any class.
      return {kind, f.classification_year == 0 ? f.functional : 0};
    case ChunkKind::kRevenue:
      return {kind, f.revenue};
    case ChunkKind::kDeptEconomic:
      return {kind, f.dept_economic};
    case ChunkKind::kGovEconomic:
      return {kind, f.gov_economic};
    default:
      return {kind, 0};
  }
}

bool IsSmall(const TotalFilter& filter) {
  return !filter.agency.empty() || KindNeeded(filter, {}) != ChunkKind::kLeaf;
}

std::vector<Target> LeavesOf(const Filter& filter) {
  std::vector<Target> targets;
  for (Code d : filter.Subtree()) AppendLeaves(filter, d, &targets);
  return targets;
}

std::vector<Target> TargetsOf(const Filter& filter, absl::Span<const GroupBy> group_by) {
  const TotalFilter& f = filter.asked();
  std::vector<Target> targets;
  if (KindNeeded(f, group_by) == ChunkKind::kLeaf) return LeavesOf(filter);
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
