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
std::optional<Enum> Find(const std::string& text, const std::string& prefix,
                         const std::vector<Named<Enum>>& rows,
                         bool (*parse)(const std::string&, Enum*)) {
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

// protobuf's parsers are overloads and templates of differing signatures; this gives them one.
#define FISCAL_PARSER(NAMESPACE, ENUM) \
  [](const std::string& s, NAMESPACE::ENUM* v) { return NAMESPACE::ENUM##_Parse(s, v); }

}  // namespace

std::optional<b::Stage> ParseStage(const std::string& text) {
  return Find<b::Stage>(text, "STAGE_",
                        {{b::STAGE_REQUESTED, {"申报", "申报数"}},
                         {b::STAGE_REVIEWED, {"审核", "财政审核数"}},
                         {b::STAGE_APPROVED, {"年初批复", "批复", "年初批复数"}},
                         {b::STAGE_EXECUTED, {"支付", "执行"}},
                         {b::STAGE_FINAL, {"决算"}},
                         {b::STAGE_ADJUSTMENT, {"调整"}},
                         {b::STAGE_REALLOCATION, {"调剂"}},
                         {b::STAGE_CURRENT, {"变动后预算", "变动后预算数"}}},
                        FISCAL_PARSER(b, Stage));
}

std::optional<b::Direction> ParseDirection(const std::string& text) {
  return Find<b::Direction>(
      text, "DIRECTION_",
      {{b::DIRECTION_EXPENDITURE, {"支出"}}, {b::DIRECTION_INCOME, {"收入", "revenue"}}},
      FISCAL_PARSER(b, Direction));
}

std::optional<b::Fund> ParseFund(const std::string& text) {
  return Find<b::Fund>(
      text, "FUND_",
      {{b::FUND_GENERAL, {"G", "一般公共", "一般公共预算", "一般公共预算资金"}},
       {b::FUND_GOVERNMENT_FUND, {"F", "政府性基金", "政府性基金预算", "政府性基金预算资金"}},
       {b::FUND_STATE_CAPITAL,
        {"S", "国有资本", "国有资本经营", "国有资本经营预算", "国有资本经营预算资金"}},
       {b::FUND_FISCAL_ACCOUNT, {"A", "财政专户", "财政专户管理资金"}},
       {b::FUND_UNIT, {"U", "单位资金"}},
       {b::FUND_UNIT_BUSINESS, {"business", "事业收入"}},
       {b::FUND_UNIT_OPERATING, {"operating", "事业单位经营收入", "经营收入"}},
       {b::FUND_UNIT_SUPERIOR, {"上级补助收入"}},
       {b::FUND_UNIT_SUBORDINATE, {"附属单位上缴收入"}},
       {b::FUND_UNIT_OTHER, {"其他收入"}}},
      FISCAL_PARSER(b, Fund));
}

std::optional<b::Category> ParseCategory(const std::string& text) {
  return Find<b::Category>(text, "CATEGORY_",
                           {{b::CATEGORY_BASIC, {"基本支出", "基本"}},
                            {b::CATEGORY_PERSONNEL, {"人员类", "人员", "人员经费"}},
                            {b::CATEGORY_PUBLIC, {"公用经费", "公用"}},
                            {b::CATEGORY_PROJECT, {"项目支出", "项目"}},
                            {b::CATEGORY_OTHER_OPERATING, {"其他运转类"}},
                            {b::CATEGORY_SPECIFIC_TARGET, {"特定目标类"}}},
                           FISCAL_PARSER(b, Category));
}

std::optional<b::FundingYear> ParseFundingYear(const std::string& text) {
  return Find<b::FundingYear>(
      text, "FUNDING_YEAR_",
      {{b::FUNDING_YEAR_THIS_YEAR, {"this", "当年", "当年预算安排", "本年"}},
       {b::FUNDING_YEAR_CARRYOVER, {"carry-over", "上年结转", "结转"}}},
      FISCAL_PARSER(b, FundingYear));
}

std::optional<b::Analysis> ParseAnalysis(const std::string& text) {
  return Find<b::Analysis>(text, "ANALYSIS_",
                           {{b::ANALYSIS_BASIC_ECONOMIC, {"基本支出经济分类"}},
                            {b::ANALYSIS_PROJECT, {"项目支出", "项目"}},
                            {b::ANALYSIS_THREE_PUBLIC, {"三公经费", "三公"}},
                            {b::ANALYSIS_OPERATING, {"机关运行经费"}},
                            {b::ANALYSIS_PROCUREMENT, {"政府采购"}},
                            {b::ANALYSIS_CLASS_SPLIT, {"另一分类"}}},
                           FISCAL_PARSER(b, Analysis));
}

std::optional<b::ProcurementKind> ParseProcurementKind(const std::string& text) {
  return Find<b::ProcurementKind>(text, "PROCUREMENT_KIND_",
                                  {{b::PROCUREMENT_KIND_GOODS, {"货物", "货物类"}},
                                   {b::PROCUREMENT_KIND_WORKS, {"工程", "工程类"}},
                                   {b::PROCUREMENT_KIND_SERVICES, {"服务", "服务类"}}},
                                  FISCAL_PARSER(b, ProcurementKind));
}

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

}  // namespace fiscal::cli
