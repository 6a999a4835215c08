// A slice of the benchmark: the checker over sixty made documents, with bounds it must not fall
// below.
#include "tests/corpus/score.h"

#include "gtest/gtest.h"

namespace fiscal::corpus {
namespace {

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
  EXPECT_GE(totals.Precision(), 0.97);
  EXPECT_GE(totals.Recall(), 0.95);
  EXPECT_GE(totals.TopThree(), 0.90);
}

}  // namespace
}  // namespace fiscal::corpus
