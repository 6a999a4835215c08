// The program `fiscal` against a server in this process.
#ifndef FISCAL_TESTS_INTEGRATION_CLI_CONTRACT_H_
#define FISCAL_TESTS_INTEGRATION_CLI_CONTRACT_H_

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "tests/integration/deployment.h"
#include "tests/support/programs.h"

namespace fiscal::testing {

constexpr char kReference[] = "tests/data/documents/lvliang_finance_office_2024.txt";

class CliContractTest : public ::testing::Test {
 protected:
  Ran Fiscal(const std::string& arguments, const std::string& server = "") {
    Ran ran = RunFiscal(
        absl::StrCat("--server ", server.empty() ? d_.address() : server, " ", arguments));
    said_ = ran.err;
    return ran;
  }
  std::string Write(const std::string& name, const std::string& content) {
    const std::string path = dir_.path() + "/" + name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  static google::protobuf::Struct Json(const std::string& text) {
    google::protobuf::Struct parsed;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(text, &parsed).ok()) << text;
    return parsed;
  }
  static std::string Field(const google::protobuf::Struct& s, const std::string& name) {
    auto it = s.fields().find(name);
    if (it == s.fields().end()) return "(missing)";
    if (it->second.kind_case() == google::protobuf::Value::kNumberValue)
      return absl::StrCat(it->second.number_value());
    return it->second.string_value();
  }

  static std::vector<std::string> Lines(const std::string& text) {
    return absl::StrSplit(absl::StripSuffix(text, "\n"), '\n');
  }
  // Of a row of totals: the code of its first group.
  static std::string Code(const google::protobuf::Value& row) {
    const auto& group = row.struct_value().fields().at("group").list_value();
    return Field(group.values(0).struct_value(), "code");
  }

  Deployment d_;
  // What the program last said to stderr.
  std::string said_;
  TempDir dir_;
};

}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_INTEGRATION_CLI_CONTRACT_H_
