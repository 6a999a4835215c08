// Everything that a line says beside its id, amount and note: lines that are equal in it are of one
// combination. Most lines of a statement share theirs with others, so what hangs on it alone is
// checked, written and summed once.
#ifndef FISCAL_DOMAIN_COMBINATION_H_
#define FISCAL_DOMAIN_COMBINATION_H_

#include <cstdint>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "base/hash.h"
#include "domain/types.h"

namespace fiscal::domain {

inline bool SameCombination(const Line& a, const Line& b) {
  return a.functional == b.functional && a.dept_economic == b.dept_economic &&
         a.gov_economic == b.gov_economic && a.revenue == b.revenue &&
         a.receiving_division == b.receiving_division && a.attributes == b.attributes &&
         a.precision_class == b.precision_class && a.project_code == b.project_code;
}

// For tables in memory; never stored.
inline uint64_t HashOfCombination(const Line& l) {
  uint64_t h = MixWords(uint64_t{l.functional} << 32 | l.attributes.Pack(),
                        uint64_t{l.dept_economic} << 32 | l.gov_economic);
  h = MixWords(h ^ l.precision_class, uint64_t{l.revenue} << 32 | l.receiving_division);
  if (!l.project_code.empty()) h = MixWords(h, absl::Hash<absl::string_view>()(l.project_code));
  return h;
}

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_COMBINATION_H_
