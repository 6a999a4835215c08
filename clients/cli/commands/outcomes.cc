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
  for (const auto& finding : receipt.findings()) PrintFinding(finding, std::cerr);
}

void PrintFinding(const budget::v1::Finding& f, std::ostream& out) {
  out << "  " << ShortName(budget::v1::Severity_Name(f.severity()), "SEVERITY_") << " " << f.rule()
      << "  " << f.place() << (f.line_id().empty() ? "" : " (line_id " + f.line_id() + ")") << ": "
      << f.message() << "\n";
  if (!f.message_zh().empty()) out << "    " << f.message_zh() << "\n";
}

}  // namespace fiscal::cli
