#include "services/ledger/answer/filter.h"

#include <algorithm>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "domain/reason.h"

namespace fiscal::services {
namespace {

using domain::AncestorAt;
using domain::Attributes;
using domain::CellKey;
using domain::Code;
using domain::LevelOf;
using domain::StagesOf;

absl::Status NotFound(domain::Reason reason, const std::string& message) {
  domain::Refusal refusal;
  refusal.reason = reason;
  refusal.message = message;
  // The same reasons refuse a submission with FAILED_PRECONDITION; asked for in a read they are
  // simply not there.
  absl::Status status = domain::ToStatus(refusal);
  absl::Status found(absl::StatusCode::kNotFound, status.message());
  status.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& payload) { found.SetPayload(url, payload); });
  return found;
}

bool Below(Code code, Code ancestor) {
  const int level = LevelOf(ancestor);
  return LevelOf(code) >= level && AncestorAt(code, level) == ancestor;
}

}  // namespace

absl::Status Filter::Check() const {
  if (catalog_->FindDivision(asked_.division, asked_.year) == nullptr) {
    return NotFound(
        domain::Reason::kDivisionUnknown,
        absl::StrCat("division ", asked_.division, " is not in the catalog of ", asked_.year));
  }
  if (!asked_.department.empty() &&
      !catalog_->HasDepartment(asked_.division, asked_.year, asked_.department)) {
    return NotFound(
        domain::Reason::kDepartmentUnknown,
        absl::StrCat("department ", asked_.department, " is not in the catalog of division ",
                     asked_.division, " for ", asked_.year));
  }
  if (!asked_.agency.empty()) {
    const domain::CatalogEntry* agency =
        catalog_->FindAgency(asked_.division, asked_.year, asked_.agency);
    if (agency == nullptr &&
        !catalog_->HasDepartment(asked_.division, asked_.year, asked_.agency)) {
      return NotFound(domain::Reason::kAgencyUnknown,
                      absl::StrCat("agency ", asked_.agency, " is not in the catalog of division ",
                                   asked_.division, " for ", asked_.year));
    }
    if (agency != nullptr && !asked_.department.empty() &&
        agency->department_code != asked_.department) {
      return NotFound(
          domain::Reason::kAgencyUnknown,
          absl::StrCat("agency ", asked_.agency, " is not in department ", asked_.department));
    }
  }
  return absl::OkStatus();
}

std::vector<Code> Filter::Subtree() const {
  if (asked_.own_level || !asked_.department.empty() || !asked_.agency.empty())
    return {asked_.division};
  return catalog_->SubtreeOf(asked_.division, asked_.year);
}

bool Filter::Counts(const domain::BudgetKey& key, absl::string_view department) const {
  const absl::Span<const domain::Stage> stages = StagesOf(asked_.stage);
  if (key.year != asked_.year || std::find(stages.begin(), stages.end(), key.stage) == stages.end())
    return false;
  if (!asked_.department.empty() && absl::string_view(asked_.department) != department)
    return false;
  if (!asked_.agency.empty() && asked_.agency != key.agency) return false;
  if (asked_.own_level || !asked_.department.empty() || !asked_.agency.empty())
    return key.division == asked_.division;
  const std::vector<Code> chain = catalog_->ChainOf(key.division, key.year);
  return std::find(chain.begin(), chain.end(), asked_.division) != chain.end();
}

Code Filter::Shown(Code functional) const {
  if (asked_.classification_year == 0 || asked_.classification_year == asked_.year ||
      functional == 0)
    return functional;
  auto [it, inserted] = shown_.try_emplace(functional, kUnmapped);
  if (inserted) {
    const Code mapped =
        catalog_->Crosswalk(asked_.division, asked_.year, asked_.classification_year, functional);
    if (mapped != 0) it->second = mapped;
  }
  return it->second;
}

bool Filter::Matches(Code shown, const CellKey& key, const Attributes& a,
                     absl::string_view project) const {
  if (a.direction != asked_.direction || a.analysis != asked_.analysis) return false;
  if (asked_.functional != 0 && !Below(shown, asked_.functional)) return false;
  if (asked_.fund != domain::Fund::kNone && a.fund != asked_.fund &&
      domain::TopOf(a.fund) != asked_.fund)
    return false;
  if (asked_.category != domain::Category::kNone && a.category != asked_.category &&
      domain::TopOf(a.category) != asked_.category)
    return false;
  if (asked_.funding_year != domain::FundingYear::kNone && a.funding_year != asked_.funding_year)
    return false;
  if (asked_.revenue != 0 && !Below(key.revenue, asked_.revenue)) return false;
  if (asked_.dept_economic != 0 && !Below(key.dept_economic, asked_.dept_economic)) return false;
  if (asked_.gov_economic != 0 && !Below(key.gov_economic, asked_.gov_economic)) return false;
  return asked_.project.empty() || project == asked_.project;
}

bool Filter::Matches(const domain::Line& line) const {
  CellKey key;
  key.revenue = line.revenue;
  key.dept_economic = line.dept_economic;
  key.gov_economic = line.gov_economic;
  return Matches(Shown(line.functional), key, line.attributes, line.project_code);
}

}  // namespace fiscal::services
