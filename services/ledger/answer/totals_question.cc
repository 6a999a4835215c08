#include "services/ledger/answer/totals_question.h"

#include <algorithm>
#include <functional>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "services/ledger/fold/totals_view.h"

namespace fiscal::services {
namespace {

using domain::AncestorAt;
using domain::Attributes;
using domain::Catalog;
using domain::CellKey;
using domain::CellValue;
using domain::ChunkKind;
using domain::Code;
using domain::Dimension;
using domain::GroupBy;
using domain::GroupValue;
using domain::LevelOf;
using domain::OrgNode;
using domain::OrgType;
using domain::Position;
using domain::RowChange;
using domain::RowOrder;
using domain::StagesOf;
using domain::TotalFilter;
using domain::TotalList;

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

bool IsOrganisation(Dimension d) {
  return d == Dimension::kDepartment || d == Dimension::kAgency || d == Dimension::kDivision;
}

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

// Stands for "no crosswalk maps it": no code is this.
constexpr Code kUnmapped = 1;

}  // namespace

Question::Question(std::shared_ptr<const Catalog> catalog, TotalFilter filter,
                   std::vector<GroupBy> group_by)
    : catalog_(std::move(catalog)), f_(std::move(filter)), group_by_(std::move(group_by)) {
  for (const GroupBy& g : group_by_) {
    if (IsOrganisation(g.dimension)) {
      by_org_ = true;
    } else {
      cell_dims_.push_back(g);
    }
  }
}

bool Question::Asks(Dimension d) const {
  return std::any_of(group_by_.begin(), group_by_.end(),
                     [d](const GroupBy& g) { return g.dimension == d; });
}

int Question::DepthOf(Dimension d) const {
  for (const GroupBy& g : group_by_) {
    if (g.dimension == d && g.depth > 0) return g.depth;
  }
  return 99;
}

absl::Status Question::Check() const {
  if (catalog_->FindDivision(f_.division, f_.year) == nullptr) {
    return NotFound(domain::Reason::kDivisionUnknown,
                    absl::StrCat("division ", f_.division, " is not in the catalog of ", f_.year));
  }
  if (!f_.department.empty() && !catalog_->HasDepartment(f_.division, f_.year, f_.department)) {
    return NotFound(
        domain::Reason::kDepartmentUnknown,
        absl::StrCat("department ", f_.department, " is not in the catalog of division ",
                     f_.division, " for ", f_.year));
  }
  if (!f_.agency.empty()) {
    const domain::CatalogEntry* agency = catalog_->FindAgency(f_.division, f_.year, f_.agency);
    if (agency == nullptr && !catalog_->HasDepartment(f_.division, f_.year, f_.agency)) {
      return NotFound(domain::Reason::kAgencyUnknown,
                      absl::StrCat("agency ", f_.agency, " is not in the catalog of division ",
                                   f_.division, " for ", f_.year));
    }
    if (agency != nullptr && !f_.department.empty() && agency->department_code != f_.department) {
      return NotFound(domain::Reason::kAgencyUnknown,
                      absl::StrCat("agency ", f_.agency, " is not in department ", f_.department));
    }
  }
  return absl::OkStatus();
}

std::vector<Code> Question::Subtree() const {
  if (f_.own_level || !f_.department.empty() || !f_.agency.empty()) return {f_.division};
  return catalog_->SubtreeOf(f_.division, f_.year);
}

ChunkKind Question::KindNeeded() const {
  ChunkKind kind = ChunkKind::kNone;
  auto need = [&](ChunkKind k) {
    kind = kind == ChunkKind::kNone || kind == k ? k : ChunkKind::kLeaf;
  };
  if (f_.functional != 0 || Asks(Dimension::kFunctional)) need(ChunkKind::kFunctional);
  // Chunks of revenue keep income only, those of economic codes expenditure only.
  const bool income = f_.direction == domain::Direction::kIncome;
  if (f_.revenue != 0 || Asks(Dimension::kRevenue))
    need(income ? ChunkKind::kRevenue : ChunkKind::kLeaf);
  if (f_.dept_economic != 0 || Asks(Dimension::kDeptEconomic))
    need(income ? ChunkKind::kLeaf : ChunkKind::kDeptEconomic);
  if (f_.gov_economic != 0 || Asks(Dimension::kGovEconomic))
    need(income ? ChunkKind::kLeaf : ChunkKind::kGovEconomic);
  if (!f_.project.empty() || Asks(Dimension::kProject)) kind = ChunkKind::kLeaf;
  if (!f_.agency.empty() || Asks(Dimension::kAgency)) kind = ChunkKind::kLeaf;
  return kind;
}

void Question::AppendLeaves(Code division, const std::string& department,
                            std::vector<Target>* out) const {
  const Catalog::Entries* agencies = catalog_->AgenciesOf(division, f_.year);
  if (agencies == nullptr) return;
  std::set<std::pair<std::string, std::string>> leaves;  // agency, department
  for (const auto& [code, entry] : *agencies) {
    if (!department.empty() && entry.department_code != department) continue;
    if (!f_.agency.empty() && code != f_.agency && entry.department_code != f_.agency) continue;
    leaves.emplace(code, entry.department_code);
    // A statement of a whole department counts under the department's code.
    leaves.emplace(entry.department_code, entry.department_code);
  }
  for (const auto& [agency, dept] : leaves) {
    if (!f_.agency.empty() && agency != f_.agency) continue;
    out->push_back({{OrgType::kAgency, division, agency}, dept, division});
  }
}

std::vector<Target> Question::Leaves() const {
  std::vector<Target> targets;
  for (Code d : Subtree()) AppendLeaves(d, f_.department, &targets);
  return targets;
}

std::vector<Target> Question::Targets() const {
  std::vector<Target> targets;
  if (KindNeeded() == ChunkKind::kLeaf) return Leaves();
  if (!f_.department.empty()) {
    return {{{OrgType::kDepartment, f_.division, f_.department}, f_.department, f_.division}};
  }
  if (Asks(Dimension::kDepartment)) {
    for (Code d : Subtree()) {
      const Catalog::Entries* agencies = catalog_->AgenciesOf(d, f_.year);
      if (agencies == nullptr) continue;
      std::set<std::string> departments;
      for (const auto& [code, entry] : *agencies) departments.insert(entry.department_code);
      for (const std::string& p : departments)
        targets.push_back({{OrgType::kDepartment, d, p}, p, d});
    }
    return targets;
  }
  if (Asks(Dimension::kDivision)) {
    for (Code d : Subtree()) targets.push_back({{OrgType::kOwnLevel, d, ""}, "", d});
    return targets;
  }
  return {
      {{f_.own_level ? OrgType::kOwnLevel : OrgType::kDivision, f_.division, ""}, "", f_.division}};
}

std::vector<GroupValue> Question::DivisionValues(Code division) const {
  // The chain from the division asked for down to this one; each of them counts its money.
  std::vector<Code> chain;
  for (Code d = division; d != 0; d = catalog_->ParentOf(d, f_.year)) {
    chain.push_back(d);
    if (d == f_.division) break;
  }
  std::reverse(chain.begin(), chain.end());
  std::vector<GroupValue> values;
  const int depth = DepthOf(Dimension::kDivision);
  auto add = [&](Code d, int level, bool own) {
    if (level > depth) return;
    const domain::CatalogEntry* entry = catalog_->FindDivision(d, f_.year);
    GroupValue v;
    v.dimension = Dimension::kDivision;
    v.code = domain::FormatCode(d);
    v.name = entry == nullptr ? "" : absl::StrCat(entry->name, own ? "本级" : "");
    v.level = level;
    v.division = d;
    v.own_level = own;
    values.push_back(std::move(v));
  };
  for (size_t i = 0; i < chain.size(); ++i) add(chain[i], static_cast<int>(i) + 1, f_.own_level);
  // Beside the divisions below it stands the division's own level, so that each level adds up.
  if (!f_.own_level && !catalog_->ChildrenOf(division, f_.year).empty())
    add(division, static_cast<int>(chain.size()) + 1, true);
  return values;
}

uint32_t Question::OrgIndex(std::vector<GroupValue> values) {
  std::vector<std::tuple<int, std::string, Code, bool, int>> key;
  for (const GroupValue& v : values) {
    key.emplace_back(static_cast<int>(v.dimension), v.code, v.division, v.own_level, v.level);
  }
  auto [it, inserted] = org_numbers_.emplace(std::move(key), static_cast<uint32_t>(orgs_.size()));
  if (inserted) orgs_.push_back({std::move(values)});
  return it->second;
}

std::vector<uint32_t> Question::OrgRows(const Target& target) {
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
      const domain::CatalogEntry* entry = catalog_->FindAgency(target.division, f_.year, v.code);
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

Code Question::Shown(Code functional) {
  if (f_.classification_year == 0 || f_.classification_year == f_.year || functional == 0)
    return functional;
  auto [it, inserted] = shown_.try_emplace(functional, kUnmapped);
  if (inserted) {
    const Code mapped =
        catalog_->Crosswalk(f_.division, f_.year, f_.classification_year, functional);
    if (mapped != 0) it->second = mapped;
  }
  return it->second;
}

void Question::ValuesOf(const GroupBy& g, Code functional, const CellKey& key, const Attributes& a,
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
      return levels(functional);
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

void Question::AddTo(const RowKey& key, const CellValue& value) {
  CellValue& row = rows_[key];
  if (tracking_) before_.try_emplace(key, row);
  row.Add(value);
}

bool Question::Matches(Code functional, const CellKey& key, const Attributes& a,
                       absl::string_view project) const {
  if (f_.functional != 0 && !Below(functional, f_.functional)) return false;
  if (a.direction != f_.direction || a.analysis != f_.analysis) return false;
  if (f_.fund != domain::Fund::kNone && a.fund != f_.fund && domain::TopOf(a.fund) != f_.fund)
    return false;
  if (f_.category != domain::Category::kNone && a.category != f_.category &&
      domain::TopOf(a.category) != f_.category)
    return false;
  if (f_.funding_year != domain::FundingYear::kNone && a.funding_year != f_.funding_year)
    return false;
  if (f_.revenue != 0 && !Below(key.revenue, f_.revenue)) return false;
  if (f_.dept_economic != 0 && !Below(key.dept_economic, f_.dept_economic)) return false;
  if (f_.gov_economic != 0 && !Below(key.gov_economic, f_.gov_economic)) return false;
  return f_.project.empty() || project == f_.project;
}

bool Question::Matches(const domain::Line& line) {
  CellKey key;
  key.revenue = line.revenue;
  key.dept_economic = line.dept_economic;
  key.gov_economic = line.gov_economic;
  return Matches(Shown(line.functional), key, line.attributes, line.project_code);
}

void Question::AddCell(const std::vector<uint32_t>& orgs, const CellKey& key,
                       absl::string_view project, const CellValue& value) {
  const Code functional = Shown(key.functional);
  Attributes a;
  Attributes::Unpack(key.attributes, &a);
  if (!Matches(functional, key, a, project)) return;
  if (group_by_.empty() && tracking_) before_.try_emplace(RowKey(), grand_total_);
  grand_total_.Add(value);
  if (group_by_.empty()) return;
  std::vector<Value> first, second;
  if (!cell_dims_.empty()) ValuesOf(cell_dims_[0], functional, key, a, project, &first);
  if (cell_dims_.size() > 1) ValuesOf(cell_dims_[1], functional, key, a, project, &second);
  if (first.empty()) first.push_back({});
  if (second.empty()) second.push_back({});
  for (uint32_t org : orgs) {
    for (Value x : first) {
      for (Value y : second) AddTo({org, x, y}, value);
    }
  }
}

// Adds cells of any target.
class Question::Sum final : public CellVisitor {
 public:
  explicit Sum(Question& question)
      : question_(question), names_(question.Asks(Dimension::kProject)) {}
  void OnTable(const Target& target, const domain::CellTable& table) override {
    OnProjects(table.projects);
    for (const domain::CellTable::Item& item : table.items)
      OnCell(target, table.projects, item.key, item.value);
  }
  void OnCell(const Target& target, const std::vector<domain::CellProject>& projects,
              const CellKey& key, const CellValue& value) override {
    At(target);
    question_.AddCell(*orgs_, key,
                      key.project == 0 ? absl::string_view() : projects[key.project - 1].code,
                      value);
  }
  void OnProjects(const std::vector<domain::CellProject>& projects) override {
    if (!names_) return;
    for (const domain::CellProject& p : projects) {
      if (p.state == domain::CellProject::kNamed)
        question_.project_names_[p.code] = std::string(p.name);
    }
  }

 private:
  void At(const Target& target) {
    if (&target == last_) return;
    auto& known = rows_[&target];
    if (known == nullptr)
      known = std::make_unique<std::vector<uint32_t>>(question_.OrgRows(target));
    orgs_ = known.get();
    last_ = &target;
  }
  Question& question_;
  const bool names_;
  const Target* last_ = nullptr;
  const std::vector<uint32_t>* orgs_ = nullptr;
  absl::flat_hash_map<const Target*, std::unique_ptr<std::vector<uint32_t>>> rows_;
};

Question::Reads Question::reads() const {
  const ChunkKind kind = KindNeeded();
  switch (kind) {
    case ChunkKind::kFunctional:
      // A crosswalk may bring codes of any class.
      return {kind, f_.classification_year == 0 ? f_.functional : 0};
    case ChunkKind::kRevenue:
      return {kind, f_.revenue};
    case ChunkKind::kDeptEconomic:
      return {kind, f_.dept_economic};
    case ChunkKind::kGovEconomic:
      return {kind, f_.gov_economic};
    default:
      return {kind, 0};
  }
}

bool Question::IsSmall(const TotalFilter& filter) {
  return !filter.agency.empty() || Question(nullptr, filter, {}).KindNeeded() != ChunkKind::kLeaf;
}

absl::Status Question::Run(const Projector& projector, ChunkCache& cache, Position position,
                           Work& work) {
  const Reads read = reads();
  const std::vector<Target> targets = Targets();
  const absl::Span<const domain::Stage> stages = StagesOf(f_.stage);
  FISCAL_RETURN_IF_ERROR(work.Expect(targets.size() * stages.size() * Work::kSeek));
  Sum sum(*this);
  for (domain::Stage stage : stages) {
    FISCAL_RETURN_IF_ERROR(TotalsView(projector, cache, position, f_.year, stage)
                               .Visit(targets, read.kind, read.code, sum, work));
  }
  return absl::OkStatus();
}

domain::Fund FundNamed(absl::string_view code) {
  for (uint32_t v = 0; v <= static_cast<uint32_t>(domain::Fund::kUnitOther); ++v) {
    if (FundName(v, false) == code) return static_cast<domain::Fund>(v);
  }
  return domain::Fund::kNone;
}

bool Question::Counts(const domain::BudgetKey& key, absl::string_view department) const {
  const absl::Span<const domain::Stage> stages = StagesOf(f_.stage);
  if (key.year != f_.year || std::find(stages.begin(), stages.end(), key.stage) == stages.end())
    return false;
  if (!f_.department.empty() && absl::string_view(f_.department) != department) return false;
  if (!f_.agency.empty() && f_.agency != key.agency) return false;
  if (f_.own_level || !f_.department.empty() || !f_.agency.empty())
    return key.division == f_.division;
  const std::vector<Code> chain = catalog_->ChainOf(key.division, key.year);
  return std::find(chain.begin(), chain.end(), f_.division) != chain.end();
}

void Question::AddPosting(const domain::Posting& posting) {
  if (posting.cells.empty() || !Counts(posting.key, posting.department)) return;
  tracking_ = true;
  const Target target{{OrgType::kAgency, posting.key.division, posting.key.agency},
                      posting.department,
                      posting.key.division};
  Sum(*this).OnTable(target, posting.cells);
}

std::vector<RowChange> Question::TakeChanges() {
  std::vector<std::pair<SortKey, RowChange>> changes;
  for (const auto& [key, before] : before_) {
    const auto row = rows_.find(key);
    const CellValue after = group_by_.empty() ? grand_total_ : row->second;
    if (!(after == before)) {
      SortKey sort;
      std::vector<GroupValue> group;
      if (!group_by_.empty()) group = GroupOf(key, &sort);
      changes.push_back({std::move(sort), {std::move(group), before, after}});
    }
    if (!group_by_.empty() && after.zero()) rows_.erase(row);
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

std::vector<RowChange> Question::RowsBeside(const Question& before) const {
  // Rows are numbered differently in each: they meet by what they say.
  std::map<SortKey, RowChange> changes;
  if (group_by_.empty()) {
    changes[{}] = {{}, before.grand_total_, grand_total_};
  } else {
    for (const auto& [key, value] : before.rows_) {
      SortKey sort;
      std::vector<GroupValue> group = before.GroupOf(key, &sort);
      changes[std::move(sort)] = {std::move(group), value, {}};
    }
    for (const auto& [key, value] : rows_) {
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

std::vector<RowChange> Question::ChangesFrom(const Question& before) const {
  std::vector<RowChange> rows = RowsBeside(before);
  rows.erase(std::remove_if(rows.begin(), rows.end(),
                            [](const RowChange& r) { return r.before == r.after; }),
             rows.end());
  return rows;
}

GroupValue Question::Describe(const GroupBy& g, Value v) const {
  GroupValue out;
  out.dimension = g.dimension;
  out.level = v.level;
  auto classification = [&](domain::CatalogList list) {
    out.code = domain::FormatCode(v.id);
    const bool shown = list == domain::CatalogList::kFunctional && f_.classification_year != 0;
    const uint16_t year = shown ? f_.classification_year : f_.year;
    if (v.id != 0) out.name = std::string(catalog_->NameOf(f_.division, year, list, v.id));
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

std::vector<GroupValue> Question::GroupOf(const RowKey& key, SortKey* sort_key) const {
  std::vector<GroupValue> group;
  size_t org = 0, cell = 0;
  for (const GroupBy& g : group_by_) {
    GroupValue v;
    std::string sort;
    if (IsOrganisation(g.dimension)) {
      v = orgs_[key.org].values[org++];
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

TotalList Question::Answer(RowOrder order) const {
  struct Sortable {
    domain::TotalRow row;
    SortKey key;
  };
  std::vector<Sortable> sortable;
  sortable.reserve(rows_.size());
  for (const auto& [key, value] : rows_) {
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
