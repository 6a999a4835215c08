#include "clients/cli/read/line_item_columns.h"

#include <algorithm>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace fiscal::cli {
namespace {

constexpr unsigned kInLines = 1, kInProjects = 2, kInIndicators = 4;
constexpr unsigned kInAll = kInLines | kInProjects | kInIndicators;

using Columns = std::vector<ElementColumn>;

void AddLineColumns(Columns* columns) {
  const Columns lines = {
      {"division_code",
       kInAll,
       false,
       {"division_code", "行政区划代码", "division", "区划代码", "行政区划编码", "区划编码",
        "行政区划", "区划"}},
      {"agency_code",
       kInAll,
       false,
       {"agency_code", "单位代码", "agency", "单位编码", "预算单位代码", "预算单位编码"}},
      {"fiscal_year", kInAll, false, {"fiscal_year", "预算年度", "year", "年度"}},
      {"stage", kInAll, false, {"stage", "预算阶段", "阶段"}},
      {"line_id", kInLines, false, {"line_id", "明细编号", "明细行编号", "行编号", "明细编码"}},
      {"direction", kInLines, false, {"direction", "收支方向", "收支", "收支类型"}},
      {"functional_code",
       kInLines,
       false,
       {"functional_code", "功能科目编码", "functional", "支出功能分类科目", "支出功能分类",
        "支出功能分类科目编码", "支出功能分类编码", "功能分类科目", "功能分类科目编码", "功能分类",
        "功能分类编码", "功能科目", "功能科目代码"}},
      {"revenue_code",
       kInLines,
       false,
       {"revenue_code", "收入分类科目", "revenue", "收入分类", "收入分类科目编码", "收入分类编码",
        "收入科目", "收入科目编码", "收入科目代码"}},
      {"dept_economic_code",
       kInLines,
       false,
       {"dept_economic_code", "部门支出经济分类", "dept_economic", "部门预算支出经济分类",
        "部门预算支出经济分类科目", "部门支出经济分类科目", "部门支出经济分类科目编码",
        "部门支出经济分类编码", "部门经济分类", "部门经济分类编码", "部门经济科目编码"}},
      {"gov_economic_code",
       kInLines,
       false,
       {"gov_economic_code", "政府支出经济分类", "gov_economic", "政府预算支出经济分类",
        "政府预算支出经济分类科目", "政府支出经济分类科目", "政府支出经济分类科目编码",
        "政府支出经济分类编码", "政府经济分类", "政府经济分类编码", "政府经济科目编码"}},
      {"fund", kInLines, false, {"fund", "资金性质", "资金性质名称"}},
      {"category", kInLines | kInProjects, false, {"category", "支出类别", "支出类型", "项目类别"}},
      {"funding_year",
       kInLines,
       false,
       {"funding_year", "资金年度", "资金来源年度", "预算安排年度"}},
      {"project_code", kInAll, false, {"project_code", "项目代码", "项目编码"}},
      {"name", kInLines | kInProjects, false, {"project_name", "项目名称"}},
      {"amount_fen", kInLines, true, {"amount", "金额", "预算金额", "预算数"}},
      {"precision_fen", kInLines, false, {"precision_fen", "金额精度（分）"}},
      {"receiving_division_code",
       kInLines,
       false,
       {"receiving_division_code", "接收方区划", "receiving_division", "接收方区划代码",
        "接收方行政区划", "接收方行政区划代码"}},
      {"procurement_kind",
       kInLines,
       false,
       {"procurement_kind", "政府采购类型", "procurement", "政府采购", "采购类型", "采购品目类别"}},
      {"analysis", kInLines, false, {"analysis", "备查分析", "分析", "其中"}},
      {"note", kInLines, false, {"note", "备注", "说明"}},
      {"statement.scope", kInLines, false, {"scope", "填报口径"}},
      {"statement.control", kInLines, false, {"control", "仅作对照"}},
      {"statement.carry_forward_fen", kInLines, true, {"year_end_carry_forward", "年终结转"}},
      {"statement.note", kInLines, false, {"statement_note", "预算备注"}},
  };
  columns->insert(columns->end(), lines.begin(), lines.end());
}

void AddProjectColumns(Columns* columns) {
  const auto text = [columns](const char* field, const char* chinese) {
    columns->push_back({field, kInProjects, false, {field, chinese}});
  };
  const auto amount = [columns](const char* field, const char* english, const char* chinese) {
    columns->push_back({field, kInProjects, true, {english, chinese}});
  };
  text("project_code_derived", "项目代码为推定");
  text("owning_agency", "主管部门");
  text("implementing_agency", "实施单位");
  text("attribute", "项目属性");
  text("term", "项目期");
  amount("term_funding.total_fen", "term_total", "实施期资金总额");
  amount("term_funding.central_fen", "term_central", "实施期中央财政资金");
  amount("term_funding.provincial_fen", "term_provincial", "实施期省级财政资金");
  amount("term_funding.local_fen", "term_local", "实施期市县财政资金");
  amount("term_funding.self_raised_fen", "term_self_raised", "实施期单位自筹");
  amount("term_funding.other_fen", "term_other", "实施期其他资金");
  amount("year_funding.total_fen", "year_total", "年度资金总额");
  amount("year_funding.central_fen", "year_central", "年度中央财政资金");
  amount("year_funding.provincial_fen", "year_provincial", "年度省级财政资金");
  amount("year_funding.local_fen", "year_local", "年度市县财政资金");
  amount("year_funding.self_raised_fen", "year_self_raised", "年度单位自筹");
  amount("year_funding.other_fen", "year_other", "年度其他资金");
  text("overview", "项目概况");
  text("basis", "立项依据");
  text("necessity", "项目设立必要性");
  text("safeguards", "保证项目实施的制度、措施");
  text("plan", "项目实施计划");
  text("term_goal", "实施期目标");
  text("year_goal", "年度目标");
}

void AddIndicatorColumns(Columns* columns) {
  const auto text = [columns](const char* field, const char* chinese) {
    columns->push_back({field, kInIndicators, false, {field, chinese}});
  };
  text("period", "指标期间");
  text("level1", "一级指标");
  text("level2", "二级指标");
  text("level3", "三级指标");
  text("target", "指标值");
}

// A heading as it is compared: without blanks, in lower case, with ASCII brackets.
std::string Folded(absl::string_view heading) {
  std::string folded = absl::StrReplaceAll(
      heading, {{"（", "("}, {"）", ")"}, {"\u3000", ""}, {"\u00a0", ""}, {"-", "_"}});
  folded.erase(std::remove_if(folded.begin(), folded.end(),
                              [](unsigned char c) { return absl::ascii_isspace(c); }),
               folded.end());
  return absl::AsciiStrToLower(folded);
}

struct UnitSuffix {
  const char* text;
  AmountUnit unit;
};
constexpr UnitSuffix kUnitSuffixes[] = {
    {"", AmountUnit::kNone},          {"_fen", AmountUnit::kFen},
    {"_yuan", AmountUnit::kYuan},     {"_wanyuan", AmountUnit::kWanyuan},
    {"(分)", AmountUnit::kFen},       {"(元)", AmountUnit::kYuan},
    {"(万元)", AmountUnit::kWanyuan},
};

}  // namespace

const std::array<ElementColumn, kElementCount>& Elements() {
  static const auto* const elements = [] {
    Columns columns;
    AddLineColumns(&columns);
    AddProjectColumns(&columns);
    AddIndicatorColumns(&columns);
    auto* const all = new std::array<ElementColumn, kElementCount>();
    std::copy_n(columns.begin(), std::min(columns.size(), all->size()), all->begin());
    return all;
  }();
  return *elements;
}

int PlacesOf(AmountUnit unit) {
  return unit == AmountUnit::kWanyuan ? 6 : unit == AmountUnit::kYuan ? 2 : 0;
}

absl::string_view NameOf(AmountUnit unit) {
  return unit == AmountUnit::kWanyuan ? "万元" : unit == AmountUnit::kYuan ? "元" : "分";
}

Heading ParseHeading(absl::string_view text) {
  static const auto* const by_name = [] {
    auto* const headings = new absl::flat_hash_map<std::string, Heading>();
    for (int e = 0; e < kElementCount; ++e) {
      const Element element = static_cast<Element>(e);
      for (const char* name : ColumnOf(element).headings) {
        for (const UnitSuffix& suffix : kUnitSuffixes) {
          if (ColumnOf(element).amount || suffix.unit == AmountUnit::kNone)
            headings->emplace(absl::StrCat(Folded(name), suffix.text),
                              Heading{element, suffix.unit});
        }
      }
    }
    return headings;
  }();
  const auto it = by_name->find(Folded(text));
  return it == by_name->end() ? Heading() : it->second;
}

AmountUnit UnitOfTitle(absl::string_view title) {
  const std::string folded = absl::StrReplaceAll(Folded(title), {{"：", ":"}});
  const size_t at = folded.find("单位:");
  if (at == std::string::npos) return AmountUnit::kNone;
  absl::string_view rest = absl::string_view(folded).substr(at + std::string("单位:").size());
  absl::ConsumePrefix(&rest, "人民币");
  return absl::StartsWith(rest, "万元") ? AmountUnit::kWanyuan
         : absl::StartsWith(rest, "元") ? AmountUnit::kYuan
         : absl::StartsWith(rest, "分") ? AmountUnit::kFen
                                        : AmountUnit::kNone;
}

SheetKind KindOf(const std::set<Element>& headings) {
  const bool lines = headings.count(kLineId) + headings.count(kDirection) +
                         headings.count(kFunctional) + headings.count(kAmount) >
                     0;
  if (lines || headings.count(kProjectCode) == 0) return SheetKind::kLines;
  const bool indicators = std::any_of(headings.begin(), headings.end(),
                                      [](Element e) { return ColumnOf(e).kinds == kInIndicators; });
  return indicators ? SheetKind::kIndicators : SheetKind::kProjects;
}

}  // namespace fiscal::cli
