// Who must report, who did and who is missing.
#include <map>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/integration/history.h"

namespace fiscal::testing {
namespace {

namespace a = fiscal::aggregation::v1;
namespace b = fiscal::budget::v1;
namespace c = fiscal::catalog::v1;
namespace s = fiscal::submission::v1;

using b::STAGE_APPROVED;

using CoverageTest = HistoryTest;

std::map<std::string, a::AgencyCoverage> ByAgency(const a::GetCoverageResponse& response) {
  std::map<std::string, a::AgencyCoverage> out;
  for (const a::AgencyCoverage& agency : response.agencies()) out[agency.agency_code()] = agency;
  return out;
}

TEST_F(CoverageTest, CoverageSaysWhoMustReportWhoDidAndWhoIsMissing) {
  const std::string p1 =
      Submit(kCity, "301001", 2024, STAGE_APPROVED, {Expenditure("A", "2050202", 1)});
  s::SubmitBudgetRequest certified =
      Budget(kCounty, "401001", 2024, STAGE_APPROVED, {Expenditure("A", "2050202", 2)});
  certified.set_certify(true);
  const std::string p2 = d_.MustSubmit(certified).position();
  // One that need not report does.
  const std::string p3 =
      Submit(kCity, "302002", 2024, STAGE_APPROVED, {Expenditure("A", "2050202", 3)});

  a::GetCoverageResponse coverage = Coverage(CoverageOf("140000", p3));
  EXPECT_EQ(coverage.position(), p3);
  EXPECT_EQ(coverage.coverage().expected_count(), 6);
  EXPECT_EQ(coverage.coverage().received_count(), 2);
  EXPECT_EQ(coverage.coverage().certified_count(), 1);
  EXPECT_EQ(coverage.coverage().oldest_position(), InRow(p1));
  auto agencies = ByAgency(coverage);
  ASSERT_EQ(agencies.size(), 7u);
  EXPECT_EQ(agencies["301001"].state(), a::COVERAGE_STATE_RECEIVED);
  EXPECT_EQ(agencies["301001"].revision(), 1);
  EXPECT_EQ(agencies["301001"].position(), InRow(p1));
  EXPECT_EQ(agencies["301001"].department_code(), "301");
  EXPECT_EQ(agencies["301002"].state(), a::COVERAGE_STATE_UNREPORTED);
  EXPECT_EQ(agencies["301002"].revision(), 0);
  EXPECT_EQ(agencies["301002"].position(), "");
  EXPECT_EQ(agencies["302002"].state(), a::COVERAGE_STATE_RECEIVED);
  EXPECT_FALSE(agencies["302002"].must_report());
  EXPECT_EQ(agencies["401001"].state(), a::COVERAGE_STATE_CERTIFIED);
  EXPECT_EQ(agencies["401001"].division_code(), kCounty);
  EXPECT_EQ(agencies["501001"].state(), a::COVERAGE_STATE_UNREPORTED);

  // Who is missing, by pages; the counts stay those of all.
  a::GetCoverageRequest missing = CoverageOf("140000", p3);
  missing.set_state(a::COVERAGE_STATE_UNREPORTED);
  missing.set_page_size(3);
  std::vector<std::string> names;
  do {
    coverage = Coverage(missing);
    EXPECT_EQ(coverage.coverage().expected_count(), 6);
    for (const a::AgencyCoverage& agency : coverage.agencies())
      names.push_back(agency.agency_code());
    missing.set_page_token(coverage.next_page_token());
  } while (!missing.page_token().empty());
  EXPECT_EQ(names, (std::vector<std::string>{"301002", "302001", "401002", "501001"}));

  // As of an old position, of a department, of the own level.
  coverage = Coverage(CoverageOf("140000", p1));
  EXPECT_EQ(coverage.coverage().received_count(), 1);
  EXPECT_EQ(coverage.coverage().certified_count(), 0);
  coverage = Coverage(CoverageOf("140000", absl::StrCat(ToNumber(p1) - 1)));
  EXPECT_EQ(coverage.coverage().received_count(), 0);
  EXPECT_EQ(coverage.coverage().oldest_position(), "");
  a::GetCoverageRequest part = CoverageOf(kCity, p3);
  part.set_own_level(true);
  EXPECT_EQ(Coverage(part).coverage().expected_count(), 3);
  part.set_department_code("302");
  EXPECT_EQ(Coverage(part).coverage().expected_count(), 1);
  EXPECT_EQ(Coverage(part).coverage().received_count(), 0);
  EXPECT_EQ(Coverage(part).agencies_size(), 2);
  part = CoverageOf(kCity, p3);
  part.set_stage(b::STAGE_CURRENT);  // asked as APPROVED
  EXPECT_EQ(Coverage(part).coverage().received_count(), 2);
  part.set_stage(b::STAGE_FINAL);
  EXPECT_EQ(Coverage(part).coverage().received_count(), 0);

  // An amendment is no longer certified; a withdrawn statement does not stand.
  const std::string p4 =
      Submit(kCounty, "401001", 2024, STAGE_APPROVED, {Expenditure("A", "2050202", 4)});
  EXPECT_EQ(Coverage(CoverageOf(kCounty, p4)).coverage().certified_count(), 0);
  EXPECT_EQ(Coverage(CoverageOf(kCounty, p4)).coverage().oldest_position(), InRow(p4));
  const std::string p5 = Withdraw(kCounty, "401001", 2024, STAGE_APPROVED);
  EXPECT_EQ(Coverage(CoverageOf(kCounty, p5)).coverage().received_count(), 0);
  EXPECT_EQ(Coverage(CoverageOf(kCounty, p2)).coverage().certified_count(), 1);
}

TEST_F(CoverageTest, AStatementOfAWholeDepartmentStandsForItsAgencies) {
  s::SubmitBudgetRequest whole =
      Budget(kCounty, "401", 2024, STAGE_APPROVED, {Expenditure("A", "2050202", 2)});
  whole.set_scope(b::SCOPE_DEPARTMENT);
  whole.set_department_code("401");
  whole.set_certify(true);
  const s::SubmitBudgetResponse receipt = d_.MustSubmit(whole);
  const std::string p = receipt.position();
  const a::GetCoverageResponse coverage = Coverage(CoverageOf(kCounty, p));
  EXPECT_EQ(coverage.coverage().expected_count(), 2);
  EXPECT_EQ(coverage.coverage().received_count(), 2);
  EXPECT_EQ(coverage.coverage().certified_count(), 2);
  EXPECT_EQ(coverage.coverage().oldest_position(), InRow(p));
  auto agencies = ByAgency(coverage);
  for (const char* code : {"401001", "401002"}) {
    EXPECT_TRUE(agencies[code].by_department()) << code;
    EXPECT_EQ(agencies[code].state(), a::COVERAGE_STATE_CERTIFIED);
    EXPECT_EQ(agencies[code].revision(), 1);
    EXPECT_EQ(agencies[code].position(), InRow(p));
  }
  // Something kept to compare with is no report.
  s::SubmitBudgetRequest control =
      Budget(kOtherCounty, "501001", 2024, STAGE_APPROVED, {Expenditure("A", "2050202", 2)});
  control.set_control(true);
  const std::string p2 = d_.MustSubmit(control).position();
  EXPECT_EQ(Coverage(CoverageOf(kOtherCounty, p2)).coverage().received_count(), 0);
}

TEST_F(CoverageTest, TotalsSayTheirCoverage) {
  const std::string p1 =
      Submit(kCity, "301001", 2024, STAGE_APPROVED, {Expenditure("A", "2050202", 1)});
  const std::string p2 =
      Submit(kCounty, "401001", 2024, STAGE_APPROVED, {Expenditure("A", "2050202", 2)});
  const std::string p3 =
      Submit(kCity, "302001", 2024, STAGE_APPROVED, {Expenditure("A", "2050202", 3)});
  auto text = [](const a::Coverage& coverage) {
    return absl::StrCat(coverage.expected_count(), " ", coverage.received_count(), " ",
                        coverage.certified_count(), " ", coverage.oldest_position());
  };
  a::GetTotalRequest total;
  *total.mutable_filter() = Filter(kCity);
  total.set_coverage(true);
  total.mutable_consistency()->set_exactly(p2);
  a::GetTotalResponse response;
  grpc::ClientContext total_context;
  ASSERT_TRUE(d_.aggregation->GetTotal(&total_context, total, &response).ok());
  EXPECT_EQ(text(response.coverage()), absl::StrCat("6 2 0 ", InRow(p1)));

  a::ListTotalsRequest list;
  *list.mutable_filter() = Filter(kCity);
  list.set_coverage(true);
  list.mutable_consistency()->set_exactly(p3);
  list.add_group_by()->set_dimension(a::DIMENSION_DIVISION);
  a::ListTotalsResponse rows;
  ASSERT_TRUE(d_.List(list, &rows).ok());
  EXPECT_EQ(text(rows.coverage()), absl::StrCat("6 3 0 ", InRow(p1)));
  std::map<std::string, std::string> got;
  for (const a::Total& row : rows.totals()) {
    got[absl::StrCat(row.group(0).code(), row.group(0).own_level() ? " own" : "")] =
        text(row.coverage());
  }
  EXPECT_EQ(got, (std::map<std::string, std::string>{
                     {kCity, absl::StrCat("6 3 0 ", InRow(p1))},
                     {absl::StrCat(kCity, " own"), absl::StrCat("3 2 0 ", InRow(p1))},
                     {kCounty, absl::StrCat("2 1 0 ", InRow(p2))}}));
  list.mutable_group_by(0)->set_dimension(a::DIMENSION_DEPARTMENT);
  ASSERT_TRUE(d_.List(list, &rows).ok());
  got.clear();
  for (const a::Total& row : rows.totals())
    got[absl::StrCat(row.group(0).division_code(), "/", row.group(0).code())] =
        text(row.coverage());
  EXPECT_EQ(
      got, (std::map<std::string, std::string>{{"141100/301", absl::StrCat("2 1 0 ", InRow(p1))},
                                               {"141100/302", absl::StrCat("1 1 0 ", InRow(p3))},
                                               {"141121/401", absl::StrCat("2 1 0 ", InRow(p2))}}));
}

}  // namespace
}  // namespace fiscal::testing
