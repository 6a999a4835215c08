// The lines of one statement as sums, for the tables it would print. Pure.
#ifndef FISCAL_DOMAIN_DISCLOSURE_LINES_SOURCE_H_
#define FISCAL_DOMAIN_DISCLOSURE_LINES_SOURCE_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "domain/disclosure/sums.h"

namespace fiscal::disclosure {

// One statement. What it refers to must outlive the source.
struct StatementLines {
  const std::vector<domain::Line>* lines = nullptr;
  std::optional<int64_t> carry_forward_fen;
  // The agency, and its name.
  std::string agency_code, agency_name;
  // Names of projects by code, and the units that carry them out where the statement is a
  // department's.
  std::map<std::string, std::string> project_names, project_units;
  bool department_scope = false;
  // True when public expenses of the agency are operating expenses: 行政 and 参公.
  bool operating = true;
  std::function<std::string(domain::CatalogList, const std::string&)> name_of;
};

class LinesSource final : public CellSource {
 public:
  explicit LinesSource(StatementLines statement);

  absl::StatusOr<std::vector<Group>> Ask(const Query& query, GroupKind by) override;
  absl::StatusOr<Sum> CarryForward() override;
  std::string NameOf(domain::CatalogList list, const std::string& code) const override;

 private:
  // The sums that answer for an analysis in one direction.
  const Sums& Of(domain::Analysis analysis, domain::Direction direction);
  // The code of the unit a line is of: of a department's statement what an operating line notes and
  // a project names, else the agency.
  std::string UnitOf(const domain::Line& line);

  const StatementLines statement_;
  std::map<std::pair<domain::Analysis, domain::Direction>, Sums> sums_;
  // Units found so far: codes by folded name, names by code.
  std::map<std::string, std::string> units_, names_;
};

}  // namespace fiscal::disclosure

#endif  // FISCAL_DOMAIN_DISCLOSURE_LINES_SOURCE_H_
