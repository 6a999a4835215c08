// Says of budgets, lines and cells whether a filter selects their money.
//
//   Question, BatchTotals, statuses, explanations --> Filter --> domain::Catalog
//
// Not thread-safe.
#ifndef FISCAL_SERVICES_LEDGER_ANSWER_FILTER_H_
#define FISCAL_SERVICES_LEDGER_ANSWER_FILTER_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "domain/catalog.h"
#include "domain/cells.h"
#include "domain/totals.h"

namespace fiscal::services {

// Stands for "no crosswalk maps it": no code is this.
constexpr domain::Code kUnmapped = 1;

class Filter {
 public:
  Filter(std::shared_ptr<const domain::Catalog> catalog, domain::TotalFilter asked)
      : catalog_(std::move(catalog)), asked_(std::move(asked)) {}

  const domain::TotalFilter& asked() const { return asked_; }
  const domain::Catalog& catalog() const { return *catalog_; }
  // Takes a later catalog, with divisions and names that are new.
  void SetCatalog(std::shared_ptr<const domain::Catalog> catalog) { catalog_ = std::move(catalog); }

  // NOT_FOUND with DIVISION_UNKNOWN, DEPARTMENT_UNKNOWN or AGENCY_UNKNOWN.
  absl::Status Check() const;
  // The divisions it selects from.
  std::vector<domain::Code> Subtree() const;
  // True when it selects money of a budget.
  bool Counts(const domain::BudgetKey& key, absl::string_view department) const;
  // The code in the classification asked for; kUnmapped where no crosswalk has it.
  domain::Code Shown(domain::Code functional) const;
  // True when it selects a cell, or a line, of such a budget; `shown` is the cell's functional code
  // as Shown has it.
  bool Matches(domain::Code shown, const domain::CellKey& key, const domain::Attributes& a,
               absl::string_view project) const;
  bool Matches(const domain::Line& line) const;

 private:
  std::shared_ptr<const domain::Catalog> catalog_;
  const domain::TotalFilter asked_;
  // Crosswalks found so far.
  mutable absl::flat_hash_map<domain::Code, domain::Code> shown_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_ANSWER_FILTER_H_
