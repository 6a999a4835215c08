#include "domain/totals.h"

#include "absl/strings/str_cat.h"

namespace fiscal::domain {

absl::Span<const Stage> StagesOf(Stage stage) {
  static constexpr Stage kCurrent[] = {Stage::kApproved, Stage::kAdjustment, Stage::kReallocation};
  static constexpr Stage kAll[] = {Stage::kNone,       Stage::kRequested,   Stage::kReviewed,
                                   Stage::kApproved,   Stage::kExecuted,    Stage::kFinal,
                                   Stage::kAdjustment, Stage::kReallocation};
  if (stage == Stage::kCurrent) return kCurrent;
  return {&kAll[static_cast<size_t>(stage)], 1};
}

OrgNode NodeOf(const TotalFilter& f) {
  if (!f.agency.empty()) return {OrgType::kAgency, f.division, f.agency};
  if (!f.department.empty()) return {OrgType::kDepartment, f.division, f.department};
  return {f.own_level ? OrgType::kOwnLevel : OrgType::kDivision, f.division, ""};
}

std::string RowName(const std::vector<GroupValue>& group) {
  static constexpr absl::string_view kNames[] = {
      "",       "FUNCTIONAL", "REVENUE", "DEPT_ECONOMIC", "GOV_ECONOMIC", "DEPARTMENT",
      "AGENCY", "DIVISION",   "FUND",    "CATEGORY",      "FUNDING_YEAR", "PROJECT"};
  if (group.empty()) return "the total";
  std::string name = "row";
  for (const GroupValue& v : group)
    absl::StrAppend(&name, " ", kNames[static_cast<size_t>(v.dimension)], "=", v.code);
  return name;
}

}  // namespace fiscal::domain
