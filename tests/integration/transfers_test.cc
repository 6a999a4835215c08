// Transfers between divisions taken out of both directions of a consolidated total.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/integration/history.h"

namespace fiscal::testing {
namespace {

namespace a = fiscal::aggregation::v1;
namespace b = fiscal::budget::v1;
namespace c = fiscal::catalog::v1;

using b::STAGE_APPROVED;

class TransfersTest : public HistoryTest {
 protected:
  void SetUp() override {
    HistoryTest::SetUp();
    Import(c::CATALOG_LIST_FUNCTIONAL, "140000", 2024,
           {Code("23006", "230"), Code("2300601", "23006")});
    Import(c::CATALOG_LIST_REVENUE, "140000", 2024,
           {Code("11006", "110"), Code("1100601", "11006")});
  }

  static const a::Transfer* Find(const a::GetConsolidatedTotalResponse& response,
                                 const std::string& receiver, bool up,
                                 b::Fund fund = b::FUND_GENERAL) {
    for (const a::Transfer& t : response.transfers()) {
      if (t.receiving_division_code() == receiver && t.up() == up && t.fund() == fund) return &t;
    }
    return nullptr;
  }

  a::GetConsolidatedTotalResponse Consolidated(const std::string& division, b::Direction direction,
                                               const std::string& position,
                                               b::Fund fund = b::FUND_UNSPECIFIED) {
    a::GetConsolidatedTotalRequest request;
    request.set_division_code(division);
    request.set_fiscal_year(2024);
    request.set_stage(b::STAGE_APPROVED);
    request.set_direction(direction);
    request.set_fund(fund);
    request.mutable_consistency()->set_exactly(position);
    a::GetConsolidatedTotalResponse response;
    grpc::ClientContext context;
    const grpc::Status status = d_.aggregation->GetConsolidatedTotal(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    // The plain total is what it always was.
    a::TotalFilter plain = Filter(division, 2024, b::STAGE_APPROVED, direction);
    plain.set_fund(fund);
    EXPECT_EQ(response.combined().amount_fen(), Total(plain, position).amount_fen());
    EXPECT_EQ(response.consolidated_fen(),
              response.combined().amount_fen() - response.eliminated_fen());
    int64_t eliminated = 0;
    int unmatched = 0;
    for (const a::Transfer& t : response.transfers()) {
      eliminated += t.eliminated_fen();
      unmatched += t.paid_fen() != t.received_fen();
      EXPECT_EQ(t.eliminated_fen(), std::min(t.paid_fen(), t.received_fen()));
    }
    EXPECT_EQ(eliminated, response.eliminated_fen());
    EXPECT_EQ(response.findings_size(), unmatched);
    for (const b::Finding& finding : response.findings())
      EXPECT_EQ(finding.rule(), "TRANSFER_UNMATCHED");
    return response;
  }
};

TEST_F(TransfersTest, MatchedTransfersDownAndUpAreTakenOutOfBothDirections) {
  // The city gives 1000 down and gets 70 from below; the county's own money is 500.
  Submit(kCity, "301001", 2024, STAGE_APPROVED,
         {TransferTo(kCounty, "T1", "2300202", 600), TransferTo(kCounty, "T2", "2300312", 400),
          Expenditure("A", "2050202", 5000), Income("I", "101", 6000), Income("U", "1100601", 70)});
  const std::string p =
      Submit(kCounty, "401001", 2024, STAGE_APPROVED,
             {TransferTo(kCity, "T1", "2300601", 70), Expenditure("A", "2050202", 1400),
              Income("I", "101", 500), Income("D1", "1100202", 600), Income("D2", "11003", 400)});
  for (const char* division : {kCity, "140000"}) {
    const auto out = Consolidated(division, b::DIRECTION_EXPENDITURE, p);
    EXPECT_EQ(out.combined().amount_fen(), 7470);
    EXPECT_EQ(out.eliminated_fen(), 1070);
    EXPECT_EQ(out.consolidated_fen(), 6400);
    EXPECT_EQ(out.transfers_size(), 2);
    EXPECT_EQ(out.findings_size(), 0);
    EXPECT_EQ(out.position(), p);
    ASSERT_NE(Find(out, kCounty, false), nullptr);
    EXPECT_EQ(Find(out, kCounty, false)->paid_fen(), 1000);
    EXPECT_EQ(Find(out, kCounty, false)->name(), absl::StrCat("科目", kCounty));
    ASSERT_NE(Find(out, kCity, true), nullptr);
    EXPECT_EQ(Find(out, kCity, true)->eliminated_fen(), 70);
    const auto in = Consolidated(division, b::DIRECTION_INCOME, p);
    EXPECT_EQ(in.combined().amount_fen(), 7570);
    EXPECT_EQ(in.eliminated_fen(), 1070);
    EXPECT_EQ(in.consolidated_fen(), 6500);
  }
  // The county alone pays and gets from outside: nothing to take out.
  for (b::Direction direction : {b::DIRECTION_EXPENDITURE, b::DIRECTION_INCOME}) {
    const auto county = Consolidated(kCounty, direction, p);
    EXPECT_EQ(county.eliminated_fen(), 0);
    EXPECT_EQ(county.transfers_size(), 0);
    EXPECT_EQ(county.findings_size(), 0);
  }
}

TEST_F(TransfersTest, WhatTheTwoSidesStateDifferentlyStaysAndIsAFinding) {
  const std::string p1 = Submit(
      kCity, "301001", 2024, STAGE_APPROVED,
      {TransferTo(kCounty, "T1", "2300202", 600), TransferTo(kOtherCounty, "T2", "2300202", 30)});
  auto out = Consolidated(kCity, b::DIRECTION_EXPENDITURE, p1);
  EXPECT_EQ(out.eliminated_fen(), 0);
  EXPECT_EQ(out.findings_size(), 2);

  const std::string p2 =
      Submit(kCounty, "401001", 2024, STAGE_APPROVED, {Income("D", "1100202", 450)});
  out = Consolidated(kCity, b::DIRECTION_EXPENDITURE, p2);
  EXPECT_EQ(out.combined().amount_fen(), 630);
  EXPECT_EQ(out.eliminated_fen(), 450);
  EXPECT_EQ(out.consolidated_fen(), 180);
  ASSERT_EQ(out.transfers_size(), 2);
  EXPECT_EQ(out.transfers(0).receiving_division_code(), kCounty);
  EXPECT_EQ(out.transfers(0).paid_fen(), 600);
  EXPECT_EQ(out.transfers(0).received_fen(), 450);
  EXPECT_EQ(out.transfers(1).received_fen(), 0);
  ASSERT_EQ(out.findings_size(), 2);
  EXPECT_EQ(out.findings(0).place(), kCounty);
  EXPECT_NE(out.findings(0).message().find("600"), std::string::npos);
  EXPECT_NE(out.findings(0).message_zh().find("450"), std::string::npos);
  auto in = Consolidated(kCity, b::DIRECTION_INCOME, p2);
  EXPECT_EQ(in.combined().amount_fen(), 450);
  EXPECT_EQ(in.consolidated_fen(), 0);

  // More received than paid: what was paid is taken out.
  const std::string p3 = Submit(kOtherCounty, "501001", 2024, STAGE_APPROVED,
                                {Income("D", "1100202", 50), Expenditure("A", "2050202", 50)});
  out = Consolidated(kCity, b::DIRECTION_EXPENDITURE, p3);
  EXPECT_EQ(out.eliminated_fen(), 480);
  in = Consolidated(kCity, b::DIRECTION_INCOME, p3);
  EXPECT_EQ(in.consolidated_fen(), 20);
  // The old position still says what it said.
  EXPECT_EQ(Consolidated(kCity, b::DIRECTION_EXPENDITURE, p2).eliminated_fen(), 450);
}

TEST_F(TransfersTest, FundsAreMatchedEachForItself) {
  Submit(kCity, "301001", 2024, STAGE_APPROVED,
         {TransferTo(kCounty, "T1", "2300202", 600),
          TransferTo(kCounty, "T2", "23004", 90, b::FUND_GOVERNMENT_FUND)});
  const std::string p =
      Submit(kCounty, "401001", 2024, STAGE_APPROVED,
             {Income("D1", "1100202", 500), Income("D2", "1100202", 190, b::FUND_GOVERNMENT_FUND)});
  const auto all = Consolidated(kCity, b::DIRECTION_EXPENDITURE, p);
  EXPECT_EQ(all.combined().amount_fen(), 690);
  EXPECT_EQ(all.eliminated_fen(), 590);  // 500 and 90, not 690
  EXPECT_EQ(all.transfers_size(), 2);
  EXPECT_EQ(all.findings_size(), 2);
  const auto general = Consolidated(kCity, b::DIRECTION_EXPENDITURE, p, b::FUND_GENERAL);
  EXPECT_EQ(general.combined().amount_fen(), 600);
  EXPECT_EQ(general.eliminated_fen(), 500);
  EXPECT_EQ(general.transfers_size(), 1);
  const auto funds = Consolidated(kCity, b::DIRECTION_INCOME, p, b::FUND_GOVERNMENT_FUND);
  EXPECT_EQ(funds.combined().amount_fen(), 190);
  EXPECT_EQ(funds.eliminated_fen(), 90);

  // Parts of a fund are matched within it, and alone where one is asked for.
  Submit(kCity, "302001", 2024, STAGE_APPROVED,
         {TransferTo(kCounty, "T1", "2300202", 40, b::FUND_UNIT_SUPERIOR),
          TransferTo(kCounty, "T2", "2300202", 2, b::FUND_UNIT_OTHER)});
  const std::string p2 = Submit(kCounty, "401002", 2024, STAGE_APPROVED,
                                {Income("D1", "1100202", 30, b::FUND_UNIT_SUPERIOR)});
  const auto unit = Consolidated(kCity, b::DIRECTION_EXPENDITURE, p2, b::FUND_UNIT);
  EXPECT_EQ(unit.combined().amount_fen(), 42);
  EXPECT_EQ(unit.eliminated_fen(), 30);
  const auto part = Consolidated(kCity, b::DIRECTION_EXPENDITURE, p2, b::FUND_UNIT_SUPERIOR);
  EXPECT_EQ(part.combined().amount_fen(), 40);
  EXPECT_EQ(part.eliminated_fen(), 30);
  ASSERT_EQ(part.transfers_size(), 1);
  EXPECT_EQ(part.transfers(0).paid_fen(), 40);
}

}  // namespace
}  // namespace fiscal::testing
