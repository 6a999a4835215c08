#include "domain/disclosure/sums.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"

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

// The codes that a sum counts for, each with another code or 0.
void AppendCodes(const SumKey& key, GroupKind by, std::vector<std::pair<Code, Code>>* out) {
  auto append_levels = [out](Code code) {
    for (int l = 1; l <= domain::LevelOf(code); ++l)
      out->emplace_back(domain::AncestorAt(code, l), 0);
  };
  switch (by) {
    case GroupKind::kFunctional:
      append_levels(key.functional);
      break;
    case GroupKind::kRevenue:
      append_levels(key.revenue);
      break;
    case GroupKind::kDept:
      append_levels(key.dept_economic);
      break;
    case GroupKind::kPair:
      if (domain::LevelOf(key.dept_economic) == 2)
        out->emplace_back(key.dept_economic, key.gov_economic);
      break;
    default:
      out->emplace_back(0, 0);
      break;
  }
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
  const auto [sum, fresh] = sums_.try_emplace(key);
  sum->second.Add(sign < 0 ? -value : value);
  if (fresh) by_unit_.clear();
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

std::vector<Group> Sums::AskUnits(const Query& query, GroupKind by) const {
  // Once for many questions: by project and unit.
  if (by_unit_.size() != sums_.size()) {
    by_unit_.clear();
    for (const auto& sum : sums_) by_unit_.push_back(&sum);
    std::sort(by_unit_.begin(), by_unit_.end(), [](const Item* a, const Item* b) {
      return std::tie(a->first.project, a->first.unit) < std::tie(b->first.project, b->first.unit);
    });
  }
  std::vector<Group> out;
  const SumKey* last = nullptr;
  CellValue value;
  auto end_group = [&] {
    if (last == nullptr) return;
    Group& group = out.emplace_back();
    group.code = by == GroupKind::kUnit ? last->unit : last->project;
    if (by == GroupKind::kProject) group.unit = last->unit;
    group.sum = SumOf(value);
    value = CellValue();
    last = nullptr;
  };
  for (const Item* item : by_unit_) {
    const SumKey& key = item->first;
    Attributes a;
    Attributes::Unpack(key.attributes, &a);
    if (item->second.zero() || !Matches(query, key, a) ||
        (by == GroupKind::kProject && key.project.empty()))
      continue;
    if (last != nullptr && (last->unit != key.unit || last->project != key.project)) end_group();
    last = &key;
    value.Add(item->second);
  }
  end_group();
  if (by != GroupKind::kUnit) return out;
  // A unit's projects stand apart.
  std::stable_sort(out.begin(), out.end(),
                   [](const Group& a, const Group& b) { return a.code < b.code; });
  size_t kept = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    if (kept > 0 && out[kept - 1].code == out[i].code) {
      out[kept - 1].sum.Add(out[i].sum);
    } else {
      if (kept != i) out[kept] = std::move(out[i]);
      ++kept;
    }
  }
  out.resize(kept);
  return out;
}

std::vector<Group> Sums::Ask(const Query& query, GroupKind by) const {
  if (by == GroupKind::kUnit || by == GroupKind::kProject) return AskUnits(query, by);
  absl::flat_hash_map<std::pair<Code, Code>, CellValue> groups;
  std::vector<std::pair<Code, Code>> codes;
  for (const auto& [key, value] : sums_) {
    Attributes a;
    Attributes::Unpack(key.attributes, &a);
    if (value.zero() || !Matches(query, key, a)) continue;
    codes.clear();
    AppendCodes(key, by, &codes);
    for (const auto& code : codes) groups[code].Add(value);
  }
  std::vector<Group> out;
  for (const auto& [code, value] : groups) {
    Group& group = out.emplace_back();
    if (code.first != 0) group.code = domain::FormatCode(code.first);
    if (by == GroupKind::kPair) group.other_code = domain::FormatCode(code.second);
    group.sum = SumOf(value);
  }
  std::sort(out.begin(), out.end(), [](const Group& a, const Group& b) {
    return std::tie(a.code, a.other_code) < std::tie(b.code, b.other_code);
  });
  return out;
}

}  // namespace fiscal::disclosure
