#include "clients/cli/commands/filter_flags.h"

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/time_text.h"
#include "clients/cli/read/names.h"
#include "clients/cli/shell/bounds.h"
#include "clients/cli/shell/context.h"

namespace fiscal::cli {
namespace {

namespace a = fiscal::aggregation::v1;
namespace b = fiscal::budget::v1;

bool Wrong(const std::string& message) {
  Usage(message);
  return false;
}

}  // namespace

std::optional<b::Stage> StageOf(const std::string& flag, const std::string& text) {
  const auto stage = ParseStage(text);
  if (!stage) {
    Usage(flag + " " + text +
          ": requested, reviewed, approved, executed, final, adjustment, reallocation or current");
  }
  return stage;
}

void FilterFlags::AddTo(CLI::App* command) {
  command->add_option("--division", division, "Division code; its whole subtree unless --own-level")
      ->required();
  command->add_option("--year", year, "Fiscal year")->required();
  command->add_option("--stage", stage, "What the amounts are")
      ->capture_default_str()
      ->check(Offered(TotalStageNames()));
  command->add_option("--direction", direction, "expenditure or income")
      ->capture_default_str()
      ->check(Offered({"expenditure", "income"}));
  command->add_flag("--own-level", own_level, "Only the division's own level (本级)");
  command->add_option("--department", department, "Only this department");
  command->add_option("--agency", agency, "Only this agency");
  command->add_option("--functional", functional, "Only this functional code and what is below it");
  command->add_option("--revenue", revenue, "Only this revenue code and what is below it");
  command->add_option("--dept-economic", dept_economic,
                      "Only this departments' economic code and what is below it");
  command->add_option("--gov-economic", gov_economic,
                      "Only this governments' economic code and what is below it");
  command->add_option("--fund", fund, "Only this fund, by name, letter (G F S A U) or in Chinese")
      ->check(Offered({"general", "government-fund", "state-capital", "fiscal-account", "unit"}));
  command->add_option("--category", category, "Only this category")
      ->check(Offered(
          {"basic", "personnel", "public", "project", "other-operating", "specific-target"}));
  command->add_option("--funding-year", funding_year, "this-year or carryover")
      ->check(Offered({"this-year", "carryover"}));
  command->add_option("--project", project, "Only this project");
  if (automatic_allowed) analysis = "auto";
  command
      ->add_option("--analysis", analysis,
                   automatic_allowed ? "counted, or an analysis of memo lines; auto takes the "
                                       "analysis where no counted line carries the code asked for"
                                     : "counted, or an analysis of memo lines")
      ->capture_default_str();
  command->add_option("--classification-year", classification_year,
                      "Functional codes as of this later year");
}

bool FilterFlags::Fill(a::TotalFilter* filter) const {
  filter->set_division_code(division);
  filter->set_fiscal_year(year);
  filter->set_own_level(own_level);
  filter->set_department_code(department);
  filter->set_agency_code(agency);
  filter->set_functional_code(functional);
  filter->set_revenue_code(revenue);
  filter->set_dept_economic_code(dept_economic);
  filter->set_gov_economic_code(gov_economic);
  filter->set_project_code(project);
  filter->set_classification_year(classification_year);
  const auto stage_value = StageOf("--stage", stage);
  if (!stage_value) return false;
  filter->set_stage(*stage_value);
  const auto direction_value = ParseDirection(direction);
  if (!direction_value) return Wrong("--direction " + direction + ": expenditure or income");
  filter->set_direction(*direction_value);
  if (!fund.empty()) {
    const auto value = ParseFund(fund);
    if (!value)
      return Wrong(
          "--fund " + fund +
          ": general, government-fund, state-capital, fiscal-account, unit or a part of unit");
    filter->set_fund(*value);
  }
  if (!category.empty()) {
    const auto value = ParseCategory(category);
    if (!value)
      return Wrong("--category " + category +
                   ": basic, personnel, public, project, other-operating or specific-target");
    filter->set_category(*value);
  }
  if (!funding_year.empty()) {
    const auto value = ParseFundingYear(funding_year);
    if (!value) return Wrong("--funding-year " + funding_year + ": this-year or carryover");
    filter->set_funding_year(*value);
  }
  if (!automatic() && analysis != "counted") {
    const auto value = ParseAnalysis(analysis);
    if (!value)
      return Wrong("--analysis " + analysis + ": " + (automatic_allowed ? "auto, " : "") +
                   "counted, basic-economic, project, three-public, operating, procurement or "
                   "class-split");
    filter->set_analysis(*value);
  }
  return true;
}

void ConsistencyFlags::AddTo(CLI::App* command) {
  command->add_option("--position", position, "As of exactly this position, as an answer gave it");
  command->add_option("--as-of", as_of,
                      "As of this time; a date is the end of that day in Asia/Shanghai");
  command->add_option("--at-least", at_least,
                      "Wait until this position, as a receipt gave it, is counted");
}

bool ConsistencyFlags::Fill(a::Consistency* consistency, const std::string& prefix) const {
  if (!position.empty() + !as_of.empty() + !at_least.empty() > 1)
    return Wrong("only one of --position, --as-of and --at-least");
  if (!position.empty()) consistency->set_exactly(position);
  if (!at_least.empty()) consistency->set_at_least(at_least);
  if (!as_of.empty()) {
    const auto time = ParseTimeOrDate(as_of);
    if (!time) return Wrong(prefix + "as-of " + as_of + ": RFC 3339 with a zone, or a date");
    const int64_t micros = absl::ToUnixMicros(*time);
    const int64_t seconds = micros >= 0 ? micros / 1000000 : -((-micros + 999999) / 1000000);
    consistency->mutable_as_of()->set_seconds(seconds);
    consistency->mutable_as_of()->set_nanos(
        static_cast<int32_t>((micros - seconds * 1000000) * 1000));
  }
  return true;
}

void GroupFlags::AddTo(CLI::App* command) {
  command->add_option("--by", by, "One of them, or two: A,B")->check(Offered(OfferedDimensions()));
  command->add_option("--depth", depth, "Levels 1 to N of each dimension; without it every level");
  command->add_option("--order", order, "code or amount")->check(CLI::IsMember({"code", "amount"}));
}

bool GroupFlags::Fill(google::protobuf::RepeatedPtrField<a::GroupBy>* group_by) const {
  if (!by.empty()) {
    for (const std::string& name : std::vector<std::string>(absl::StrSplit(by, ','))) {
      const auto dimension = ParseDimension(name);
      if (!dimension) {
        return Wrong("--by " + name +
                     ": functional, revenue, dept-economic, gov-economic, department, agency, "
                     "division, fund, category, funding-year or project");
      }
      a::GroupBy* g = group_by->Add();
      g->set_dimension(*dimension);
      g->set_depth(depth);
    }
    if (group_by->size() > 2 ||
        (group_by->size() == 2 && (*group_by)[0].dimension() == (*group_by)[1].dimension())) {
      return Wrong("--by " + by + ": one dimension, or two different ones");
    }
  }
  if (depth < 0) return Wrong("--depth: 1 or more; without it every level is shown");
  return true;
}

std::vector<a::Dimension> DimensionsOf(
    const google::protobuf::RepeatedPtrField<a::GroupBy>& group_by) {
  std::vector<a::Dimension> dimensions;
  for (const a::GroupBy& g : group_by) dimensions.push_back(g.dimension());
  return dimensions;
}

}  // namespace fiscal::cli
