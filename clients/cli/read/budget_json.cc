#include "clients/cli/read/budget_json.h"

namespace fiscal::cli {
namespace {

BudgetsJson Read(absl::string_view text, const JsonOptions& options) {
  BudgetsJson read;
  read.problems = ReadJson(text, options, [&read](int64_t line) {
    auto budget = std::make_unique<BudgetJson>();
    budget->line = line;
    const JsonTarget target = {&budget->budget, "withdraw", &budget->withdrawal,
                               &budget->is_withdrawal};
    read.budgets.push_back(std::move(budget));
    return target;
  });
  const size_t first = WithoutByteOrderMark(text).find_first_not_of(" \t\r\n");
  read.array = first != absl::string_view::npos && WithoutByteOrderMark(text)[first] == '[';
  return read;
}

}  // namespace

BudgetsJson ReadBudgets(absl::string_view text) { return Read(text, {/*array=*/true}); }

BudgetsJson ReadBudgetLine(absl::string_view text, int64_t line) {
  return Read(text, {/*array=*/false, line});
}

std::vector<JsonProblem> ReadReallocation(absl::string_view text,
                                          submission::v1::SubmitReallocationRequest* request) {
  return ReadJson(text, {}, [request](int64_t) { return JsonTarget{request}; });
}

bool IsWholeObject(absl::string_view text) {
  int64_t open = 0;
  bool quoted = false;
  bool any = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (!any && c == '[') return false;
      any = true;
      ++open;
    } else if (c == '}' || c == ']') {
      --open;
    }
  }
  return any && !quoted && open <= 0;
}

}  // namespace fiscal::cli
