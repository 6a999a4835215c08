// The scorer itself, on reports written by hand.
#include "gtest/gtest.h"
#include "tests/corpus/score.h"

namespace fiscal::corpus {
namespace {

using articulation::CellRef;
using articulation::Outcome;
using articulation::Report;
using articulation::RuleOutcome;

Sample OneError() {
  Sample sample;
  sample.labels.push_back({"digit_wrong", 12, "5.00", "3.00", 3, "201", "合计", {}, {"T3-01"}});
  return sample;
}

RuleOutcome Failed(const std::string& rule, std::vector<CellRef> cells) {
  RuleOutcome outcome{};
  outcome.rule = rule;
  outcome.outcome = Outcome::kFailed;
  outcome.cells = std::move(cells);
  return outcome;
}

TEST(ScorerTest, OutcomeOnThePlantedCellIsRight) {
  Report report{};
  report.outcomes = {Failed("T3-01", {{3, "201", "合计", 12, "5.00"}})};
  const Score score = ScoreReport(OneError(), report);
  EXPECT_TRUE(score.labels[0].detected);
  EXPECT_FALSE(score.labels[0].in_top_three);
  EXPECT_EQ(score.right, 1);
}

TEST(ScorerTest, OutcomeElsewhereIsWrongAndDetectsNothing) {
  Report report{};
  report.outcomes = {Failed("T3-01", {{3, "202", "合计", 13, "5.00"}})};
  const Score score = ScoreReport(OneError(), report);
  EXPECT_FALSE(score.labels[0].detected);
  EXPECT_EQ(score.judged, 1);
  EXPECT_EQ(score.right, 0);
}

TEST(ScorerTest, JudgementsAreLeftOut) {
  Report report{};
  report.outcomes = {Failed("N-26", {}), Failed("TX-01", {}), Failed("X-09a", {}),
                     Failed("F-05", {})};
  EXPECT_EQ(ScoreReport(OneError(), report).judged, 0);
}

TEST(ScorerTest, LostRowIsDetectedByAnOutcomeInItsTable) {
  Sample sample;
  sample.labels.push_back({"omitted_row", 20, "", "1.00", 5, "2010301", "合计", {}, {"T5-H5"}});
  Report report{};
  report.outcomes = {Failed("T5-H5", {{5, "20103", "合计", 19, "9.00"}})};
  report.outcomes[0].diagnoses.push_back(
      {"omitted_row", {5, "20103", "合计", 19, "9.00"}, "1.00", 1, 0, ""});
  const Score score = ScoreReport(sample, report);
  EXPECT_TRUE(score.labels[0].detected);
  EXPECT_TRUE(score.labels[0].in_top_three);
  EXPECT_EQ(score.right, 1);
}

TEST(ScorerTest, SisterTableOfALostRowIsRightAndDetectsNothing) {
  Sample sample;
  sample.labels.push_back({"omitted_row", 20, "", "1.00", 3, "2010301", "合计", {}, {"T3-H5"}});
  Report report{};
  report.outcomes = {Failed("T2-02", {{2, "2010301", "合计", 40, "1.00"}})};
  const Score score = ScoreReport(sample, report);
  EXPECT_FALSE(score.labels[0].detected);
  EXPECT_EQ(score.right, 1);
}

TEST(ScorerTest, RefusalMissesEverything) {
  const Score score = ScoreReport(OneError(), absl::InvalidArgumentError("unreadable"));
  EXPECT_FALSE(score.refusal.ok());
  EXPECT_FALSE(score.labels[0].detected);
}

}  // namespace
}  // namespace fiscal::corpus
