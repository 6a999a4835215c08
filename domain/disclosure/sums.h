// Sums of amounts by their lines' attributes, and a form's queries over them. All sources of cells
// use it.
//
//   lines, or leaf cells of agencies --> Sums::Add --> Sums::Ask --> Groups
//
// Plain values. Not thread-safe.
#ifndef FISCAL_DOMAIN_DISCLOSURE_SUMS_H_
#define FISCAL_DOMAIN_DISCLOSURE_SUMS_H_

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/node_hash_map.h"
#include "domain/cells.h"
#include "domain/disclosure/builder.h"

namespace fiscal::disclosure {

// The attributes that lines of one sum share.
struct SumKey {
  domain::Code functional = 0;
  domain::Code revenue = 0;
  domain::Code dept_economic = 0;
  domain::Code gov_economic = 0;
  // Packed.
  uint32_t attributes = 0;
  // As Group::code and Group::unit have them.
  std::string unit;
  std::string project;

  auto tie() const {
    return std::tie(functional, revenue, dept_economic, gov_economic, attributes, unit, project);
  }
  friend bool operator==(const SumKey& a, const SumKey& b) { return a.tie() == b.tie(); }
  template <typename H>
  friend H AbslHashValue(H h, const SumKey& k) {
    return H::combine(std::move(h), k.functional, k.revenue, k.dept_economic, k.gov_economic,
                      k.attributes, k.unit, k.project);
  }
};

// True when counted money answers for an analysis of which a statement has no memo lines. `office`:
// the agency's public expenses are operating expenses (行政 and 参公).
bool CountsIn(domain::Analysis analysis, const domain::Attributes& attributes, bool office);

class Sums {
 public:
  Sums() = default;
  // Not copied: places of one are no places of another.
  Sums(Sums&&) = default;
  Sums& operator=(Sums&&) = default;
  // `sign` is 1 or -1.
  void Add(const SumKey& key, const domain::CellValue& value, int sign = 1);
  void Add(const Sums& other, int sign = 1);
  // Ordered by code. Analyses are not looked at: all money here is of the one that was asked for.
  std::vector<Group> Ask(const Query& query, GroupKind by) const;
  static Sum SumOf(const domain::CellValue& value);

 private:
  // By unit, or by project and unit.
  std::vector<Group> AskUnits(const Query& query, GroupKind by) const;

  using Item = std::pair<const SumKey, domain::CellValue>;
  // Its items stay where they are: `by_unit_` points to them.
  absl::node_hash_map<SumKey, domain::CellValue> sums_;
  // In order of project and unit; made when it is asked for, and when there are more sums.
  mutable std::vector<const Item*> by_unit_;
};

}  // namespace fiscal::disclosure

#endif  // FISCAL_DOMAIN_DISCLOSURE_SUMS_H_
