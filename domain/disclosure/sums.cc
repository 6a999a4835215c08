#include "domain/disclosure/sums.h"

#include <algorithm>
#include <map>

namespace fiscal::disclosure {
namespace {

using domain::Analysis;
using domain::Attributes;
using domain::Category;
using domain::CellValue;
using domain::Code;
using domain::Direction;
using domain::Fund;
using domain::FundingYear;

bool Below(Code code, Code ancestor) {
  const int level = domain::LevelOf(ancestor);
  return domain::LevelOf(code) >= level && domain::AncestorAt(code, level) == ancestor;
}

bool Matches(const Query& q, const SumKey& key, const Attributes& a) {
  if (q.direction != Direction::kNone && a.direction != q.direction) return false;
  if (!q.funds.empty() && std::none_of(q.funds.begin(), q.funds.end(), [&](Fund f) {
        return a.fund == f || domain::TopOf(a.fund) == f;
      }))
    return false;
  if (q.category != Category::kNone && a.category != q.category &&
      domain::TopOf(a.category) != q.category)
    return false;
  if (q.funding_year != FundingYear::kNone && a.funding_year != q.funding_year) return false;
  if (q.procurement != domain::Procurement::kNone && a.procurement != q.procurement) return false;
  if (q.functional != 0 && !Below(key.functional, q.functional)) return false;
  return q.dept_economic == 0 || Below(key.dept_economic, q.dept_economic);
}

// Code, other code, unit.
using GroupKey = std::tuple<std::string, std::string, std::string>;

void AppendLevels(Code code, std::vector<GroupKey>* out) {
  for (int l = 1; l <= domain::LevelOf(code); ++l)
    out->push_back({domain::FormatCode(domain::AncestorAt(code, l)), "", ""});
}

std::vector<GroupKey> GroupsOf(const SumKey& key, GroupKind by) {
  std::vector<GroupKey> out;
  switch (by) {
    case GroupKind::kNone:
      out.push_back({});
      break;
    case GroupKind::kFunctional:
      AppendLevels(key.functional, &out);
      break;
    case GroupKind::kRevenue:
      AppendLevels(key.revenue, &out);
      break;
    case GroupKind::kDept:
      AppendLevels(key.dept_economic, &out);
      break;
    case GroupKind::kPair:
      if (domain::LevelOf(key.dept_economic) == 2) {
        out.push_back(
            {domain::FormatCode(key.dept_economic), domain::FormatCode(key.gov_economic), ""});
      }
      break;
    case GroupKind::kUnit:
      out.push_back({key.unit, "", ""});
      break;
    case GroupKind::kProject:
      if (!key.project.empty()) out.push_back({key.project, "", key.unit});
      break;
  }
  return out;
}

}  // namespace

bool CountsIn(Analysis analysis, const Attributes& a, bool office) {
  switch (analysis) {
    case Analysis::kNone:
    case Analysis::kClassSplit:
      return true;
    case Analysis::kBasicEconomic:
      return domain::TopOf(a.category) == Category::kBasic;
    case Analysis::kProject:
      return domain::TopOf(a.category) == Category::kProject;
    case Analysis::kThreePublic:
      return a.direction == Direction::kExpenditure;
    case Analysis::kOperating:
      return a.category == Category::kPublic && office;
    case Analysis::kProcurement:
      return a.procurement != domain::Procurement::kNone;
  }
  return false;
}

void Sums::Add(const SumKey& key, const CellValue& value, int sign) {
  sums_[key].Add(sign < 0 ? -value : value);
}

void Sums::Add(const Sums& other, int sign) {
  for (const auto& [key, value] : other.sums_) Add(key, value, sign);
}

Sum Sums::SumOf(const CellValue& value) {
  Sum sum;
  sum.fen = value.amount_fen;
  sum.lines = value.line_count();
  for (size_t i = 0; i < domain::kPrecisionClasses; ++i)
    sum.slack_fen += domain::Fen{value.counts[i]} * (domain::kPrecisionFen[i] / 2);
  return sum;
}

std::vector<Group> Sums::Ask(const Query& query, GroupKind by) const {
  std::map<GroupKey, CellValue> groups;
  for (const auto& [key, value] : sums_) {
    Attributes a;
    Attributes::Unpack(key.attributes, &a);
    if (value.zero() || !Matches(query, key, a)) continue;
    for (GroupKey& group : GroupsOf(key, by)) groups[std::move(group)].Add(value);
  }
  std::vector<Group> out;
  for (const auto& [key, value] : groups) {
    Group group;
    std::tie(group.code, group.other_code, group.unit) = key;
    group.sum = SumOf(value);
    out.push_back(std::move(group));
  }
  return out;
}

}  // namespace fiscal::disclosure
