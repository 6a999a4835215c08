// The rows of an answer: numbers while they are summed, names and order when they are told.
//
//   Question --(OrgRows, Add)--> Rows --> Answer;  Watch --(TakeChanges, ChangesFrom)--> Rows
//
// Not thread-safe.
#ifndef FISCAL_SERVICES_LEDGER_ANSWER_ROWS_H_
#define FISCAL_SERVICES_LEDGER_ANSWER_ROWS_H_

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "domain/cells.h"
#include "domain/totals.h"
#include "services/ledger/answer/filter.h"
#include "services/ledger/fold/totals_view.h"

namespace fiscal::services {

class Rows {
 public:
  // `filter` outlives it.
  Rows(const Filter& filter, std::vector<domain::GroupBy> group_by);
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  const std::vector<domain::GroupBy>& group_by() const { return group_by_; }
  // How many there are; one for a sum that is not grouped.
  size_t size() const { return group_by_.empty() ? 1 : values_.size(); }
  domain::CellValue grand_total() const { return grand_total_; }

  // The places in the organisation that a target's money counts in, by number.
  std::vector<uint32_t> OrgRows(const Target& target);
  // Adds a cell that the filter selects, in each of `orgs`; `shown` is its functional code as
  // Filter::Shown has it.
  void Add(const std::vector<uint32_t>& orgs, domain::Code shown, const domain::CellKey& key,
           const domain::Attributes& a, absl::string_view project, const domain::CellValue& value);
  // Keeps the names of projects, if rows tell them.
  void NameProjects(const std::vector<domain::CellProject>& projects);
  // From here on what rows were is remembered, for TakeChanges.
  void Track() { tracking_ = true; }

  domain::TotalList Answer(domain::RowOrder order) const;
  // The rows that differ from what they were at the last call, or at Track, in the order of
  // Answer(kCode).
  std::vector<domain::RowChange> TakeChanges();
  // The rows that differ from those of `before`, which asks the same, in the same order.
  std::vector<domain::RowChange> ChangesFrom(const Rows& before) const;
  // All rows of both, for comparing; `before` groups the same way and may ask for other money.
  std::vector<domain::RowChange> Beside(const Rows& before) const;

 private:
  // A value of a dimension: a number that identifies it within the dimension, and its level.
  struct Value {
    uint32_t id = 0;
    uint8_t level = 1;
  };
  struct Key {
    // Index into orgs_.
    uint32_t org = 0;
    Value a, b;
    auto tie() const { return std::tie(org, a.id, a.level, b.id, b.level); }
    friend bool operator==(const Key& x, const Key& y) { return x.tie() == y.tie(); }
    template <typename H>
    friend H AbslHashValue(H h, const Key& k) {
      return H::combine(std::move(h), k.org, k.a.id, k.a.level, k.b.id, k.b.level);
    }
  };
  // Enumerated values and codes order by this; empty codes come last.
  using SortKey = std::vector<std::tuple<bool, std::string, int, bool>>;

  int DepthOf(domain::Dimension d) const;
  uint32_t OrgIndex(std::vector<domain::GroupValue> values);
  std::vector<domain::GroupValue> DivisionValues(domain::Code division) const;
  // The values of a dimension that a cell counts in: one for each level.
  void ValuesOf(const domain::GroupBy& g, domain::Code shown, const domain::CellKey& key,
                const domain::Attributes& a, absl::string_view project, std::vector<Value>* out);
  void AddTo(const Key& key, const domain::CellValue& value);
  domain::GroupValue Describe(const domain::GroupBy& g, Value v) const;
  std::vector<domain::GroupValue> GroupOf(const Key& key, SortKey* sort) const;

  const Filter& filter_;
  const std::vector<domain::GroupBy> group_by_;
  // The dimensions of group_by_ that cells have; organisations have the others.
  std::vector<domain::GroupBy> cell_dims_;
  // A row's values of the organisation's dimensions, and their numbers.
  std::vector<std::vector<domain::GroupValue>> orgs_;
  std::map<std::vector<std::tuple<int, std::string, domain::Code, bool, int>>, uint32_t>
      org_numbers_;
  std::vector<std::string> projects_{std::string()};
  absl::flat_hash_map<std::string, uint32_t> project_numbers_;
  // As last stated by the agencies asked about.
  absl::flat_hash_map<std::string, std::string> project_names_;
  bool names_projects_ = false;
  absl::flat_hash_map<Key, domain::CellValue> values_;
  domain::CellValue grand_total_;
  // Rows touched since TakeChanges, as they were.
  bool tracking_ = false;
  absl::flat_hash_map<Key, domain::CellValue> before_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_ANSWER_ROWS_H_
