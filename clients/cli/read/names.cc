#include "clients/cli/read/names.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace fiscal::cli {
namespace {

namespace b = fiscal::budget::v1;
namespace a = fiscal::aggregation::v1;
namespace c = fiscal::catalog::v1;

// Each row: the value and the names it goes by beside its enum name.
template <typename Enum>
struct Named {
  Enum value;
  std::vector<std::string> names;
};

template <typename Enum>
using Names = std::vector<Named<Enum>>;

template <typename Enum>
std::optional<Enum> Find(const std::string& text, const std::string& prefix,
                         const Names<Enum>& rows, bool (*parse)(const std::string&, Enum*)) {
  for (const Named<Enum>& row : rows) {
    for (const std::string& name : row.names) {
      if (absl::EqualsIgnoreCase(name, text)) return row.value;
    }
  }
  std::string upper = absl::StrReplaceAll(absl::AsciiStrToUpper(text), {{"-", "_"}, {".", "_"}});
  if (!absl::StartsWith(upper, prefix)) upper = prefix + upper;
  Enum value;
  if (parse(upper, &value) && static_cast<int>(value) != 0) return value;
  return std::nullopt;
}

// The first name of it that is not ASCII; the number of a value that this program does not know.
template <typename Enum>
std::string Chinese(Enum value, const Names<Enum>& rows) {
  if (static_cast<int>(value) == 0) return "";
  for (const Named<Enum>& row : rows) {
    if (row.value != value) continue;
    for (const std::string& name : row.names) {
      if (!absl::ascii_isascii(static_cast<unsigned char>(name[0]))) return name;
    }
  }
  return absl::StrCat(static_cast<int>(value));
}

// protobuf's parsers are overloads and templates of differing signatures; this gives them one.
#define FISCAL_PARSER(NAMESPACE, ENUM) \
  [](const std::string& s, NAMESPACE::ENUM* v) { return NAMESPACE::ENUM##_Parse(s, v); }

// Of each value the name that is written stands first of the Chinese ones.

const Names<b::Stage>& WrittenStages() {
  static const auto* const names =
      new Names<b::Stage>{{b::STAGE_REQUESTED, {"申报", "申报数"}},
                          {b::STAGE_REVIEWED, {"审核", "财政审核数"}},
                          {b::STAGE_APPROVED, {"年初批复", "批复", "年初批复数"}},
                          {b::STAGE_EXECUTED, {"支付", "执行"}},
                          {b::STAGE_FINAL, {"决算"}},
                          {b::STAGE_ADJUSTMENT, {"调整"}},
                          {b::STAGE_REALLOCATION, {"调剂"}},
                          {b::STAGE_CURRENT, {"变动后预算", "变动后预算数"}}};
  return *names;
}

const Names<b::Direction>& DirectionNames() {
  static const auto* const names = new Names<b::Direction>{
      {b::DIRECTION_EXPENDITURE, {"支出"}}, {b::DIRECTION_INCOME, {"收入", "revenue"}}};
  return *names;
}

const Names<b::Fund>& FundNames() {
  static const auto* const names = new Names<b::Fund>{
      {b::FUND_GENERAL, {"G", "一般公共预算", "一般公共", "一般公共预算资金"}},
      {b::FUND_GOVERNMENT_FUND, {"F", "政府性基金预算", "政府性基金", "政府性基金预算资金"}},
      {b::FUND_STATE_CAPITAL,
       {"S", "国有资本经营预算", "国有资本", "国有资本经营", "国有资本经营预算资金"}},
      {b::FUND_FISCAL_ACCOUNT, {"A", "财政专户管理资金", "财政专户"}},
      {b::FUND_UNIT, {"U", "单位资金"}},
      {b::FUND_UNIT_BUSINESS, {"business", "事业收入"}},
      {b::FUND_UNIT_OPERATING, {"operating", "事业单位经营收入", "经营收入"}},
      {b::FUND_UNIT_SUPERIOR, {"上级补助收入"}},
      {b::FUND_UNIT_SUBORDINATE, {"附属单位上缴收入"}},
      {b::FUND_UNIT_OTHER, {"其他收入"}}};
  return *names;
}

const Names<b::Category>& CategoryNames() {
  static const auto* const names =
      new Names<b::Category>{{b::CATEGORY_BASIC, {"基本支出", "基本"}},
                             {b::CATEGORY_PERSONNEL, {"人员类", "人员", "人员经费"}},
                             {b::CATEGORY_PUBLIC, {"公用经费", "公用"}},
                             {b::CATEGORY_PROJECT, {"项目支出", "项目"}},
                             {b::CATEGORY_OTHER_OPERATING, {"其他运转类"}},
                             {b::CATEGORY_SPECIFIC_TARGET, {"特定目标类"}}};
  return *names;
}

const Names<b::FundingYear>& FundingYearNames() {
  static const auto* const names = new Names<b::FundingYear>{
      {b::FUNDING_YEAR_THIS_YEAR, {"this", "当年预算安排", "当年", "本年"}},
      {b::FUNDING_YEAR_CARRYOVER, {"carry-over", "上年结转", "结转"}}};
  return *names;
}

const Names<b::Analysis>& AnalysisNames() {
  static const auto* const names =
      new Names<b::Analysis>{{b::ANALYSIS_BASIC_ECONOMIC, {"基本支出经济分类"}},
                             {b::ANALYSIS_PROJECT, {"项目支出", "项目"}},
                             {b::ANALYSIS_THREE_PUBLIC, {"三公经费", "三公"}},
                             {b::ANALYSIS_OPERATING, {"机关运行经费"}},
                             {b::ANALYSIS_PROCUREMENT, {"政府采购"}},
                             {b::ANALYSIS_CLASS_SPLIT, {"另一分类"}}};
  return *names;
}

const Names<b::ProcurementKind>& ProcurementKindNames() {
  static const auto* const names =
      new Names<b::ProcurementKind>{{b::PROCUREMENT_KIND_GOODS, {"货物", "货物类"}},
                                    {b::PROCUREMENT_KIND_WORKS, {"工程", "工程类"}},
                                    {b::PROCUREMENT_KIND_SERVICES, {"服务", "服务类"}}};
  return *names;
}

const Names<b::Scope>& ScopeNames() {
  static const auto* const names = new Names<b::Scope>{{b::SCOPE_OWN, {"本单位", "单位"}},
                                                       {b::SCOPE_DEPARTMENT, {"全部门", "部门"}}};
  return *names;
}

const Names<b::IndicatorPeriod>& IndicatorPeriodNames() {
  static const auto* const names =
      new Names<b::IndicatorPeriod>{{b::INDICATOR_PERIOD_TERM, {"实施期", "实施期目标"}},
                                    {b::INDICATOR_PERIOD_YEAR, {"年度", "年度目标"}}};
  return *names;
}

}  // namespace

std::optional<b::Stage> ParseStage(const std::string& text) {
  return Find<b::Stage>(text, "STAGE_", WrittenStages(), FISCAL_PARSER(b, Stage));
}
std::string ChineseName(b::Stage value) { return Chinese(value, WrittenStages()); }

std::optional<b::Direction> ParseDirection(const std::string& text) {
  return Find<b::Direction>(text, "DIRECTION_", DirectionNames(), FISCAL_PARSER(b, Direction));
}
std::string ChineseName(b::Direction value) { return Chinese(value, DirectionNames()); }

std::optional<b::Fund> ParseFund(const std::string& text) {
  return Find<b::Fund>(text, "FUND_", FundNames(), FISCAL_PARSER(b, Fund));
}
std::string ChineseName(b::Fund value) { return Chinese(value, FundNames()); }

std::optional<b::Category> ParseCategory(const std::string& text) {
  return Find<b::Category>(text, "CATEGORY_", CategoryNames(), FISCAL_PARSER(b, Category));
}
std::string ChineseName(b::Category value) { return Chinese(value, CategoryNames()); }

std::optional<b::FundingYear> ParseFundingYear(const std::string& text) {
  return Find<b::FundingYear>(text, "FUNDING_YEAR_", FundingYearNames(),
                              FISCAL_PARSER(b, FundingYear));
}
std::string ChineseName(b::FundingYear value) { return Chinese(value, FundingYearNames()); }

std::optional<b::Analysis> ParseAnalysis(const std::string& text) {
  return Find<b::Analysis>(text, "ANALYSIS_", AnalysisNames(), FISCAL_PARSER(b, Analysis));
}
std::string ChineseName(b::Analysis value) { return Chinese(value, AnalysisNames()); }

std::optional<b::ProcurementKind> ParseProcurementKind(const std::string& text) {
  return Find<b::ProcurementKind>(text, "PROCUREMENT_KIND_", ProcurementKindNames(),
                                  FISCAL_PARSER(b, ProcurementKind));
}
std::string ChineseName(b::ProcurementKind value) { return Chinese(value, ProcurementKindNames()); }

std::optional<b::Scope> ParseScope(const std::string& text) {
  return Find<b::Scope>(text, "SCOPE_", ScopeNames(), FISCAL_PARSER(b, Scope));
}
std::string ChineseName(b::Scope value) { return Chinese(value, ScopeNames()); }

std::optional<b::IndicatorPeriod> ParseIndicatorPeriod(const std::string& text) {
  return Find<b::IndicatorPeriod>(text, "INDICATOR_PERIOD_", IndicatorPeriodNames(),
                                  FISCAL_PARSER(b, IndicatorPeriod));
}
std::string ChineseName(b::IndicatorPeriod value) { return Chinese(value, IndicatorPeriodNames()); }

std::optional<a::Dimension> ParseDimension(const std::string& text) {
  return Find<a::Dimension>(text, "DIMENSION_", {}, FISCAL_PARSER(a, Dimension));
}

std::optional<c::CatalogList> ParseList(const std::string& text) {
  return Find<c::CatalogList>(text, "CATALOG_LIST_", {}, FISCAL_PARSER(c, CatalogList));
}

std::optional<c::AgencyKind> ParseAgencyKind(const std::string& text) {
  return Find<c::AgencyKind>(text, "AGENCY_KIND_",
                             {{c::AGENCY_KIND_ADMINISTRATIVE, {"行政", "行政单位"}},
                              {c::AGENCY_KIND_CIVIL_SERVICE_LIKE, {"参公", "参公事业", "参公单位"}},
                              {c::AGENCY_KIND_INSTITUTION, {"事业", "事业单位"}}},
                             FISCAL_PARSER(c, AgencyKind));
}

std::string ShortName(const std::string& full, const std::string& prefix) {
  return absl::StartsWith(full, prefix) ? full.substr(prefix.size()) : full;
}

std::string FormatTime(int64_t seconds, int32_t nanos) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3S%Ez",
                          absl::FromUnixSeconds(seconds) + absl::Nanoseconds(nanos),
                          absl::FixedTimeZone(8 * 60 * 60));
}

const std::vector<std::string>& DimensionNames() {
  static const auto* const names = new std::vector<std::string>{
      "",       "functional", "revenue", "dept-economic", "gov-economic", "department",
      "agency", "division",   "fund",    "category",      "funding-year", "project"};
  return *names;
}

std::vector<std::string> StageNames() {
  return {"requested", "reviewed", "approved", "executed", "final", "adjustment", "reallocation"};
}

std::vector<std::string> TotalStageNames() {
  std::vector<std::string> names = StageNames();
  names.push_back("current");
  return names;
}

std::vector<std::string> OfferedDimensions() {
  return {DimensionNames().begin() + 1, DimensionNames().end()};
}

std::vector<std::string> ListNames() {
  return {"functional", "revenue", "dept-economic", "gov-economic", "division", "agency"};
}

}  // namespace fiscal::cli
