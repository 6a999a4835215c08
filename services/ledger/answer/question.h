// One question about totals, a filter and how its money is grouped, and the rows that answer it at
// one position and, when postings are added, at later ones.
//
//   TotalsReader --> Question: Run (cells at a position) --> Rows
//   Watch        --> Question: Run, then AddPosting after AddPosting --> Rows::TakeChanges
//
// Not thread-safe.
#ifndef FISCAL_SERVICES_LEDGER_ANSWER_QUESTION_H_
#define FISCAL_SERVICES_LEDGER_ANSWER_QUESTION_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "domain/fold.h"
#include "domain/totals.h"
#include "services/ledger/answer/filter.h"
#include "services/ledger/answer/rows.h"
#include "services/ledger/fold/projector.h"
#include "services/ledger/fold/totals_view.h"
#include "services/ledger/work.h"

namespace fiscal::services {

class Question {
 public:
  Question(std::shared_ptr<const domain::Catalog> catalog, domain::TotalFilter filter,
           std::vector<domain::GroupBy> group_by)
      : filter_(std::move(catalog), std::move(filter)), rows_(filter_, std::move(group_by)) {}

  const Filter& filter() const { return filter_; }
  const Rows& rows() const { return rows_; }
  Rows& rows() { return rows_; }

  // Adds the cells at `position`, which was folded.
  absl::Status Run(const Projector& projector, NodeCache& cache, domain::Position position,
                   Work& work);
  // Adds one cell, if the filter selects it. REQUIRES: it groups by nothing.
  void Add(const domain::CellKey& key, absl::string_view project, const domain::CellValue& value) {
    AddCell({}, key, project, value);
  }
  // Adds what was posted after the position it stands at, if it counts here.
  void AddPosting(const domain::Posting& posting);
  // As Filter::SetCatalog.
  void SetCatalog(std::shared_ptr<const domain::Catalog> catalog) {
    filter_.SetCatalog(std::move(catalog));
  }

 private:
  class Sum;

  void AddCell(const std::vector<uint32_t>& orgs, const domain::CellKey& key,
               absl::string_view project, const domain::CellValue& value);

  Filter filter_;
  Rows rows_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_ANSWER_QUESTION_H_
