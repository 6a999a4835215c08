// The ledger at a position as sums, for the tables of any agency, department, division or subtree.
//
//   TotalsReader (totals), HeadReader (what statements of departments name their units) --> LedgerSource --> Build
//
// Not thread-safe: made for one answer.
#ifndef FISCAL_SERVICES_DISCLOSURE_LEDGER_SOURCE_H_
#define FISCAL_SERVICES_DISCLOSURE_LEDGER_SOURCE_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "domain/disclosure/builder.h"
#include "services/aggregation/statuses.h"
#include "services/aggregation/totals_reader.h"
#include "storage/heads.h"

namespace fiscal::services {

class LedgerSource final : public disclosure::CellSource {
 public:
  // `scope` names division, department or agency, year and stage.
  LedgerSource(const Projector& projector, const TotalsReader& reader,
               const storage::HeadReader& statements, TotalFilter scope, domain::Position position);

  absl::StatusOr<std::vector<disclosure::Group>> Ask(const disclosure::Query& query,
                                                     disclosure::GroupKind by) override;
  absl::StatusOr<disclosure::Sum> CarryForward() override;
  std::string NameOf(domain::CatalogList list, const std::string& code) const override;

 private:
  // An agency of a division.
  using Agency = std::pair<domain::Code, std::string>;
  using Groups = std::map<std::vector<std::string>, disclosure::Group>;

  TotalFilter FilterOf(const disclosure::Query& query, domain::Analysis analysis) const;
  // The groups of one question; `sign` -1 takes them off.
  absl::Status Add(const TotalFilter& filter, disclosure::GroupKind by, int sign, Groups* into);
  // The agencies that have money of a filter.
  absl::StatusOr<std::set<Agency>> AgenciesWith(const TotalFilter& filter) const;
  // The statements that stand in the scope, read once.
  absl::StatusOr<const Statuses*> Standing();
  // What a department's own statement says its units are: of its projects by code, of its operating lines.
  struct UnitsOf {
    std::map<std::string, std::string> projects;
    std::vector<std::pair<domain::Line, std::string>> operating;
  };
  absl::StatusOr<const UnitsOf*> DepartmentUnits(const Agency& agency);
  std::string AgencyName(const Agency& agency) const;
  bool Operates(const Agency& agency) const;

  const Projector& projector_;
  const TotalsReader& reader_;
  const storage::HeadReader& statements_;
  const TotalFilter scope_;
  const domain::Position position_;
  const std::shared_ptr<const domain::Catalog> catalog_;
  std::unique_ptr<Statuses> standing_;
  std::map<Agency, std::unique_ptr<UnitsOf>> units_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_DISCLOSURE_LEDGER_SOURCE_H_
