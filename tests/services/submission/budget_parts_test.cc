// Frames put together to budgets, as rows: a frame => the budget it completes, or its refusal.
//
//   ID N          a budget of N lines in one frame    ID N more     its first part; - N more: one
//   ID N unknown  with a field that is not known      ID N bytes=B  with a text of B bytes
//   malformed     no message                          end           the stream has no more frames
//   forget        the process drains
#include "services/submission/budget_parts.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "domain/reason.h"
#include "gtest/gtest.h"

namespace fiscal::services {
namespace {

namespace pb = fiscal::submission::v1;

std::string FrameOf(const std::string& row) {
  if (row == "malformed") return "\xff";
  const std::vector<std::string> words = absl::StrSplit(row, ' ');
  pb::StreamBudgetsRequest frame;
  if (words[0] != "-") frame.mutable_budget()->set_request_id(words[0]);
  int lines = 0;
  EXPECT_TRUE(absl::SimpleAtoi(words.at(1), &lines)) << row;
  for (int i = 0; i < lines; ++i) frame.mutable_budget()->add_line_items()->set_line_id("L");
  for (size_t i = 2; i < words.size(); ++i) {
    size_t bytes = 0;
    if (words[i] == "more") {
      frame.set_more(true);
    } else if (words[i] == "unknown") {
      frame.GetReflection()->MutableUnknownFields(&frame)->AddVarint(1000, 1);
    } else if (absl::SimpleAtoi(absl::StripPrefix(words[i], "bytes="), &bytes)) {
      frame.mutable_budget()->add_removed_line_ids(std::string(bytes, 'x'));
    } else {
      ADD_FAILURE() << row;
    }
  }
  return frame.SerializeAsString();
}

class BudgetPartsTest : public ::testing::Test {
 protected:
  std::string Told(const std::optional<BudgetParts::Budget>& budget) {
    if (!budget.has_value()) return "";
    if (!budget->submission.ok()) {
      EXPECT_EQ(budget->bytes, 0u);
      const domain::Explained explained = domain::Explain(budget->submission.status());
      return absl::StrCat(budget->request_id, budget->request_id.empty() ? "" : " ",
                          domain::InfoOf(explained.refusal.reason).id);
    }
    EXPECT_GT(budget->bytes, 0u);
    EXPECT_EQ(budget->submission->principal, "someone");
    return absl::StrCat(budget->request_id, " ", budget->submission->lines.lines.size(), " lines");
  }

  std::string Happen(const std::string& event) {
    if (event == "end") return Told(parts_.End());
    if (event == "forget") {
      parts_.Forget();
      return "";
    }
    auto bytes = std::make_shared<const std::string>(FrameOf(event));
    return Told(parts_.Take(*bytes, bytes));
  }

  void Run(absl::string_view rows) {
    for (absl::string_view row : absl::StrSplit(rows, '\n', absl::SkipWhitespace())) {
      const std::pair<absl::string_view, absl::string_view> sides = absl::StrSplit(row, "=>");
      EXPECT_EQ(Happen(std::string(absl::StripAsciiWhitespace(sides.first))),
                absl::StripAsciiWhitespace(sides.second))
          << row;
    }
  }

  rpc::MemoryBudget memory_{{/*process_bytes_max=*/int64_t{1} << 30, nullptr}};
  BudgetParts parts_{memory_, "someone@here", "someone"};
};

TEST_F(BudgetPartsTest, AFrameIsABudgetOrAPartOfOne) {
  Run(R"(
    r1 2       => r1 2 lines
    r2 2 more  =>
    - 3 more   =>
    - 1        => r2 6 lines
    r3 0       => r3 0 lines
    end        =>
  )");
  EXPECT_EQ(memory_.reserved(), 0u);
}

TEST_F(BudgetPartsTest, ARefusedBudgetIsAnsweredOnceAndTheRestOfItIsSkipped) {
  Run(R"(
    r1 1 more          =>
    - 1 unknown more   => r1 FIELD_UNKNOWN
    - 1 more           =>
    - 1 unknown        =>
    r2 1               => r2 1 lines
    r3 1 unknown       => r3 FIELD_UNKNOWN
    r4 1               => r4 1 lines
  )");
}

TEST_F(BudgetPartsTest, AFrameThatIsNoMessageEndsItsBudget) {
  Run(R"(
    malformed  => MESSAGE_MALFORMED
    r1 1 more  =>
    malformed  => r1 MESSAGE_MALFORMED
    r2 1       => r2 1 lines
  )");
}

TEST_F(BudgetPartsTest, ALargeFrameOrBudgetIsRefusedBeforeItIsParsed) {
  Run(R"(
    r1 1 bytes=1100000       => r1 MESSAGE_TOO_LARGE
    r2 1 bytes=1100000 more  => r2 MESSAGE_TOO_LARGE
    - 1                      =>
    r3 1                     => r3 1 lines
    r4 0 bytes=1000000 more  =>
  )");
  for (int i = 0; i < 24; ++i) EXPECT_EQ(Happen("- 0 bytes=1000000 more"), "") << i;
  Run(R"(
    - 0 bytes=1000000 more  => r4 MESSAGE_TOO_LARGE
    - 0 bytes=1000000 more  =>
    - 0                     =>
    r5 1                    => r5 1 lines
  )");
}

TEST_F(BudgetPartsTest, TheStreamMayEndInsideABudget) {
  Run(R"(
    r1 1 more  =>
    end        => r1 MESSAGE_MALFORMED
    end        =>
  )");
}

TEST_F(BudgetPartsTest, ADrainForgetsTheBudgetThatIsNotWhole) {
  Run(R"(
    r1 1 more  =>
    forget     =>
    end        =>
  )");
  EXPECT_EQ(memory_.reserved(), 0u);
}

TEST_F(BudgetPartsTest, ItsMemoryIsReservedUntilTheBudgetIsGone) {
  auto bytes = std::make_shared<const std::string>(FrameOf("r1 2"));
  std::optional<BudgetParts::Budget> budget = parts_.Take(*bytes, bytes);
  ASSERT_TRUE(budget.has_value() && budget->submission.ok());
  EXPECT_EQ(budget->bytes, bytes->size());
  EXPECT_GE(memory_.reserved(), bytes->size());
  budget.reset();
  EXPECT_EQ(memory_.reserved(), 0u);
}

TEST(BudgetPartsMemoryTest, AFullMemoryRefusesTheBudgetAndItsRemainingParts) {
  // A caller may have a quarter.
  rpc::MemoryBudget memory({/*process_bytes_max=*/4000000, nullptr});
  BudgetParts parts(memory, "someone@here", "someone");
  auto take = [&](const std::string& row) {
    auto bytes = std::make_shared<const std::string>(FrameOf(row));
    return parts.Take(*bytes, bytes);
  };
  EXPECT_FALSE(take("r1 0 bytes=100000 more").has_value());
  const std::optional<BudgetParts::Budget> refused = take("- 0 bytes=100000 more");
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(domain::Explain(refused->submission.status()).refusal.reason,
            domain::Reason::kMemoryFull);
  EXPECT_EQ(memory.reserved(), 0u);
  EXPECT_FALSE(take("- 0 bytes=900000").has_value());
  EXPECT_TRUE(take("r2 1")->submission.ok());
}

}  // namespace
}  // namespace fiscal::services
