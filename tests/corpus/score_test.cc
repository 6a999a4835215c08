// A slice of the benchmark: the checker over sixty made documents, with bounds it must not fall below.
#include "tests/corpus/score.h"

#include "gtest/gtest.h"

namespace fiscal::corpus {
namespace {

using articulation::CellRef;
using articulation::Outcome;
using articulation::Report;
using articulation::RuleOutcome;

constexpr uint64_t kRun = 20240101;

TEST(ScoreTest, FindsPlantedErrorsAndBlamesNothingElse) {
  Totals totals;
  for (uint64_t i = 0; i < 60; ++i) {
    const Sample sample = MakeSample(SampleSeed(kRun, i));
    const Score score = Check(sample);
    EXPECT_TRUE(score.refusal.ok())
        << FormName(sample.form) << " seed " << sample.seed << ": " << score.refusal.ToString();
    EXPECT_EQ(score.rounding_alarms, 0) << FormName(sample.form) << " seed " << sample.seed;
    totals.Add(score);
  }
  EXPECT_GE(totals.Precision(), 0.95);
  EXPECT_GE(totals.Recall(), 0.90);
  EXPECT_GE(totals.TopThree(), 0.80);
}

// The scorer itself, on reports written by hand.
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

TEST(ScoreTest, OutcomeOnThePlantedCellIsRight) {
  Report report{};
  report.outcomes = {Failed("T3-01", {{3, "201", "合计", 12, "5.00"}})};
  const Score score = ScoreReport(OneError(), report);
  EXPECT_TRUE(score.labels[0].detected);
  EXPECT_FALSE(score.labels[0].in_top_three);
  EXPECT_EQ(score.right, 1);
}

TEST(ScoreTest, OutcomeElsewhereIsWrongAndDetectsNothing) {
  Report report{};
  report.outcomes = {Failed("T3-01", {{3, "202", "合计", 13, "5.00"}})};
  const Score score = ScoreReport(OneError(), report);
  EXPECT_FALSE(score.labels[0].detected);
  EXPECT_EQ(score.judged, 1);
  EXPECT_EQ(score.right, 0);
}

TEST(ScoreTest, JudgementsAreLeftOut) {
  Report report{};
  report.outcomes = {Failed("N-26", {}), Failed("TX-01", {}), Failed("X-09a", {}),
                     Failed("F-05", {})};
  EXPECT_EQ(ScoreReport(OneError(), report).judged, 0);
}

TEST(ScoreTest, LostRowIsDetectedByAnOutcomeInItsTable) {
  Sample sample;
  sample.labels.push_back({"omitted_row", 20, "", "1.00", 5, "2010301", "合计", {}, {"T5-H5"}});
  Report report{};
  report.outcomes = {Failed("T5-H5", {{5, "20103", "合计", 19, "9.00"}})};
  report.outcomes[0].diagnoses.push_back(
      {"omitted_row", {5, "20103", "合计", 19, "9.00"}, "1.00", 1, ""});
  const Score score = ScoreReport(sample, report);
  EXPECT_TRUE(score.labels[0].detected);
  EXPECT_TRUE(score.labels[0].in_top_three);
  EXPECT_EQ(score.right, 1);
}

TEST(ScoreTest, RefusalMissesEverything) {
  const Score score = ScoreReport(OneError(), absl::InvalidArgumentError("unreadable"));
  EXPECT_FALSE(score.refusal.ok());
  EXPECT_FALSE(score.labels[0].detected);
}

}  // namespace
}  // namespace fiscal::corpus
