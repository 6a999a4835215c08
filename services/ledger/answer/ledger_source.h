// The ledger at a position as sums, for the tables of any agency, department, division or subtree.
//
//   Build --> LedgerSource --> TotalsReader: counted money by one classification
//                          --> leaf cells: analyses, pairs of codes, units, projects
//                          --> LinesSource: statements of whole departments, which name the units
//
// An analysis is answered statement by statement. One walk over the leaf cells sums memo lines and
// counted lines apart and notes the agencies that have memo lines. Where some have and others have
// not, a second walk over those that have takes off their counted lines. Not thread-safe: made for
// one answer.
#ifndef FISCAL_SERVICES_LEDGER_ANSWER_LEDGER_SOURCE_H_
#define FISCAL_SERVICES_LEDGER_ANSWER_LEDGER_SOURCE_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "domain/disclosure/sums.h"
#include "services/ledger/answer/statuses.h"
#include "services/ledger/answer/totals_reader.h"
#include "storage/head_reader.h"

namespace fiscal::services {

class LedgerSource final : public disclosure::CellSource {
 public:
  // Gives the agency that carries a project out; empty for none.
  using UnitOf = std::string (*)(const domain::ProjectEntry& project);

  // `scope` names division, department or agency, year and stage.
  LedgerSource(const Projector& projector, const TotalsReader& reader,
               const storage::HeadReader& statements, UnitOf unit_of, domain::TotalFilter scope,
               domain::Position position, Work& work);
  ~LedgerSource() override;

  absl::StatusOr<std::vector<disclosure::Group>> Ask(const disclosure::Query& query,
                                                     disclosure::GroupKind by) override;
  absl::StatusOr<disclosure::Sum> CarryForward() override;
  std::string NameOf(domain::CatalogList list, const std::string& code) const override;

 private:
  struct Leaf;
  class Walk;
  using Part = std::pair<domain::Analysis, domain::Direction>;
  // A whole department's statement, and its place among the leaves.
  struct WholeDepartment;

  absl::StatusOr<std::vector<disclosure::Group>> AskTotals(const disclosure::Query& query,
                                                           disclosure::GroupKind by) const;
  // The money that answers for an analysis in one direction, without whole departments' statements.
  absl::StatusOr<const disclosure::Sums*> Of(const Part& part);
  absl::Status WalkStage(const Part& part, domain::Stage stage, disclosure::Sums* sums);
  // Once: agencies, the statements that stand, those of whole departments.
  absl::Status LoadLeaves();
  absl::StatusOr<const Statuses*> Standing();
  size_t LeafOf(const domain::BudgetKey& budget) const;
  std::string ProjectName(const std::string& unit, const std::string& project) const;

  const Projector& projector_;
  const TotalsReader& reader_;
  const storage::HeadReader& statements_;
  const UnitOf unit_of_;
  const domain::TotalFilter scope_;
  const domain::Position position_;
  Work& work_;
  const std::shared_ptr<const domain::Catalog> catalog_;
  std::unique_ptr<Statuses> standing_;
  bool loaded_ = false;
  // Ordered by division and code; a leaf for each target.
  std::vector<Target> targets_;
  std::vector<Leaf> leaves_;
  // The place of each leaf's unit.
  absl::flat_hash_map<std::string, size_t> places_;
  std::vector<std::unique_ptr<WholeDepartment>> departments_;
  std::map<Part, disclosure::Sums> sums_;
  // Names of projects by unit and code; by code alone where the cells name no unit.
  absl::flat_hash_map<std::pair<std::string, std::string>, std::string> project_names_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_ANSWER_LEDGER_SOURCE_H_
