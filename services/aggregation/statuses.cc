#include "services/aggregation/statuses.h"

#include <algorithm>
#include <set>

#include "base/status_macros.h"

namespace fiscal::services {

using domain::BudgetKey;
using domain::Catalog;
using domain::Code;
using domain::Position;
using domain::Stage;
using domain::StatementStatus;

absl::StatusOr<Statuses> StatusesAt(const Projector& projector, uint16_t year, Stage stage,
                                    const std::vector<Code>& divisions, Position position) {
  Statuses statuses;
  const uint64_t stride = projector.store().StrideAt(position);
  for (Code division : divisions.empty() ? std::vector<Code>{0} : divisions) {
    FISCAL_RETURN_IF_ERROR(projector.store().ForEachStatus(
        year, stage, division, stride,
        [&](const BudgetKey& key, const StatementStatus& status) { statuses[key] = status; }));
  }
  const std::set<Code> wanted(divisions.begin(), divisions.end());
  std::vector<Projector::Delivered> postings;
  for (Position at = stride; at < position;) {
    FISCAL_ASSIGN_OR_RETURN(
        at, projector.ReadPostings(
                at, position, 256,
                [&](const domain::Posting& p) {
                  return (year == 0 || (p.key.year == year && p.key.stage == stage)) &&
                         (wanted.empty() || wanted.count(p.key.division) > 0);
                },
                &postings));
  }
  for (const Projector::Delivered& d : postings) statuses[d.posting->key] = d.posting->status();
  return statuses;
}

absl::StatusOr<std::vector<AgencyCoverage>> CoverageAt(const Projector& projector,
                                                       const TotalFilter& filter,
                                                       Position position) {
  const std::shared_ptr<const Catalog> catalog = projector.catalog();
  Question question(catalog, filter, {});
  FISCAL_RETURN_IF_ERROR(question.Check());
  const std::vector<Code> divisions = question.Subtree();
  const Stage stage = filter.stage == Stage::kCurrent ? Stage::kApproved : filter.stage;
  FISCAL_ASSIGN_OR_RETURN(const Statuses statuses,
                          StatusesAt(projector, filter.year, stage, divisions, position));
  std::vector<AgencyCoverage> out;
  for (Code division : divisions) {
    std::map<std::string, AgencyCoverage> agencies;
    auto wanted = [&](const std::string& agency, const std::string& department) {
      return (filter.department.empty() || department == filter.department) &&
             (filter.agency.empty() || agency == filter.agency);
    };
    if (const Catalog::Entries* entries = catalog->AgenciesOf(division, filter.year)) {
      for (const auto& [code, entry] : *entries) {
        if (!entry.must_report || !wanted(code, entry.department_code)) continue;
        AgencyCoverage& a = agencies[code];
        a = {division, entry.department_code, code, entry.name, true};
      }
    }
    // Statements of the division stand together: all agencies' keys sort within its years.
    BudgetKey first{division, filter.year, stage, ""};
    for (auto it = statuses.lower_bound(first);
         it != statuses.end() && it->first.division == division; ++it) {
      const auto& [key, status] = *it;
      if (!status.counts() || !wanted(key.agency, status.department)) continue;
      AgencyCoverage& a = agencies[key.agency];
      if (a.agency.empty()) {
        a.division = division;
        a.agency = key.agency;
        a.department = status.department;
        const domain::CatalogEntry* entry = catalog->FindAgency(division, filter.year, key.agency);
        if (entry != nullptr) a.name = entry->name;
      }
      a.status = status;
      a.state = status.certified ? CoverageState::kCertified : CoverageState::kReceived;
    }
    for (auto& [code, a] : agencies) {
      if (a.status.revision != 0) continue;
      // A statement of the whole department stands for its agencies.
      auto it = statuses.find({division, filter.year, stage, a.department});
      if (it == statuses.end() || !it->second.counts() ||
          it->second.scope != domain::Scope::kDepartment)
        continue;
      a.by_department = true;
      a.status = it->second;
      a.state = it->second.certified ? CoverageState::kCertified : CoverageState::kReceived;
    }
    for (auto& [code, a] : agencies) out.push_back(std::move(a));
  }
  return out;
}

Coverage Sum(const std::vector<AgencyCoverage>& agencies) {
  Coverage sum;
  for (const AgencyCoverage& a : agencies) {
    if (a.state != CoverageState::kUnreported &&
        (sum.oldest == 0 || a.status.position < sum.oldest))
      sum.oldest = a.status.position;
    if (!a.must_report) continue;
    ++sum.expected;
    if (a.state != CoverageState::kUnreported) ++sum.received;
    if (a.state == CoverageState::kCertified) ++sum.certified;
  }
  return sum;
}

}  // namespace fiscal::services
