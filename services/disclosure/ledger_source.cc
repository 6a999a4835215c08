#include "services/disclosure/ledger_source.h"

#include <algorithm>

#include "base/status_macros.h"
#include "fiscal/budget/v1/budget.pb.h"
#include "storage/record_codec.h"

namespace fiscal::services {
namespace {

using disclosure::Group;
using disclosure::GroupKind;
using disclosure::Query;
using domain::Analysis;

disclosure::Sum SumOf(const domain::CellValue& value) {
  disclosure::Sum sum;
  sum.fen = value.amount_fen;
  sum.lines = value.line_count();
  for (int i = 0; i < domain::kPrecisionClasses; ++i)
    sum.slack_fen += value.counts[static_cast<size_t>(i)] * (domain::kPrecisionFen[i] / 2);
  return sum;
}

std::vector<GroupBy> GroupingOf(GroupKind by) {
  switch (by) {
    case GroupKind::kNone:
      return {};
    case GroupKind::kFunctional:
      return {{Dimension::kFunctional, 0}};
    case GroupKind::kRevenue:
      return {{Dimension::kRevenue, 0}};
    case GroupKind::kDept:
      return {{Dimension::kDeptEconomic, 0}};
    case GroupKind::kPair:
      return {{Dimension::kDeptEconomic, 0}, {Dimension::kGovEconomic, 0}};
    case GroupKind::kUnit:
      return {{Dimension::kAgency, 0}};
    case GroupKind::kProject:
      return {{Dimension::kAgency, 0}, {Dimension::kProject, 0}};
  }
  return {};
}

}  // namespace

LedgerSource::LedgerSource(const Projector& projector, const TotalsReader& reader,
                           const storage::HeadReader& statements, TotalFilter scope,
                           domain::Position position)
    : projector_(projector),
      reader_(reader),
      statements_(statements),
      scope_(std::move(scope)),
      position_(position),
      catalog_(projector.catalog()) {}

TotalFilter LedgerSource::FilterOf(const Query& query, Analysis analysis) const {
  TotalFilter filter = scope_;
  filter.direction = query.direction;
  if (!query.funds.empty()) filter.fund = query.funds[0];
  filter.category = query.category;
  filter.funding_year = query.funding_year;
  filter.functional = query.functional;
  filter.dept_economic = query.dept_economic;
  filter.analysis = analysis;
  return filter;
}

absl::StatusOr<std::set<LedgerSource::Agency>> LedgerSource::AgenciesWith(
    const TotalFilter& filter) const {
  FISCAL_ASSIGN_OR_RETURN(const TotalList list,
                          reader_.List(filter, {{Dimension::kAgency, 0}}, Order::kCode, position_));
  std::set<Agency> agencies;
  for (const TotalRow& row : list.rows) {
    if (!row.value.zero()) agencies.insert({row.group[0].division, row.group[0].code});
  }
  return agencies;
}

absl::StatusOr<std::vector<Group>> LedgerSource::Ask(const Query& query, GroupKind by) {
  Groups groups;
  const TotalFilter counted = FilterOf(query, Analysis::kNone);
  if (query.analysis == Analysis::kNone) {
    FISCAL_RETURN_IF_ERROR(Add(counted, by, 1, &groups));
  } else {
    // Whether a statement analyses its money so is told by any line of the analysis, whatever the query's fund or year.
    Query any;
    any.direction = query.direction;
    FISCAL_ASSIGN_OR_RETURN(const std::set<Agency> memo,
                            AgenciesWith(FilterOf(any, query.analysis)));
    if (!memo.empty()) FISCAL_RETURN_IF_ERROR(Add(FilterOf(query, query.analysis), by, 1, &groups));
    std::set<Agency> others;
    // Counted lines do not say what of them is procured: only who analyses it is asked.
    if (query.analysis != Analysis::kProcurement) {
      FISCAL_ASSIGN_OR_RETURN(others, AgenciesWith(counted));
    }
    const bool offices = query.analysis == Analysis::kOperating;
    std::set<Agency> outside;
    for (const Agency& agency : others) {
      if (memo.count(agency) == 0 && (!offices || Operates(agency))) outside.insert(agency);
    }
    const bool all = outside.size() == others.size();
    if (all && !outside.empty()) {
      FISCAL_RETURN_IF_ERROR(Add(counted, by, 1, &groups));
    } else {
      const size_t inside = others.size() - outside.size();
      const bool subtract = inside < outside.size() && !offices;
      if (subtract) FISCAL_RETURN_IF_ERROR(Add(counted, by, 1, &groups));
      for (const Agency& agency : others) {
        const bool out = outside.count(agency) > 0;
        if (out == subtract) continue;
        TotalFilter one = counted;
        one.division = agency.first;
        one.own_level = false;
        one.department.clear();
        one.agency = agency.second;
        FISCAL_RETURN_IF_ERROR(Add(one, by, subtract ? -1 : 1, &groups));
      }
    }
  }
  std::vector<Group> out;
  for (auto& [key, group] : groups) out.push_back(std::move(group));
  return out;
}

absl::Status LedgerSource::Add(const TotalFilter& filter, GroupKind by, int sign, Groups* into) {
  if (by == GroupKind::kNone) {
    FISCAL_ASSIGN_OR_RETURN(const domain::CellValue value, reader_.Get(filter, position_));
    disclosure::Sum sum = SumOf(value);
    sum.fen *= sign;
    sum.slack_fen *= sign;
    (*into)[{}].sum.Add(sum);
    return absl::OkStatus();
  }
  FISCAL_ASSIGN_OR_RETURN(const TotalList list,
                          reader_.List(filter, GroupingOf(by), Order::kCode, position_));
  for (const TotalRow& row : list.rows) {
    if (row.value.zero()) continue;
    Group g;
    g.sum = SumOf(row.value);
    g.sum.fen *= sign;
    g.sum.slack_fen *= sign;
    const GroupValue& first = row.group[0];
    if (first.code.empty()) continue;
    g.code = first.code;
    if (by == GroupKind::kPair) {
      // The finest of both: 款 with 款, or with no code.
      if (first.level != 2 || (row.group[1].level == 1 && !row.group[1].code.empty())) continue;
      g.other_code = row.group[1].code;
    }
    if (by == GroupKind::kUnit || by == GroupKind::kProject) {
      const Agency agency{first.division, first.code};
      FISCAL_ASSIGN_OR_RETURN(const UnitsOf* units, DepartmentUnits(agency));
      if (by == GroupKind::kUnit) {
        if (units != nullptr && filter.analysis == Analysis::kOperating) {
          // The units a department names in its own statement.
          for (const auto& [line, name] : units->operating) {
            if (filter.fund != domain::Fund::kNone && line.attributes.fund != filter.fund) continue;
            Group unit;
            unit.code = g.code;
            unit.name = name;
            unit.sum = {line.amount_fen, domain::kPrecisionFen[line.precision_class] / 2, 1};
            Group& place = (*into)[{unit.code, unit.name}];
            const disclosure::Sum before = place.sum;
            place = unit;
            place.sum.Add(before);
          }
          continue;
        }
        g.name = AgencyName(agency);
      } else {
        const GroupValue& project = row.group[1];
        if (project.code.empty()) continue;
        g.code = project.code;
        g.name = project.name.empty() ? project.code : project.name;
        g.unit = AgencyName(agency);
        if (units != nullptr) {
          auto unit = units->projects.find(project.code);
          if (unit != units->projects.end() && !unit->second.empty()) g.unit = unit->second;
        }
      }
    }
    Group& place = (*into)[{g.code, g.other_code, g.name, g.unit}];
    const disclosure::Sum before = place.sum;
    place = std::move(g);
    place.sum.Add(before);
  }
  return absl::OkStatus();
}

absl::StatusOr<const Statuses*> LedgerSource::Standing() {
  if (standing_ == nullptr) {
    Question question(catalog_, scope_, {});
    standing_ = std::make_unique<Statuses>();
    for (domain::Stage stage : StagesOf(scope_.stage)) {
      FISCAL_ASSIGN_OR_RETURN(const Statuses all, StatusesAt(projector_, scope_.year, stage,
                                                             question.Subtree(), position_));
      for (const auto& [key, status] : all) {
        if (status.counts() && question.Counts(key, status.department))
          standing_->emplace(key, status);
      }
    }
  }
  return standing_.get();
}

absl::StatusOr<const LedgerSource::UnitsOf*> LedgerSource::DepartmentUnits(const Agency& agency) {
  auto [it, fresh] = units_.try_emplace(agency);
  if (!fresh) return it->second.get();
  FISCAL_ASSIGN_OR_RETURN(const Statuses* standing, Standing());
  for (const auto& [key, status] : *standing) {
    if (key.division != agency.first || key.agency != agency.second ||
        status.scope != domain::Scope::kDepartment || !status.upstream.empty())
      continue;
    FISCAL_ASSIGN_OR_RETURN(const storage::HeadReader::Statement statement,
                            statements_.Standing(key, status.revision));
    auto units = std::make_unique<UnitsOf>();
    for (const domain::ProjectEntry& p : statement.projects) {
      budget::v1::Project project;
      if (project.ParseFromString(p.bytes)) units->projects[p.code] = project.implementing_agency();
    }
    for (const domain::Line& line : statement.lines.lines) {
      if (line.attributes.analysis == Analysis::kOperating)
        units->operating.push_back(
            {line, line.note.empty() ? AgencyName(agency) : std::string(line.note)});
    }
    it->second = std::move(units);
    break;
  }
  return it->second.get();
}

absl::StatusOr<disclosure::Sum> LedgerSource::CarryForward() {
  disclosure::Sum sum;
  FISCAL_ASSIGN_OR_RETURN(const Statuses* standing, Standing());
  for (const auto& [key, status] : *standing) {
    // Of budgets taken over only totals are kept.
    if (!status.upstream.empty()) continue;
    FISCAL_ASSIGN_OR_RETURN(const storage::LogEntry entry, projector_.log().Read(status.position));
    FISCAL_ASSIGN_OR_RETURN(const domain::Event event, storage::DecodeRecord(entry.record));
    if (event.statement.meta.carry_forward_fen.has_value())
      sum.Add({*event.statement.meta.carry_forward_fen, 0, 1});
  }
  return sum;
}

std::string LedgerSource::AgencyName(const Agency& agency) const {
  const domain::CatalogEntry* entry =
      catalog_->FindAgency(agency.first, scope_.year, agency.second);
  return entry == nullptr ? agency.second : entry->name;
}

bool LedgerSource::Operates(const Agency& agency) const {
  const domain::CatalogEntry* entry =
      catalog_->FindAgency(agency.first, scope_.year, agency.second);
  return entry != nullptr && (entry->kind == domain::AgencyKind::kAdministrative ||
                              entry->kind == domain::AgencyKind::kCivilServiceLike);
}

std::string LedgerSource::NameOf(domain::CatalogList list, const std::string& code) const {
  return std::string(catalog_->NameOf(scope_.division, scope_.year, list, domain::ParseCode(code)));
}

}  // namespace fiscal::services
