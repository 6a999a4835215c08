#include "services/ledger/answer/ledger_source.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/disclosure/lines_source.h"
#include "services/ledger/answer/filter.h"
#include "services/ledger/answer/plan.h"
#include "services/ledger/fold/totals_view.h"
#include "storage/record_codec.h"

namespace fiscal::services {
namespace {

using disclosure::Group;
using disclosure::GroupKind;
using disclosure::Query;
using disclosure::SumKey;
using disclosure::Sums;
using domain::Analysis;
using domain::Attributes;
using domain::CellKey;
using domain::CellValue;
using domain::Dimension;
using domain::Direction;
using domain::Fund;
using domain::StagesOf;
using domain::TotalFilter;

constexpr size_t kNoLeaf = static_cast<size_t>(-1);

bool IsOffice(domain::AgencyKind kind) {
  return kind == domain::AgencyKind::kAdministrative ||
         kind == domain::AgencyKind::kCivilServiceLike;
}

bool HasUnits(Analysis analysis) {
  return analysis == Analysis::kOperating || analysis == Analysis::kProject;
}

// Only what forms ask of an analysis, so that the agencies of a province share sums.
SumKey KeyOf(Analysis analysis, const CellKey& key) {
  SumKey out;
  out.attributes = key.attributes;
  switch (analysis) {
    case Analysis::kNone:
    case Analysis::kBasicEconomic:
      out.dept_economic = key.dept_economic;
      out.gov_economic = key.gov_economic;
      break;
    case Analysis::kThreePublic:
      out.dept_economic = key.dept_economic;
      break;
    case Analysis::kClassSplit:
      out.functional = key.functional;
      out.revenue = key.revenue;
      break;
    case Analysis::kProject:
    case Analysis::kOperating:
    case Analysis::kProcurement:
      break;
  }
  return out;
}

}  // namespace

struct LedgerSource::Leaf {
  // As Group::code of a unit.
  std::string unit;
  std::string name;
  bool office = false;
};

struct LedgerSource::WholeDepartment {
  domain::Stage stage;
  size_t leaf;
  storage::HeadReader::Statement statement;
  std::unique_ptr<disclosure::LinesSource> source;
};

// Sums memo lines and counted lines apart.
class LedgerSource::Walk final : public CellVisitor {
 public:
  Walk(LedgerSource& source, const Part& part, const std::vector<Target>& targets,
       const std::vector<size_t>& leaves)
      : memo_lines(targets.size()),
        counted_lines(targets.size()),
        source_(source),
        part_(part),
        first_(targets.data()),
        leaves_(leaves) {}

  void OnTable(const Target& target, const domain::CellTable& table) override {
    OnProjects(table.projects);
    for (const domain::CellTable::Item& item : table.items)
      OnCell(target, table.projects, item.key, item.value);
  }
  void OnProjects(const std::vector<domain::CellProject>& projects) override {
    if (part_.first != Analysis::kProject) return;
    for (const domain::CellProject& p : projects) {
      if (p.state == domain::CellProject::kNamed)
        source_.project_names_[{"", std::string(p.code)}] = std::string(p.name);
    }
  }
  void OnCell(const Target& target, const std::vector<domain::CellProject>& projects,
              const CellKey& key, const CellValue& value) override {
    Attributes a;
    Attributes::Unpack(key.attributes, &a);
    if (a.direction != part_.second) return;
    const size_t at = static_cast<size_t>(&target - first_);
    const Leaf& leaf = source_.leaves_[leaves_[at]];
    const bool is_memo = part_.first != Analysis::kNone && a.analysis == part_.first;
    if (!is_memo &&
        (a.analysis != Analysis::kNone || !disclosure::CountsIn(part_.first, a, leaf.office)))
      return;
    (is_memo ? memo_lines : counted_lines)[at] += value.line_count();
    SumKey sum = KeyOf(part_.first, key);
    if (HasUnits(part_.first)) sum.unit = leaf.unit;
    if (part_.first == Analysis::kProject && key.project != 0) {
      const domain::CellProject& project = projects[key.project - 1];
      sum.project = std::string(project.code);
      if (project.state == domain::CellProject::kNamed)
        source_.project_names_[{sum.unit, sum.project}] = std::string(project.name);
    }
    (is_memo ? memo : counted).Add(sum, value);
  }

  Sums memo;
  Sums counted;
  // By target.
  std::vector<int64_t> memo_lines;
  std::vector<int64_t> counted_lines;

 private:
  LedgerSource& source_;
  const Part part_;
  const Target* const first_;
  const std::vector<size_t>& leaves_;
};

LedgerSource::LedgerSource(const Projector& projector, const TotalsReader& reader,
                           const storage::HeadReader& statements, UnitOf unit_of, TotalFilter scope,
                           domain::Position position, Work& work)
    : projector_(projector),
      reader_(reader),
      statements_(statements),
      unit_of_(unit_of),
      scope_(std::move(scope)),
      position_(position),
      work_(work),
      catalog_(projector.catalog()) {}

LedgerSource::~LedgerSource() = default;

absl::StatusOr<const Statuses*> LedgerSource::Standing() {
  if (standing_ == nullptr) {
    const Filter selects(catalog_, scope_);
    auto standing = std::make_unique<Statuses>();
    for (domain::Stage stage : StagesOf(scope_.stage)) {
      FISCAL_ASSIGN_OR_RETURN(const Statuses all, StatusesAt(projector_, scope_.year, stage,
                                                             selects.Subtree(), position_, work_));
      for (const auto& [key, status] : all) {
        if (status.counts() && selects.Counts(key, status.department))
          standing->emplace(key, status);
      }
    }
    standing_ = std::move(standing);
  }
  return standing_.get();
}

size_t LedgerSource::LeafOf(const domain::BudgetKey& budget) const {
  const auto at = std::lower_bound(
      targets_.begin(), targets_.end(), budget, [](const Target& t, const domain::BudgetKey& k) {
        return std::tie(t.division, t.node.code) < std::tie(k.division, k.agency);
      });
  const bool found =
      at != targets_.end() && at->division == budget.division && at->node.code == budget.agency;
  return found ? static_cast<size_t>(at - targets_.begin()) : kNoLeaf;
}

absl::Status LedgerSource::LoadLeaves() {
  if (loaded_) return absl::OkStatus();
  targets_ = LeavesOf(Filter(catalog_, scope_));
  std::sort(targets_.begin(), targets_.end(), [](const Target& a, const Target& b) {
    return std::tie(a.division, a.node.code) < std::tie(b.division, b.node.code);
  });
  for (const Target& target : targets_) {
    const domain::CatalogEntry* entry =
        catalog_->FindAgency(target.division, scope_.year, target.node.code);
    leaves_.push_back({absl::StrCat(target.division, "/", target.node.code),
                       entry == nullptr ? target.node.code : entry->name,
                       entry != nullptr && IsOffice(entry->kind)});
    places_.emplace(leaves_.back().unit, leaves_.size() - 1);
  }
  FISCAL_ASSIGN_OR_RETURN(const Statuses* standing, Standing());
  for (const auto& [key, status] : *standing) {
    const size_t leaf = LeafOf(key);
    // Of what was taken over only totals are kept.
    if (status.scope != domain::Scope::kDepartment || !status.upstream.empty() || leaf == kNoLeaf)
      continue;
    auto whole = std::make_unique<WholeDepartment>();
    whole->stage = key.stage;
    whole->leaf = leaf;
    FISCAL_ASSIGN_OR_RETURN(whole->statement,
                            statements_.Standing(key, status.revision, [this](uint64_t units) {
                              return work_.Spend(units);
                            }));
    disclosure::StatementLines lines;
    lines.lines = &whole->statement.lines.lines;
    lines.agency_code = key.agency;
    lines.agency_name = leaves_[leaf].name;
    lines.department_scope = true;
    lines.operating = leaves_[leaf].office;
    for (const domain::ProjectEntry& p : whole->statement.projects) {
      lines.project_names[p.code] = p.name;
      lines.project_units[p.code] = unit_of_(p);
    }
    whole->source = std::make_unique<disclosure::LinesSource>(std::move(lines));
    departments_.push_back(std::move(whole));
  }
  loaded_ = true;
  return absl::OkStatus();
}

absl::Status LedgerSource::WalkStage(const Part& part, domain::Stage stage, Sums* sums) {
  std::vector<bool> apart(targets_.size(), false);
  if (HasUnits(part.first)) {
    for (const auto& whole : departments_) {
      if (whole->stage == stage) apart[whole->leaf] = true;
    }
  }
  std::vector<Target> targets;
  std::vector<size_t> leaves;
  for (size_t i = 0; i < targets_.size(); ++i) {
    if (apart[i]) continue;
    targets.push_back(targets_[i]);
    leaves.push_back(i);
  }
  Walk walk(*this, part, targets, leaves);
  FISCAL_RETURN_IF_ERROR(
      reader_.Visit(targets, domain::CellKind::kLeaf, scope_.year, stage, position_, walk, work_));
  sums->Add(walk.memo);
  std::vector<Target> both;
  std::vector<size_t> both_leaves;
  bool counted_alone = false;
  for (size_t i = 0; i < targets.size(); ++i) {
    if (walk.counted_lines[i] == 0) continue;
    if (walk.memo_lines[i] == 0) {
      counted_alone = true;
      continue;
    }
    both.push_back(targets[i]);
    both_leaves.push_back(leaves[i]);
  }
  if (!counted_alone) return absl::OkStatus();
  sums->Add(walk.counted);
  if (both.empty()) return absl::OkStatus();
  Walk again(*this, part, both, both_leaves);
  FISCAL_RETURN_IF_ERROR(
      reader_.Visit(both, domain::CellKind::kLeaf, scope_.year, stage, position_, again, work_));
  sums->Add(again.counted, -1);
  return absl::OkStatus();
}

absl::StatusOr<const Sums*> LedgerSource::Of(const Part& part) {
  const auto it = sums_.find(part);
  if (it != sums_.end()) return &it->second;
  FISCAL_RETURN_IF_ERROR(LoadLeaves());
  Sums sums;
  for (domain::Stage stage : StagesOf(scope_.stage))
    FISCAL_RETURN_IF_ERROR(WalkStage(part, stage, &sums));
  return &sums_.emplace(part, std::move(sums)).first->second;
}

absl::StatusOr<std::vector<Group>> LedgerSource::AskTotals(const Query& query, GroupKind by) const {
  TotalFilter filter = scope_;
  filter.direction = query.direction;
  if (!query.funds.empty()) filter.fund = query.funds[0];
  filter.category = query.category;
  filter.funding_year = query.funding_year;
  filter.functional = query.functional;
  filter.dept_economic = query.dept_economic;
  std::vector<Group> out;
  if (by == GroupKind::kNone) {
    FISCAL_ASSIGN_OR_RETURN(const CellValue value, reader_.Get(filter, position_, work_));
    out.emplace_back().sum = Sums::SumOf(value);
    return out;
  }
  const Dimension dimension = by == GroupKind::kFunctional ? Dimension::kFunctional
                              : by == GroupKind::kRevenue  ? Dimension::kRevenue
                                                           : Dimension::kDeptEconomic;
  FISCAL_ASSIGN_OR_RETURN(
      const domain::TotalList list,
      reader_.List(filter, {{dimension, 0}}, domain::RowOrder::kCode, position_, work_));
  for (const domain::TotalRow& row : list.rows) {
    if (row.group[0].code.empty()) continue;
    Group& g = out.emplace_back();
    g.code = row.group[0].code;
    g.sum = Sums::SumOf(row.value);
  }
  return out;
}

std::string LedgerSource::ProjectName(const std::string& unit, const std::string& project) const {
  auto name = project_names_.find({unit, project});
  if (name == project_names_.end()) name = project_names_.find({"", project});
  return name == project_names_.end() ? project : name->second;
}

absl::StatusOr<std::vector<Group>> LedgerSource::Ask(const Query& query, GroupKind by) {
  const bool one_classification = by == GroupKind::kNone || by == GroupKind::kFunctional ||
                                  by == GroupKind::kRevenue || by == GroupKind::kDept;
  if (query.analysis == Analysis::kNone && one_classification) return AskTotals(query, by);
  FISCAL_ASSIGN_OR_RETURN(const Sums* sums, Of({query.analysis, query.direction}));
  std::vector<Group> groups = sums->Ask(query, by);
  for (Group& g : groups) {
    if (by != GroupKind::kUnit && by != GroupKind::kProject) break;
    const auto leaf = places_.find(by == GroupKind::kUnit ? g.code : g.unit);
    const std::string name = leaf == places_.end() ? "" : leaves_[leaf->second].name;
    if (by == GroupKind::kUnit) {
      g.name = name;
    } else {
      g.unit_name = name;
      g.name = ProjectName(g.unit, g.code);
    }
  }
  if (!HasUnits(query.analysis) || departments_.empty()) return groups;
  std::map<std::tuple<std::string, std::string, std::string>, Group> all;
  for (Group& g : groups) all.emplace(std::tuple(g.code, g.other_code, g.unit), std::move(g));
  for (const auto& whole : departments_) {
    FISCAL_ASSIGN_OR_RETURN(std::vector<Group> own, whole->source->Ask(query, by));
    // Behind the department's own code, so that its units stand together.
    const std::string prefix = leaves_[whole->leaf].unit + "#";
    for (Group& g : own) {
      if (by == GroupKind::kUnit) g.code = prefix + g.code;
      if (by == GroupKind::kProject) g.unit = prefix + g.unit;
      auto [same, fresh] = all.try_emplace({g.code, g.other_code, g.unit}, g);
      if (!fresh) same->second.sum.Add(g.sum);
    }
  }
  std::vector<Group> out;
  for (auto& [key, group] : all) out.push_back(std::move(group));
  return out;
}

absl::StatusOr<disclosure::Sum> LedgerSource::CarryForward() {
  disclosure::Sum sum;
  FISCAL_ASSIGN_OR_RETURN(const Statuses* standing, Standing());
  for (const auto& [key, status] : *standing) {
    // Of budgets taken over only totals are kept.
    if (!status.upstream.empty()) continue;
    FISCAL_RETURN_IF_ERROR(work_.Spend(Work::kEvent));
    FISCAL_ASSIGN_OR_RETURN(const storage::LogEntry entry, projector_.log().Read(status.position));
    FISCAL_ASSIGN_OR_RETURN(const domain::Event event, storage::DecodeRecord(entry.record));
    if (event.statement.meta.carry_forward_fen.has_value())
      sum.Add({*event.statement.meta.carry_forward_fen, 0, 1});
  }
  return sum;
}

std::string LedgerSource::NameOf(domain::CatalogList list, const std::string& code) const {
  return std::string(catalog_->NameOf(scope_.division, scope_.year, list, domain::ParseCode(code)));
}

}  // namespace fiscal::services
