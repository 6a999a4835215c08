// The lines of one statement as sums, for the tables it would print. Pure.
#ifndef FISCAL_DOMAIN_DISCLOSURE_LINES_SOURCE_H_
#define FISCAL_DOMAIN_DISCLOSURE_LINES_SOURCE_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "domain/disclosure/builder.h"

namespace fiscal::disclosure {

// One statement. What it refers to must outlive the source.
struct StatementLines {
  const std::vector<domain::Line>* lines = nullptr;
  std::optional<int64_t> carry_forward_fen;
  // The agency, and its name.
  std::string agency_code, agency_name;
  // Names of projects by code, and the units that carry them out where the statement is a department's.
  std::map<std::string, std::string> project_names, project_units;
  bool department_scope = false;
  // Whether public expenses of the agency are operating expenses: 行政 and 参公.
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
  const StatementLines statement_;
  // Analyses the statement has memo lines of.
  bool has_[8] = {};
};

}  // namespace fiscal::disclosure

#endif  // FISCAL_DOMAIN_DISCLOSURE_LINES_SOURCE_H_
