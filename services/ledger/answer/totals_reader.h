// Answers questions about totals at a position.
//
//   AggregationService --> TotalsReader --> TotalsView: the cells at that position
//
// A question names an org node, filters and at most two dimensions. It is answered from the cells
// that keep just the classification it needs, or, when it needs two classifications or projects, by
// a pivot over the leaf cells below the node. Thread-safe.
#ifndef FISCAL_SERVICES_LEDGER_ANSWER_TOTALS_READER_H_
#define FISCAL_SERVICES_LEDGER_ANSWER_TOTALS_READER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "domain/cells.h"
#include "services/ledger/answer/question.h"
#include "services/ledger/fold/projector.h"

namespace fiscal::services {

class TotalsReader {
 public:
  explicit TotalsReader(const Projector& projector);
  ~TotalsReader();

  // Answers a question of the caller's, which keeps its rows. Else as Get.
  absl::Status Ask(Question& question, domain::Position position, Work& work) const;
  // `position` must have been folded. NOT_FOUND with DIVISION_UNKNOWN, DEPARTMENT_UNKNOWN or
  // AGENCY_UNKNOWN.
  absl::StatusOr<domain::CellValue> Get(const domain::TotalFilter& filter,
                                        domain::Position position, Work& work) const;
  // A value for each filter, in order. Those that read the same cells share one reading of them.
  absl::StatusOr<std::vector<domain::CellValue>> GetAll(
      const std::vector<domain::TotalFilter>& filters, domain::Position position, Work& work) const;
  absl::StatusOr<domain::TotalList> List(const domain::TotalFilter& filter,
                                         const std::vector<domain::GroupBy>& group_by,
                                         domain::RowOrder order, domain::Position position,
                                         Work& work) const;
  // The cells of one kind of some organisations.
  absl::Status Visit(const std::vector<Target>& targets, domain::CellKind kind, uint16_t year,
                     domain::Stage stage, domain::Position position, CellVisitor& visit,
                     Work& work) const;

 private:
  const Projector& projector_;
  const std::unique_ptr<NodeCache> cache_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_ANSWER_TOTALS_READER_H_
