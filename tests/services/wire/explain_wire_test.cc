// Comparisons, shares and transfers as messages: rounding, and amounts that do not fit.
#include "services/wire/explain_wire.h"

#include <string>

#include "domain/reason.h"
#include "gtest/gtest.h"

namespace fiscal::services::wire {
namespace {

namespace pb = fiscal::aggregation::v1;

bool OutOfRange(const absl::Status& status) {
  return domain::Explain(status).refusal.reason == domain::Reason::kTotalOutOfRange && !status.ok();
}

TEST(ExplainWireTest, AComparisonHasChangeAndShares) {
  pb::TotalComparison row;
  ASSERT_TRUE(FillComparison(200, 300, 1000, 1200, "row", &row).ok());
  EXPECT_EQ(row.left_fen(), 200);
  EXPECT_EQ(row.right_fen(), 300);
  EXPECT_EQ(row.change_fen(), 100);
  EXPECT_EQ(row.change_percent_hundredths(), 5000);
  EXPECT_EQ(row.left_share_hundredths(), 2000);
  EXPECT_EQ(row.right_share_hundredths(), 2500);
}

TEST(ExplainWireTest, HalvesAreRoundedAwayFromZero) {
  pb::TotalComparison row;
  // 4 of 80000 are half a hundredth of a percent.
  ASSERT_TRUE(FillComparison(80000, 80004, 80000, 80004, "row", &row).ok());
  EXPECT_EQ(row.change_percent_hundredths(), 1);
  ASSERT_TRUE(FillComparison(80000, 79996, 80000, 79996, "row", &row).ok());
  EXPECT_EQ(row.change_percent_hundredths(), -1);
  ASSERT_TRUE(FillComparison(80000, 80003, 80000, 80003, "row", &row).ok());
  EXPECT_EQ(row.change_percent_hundredths(), 0);
}

// Of nothing there is no percentage.
TEST(ExplainWireTest, AShareOfNothingIsLeftOut) {
  pb::TotalComparison row;
  ASSERT_TRUE(FillComparison(0, 300, 0, 300, "row", &row).ok());
  EXPECT_FALSE(row.has_change_percent_hundredths());
  EXPECT_FALSE(row.has_left_share_hundredths());
  EXPECT_EQ(row.right_share_hundredths(), 10000);
}

TEST(ExplainWireTest, ADifferenceThatDoesNotFitIsRefused) {
  pb::TotalComparison row;
  EXPECT_TRUE(OutOfRange(FillComparison(-2, INT64_MAX, 1, 1, "row", &row)));
  pb::ExplainChangeResponse response;
  domain::ChangeExplanation change;
  change.left_fen = domain::Fen{INT64_MAX} + 1;
  EXPECT_TRUE(OutOfRange(ToProto(change, &response)));
}

TEST(ExplainWireTest, ATransferThatIsStatedDifferentlyIsAFinding) {
  domain::Consolidated c;
  c.combined.amount_fen = 100;
  c.eliminated_fen = 30;
  c.transfers.push_back({141121, "a county", false, domain::Fund::kGeneral, 30, 30});
  c.transfers.push_back({141122, "another", false, domain::Fund::kGeneral, 5, 0});
  pb::GetConsolidatedTotalResponse response;
  ASSERT_TRUE(ToProto(c, &response).ok());
  EXPECT_EQ(response.consolidated_fen(), 70);
  ASSERT_EQ(response.transfers_size(), 2);
  EXPECT_EQ(response.transfers(0).eliminated_fen(), 30);
  EXPECT_EQ(response.transfers(1).eliminated_fen(), 0);
  ASSERT_EQ(response.findings_size(), 1);
  EXPECT_EQ(response.findings(0).rule(), "TRANSFER_UNMATCHED");
  EXPECT_EQ(response.findings(0).place(), "141122");
}

TEST(ExplainWireTest, AnAgencySaysWhetherItReported) {
  domain::AgencyCoverage a;
  a.division = 141100;
  a.department = "101";
  a.agency = "101001";
  a.must_report = true;
  a.state = domain::CoverageState::kCertified;
  a.status.revision = 3;
  a.status.upstream = "city";
  pb::AgencyCoverage out;
  ToProto(a, &out);
  EXPECT_EQ(out.division_code(), "141100");
  EXPECT_TRUE(out.must_report());
  EXPECT_EQ(out.state(), pb::COVERAGE_STATE_CERTIFIED);
  EXPECT_EQ(out.revision(), 3);
  EXPECT_EQ(out.upstream(), "city");
  domain::Coverage sum;
  sum.expected = 4;
  sum.received = 2;
  sum.certified = 1;
  pb::Coverage told;
  ToProto(sum, &told);
  EXPECT_EQ(told.expected_count(), 4);
  EXPECT_EQ(told.received_count(), 2);
  EXPECT_EQ(told.certified_count(), 1);
}

}  // namespace
}  // namespace fiscal::services::wire
