// The answer to a request, given once its outcome is durable.
#ifndef FISCAL_DOMAIN_RECEIPT_H_
#define FISCAL_DOMAIN_RECEIPT_H_

#include <cstdint>
#include <vector>

#include "base/sha256.h"
#include "domain/event.h"
#include "domain/types.h"

namespace fiscal::domain {

// Of one statement, import or order; kept, so that a repeat of the request gets it again.
struct Receipt {
  Result result = Result::kNone;
  uint64_t revision = 0;
  Position position;
  uint64_t line_count = 0;
  uint64_t memo_line_count = 0;
  uint64_t project_count = 0;
  Digest chain_hash{};
  std::vector<Finding> findings;
  // Catalog imports: entries added, changed, unchanged.
  uint64_t added = 0, changed = 0, unchanged = 0;
};

// Of a whole request.
struct RequestReceipt {
  Receipt receipt;
  // Of a reallocation: one for each of its budgets; `receipt` is the last.
  std::vector<Receipt> parts;
  // Change of the budget's counted sums; for previews.
  int64_t expenditure_change_fen = 0;
  int64_t income_change_fen = 0;
};

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_RECEIPT_H_
