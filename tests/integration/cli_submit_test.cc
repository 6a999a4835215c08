// fiscal submit of JSON: strict, answered in the order of the file, and of any size.
#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/cli_contract.h"

namespace fiscal::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class CliSubmitTest : public CliContractTest {
 protected:
  static std::string Budget(const std::string& request_id, const std::string& code = "2050202",
                            const std::string& more = "") {
    return absl::StrCat(
        R"({"requestId": ")", request_id,
        R"(", "budget": {"divisionCode": "141100", "agencyCode": "101002", "fiscalYear": 2024, )",
        R"("stage": "STAGE_REVIEWED"}, "lineItems": [{"lineId": "A", "amountFen": "500", )",
        R"("direction": "DIRECTION_EXPENDITURE", "functionalCode": ")", code, "\"}]", more, "}");
  }
  // A line for each answer: the line of the file, the request, and what became of it.
  static std::vector<std::string> Outcomes(const std::string& out) {
    std::vector<std::string> outcomes;
    int64_t index = 0;
    for (const std::string& line : Lines(out)) {
      const google::protobuf::Struct answer = Json(line);
      EXPECT_EQ(Field(answer, "index"), absl::StrCat(index++)) << line;
      std::string outcome;
      if (answer.fields().contains("receipt")) {
        outcome = Field(answer.fields().at("receipt").struct_value(), "result");
      } else {
        const auto& error = answer.fields().at("error").struct_value();
        outcome = absl::StrCat("refused ", Field(error, "code"));
        EXPECT_TRUE(error.fields().contains("details")) << line;
      }
      outcomes.push_back(
          absl::StrCat(Field(answer, "line"), " ", Field(answer, "request_id"), " ", outcome));
    }
    return outcomes;
  }
};

TEST_F(CliSubmitTest, LinesAreAnsweredInTheirOrder) {
  const std::string withdrawal =
      R"({"withdraw": {"requestId": "w", "budget": {"divisionCode": "141100", )"
      R"("agencyCode": "101002", "fiscalYear": 2024, "stage": "STAGE_REVIEWED"}}})";
  const std::string file =
      Write("lines.ndjson", absl::StrCat("\xef\xbb\xbf", Budget("ix-0"), "\n\n", Budget("ix-1"),
                                         "\n{\"requestId\": bad}\n", Budget("ix-4", "9999999"),
                                         "\n", Budget("ix-5", "2050202", ", \"note\": 1"), "\n",
                                         withdrawal, "\n[]\n", Budget("ix-8"), "\n"));
  const Ran ran = Fiscal("submit " + file);
  EXPECT_EQ(ran.code, 3);
  EXPECT_THAT(Outcomes(ran.out),
              ElementsAre("1 ix-0 RESULT_CREATED", "3 ix-1 RESULT_UNCHANGED", "4  refused 3",
                          "5 ix-4 refused 9", "6 ix-5 refused 3", "7 w RESULT_REVISED",
                          "8  refused 3", "9 ix-8 RESULT_REVISED"))
      << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("\"reason\":\"MESSAGE_MALFORMED\""));
  EXPECT_THAT(said_, HasSubstr("lines.ndjson line 6: note: must be text in quotation marks"));
  EXPECT_THAT(said_, HasSubstr("4 of 8 were refused"));
}

TEST_F(CliSubmitTest, NothingAtAllIsSaid) {
  for (const std::string text : {"", "\n \n"}) {
    EXPECT_EQ(Fiscal("submit " + Write("none.ndjson", text)).code, 2);
    EXPECT_THAT(said_, HasSubstr("none.ndjson: has no line with a budget"));
    EXPECT_EQ(Fiscal("submit - < " + Write("none", text)).code, 2);
    EXPECT_EQ(Fiscal("submit " + Write("none.json", text)).code, 3);
  }
  EXPECT_EQ(Fiscal("submit " + Write("none.json", "[]")).code, 2);
}

TEST_F(CliSubmitTest, StandardInputIsOneSeveralOrLines) {
  auto input = [this](const std::string& text) {
    return Fiscal("submit - -o json < " + Write("in", text));
  };
  const Ran lines = input(Budget("l-0") + "\n" + Budget("l-1"));
  EXPECT_EQ(lines.code, 0) << said_;
  EXPECT_THAT(Outcomes(lines.out), ElementsAre("1 l-0 RESULT_CREATED", "2 l-1 RESULT_UNCHANGED"));
  const Ran array = input(absl::StrCat("[\n", Budget("a-0"), ",\n\n", Budget("a-1"), "]"));
  EXPECT_EQ(array.code, 0) << said_;
  EXPECT_THAT(Outcomes(array.out), ElementsAre("2 a-0 RESULT_UNCHANGED", "4 a-1 RESULT_UNCHANGED"));
  const Ran one = input(absl::StrReplaceAll(Budget("o-0"), {{", ", ",\n"}}));
  EXPECT_EQ(one.code, 0) << said_;
  EXPECT_EQ(Field(Json(one.out), "result"), "RESULT_UNCHANGED");
  // The same in a file; of one with a fault nothing is sent.
  const Ran file = Fiscal(
      "submit " + Write("two.json", absl::StrCat("[", Budget("f-0"), ",\n", Budget("f-1"), "]")));
  EXPECT_THAT(Outcomes(file.out), ElementsAre("1 f-0 RESULT_UNCHANGED", "2 f-1 RESULT_UNCHANGED"));
  const Ran faulty = Fiscal(
      "submit " + Write("two.json", absl::StrCat("[", Budget("g-0"), ",\n", Budget("g-1"), ",]")));
  EXPECT_EQ(faulty.code, 3);
  EXPECT_EQ(faulty.out, "");
  EXPECT_THAT(said_, HasSubstr("two.json line 2: [1]: a comma stands before ]"));
}

TEST_F(CliSubmitTest, WhatIsWrongIsNamedByFieldAndLine) {
  const std::string text = absl::StrReplaceAll(
      Budget("r"), {{"\"amountFen\": \"500\"", "\n\"amountFen\": 500.5, \"fnud\": 1"}});
  const Ran ran = Fiscal("submit -o json " + Write("wrong.json", text));
  EXPECT_EQ(ran.code, 3);
  EXPECT_THAT(said_, HasSubstr("wrong.json line 2: lineItems[0].amountFen: 500.5 has a fraction"));
  EXPECT_THAT(said_, HasSubstr("line 2: there is no such field; did you mean fund?"));
  const auto error = Json(ran.out).fields().at("error").struct_value();
  EXPECT_EQ(Field(error, "reason"), "MESSAGE_MALFORMED");
  EXPECT_EQ(error.fields().at("violations").list_value().values_size(), 2);
  EXPECT_EQ(Fiscal("submit --reallocation " + Write("r.json", "{\"budgets\": [{\"x\": 1}]}")).code,
            3);
  EXPECT_THAT(said_, HasSubstr("r.json line 1: budgets[0].x: there is no such field"));
}

// 100,000 lines are 22 MB in a message, more than a call may have: it goes by a stream, in parts.
TEST_F(CliSubmitTest, ABudgetLargerThanAMessageGoesInParts) {
  constexpr int kLines = 100000;
  const std::string text = Budget("large");
  const size_t begin = text.find("\"lineItems\": [") + 14, end = text.rfind(']');
  // Past this program's memory: it serves too, and sees memory that no request accounts for.
  const auto write = [&](const std::string& name, const char* before, const char* after) {
    std::ofstream file(dir_.path() + "/" + name, std::ios::binary);
    file << before << text.substr(0, begin);
    for (int i = 0; i < kLines; ++i) {
      file << (i == 0 ? "" : ",") << "{\"lineId\":\"L" << i
           << "\",\"direction\":\"DIRECTION_EXPENDITURE\",\"functionalCode\":\"2050202\","
           << "\"amountFen\":\"1\",\"note\":\"" << std::string(190, 'x') << "\"}";
    }
    file << text.substr(end) << after;
    return dir_.path() + "/" + name;
  };
  const Ran ran = Fiscal("submit -o json " + write("large.json", "", ""));
  EXPECT_EQ(ran.code, 0) << said_;
  EXPECT_EQ(Field(Json(ran.out), "line_count"), absl::StrCat(kLines));
  // What no stream takes is refused with a reason and a way on.
  EXPECT_EQ(Fiscal("submit --reallocation " + write("all.json", "{\"budgets\": [", "]}")).code, 3);
  EXPECT_THAT(said_, StartsWith("fiscal: MESSAGE_TOO_LARGE: Received message larger than max"));
  EXPECT_THAT(said_, HasSubstr("at most 16 MB"));
}

}  // namespace
}  // namespace fiscal::testing
