#include "clients/cli/commands/outcomes.h"

#include <iostream>

#include "clients/cli/read/names.h"

namespace fiscal::cli {

namespace s = fiscal::submission::v1;

void PrintReceipt(const Context& context, const s::SubmitBudgetResponse& receipt) {
  if (context.json()) {
    context.Print(receipt);
    return;
  }
  std::cout << ShortName(s::Result_Name(receipt.result()), "RESULT_") << "  revision "
            << receipt.revision() << "  position " << receipt.position() << "  "
            << receipt.line_count() << " lines, " << receipt.memo_line_count() << " memo lines, "
            << receipt.project_count() << " projects\n";
  for (const auto& f : receipt.findings())
    std::cerr << "  " << f.rule() << " " << f.place() << ": " << f.message() << "\n";
}

}  // namespace fiscal::cli
