// What is right by form and hardly meant: looked for in a statement's own lines, and beside what
// was stated before. Warnings, with what to do.
//
//   lines --> FindSubtotals          --> findings (services/ledger/decide/rules_check.h)
//   meta, earlier meta --> CompareMagnitude --> a finding (services/ledger/decide/statement.h)
//
// Pure.
#ifndef FISCAL_DOMAIN_PLAUSIBILITY_H_
#define FISCAL_DOMAIN_PLAUSIBILITY_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "domain/event.h"
#include "domain/types.h"

namespace fiscal::domain {

// Rules of findings, beside those of domain/data/rules.csv.
constexpr char kSubtotalRule[] = "SUBTOTAL_ROW";
constexpr char kMagnitudeRule[] = "MAGNITUDE";

// Lines that repeat the sum of others, as the rows of 类 and 款, of 基本支出 or of 单位资金 do in a
// printed table: a code, category or fund stands above those of other lines of the same direction,
// and amounts to their sum. Counted, their money counts twice. At most `max`; memo lines are not
// looked at. `combinations` as of LineSet, 0 when it isn't known: most statements are seen by their
// combinations to have nothing of the kind.
std::vector<Finding> FindSubtotals(const std::vector<Line>& lines, uint32_t combinations,
                                   size_t max);

// Amounts that are some 1,000 or 10,000 times what was stated before, or as little: 元 sent as 万元.
// `before`, in words, is what `earlier` was stated for: "2023", "the stage REVIEWED".
std::optional<Finding> CompareMagnitude(int64_t now_fen, int64_t earlier_fen,
                                        absl::string_view before, absl::string_view before_zh);

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_PLAUSIBILITY_H_
