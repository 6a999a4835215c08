// JSON is read strictly: what has two meanings, or none, is refused with its field and line.
#include "clients/cli/read/strict_json.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "clients/cli/read/budget_json.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"

namespace fiscal::cli {
namespace {

namespace s = fiscal::submission::v1;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

std::string Shown(const std::vector<JsonProblem>& problems) {
  std::string text;
  for (const JsonProblem& p : problems) {
    EXPECT_FALSE(p.message_zh.empty()) << p.message;
    absl::StrAppend(&text, p.line, " ", p.field, " ", p.reason, " ", p.message, "\n");
  }
  return text;
}

// The budgets as text, or what is wrong.
std::string Read(absl::string_view text) {
  const BudgetsJson read = ReadBudgets(text);
  if (!read.problems.empty()) return Shown(read.problems);
  std::string shown;
  for (const auto& budget : read.budgets) {
    absl::StrAppend(&shown, budget->line, budget->is_withdrawal ? " withdraw " : " ",
                    budget->is_withdrawal ? budget->withdrawal.ShortDebugString()
                                          : budget->budget.ShortDebugString(),
                    "\n");
  }
  return shown;
}

constexpr char kMalformed[] = " MESSAGE_MALFORMED ";

TEST(StrictJsonTest, WhatIsWholeIsRead) {
  EXPECT_EQ(Read("\xef\xbb\xbf{\"request_id\":\"a\"}"), "1 request_id: \"a\"\n");
  EXPECT_EQ(Read("\n {\"budget\": {\"fiscalYear\": 2024, \"stage\": \"STAGE_APPROVED\"},\n"
                 "\"line_items\": [{\"line_id\": \"1\", \"amount_fen\": \"-9223372036854775808\"},"
                 "{\"amountFen\": 9223372036854775807, \"direction\": 1}], \"certify\": true,"
                 "\"removed_line_ids\": [\"x\", \"y\"], \"note\": null}\n"),
            "2 budget { fiscal_year: 2024 stage: STAGE_APPROVED } line_items { line_id: \"1\" "
            "amount_fen: -9223372036854775808 } line_items { direction: DIRECTION_EXPENDITURE "
            "amount_fen: 9223372036854775807 } removed_line_ids: \"x\" removed_line_ids: \"y\" "
            "certify: true\n");
  EXPECT_EQ(Read("[{\"request_id\":\"a\"},\n{\"withdraw\":{\"request_id\":\"b\"}}]"),
            "1 request_id: \"a\"\n2 withdraw request_id: \"b\"\n");
  EXPECT_EQ(Read("[]"), "");
}

TEST(StrictJsonTest, FieldsGivenTwiceOrUnknown) {
  EXPECT_EQ(Read("{\"note\":\"a\",\n\"note\":\"b\"}"),
            absl::StrCat("2 note", kMalformed, "is given twice in its object\n"));
  EXPECT_EQ(Read("{\"request_id\":\"a\",\"requestId\":\"b\"}"),
            absl::StrCat("1 requestId", kMalformed, "is given twice in its object\n"));
  EXPECT_EQ(Read("{\"line_items\":[{},{\n\"amount_fne\":1}]}"),
            "2 line_items[1].amount_fne FIELD_UNKNOWN there is no such field; did you mean "
            "amount_fen?\n");
  EXPECT_EQ(Read("{\"zzz\":{\"a\":[{}]},\"zzz\":1}"),
            absl::StrCat("1 zzz FIELD_UNKNOWN there is no such field\n1 zzz", kMalformed,
                         "is given twice in its object\n"));
  EXPECT_EQ(Read("{\"budget\":{\"stage\":\"STAGE_APROVED\"}}"),
            "1 budget.stage ENUM_UNKNOWN STAGE_APROVED is none of its values; did you mean "
            "STAGE_APPROVED?\n");
}

TEST(StrictJsonTest, NumbersAreWholeAndFit) {
  auto amount = [](const std::string& value) {
    return Read(absl::StrCat("{\"line_items\":[{\"amount_fen\":", value, "\n}]}"));
  };
  const std::string at = absl::StrCat("1 line_items[0].amount_fen", kMalformed);
  EXPECT_EQ(amount("0"), "1 line_items { amount_fen: 0 }\n");
  EXPECT_EQ(amount("1.5"), at + "1.5 has a fraction; write a whole number\n");
  EXPECT_EQ(amount("1.0"), at + "1.0 has a fraction; write a whole number\n");
  EXPECT_EQ(amount("1e3"), at + "1e3 has an exponent; write a whole number\n");
  const std::string beyond = " is beyond -9223372036854775808 to 9223372036854775807\n";
  EXPECT_EQ(amount("9223372036854775808"), at + "9223372036854775808" + beyond);
  EXPECT_EQ(amount("-9223372036854775809"), at + "-9223372036854775809" + beyond);
  EXPECT_EQ(amount("\"9223372036854775808\""), at + "9223372036854775808" + beyond);
  EXPECT_EQ(amount("\"1e3\""), at + "\"1e3\" is no whole number\n");
  EXPECT_EQ(amount("\" 1\""), at + "\" 1\" is no whole number\n");
  EXPECT_EQ(amount("true"), at + "must be a whole number\n");
  EXPECT_EQ(amount("[1]"), at + "must be a whole number\n");
  EXPECT_EQ(Read("{\"budget\":{\"fiscal_year\":2147483648}}"),
            absl::StrCat("1 budget.fiscal_year", kMalformed,
                         "2147483648 is beyond -2147483648 to 2147483647\n"));
}

TEST(StrictJsonTest, ValuesAreOfTheirKind) {
  EXPECT_EQ(
      Read("{\"note\":1,\"certify\":\"true\",\"budget\":[],\"line_items\":{},"
           "\"projects\":[1,null],\"mode\":true}"),
      absl::StrCat("1 note", kMalformed, "must be text in quotation marks\n1 certify", kMalformed,
                   "must be true or false\n1 budget", kMalformed, "must be an object\n1 line_items",
                   kMalformed, "must be an array\n1 projects[0]", kMalformed,
                   "must be an object\n1 projects[1]", kMalformed, "null is no value here\n1 mode",
                   kMalformed, "must be one of its names, in quotation marks\n"));
  EXPECT_EQ(Read("[1,[]]"),
            absl::StrCat("1 [0]", kMalformed,
                         "a budget is an object, several are an array of objects\n1 [1]",
                         kMalformed, "a budget is an object, several are an array of objects\n"));
  EXPECT_EQ(Read("{\"withdraw\":{},\"note\":\"x\"}"),
            absl::StrCat("1 note", kMalformed, "withdraw stands alone in its object\n"));
  EXPECT_EQ(Read("{\"withdraw\":[]}"),
            absl::StrCat("1 withdraw", kMalformed, "must be an object\n"));
}

TEST(StrictJsonTest, WhatIsNoJson) {
  auto refused = [](const std::string& text, const std::string& start) {
    const std::string said = Read(text);
    EXPECT_EQ(said.substr(0, start.size()), start) << text;
  };
  refused("", "1  MESSAGE_MALFORMED there is nothing in it");
  refused("{\"note\":\"a\",\n}\n", "2 note MESSAGE_MALFORMED a comma stands before }");
  refused("[{},\n]", "2 [0] MESSAGE_MALFORMED a comma stands before ]");
  refused("{\n// why\n\"note\":\"a\"}", "2  MESSAGE_MALFORMED JSON has no comments");
  refused("{\"note\":\"a\"\n\n", "2 note MESSAGE_MALFORMED syntax error");
  refused("{\"note\":\"a\n\"}", "1 note MESSAGE_MALFORMED syntax error");
  refused("{}\n{}", "2  MESSAGE_MALFORMED more follows after the end");
  refused("{\"note\":\"\xff\"}", "1 note MESSAGE_MALFORMED syntax error");
  refused(std::string("{}\n\0{}", 6), "2  MESSAGE_MALFORMED a NUL byte");
  refused("{'note':1}", "1  MESSAGE_MALFORMED syntax error");
  refused("{\"line_items\":[{\"amount_fen\":NaN}]}",
          "1 line_items[0].amount_fen MESSAGE_MALFORMED syntax error");
}

TEST(StrictJsonTest, TheRequestIdIsToldOfWhatIsRefused) {
  EXPECT_EQ(ReadBudgetLine("{\"line_items\":7,\"request_id\":\"a\"}", 4).budgets[0]->request_id(),
            "a");
  const BudgetsJson cut = ReadBudgetLine("{\"request_id\":\"a\",", 4);
  EXPECT_EQ(cut.budgets[0]->request_id(), "a");
  EXPECT_EQ(cut.problems[0].line, 4);
  EXPECT_EQ(Shown(ReadBudgetLine("[{}]", 4).problems),
            absl::StrCat("4 ", kMalformed, "must be an object\n"));
}

TEST(StrictJsonTest, ProblemsAreBounded) {
  std::string text = "{\"line_items\":[";
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&text, i == 0 ? "" : ",", "{\"x\":1}");
  EXPECT_EQ(ReadBudgets(text + "]}").problems.size(), kJsonProblemsMax);
  EXPECT_FALSE(ReadBudgets(std::string(100000, '[')).problems.empty());
}

TEST(StrictJsonTest, LinesOfNdjsonAndOfDocumentsAreToldApart) {
  EXPECT_TRUE(IsWholeObject("{\"a\":{\"b\":[1]}}"));
  EXPECT_TRUE(IsWholeObject("{\"a\":1,}"));
  EXPECT_FALSE(IsWholeObject("{"));
  EXPECT_FALSE(IsWholeObject("{\"a\":\"}\""));
  EXPECT_FALSE(IsWholeObject("{\"a\":\"\\\"}"));
  EXPECT_FALSE(IsWholeObject("[{}]"));
  EXPECT_FALSE(IsWholeObject("[{}"));
  EXPECT_FALSE(IsWholeObject("x"));
}

// The reader knows the kinds of fields that requests have, and no others.
void CheckKinds(const Descriptor& message, std::set<const Descriptor*>* seen) {
  if (!seen->insert(&message).second) return;
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    switch (field.type()) {
      case FieldDescriptor::TYPE_BOOL:
      case FieldDescriptor::TYPE_STRING:
      case FieldDescriptor::TYPE_ENUM:
      case FieldDescriptor::TYPE_INT32:
      case FieldDescriptor::TYPE_INT64:
        break;
      case FieldDescriptor::TYPE_MESSAGE:
        EXPECT_FALSE(field.is_map()) << field.full_name();
        EXPECT_EQ(field.message_type()->full_name().find("google.protobuf"), std::string::npos)
            << field.full_name();
        CheckKinds(*field.message_type(), seen);
        break;
      default:
        ADD_FAILURE() << field.full_name() << " can't be read";
    }
    EXPECT_EQ(field.real_containing_oneof(), nullptr) << field.full_name();
  }
}

TEST(StrictJsonTest, EveryFieldOfARequestCanBeRead) {
  std::set<const Descriptor*> seen;
  CheckKinds(*s::SubmitBudgetRequest::descriptor(), &seen);
  CheckKinds(*s::WithdrawBudgetRequest::descriptor(), &seen);
  CheckKinds(*s::SubmitReallocationRequest::descriptor(), &seen);
}

}  // namespace
}  // namespace fiscal::cli
