#include "domain/disclosure/lines_source.h"

#include <utility>

namespace fiscal::disclosure {
namespace {

using domain::Analysis;
using domain::Code;
using domain::Line;

bool Below(Code code, Code above) {
  if (above == 0 || code == above) return true;
  const int level = domain::LevelOf(above);
  return domain::LevelOf(code) > level && domain::AncestorAt(code, level) == above;
}

template <typename T>
bool Within(T value, T asked, T none) {
  return asked == none || value == asked || (TopOf(value) == asked && TopOf(asked) == asked);
}

bool Matches(const Line& line, const Query& q) {
  const domain::Attributes& a = line.attributes;
  if (a.direction != q.direction) return false;
  if (!q.funds.empty() && !Within(a.fund, q.funds[0], domain::Fund::kNone)) return false;
  if (!Within(a.category, q.category, domain::Category::kNone)) return false;
  if (q.funding_year != domain::FundingYear::kNone && a.funding_year != q.funding_year)
    return false;
  return Below(line.functional, q.functional) && Below(line.dept_economic, q.dept_economic);
}

}  // namespace

LinesSource::LinesSource(StatementLines statement) : statement_(std::move(statement)) {
  for (const Line& line : *statement_.lines) {
    if (!line.counts()) has_[static_cast<size_t>(line.attributes.analysis)] = true;
  }
}

absl::StatusOr<std::vector<Group>> LinesSource::Ask(const Query& query, GroupKind by) {
  const bool memo = query.analysis != Analysis::kNone && has_[static_cast<size_t>(query.analysis)];
  if (query.analysis == Analysis::kOperating && !memo && !statement_.operating)
    return std::vector<Group>();
  const Analysis wanted = memo ? query.analysis : Analysis::kNone;
  std::map<std::pair<std::string, std::string>, Group> groups;
  auto add = [&](const std::string& code, const std::string& other, const Line& line) -> Group& {
    Group& g = groups[{code, other}];
    g.code = code;
    g.other_code = other;
    g.sum.Add({line.amount_fen, domain::kPrecisionFen[line.precision_class] / 2, 1});
    return g;
  };
  auto levels = [&](Code code, const Line& line) {
    for (int level = 1; level <= domain::LevelOf(code); ++level)
      add(domain::FormatCode(domain::AncestorAt(code, level)), "", line);
  };
  for (const Line& line : *statement_.lines) {
    if (line.attributes.analysis != wanted || !Matches(line, query)) continue;
    switch (by) {
      case GroupKind::kNone:
        add("", "", line);
        break;
      case GroupKind::kFunctional:
        levels(line.functional, line);
        break;
      case GroupKind::kRevenue:
        levels(line.revenue, line);
        break;
      case GroupKind::kDept:
        levels(line.dept_economic, line);
        break;
      case GroupKind::kPair:
        add(domain::FormatCode(line.dept_economic), domain::FormatCode(line.gov_economic), line);
        break;
      case GroupKind::kUnit: {
        const std::string name = statement_.department_scope && memo && !line.note.empty()
                                     ? std::string(line.note)
                                     : statement_.agency_name;
        add(name, "", line).name = name;
        break;
      }
      case GroupKind::kProject: {
        if (line.project_code.empty()) break;
        const std::string code(line.project_code);
        Group& g = add(code, "", line);
        auto name = statement_.project_names.find(code);
        g.name = name == statement_.project_names.end() ? code : name->second;
        auto unit = statement_.project_units.find(code);
        g.unit = statement_.department_scope && unit != statement_.project_units.end() &&
                         !unit->second.empty()
                     ? unit->second
                     : statement_.agency_name;
        break;
      }
    }
  }
  std::vector<Group> out;
  for (auto& [key, group] : groups) out.push_back(std::move(group));
  return out;
}

absl::StatusOr<Sum> LinesSource::CarryForward() {
  return Sum{statement_.carry_forward_fen.value_or(0), 0, 0};
}

std::string LinesSource::NameOf(domain::CatalogList list, const std::string& code) const {
  return statement_.name_of ? statement_.name_of(list, code) : "";
}

}  // namespace fiscal::disclosure
