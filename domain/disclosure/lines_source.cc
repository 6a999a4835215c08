#include "domain/disclosure/lines_source.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "domain/disclosure/names.h"

namespace fiscal::disclosure {

using domain::Analysis;
using domain::Line;

LinesSource::LinesSource(StatementLines statement) : statement_(std::move(statement)) {}

std::string LinesSource::UnitOf(const Line& line) {
  std::string name;
  if (statement_.department_scope) {
    if (line.attributes.analysis == Analysis::kOperating) name = std::string(line.note);
    if (name.empty() && !line.project_code.empty()) {
      const auto unit = statement_.project_units.find(std::string(line.project_code));
      if (unit != statement_.project_units.end()) name = unit->second;
    }
  }
  if (name.empty()) name = statement_.agency_name;
  // A code of as many digits each, so that units stand in the order they come in.
  auto [it, fresh] =
      units_.try_emplace(FoldName(name), absl::StrFormat("%05d", static_cast<int>(units_.size())));
  if (fresh) names_[it->second] = std::move(name);
  return it->second;
}

const Sums& LinesSource::Of(Analysis analysis, domain::Direction direction) {
  auto [it, fresh] = sums_.try_emplace({analysis, direction});
  if (!fresh) return it->second;
  const std::vector<Line>& lines = *statement_.lines;
  const bool memo =
      analysis != Analysis::kNone && std::any_of(lines.begin(), lines.end(), [&](const Line& line) {
        return line.attributes.analysis == analysis && line.attributes.direction == direction;
      });
  for (const Line& line : lines) {
    const domain::Attributes& a = line.attributes;
    if (a.direction != direction) continue;
    if (memo ? a.analysis != analysis
             : !line.counts() || !CountsIn(analysis, a, statement_.operating))
      continue;
    const SumKey key{line.functional,
                     line.revenue,
                     line.dept_economic,
                     line.gov_economic,
                     a.Pack(),
                     UnitOf(line),
                     std::string(line.project_code)};
    domain::CellValue value;
    value.amount_fen = line.amount_fen;
    value.counts[line.precision_class] = 1;
    it->second.Add(key, value);
  }
  return it->second;
}

absl::StatusOr<std::vector<Group>> LinesSource::Ask(const Query& query, GroupKind by) {
  std::vector<Group> groups = Of(query.analysis, query.direction).Ask(query, by);
  for (Group& g : groups) {
    if (by == GroupKind::kUnit) g.name = names_[g.code];
    if (by != GroupKind::kProject) continue;
    const auto name = statement_.project_names.find(g.code);
    g.name = name == statement_.project_names.end() ? g.code : name->second;
    g.unit_name = names_[g.unit];
  }
  return groups;
}

absl::StatusOr<Sum> LinesSource::CarryForward() {
  return Sum{statement_.carry_forward_fen.value_or(0), 0, 0};
}

std::string LinesSource::NameOf(domain::CatalogList list, const std::string& code) const {
  return statement_.name_of ? statement_.name_of(list, code) : "";
}

}  // namespace fiscal::disclosure
