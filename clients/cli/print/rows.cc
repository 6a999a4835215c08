#include "clients/cli/print/rows.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "clients/cli/read/names.h"

namespace fiscal::cli {
namespace {

namespace a = fiscal::aggregation::v1;

// "dept_economic".
std::string Name(a::Dimension dimension) {
  return absl::StrReplaceAll(DimensionNames()[static_cast<size_t>(dimension)], {{"-", "_"}});
}

std::string Key(a::Dimension dimension) {
  const bool plain = dimension == a::DIMENSION_FUND || dimension == a::DIMENSION_CATEGORY ||
                     dimension == a::DIMENSION_FUNDING_YEAR;
  return plain ? Name(dimension) : Name(dimension) + "_code";
}

}  // namespace

std::vector<std::string> GroupHeading(const std::vector<a::Dimension>& dimensions) {
  std::vector<std::string> heading;
  for (a::Dimension d : dimensions) {
    heading.push_back(DimensionNames()[static_cast<size_t>(d)]);
    heading.push_back("名称");
  }
  return heading;
}

std::vector<std::string> GroupCells(const Group& group, bool csv) {
  std::vector<std::string> cells;
  for (const a::GroupValue& v : group) {
    const std::string indent(csv || v.level() < 1 ? 0 : static_cast<size_t>(2 * (v.level() - 1)),
                             ' ');
    cells.push_back(absl::StrCat(indent, v.code().empty() ? "-" : v.code(),
                                 v.own_level() ? " 本级" : "", v.unmapped() ? " 未对应" : ""));
    cells.push_back(v.name());
  }
  return cells;
}

std::vector<std::string> GrandTotalCells(const std::vector<a::Dimension>& dimensions) {
  std::vector<std::string> cells(2 * dimensions.size());
  if (!cells.empty()) cells[0] = "合计";
  return cells;
}

void AddGroup(const Group& group, Json* object) {
  bool division_said = false;
  for (const a::GroupValue& v : group)
    division_said = division_said || v.dimension() == a::DIMENSION_DIVISION;
  for (int k = 0; k < group.size(); ++k) {
    const a::GroupValue& v = group[k];
    const std::string prefix = k == 0 ? "" : Name(v.dimension()) + "_";
    (*object)[Key(v.dimension())] = v.code();
    (*object)[prefix + "name"] = v.name();
    (*object)[prefix + "level"] = v.level();
    if (v.own_level()) (*object)["own_level"] = true;
    if (v.unmapped()) (*object)["unmapped"] = true;
    if (!division_said && !v.division_code().empty()) {
      (*object)["division_code"] = v.division_code();
      division_said = true;
    }
  }
}

}  // namespace fiscal::cli
