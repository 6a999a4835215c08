#include "clients/cli/commands/outcomes.h"

#include <iostream>

#include "clients/cli/read/names.h"
#include "google/protobuf/util/json_util.h"

namespace fiscal::cli {

namespace s = fiscal::submission::v1;

std::string OneLine(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  google::protobuf::util::MessageToJsonString(message, &json, options);
  return json;
}

void PrintReceipt(const Context& context, const s::SubmitBudgetResponse& receipt) {
  if (context.json()) {
    std::cout << OneLine(receipt) << "\n";
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
