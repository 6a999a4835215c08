#include "services/ledger/answer/rows.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/ledger/answer/plan.h"

namespace fiscal::services {
namespace {

using domain::AncestorAt;
using domain::Attributes;
using domain::CellKey;
using domain::CellValue;
using domain::Code;
using domain::Dimension;
using domain::GroupBy;
using domain::GroupValue;
using domain::LevelOf;
using domain::RowChange;
using domain::RowOrder;
using domain::TotalList;

absl::string_view FundName(uint32_t v, bool zh) {
  static constexpr absl::string_view kNames[][2] = {{"", ""},
                                                    {"GENERAL", "一般公共预算"},
                                                    {"GOVERNMENT_FUND", "政府性基金预算"},
                                                    {"STATE_CAPITAL", "国有资本经营预算"},
                                                    {"FISCAL_ACCOUNT", "财政专户管理资金"},
                                                    {"UNIT", "单位资金"},
                                                    {"UNIT_BUSINESS", "事业收入"},
                                                    {"UNIT_OPERATING", "事业单位经营收入"},
                                                    {"UNIT_SUPERIOR", "上级补助收入"},
                                                    {"UNIT_SUBORDINATE", "附属单位上缴收入"},
                                                    {"UNIT_OTHER", "其他收入"}};
  return kNames[v][zh];
}

absl::string_view CategoryName(uint32_t v, bool zh) {
  static constexpr absl::string_view kNames[][2] = {{"", ""},
                                                    {"BASIC", "基本支出"},
                                                    {"PERSONNEL", "人员类"},
                                                    {"PUBLIC", "公用经费"},
                                                    {"PROJECT", "项目支出"},
                                                    {"OTHER_OPERATING", "其他运转类"},
                                                    {"SPECIFIC_TARGET", "特定目标类"}};
  return kNames[v][zh];
}

absl::string_view FundingYearName(uint32_t v, bool zh) {
  static constexpr absl::string_view kNames[][2] = {
      {"", ""}, {"THIS_YEAR", "当年预算安排"}, {"CARRYOVER", "上年结转"}};
  return kNames[v][zh];
}

}  // namespace

Rows::Rows(const Filter& filter, std::vector<GroupBy> group_by)
    : filter_(filter), group_by_(std::move(group_by)) {
  for (const GroupBy& g : group_by_) {
    if (!IsOrganisation(g.dimension)) cell_dims_.push_back(g);
    if (g.dimension == Dimension::kProject) names_projects_ = true;
  }
}

int Rows::DepthOf(Dimension d) const {
  for (const GroupBy& g : group_by_) {
    if (g.dimension == d && g.depth > 0) return g.depth;
  }
  return 99;
}

std::vector<GroupValue> Rows::DivisionValues(Code division) const {
  // The chain from the division asked for down to this one; each of them counts its money.
  std::vector<Code> chain;
  for (Code d = division; d != 0; d = filter_.catalog().ParentOf(d, filter_.asked().year)) {
    chain.push_back(d);
    if (d == filter_.asked().division) break;
  }
  std::reverse(chain.begin(), chain.end());
  std::vector<GroupValue> values;
  const int depth = DepthOf(Dimension::kDivision);
  auto add = [&](Code d, int level, bool own) {
    if (level > depth) return;
    const domain::CatalogEntry* entry = filter_.catalog().FindDivision(d, filter_.asked().year);
    GroupValue v;
    v.dimension = Dimension::kDivision;
    v.code = domain::FormatCode(d);
    v.name = entry == nullptr ? "" : absl::StrCat(entry->name, own ? "本级" : "");
    v.level = level;
    v.division = d;
    v.own_level = own;
    values.push_back(std::move(v));
  };
  for (size_t i = 0; i < chain.size(); ++i)
    add(chain[i], static_cast<int>(i) + 1, filter_.asked().own_level);
  // Beside the divisions below it stands the division's own level, so that each level adds up.
  if (!filter_.asked().own_level &&
      !filter_.catalog().ChildrenOf(division, filter_.asked().year).empty())
    add(division, static_cast<int>(chain.size()) + 1, true);
  return values;
}

uint32_t Rows::OrgIndex(std::vector<GroupValue> values) {
  std::vector<std::tuple<int, std::string, Code, bool, int>> key;
  for (const GroupValue& v : values) {
    key.emplace_back(static_cast<int>(v.dimension), v.code, v.division, v.own_level, v.level);
  }
  auto [it, inserted] = org_numbers_.emplace(std::move(key), static_cast<uint32_t>(orgs_.size()));
  if (inserted) orgs_.push_back(std::move(values));
  return it->second;
}

std::vector<uint32_t> Rows::OrgRows(const Target& target) {
  std::vector<std::vector<GroupValue>> combinations = {{}};
  for (const GroupBy& g : group_by_) {
    if (!IsOrganisation(g.dimension)) continue;
    std::vector<GroupValue> values;
    if (g.dimension == Dimension::kDivision) {
      values = DivisionValues(target.division);
    } else {
      GroupValue v;
      v.dimension = g.dimension;
      v.code = g.dimension == Dimension::kDepartment ? target.department : target.node.code;
      v.division = target.division;
      const domain::CatalogEntry* entry =
          filter_.catalog().FindAgency(target.division, filter_.asked().year, v.code);
      if (entry != nullptr) v.name = entry->name;
      values.push_back(std::move(v));
    }
    std::vector<std::vector<GroupValue>> next;
    for (const auto& combination : combinations) {
      for (const GroupValue& v : values) {
        next.push_back(combination);
        next.back().push_back(v);
      }
    }
    combinations = std::move(next);
  }
  std::vector<uint32_t> rows;
  for (auto& combination : combinations) rows.push_back(OrgIndex(std::move(combination)));
  return rows;
}

void Rows::NameProjects(const std::vector<domain::CellProject>& projects) {
  if (!names_projects_) return;
  for (const domain::CellProject& p : projects) {
    if (p.state == domain::CellProject::kNamed) project_names_[p.code] = std::string(p.name);
  }
}

void Rows::ValuesOf(const GroupBy& g, Code shown, const CellKey& key, const Attributes& a,
                    absl::string_view project, std::vector<Value>* out) {
  const int depth = g.depth > 0 ? g.depth : 99;
  auto levels = [&](Code code) {
    if (code == 0 || code == kUnmapped) out->push_back({code, 1});
    for (int l = 1; l <= std::min(LevelOf(code), depth); ++l)
      out->push_back({AncestorAt(code, l), static_cast<uint8_t>(l)});
  };
  auto two = [&](uint32_t top, uint32_t self) {
    out->push_back({top, 1});
    if (self != top && depth >= 2) out->push_back({self, 2});
  };
  switch (g.dimension) {
    case Dimension::kFunctional:
      return levels(shown);
    case Dimension::kRevenue:
      return levels(key.revenue);
    case Dimension::kDeptEconomic:
      return levels(key.dept_economic);
    case Dimension::kGovEconomic:
      return levels(key.gov_economic);
    case Dimension::kFund:
      return two(static_cast<uint32_t>(domain::TopOf(a.fund)), static_cast<uint32_t>(a.fund));
    case Dimension::kCategory:
      return two(static_cast<uint32_t>(domain::TopOf(a.category)),
                 static_cast<uint32_t>(a.category));
    case Dimension::kFundingYear:
      out->push_back({static_cast<uint32_t>(a.funding_year), 1});
      return;
    case Dimension::kProject: {
      if (project.empty()) {
        out->push_back({0, 1});
        return;
      }
      auto [it, inserted] = project_numbers_.try_emplace(std::string(project),
                                                         static_cast<uint32_t>(projects_.size()));
      if (inserted) projects_.emplace_back(project);
      out->push_back({it->second, 1});
      return;
    }
    default:
      return;
  }
}

void Rows::AddTo(const Key& key, const CellValue& value) {
  CellValue& row = values_[key];
  if (tracking_) before_.try_emplace(key, row);
  row.Add(value);
}

void Rows::Add(const std::vector<uint32_t>& orgs, Code shown, const CellKey& key,
               const Attributes& a, absl::string_view project, const CellValue& value) {
  if (group_by_.empty() && tracking_) before_.try_emplace(Key(), grand_total_);
  grand_total_.Add(value);
  if (group_by_.empty()) return;
  std::vector<Value> first, second;
  if (!cell_dims_.empty()) ValuesOf(cell_dims_[0], shown, key, a, project, &first);
  if (cell_dims_.size() > 1) ValuesOf(cell_dims_[1], shown, key, a, project, &second);
  if (first.empty()) first.push_back({});
  if (second.empty()) second.push_back({});
  for (uint32_t org : orgs) {
    for (Value x : first) {
      for (Value y : second) AddTo({org, x, y}, value);
    }
  }
}

std::vector<RowChange> Rows::TakeChanges() {
  std::vector<std::pair<SortKey, RowChange>> changes;
  for (const auto& [key, before] : before_) {
    const auto row = values_.find(key);
    const CellValue after = group_by_.empty() ? grand_total_ : row->second;
    if (!(after == before)) {
      SortKey sort;
      std::vector<GroupValue> group;
      if (!group_by_.empty()) group = GroupOf(key, &sort);
      changes.push_back({std::move(sort), {std::move(group), before, after}});
    }
    if (!group_by_.empty() && after.zero()) values_.erase(row);
  }
  before_.clear();
  std::sort(changes.begin(), changes.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<RowChange> out;
  out.reserve(changes.size());
  for (auto& [sort, change] : changes) {
    if (group_by_.empty() || !change.before.zero() || !change.after.zero())
      out.push_back(std::move(change));
  }
  return out;
}

std::vector<RowChange> Rows::Beside(const Rows& before) const {
  // Rows are numbered differently in each: they meet by what they say.
  std::map<SortKey, RowChange> changes;
  if (group_by_.empty()) {
    changes[{}] = {{}, before.grand_total_, grand_total_};
  } else {
    for (const auto& [key, value] : before.values_) {
      SortKey sort;
      std::vector<GroupValue> group = before.GroupOf(key, &sort);
      changes[std::move(sort)] = {std::move(group), value, {}};
    }
    for (const auto& [key, value] : values_) {
      SortKey sort;
      std::vector<GroupValue> group = GroupOf(key, &sort);
      RowChange& change = changes[std::move(sort)];
      change.group = std::move(group);
      change.after = value;
    }
  }
  std::vector<RowChange> out;
  for (auto& [sort, change] : changes) out.push_back(std::move(change));
  return out;
}

std::vector<RowChange> Rows::ChangesFrom(const Rows& before) const {
  std::vector<RowChange> rows = Beside(before);
  rows.erase(std::remove_if(rows.begin(), rows.end(),
                            [](const RowChange& r) { return r.before == r.after; }),
             rows.end());
  return rows;
}

GroupValue Rows::Describe(const GroupBy& g, Value v) const {
  GroupValue out;
  out.dimension = g.dimension;
  out.level = v.level;
  if (g.dimension != Dimension::kProject) out.number = v.id;
  auto classification = [&](domain::CatalogList list) {
    out.code = domain::FormatCode(v.id);
    const bool shown =
        list == domain::CatalogList::kFunctional && filter_.asked().classification_year != 0;
    const uint16_t year = shown ? filter_.asked().classification_year : filter_.asked().year;
    if (v.id != 0)
      out.name = std::string(filter_.catalog().NameOf(filter_.asked().division, year, list, v.id));
  };
  auto named = [&](absl::string_view (*name)(uint32_t, bool)) {
    out.code = std::string(name(v.id, false));
    out.name = std::string(name(v.id, true));
  };
  switch (g.dimension) {
    case Dimension::kFunctional:
      if (v.id == kUnmapped) {
        out.unmapped = true;
        break;
      }
      classification(domain::CatalogList::kFunctional);
      break;
    case Dimension::kRevenue:
      classification(domain::CatalogList::kRevenue);
      break;
    case Dimension::kDeptEconomic:
      classification(domain::CatalogList::kDeptEconomic);
      break;
    case Dimension::kGovEconomic:
      classification(domain::CatalogList::kGovEconomic);
      break;
    case Dimension::kFund:
      named(FundName);
      break;
    case Dimension::kCategory:
      named(CategoryName);
      break;
    case Dimension::kFundingYear:
      named(FundingYearName);
      break;
    case Dimension::kProject:
      out.code = projects_[v.id];
      if (auto it = project_names_.find(out.code); it != project_names_.end())
        out.name = it->second;
      break;
    default:
      break;
  }
  return out;
}

std::vector<GroupValue> Rows::GroupOf(const Key& key, SortKey* sort_key) const {
  std::vector<GroupValue> group;
  size_t org = 0, cell = 0;
  for (const GroupBy& g : group_by_) {
    GroupValue v;
    std::string sort;
    if (IsOrganisation(g.dimension)) {
      v = orgs_[key.org][org++];
      sort = g.dimension == Dimension::kDivision ? v.code : absl::StrCat(v.division, " ", v.code);
    } else {
      const Value value_of = cell == 0 ? key.a : key.b;
      ++cell;
      v = Describe(g, value_of);
      const bool enumerated = g.dimension == Dimension::kFund ||
                              g.dimension == Dimension::kCategory ||
                              g.dimension == Dimension::kFundingYear;
      sort = enumerated && value_of.id != 0 ? std::string(1, static_cast<char>('a' + value_of.id))
                                            : v.code;
    }
    sort_key->emplace_back(sort.empty(), sort, v.level, v.own_level || v.unmapped);
    group.push_back(std::move(v));
  }
  return group;
}

TotalList Rows::Answer(RowOrder order) const {
  struct Sortable {
    domain::TotalRow row;
    SortKey key;
  };
  std::vector<Sortable> sortable;
  sortable.reserve(values_.size());
  for (const auto& [key, value] : values_) {
    if (value.zero()) continue;  // differences that took away what a stored state had
    Sortable s;
    s.row.value = value;
    s.row.group = GroupOf(key, &s.key);
    sortable.push_back(std::move(s));
  }
  std::sort(sortable.begin(), sortable.end(), [order](const Sortable& x, const Sortable& y) {
    if (order == RowOrder::kAmountDescending && x.row.value.amount_fen != y.row.value.amount_fen) {
      return x.row.value.amount_fen > y.row.value.amount_fen;
    }
    return x.key < y.key;
  });
  TotalList list;
  list.grand_total = grand_total_;
  list.rows.reserve(sortable.size());
  for (Sortable& s : sortable) list.rows.push_back(std::move(s.row));
  return list;
}

}  // namespace fiscal::services
