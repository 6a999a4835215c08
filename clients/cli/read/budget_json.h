// Budgets, withdrawals and reallocations as JSON: what `fiscal submit` sends.
#ifndef FISCAL_CLIENTS_CLI_READ_BUDGET_JSON_H_
#define FISCAL_CLIENTS_CLI_READ_BUDGET_JSON_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "clients/cli/read/strict_json.h"
#include "fiscal/submission/v1/submission_service.pb.h"

namespace fiscal::cli {

// One object: a SubmitBudgetRequest, or {"withdraw": {...}} with a WithdrawBudgetRequest.
struct BudgetJson {
  // Where it begins in the file.
  int64_t line = 0;
  bool is_withdrawal = false;
  submission::v1::SubmitBudgetRequest budget;
  submission::v1::WithdrawBudgetRequest withdrawal;
  const std::string& request_id() const {
    return is_withdrawal ? withdrawal.request_id() : budget.request_id();
  }
};

struct BudgetsJson {
  std::vector<std::unique_ptr<BudgetJson>> budgets;
  // True for an array, of one or none too.
  bool array = false;
  // Where there are any, nothing is to be sent; a request_id was read if it stood before them or
  // beside them.
  std::vector<JsonProblem> problems;
};

// One object, or an array of them.
BudgetsJson ReadBudgets(absl::string_view text);
// One object: a line of NDJSON.
BudgetsJson ReadBudgetLine(absl::string_view text, int64_t line);

std::vector<JsonProblem> ReadReallocation(absl::string_view text,
                                          submission::v1::SubmitReallocationRequest* request);

// True when the text opens an object and closes it, right or wrong: a line of NDJSON, and not the
// first line of an object over several.
bool IsWholeObject(absl::string_view text);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_READ_BUDGET_JSON_H_
