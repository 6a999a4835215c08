#include "services/ledger/answer/statuses.h"

#include <algorithm>
#include <set>

#include "base/status_macros.h"
#include "services/ledger/answer/filter.h"

namespace fiscal::services {

using domain::AgencyCoverage;
using domain::BudgetKey;
using domain::Catalog;
using domain::Code;
using domain::Coverage;
using domain::CoverageState;
using domain::Position;
using domain::Stage;
using domain::StatementStatus;
using domain::TotalFilter;

absl::StatusOr<Statuses> StatusesAt(const Projector& projector, uint16_t year, Stage stage,
                                    const std::vector<Code>& divisions, Position position,
                                    Work& work) {
  FISCAL_RETURN_IF_ERROR(work.Expect(divisions.size() * Work::kSeek));
  Statuses statuses;
  const domain::Position stored = std::min(position, projector.written());
  for (Code division : divisions.empty() ? std::vector<Code>{0} : divisions) {
    const size_t before = statuses.size();
    FISCAL_RETURN_IF_ERROR(projector.store().ForEachStatus(
        year, stage, division, stored,
        [&](const BudgetKey& key, const StatementStatus& status) { statuses[key] = status; }));
    FISCAL_RETURN_IF_ERROR(work.Spend(Work::kSeek + 4 * (statuses.size() - before)));
  }
  const std::set<Code> wanted(divisions.begin(), divisions.end());
  std::vector<Projector::Delivered> postings;
  for (Position at = stored; at < position;) {
    FISCAL_ASSIGN_OR_RETURN(
        at, projector.ReadPostings(
                at, position, 256,
                [&](const domain::Posting& p) {
                  return (year == 0 || (p.key.year == year && p.key.stage == stage)) &&
                         (wanted.empty() || wanted.count(p.key.division) > 0);
                },
                &postings));
    FISCAL_RETURN_IF_ERROR(work.Spend(256));
  }
  for (const Projector::Delivered& d : postings) statuses[d.posting->key] = d.posting->status();
  return statuses;
}

absl::StatusOr<std::vector<AgencyCoverage>> CoverageAt(const Projector& projector,
                                                       const TotalFilter& filter, Position position,
                                                       Work& work) {
  const std::shared_ptr<const Catalog> catalog = projector.catalog();
  const Filter selects(catalog, filter);
  FISCAL_RETURN_IF_ERROR(selects.Check());
  const std::vector<Code> divisions = selects.Subtree();
  const Stage stage = filter.stage == Stage::kCurrent ? Stage::kApproved : filter.stage;
  FISCAL_ASSIGN_OR_RETURN(const Statuses statuses,
                          StatusesAt(projector, filter.year, stage, divisions, position, work));
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

namespace {

void Count(const AgencyCoverage& a, Coverage* sum) {
  if (a.state != CoverageState::kUnreported &&
      (sum->oldest.zero() || a.status.position < sum->oldest))
    sum->oldest = a.status.position;
  if (!a.must_report) return;
  ++sum->expected;
  if (a.state != CoverageState::kUnreported) ++sum->received;
  if (a.state == CoverageState::kCertified) ++sum->certified;
}

template <typename Map, typename Key>
Coverage FindOr(const Map& map, const Key& key) {
  const auto it = map.find(key);
  return it == map.end() ? Coverage() : it->second;
}

}  // namespace

Coverage Sum(const std::vector<AgencyCoverage>& agencies) {
  Coverage sum;
  for (const AgencyCoverage& a : agencies) Count(a, &sum);
  return sum;
}

RowCoverages::RowCoverages(const Catalog& catalog, const TotalFilter& filter,
                           const std::vector<AgencyCoverage>& agencies) {
  for (const AgencyCoverage& a : agencies) {
    Count(a, &departments_[{a.division, a.department}]);
    Count(a, &divisions_[{a.division, true}]);
    for (Code d : catalog.ChainOf(a.division, filter.year)) {
      Count(a, &divisions_[{d, false}]);
      if (d == filter.division) break;
    }
  }
}

Coverage RowCoverages::OfDivision(Code division, bool own_level) const {
  return FindOr(divisions_, std::pair(division, own_level));
}

Coverage RowCoverages::OfDepartment(Code division, const std::string& department) const {
  return FindOr(departments_, std::pair(division, department));
}

}  // namespace fiscal::services
