// Rows of answers: their order, and how those of two answers differ.
#include "services/ledger/answer/rows.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "services/ledger/answer/question.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

using services::Question;

// Rows beside those of the ledger:
//
//   largest division filter by=...                  the rows, the largest first
//   changes division filter by=... at=n to=n        those that differ between two positions
//   beside division filter by=... at=n to=n         all rows at either
class RowsTest : public ::testing::Test {
 protected:
  RowsTest() {
    script_.Add("largest", [this](const Words& words) {
      std::vector<std::string> out;
      for (const domain::TotalRow& row :
           Ask(words, script_.Fold(words))->rows().Answer(domain::RowOrder::kAmountDescending).rows)
        out.push_back(absl::StrCat(SayGroup(row.group), Yuan(row.value.amount_fen)));
      return absl::StrJoin(out, " | ");
    });
    script_.Add("changes", [this](const Words& words) {
      const auto before = Ask(words, script_.Fold(words)), after = Ask(words, To(words));
      return Say(after->rows().ChangesFrom(before->rows()));
    });
    script_.Add("beside", [this](const Words& words) {
      const auto before = Ask(words, script_.Fold(words)), after = Ask(words, To(words));
      return Say(after->rows().Beside(before->rows()));
    });
    EXPECT_SCRIPT(script_, R"(
      divisions 141100                                          => revised @1, 1 added
      agencies  141100 101001/101 102001/102                    => revised @2, 2 added
      codes     141100 205 208 210                              => revised @3, 3 added
      submit r1 141100/101001 l1=205:10 l2=208:30               => created r1 @4, 2 lines
      submit r2 141100/101001 l1=205:10 l2=208:20 l3=210:20     => revised r2 @5, 3 lines
      submit r3 141100/101001 l2=208:20 l3=210:40               => revised r3 @6, 2 lines
    )");
  }

  domain::Position To(const Words& words) {
    return script_.Fold({"to", absl::StrCat("at=", Get(words, "to"))});
  }
  std::unique_ptr<Question> Ask(const Words& words, domain::Position position) {
    services::Work work;
    auto question = std::make_unique<Question>(script_.projector().catalog(), FilterOf(words),
                                               GroupByOf(words));
    EXPECT_TRUE(script_.reader().Ask(*question, position, work).ok());
    return question;
  }
  static std::string Say(const std::vector<domain::RowChange>& changes) {
    std::vector<std::string> out;
    for (const domain::RowChange& c : changes)
      out.push_back(absl::StrCat(SayGroup(c.group), Yuan(c.before.amount_fen), " -> ",
                                 Yuan(c.after.amount_fen)));
    return out.empty() ? "none" : absl::StrJoin(out, " | ");
  }

  LedgerScript script_{services::CheckRules};
};

TEST_F(RowsTest, TheLargestFirstAndEqualOnesByCode) {
  EXPECT_SCRIPT(script_, R"(
    largest 141100 by=functional at=4   => 208 30.00 | 205 10.00
    largest 141100 by=functional at=5   => 208 20.00 | 210 20.00 | 205 10.00
  )");
}

TEST_F(RowsTest, ChangesAreRowsThatDiffer) {
  EXPECT_SCRIPT(script_, R"(
    changes 141100 by=functional at=4 to=5   => 208 30.00 -> 20.00 | 210 0.00 -> 20.00
    changes 141100 by=functional at=5 to=6   => 205 10.00 -> 0.00 | 210 20.00 -> 40.00
    changes 141100 by=functional at=5 to=5   => none
    changes 141100 at=4 to=6                 => 40.00 -> 60.00
    changes 141100 by=department at=4 to=6   => 101 40.00 -> 60.00
  )");
}

TEST_F(RowsTest, BesideHasAllRowsOfBoth) {
  EXPECT_SCRIPT(script_, R"(
    beside 141100 by=functional at=5 to=6   => 205 10.00 -> 0.00 | 208 20.00 -> 20.00 | 210 20.00 -> 40.00
    beside 141100 at=5 to=6                 => 50.00 -> 60.00
  )");
}

TEST_F(RowsTest, ASumThatIsNotGroupedIsOneRow) {
  EXPECT_EQ(Ask({"rows", "141100"}, script_.Fold({"fold"}))->rows().size(), 1u);
  EXPECT_EQ(Ask({"rows", "141100", "by=functional"}, script_.Fold({"fold", "at=4"}))->rows().size(),
            2u);
}

// From Track on what rows were is remembered until it is taken.
TEST_F(RowsTest, TrackedChangesAreTakenOnce) {
  const auto question = Ask({"rows", "141100"}, script_.Fold({"fold"}));
  question->rows().Track();
  EXPECT_EQ(Say(question->rows().TakeChanges()), "none");
  domain::CellKey key;
  key.functional = 205;
  domain::Attributes attributes;
  attributes.direction = domain::Direction::kExpenditure;
  key.attributes = attributes.Pack();
  domain::CellValue value;
  value.amount_fen = 500;
  value.counts[0] = 1;
  question->Add(key, "", value);
  question->Add(key, "", value);
  EXPECT_EQ(Say(question->rows().TakeChanges()), "60.00 -> 70.00");
  EXPECT_EQ(Say(question->rows().TakeChanges()), "none");
}

}  // namespace
}  // namespace fiscal::testing
