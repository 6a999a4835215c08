// Why a total is another than before: its parts add up to the change.
#include <random>
#include <set>

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
using b::STAGE_REALLOCATION;

class ChangeTest : public HistoryTest {
 protected:
  // Checks that the parts add up and that both sides are what GetTotal says.
  a::ExplainChangeResponse ExplainChange(const a::TotalSide& left, const a::TotalSide& right) {
    a::ExplainChangeRequest request;
    *request.mutable_left() = left;
    *request.mutable_right() = right;
    a::ExplainChangeResponse response;
    grpc::ClientContext context;
    const grpc::Status status = d_.aggregation->ExplainChange(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(ToNumber(response.left_position()), ToNumber(left.consistency().exactly()));
    EXPECT_EQ(ToNumber(response.right_position()), ToNumber(right.consistency().exactly()));
    EXPECT_EQ(response.left_fen(), Total(left.filter(), left.consistency().exactly()).amount_fen());
    EXPECT_EQ(response.right_fen(),
              Total(right.filter(), right.consistency().exactly()).amount_fen());
    EXPECT_EQ(response.change_fen(), response.right_fen() - response.left_fen());
    int64_t sum = 0, last = INT64_MAX;
    for (const a::ChangePart& part : response.parts()) {
      EXPECT_NE(part.reason(), a::CHANGE_REASON_UNSPECIFIED);
      EXPECT_EQ(part.change_fen(), part.right_fen() - part.left_fen());
      EXPECT_NE(part.change_fen(), 0);
      EXPECT_LE(std::abs(part.change_fen()), last);
      last = std::abs(part.change_fen());
      sum += part.change_fen();
    }
    EXPECT_EQ(sum, response.change_fen());
    return response;
  }
};

TEST_F(ChangeTest, AChangeIsExplainedByNewAmendedAndWithdrawnStatements) {
  const std::string p0 = Submit(kCity, "302001", 2024, STAGE_APPROVED,
                                {Expenditure("A", "2050202", 10), Expenditure("B", "2080505", 5)});
  const std::string p1 =
      Submit(kCounty, "401001", 2024, STAGE_APPROVED, {Expenditure("A", "2050202", 400)});
  const std::string p2 = Submit(kCity, "302001", 2024, STAGE_APPROVED,
                                {Expenditure("A", "2050202", 70), Expenditure("B", "2080505", 6)});
  const std::string p3 = Withdraw(kCounty, "401001", 2024, STAGE_APPROVED);
  const std::string p4 =
      Submit(kCounty, "401001", 2024, STAGE_APPROVED, {Expenditure("A", "2050202", 9)});
  const a::TotalFilter filter = Filter(kCity);

  a::ExplainChangeResponse change = ExplainChange(Side(filter, p0), Side(filter, p2));
  EXPECT_EQ(change.change_fen(), 461);
  ASSERT_EQ(change.parts_size(), 2);
  EXPECT_EQ(change.parts(0).reason(), a::CHANGE_REASON_NEW);
  EXPECT_EQ(change.parts(0).division_code(), kCounty);
  EXPECT_EQ(change.parts(0).agency_code(), "401001");
  EXPECT_EQ(change.parts(0).name(), "单位401001");
  EXPECT_EQ(change.parts(0).change_fen(), 400);
  EXPECT_EQ(change.parts(0).left_revision(), 0);
  EXPECT_EQ(change.parts(0).left_position(), "");
  EXPECT_EQ(change.parts(0).right_revision(), 1);
  EXPECT_EQ(change.parts(0).right_position(), InRow(p1));
  EXPECT_EQ(change.parts(1).reason(), a::CHANGE_REASON_AMENDED);
  EXPECT_EQ(change.parts(1).agency_code(), "302001");
  EXPECT_EQ(change.parts(1).left_revision(), 1);
  EXPECT_EQ(change.parts(1).right_revision(), 2);
  EXPECT_EQ(change.parts(1).left_position(), InRow(p0));
  EXPECT_EQ(change.parts(1).right_position(), InRow(p2));
  EXPECT_EQ(change.parts(1).left_department_code(), "302");
  EXPECT_EQ(change.parts(1).right_department_code(), "302");

  change = ExplainChange(Side(filter, p2), Side(filter, p3));
  ASSERT_EQ(change.parts_size(), 1);
  EXPECT_EQ(change.parts(0).reason(), a::CHANGE_REASON_WITHDRAWN);
  EXPECT_EQ(change.parts(0).change_fen(), -400);
  EXPECT_EQ(change.parts(0).left_revision(), 1);

  change = ExplainChange(Side(filter, p3), Side(filter, p4));
  ASSERT_EQ(change.parts_size(), 1);
  EXPECT_EQ(change.parts(0).reason(), a::CHANGE_REASON_NEW);
  EXPECT_EQ(change.parts(0).right_revision(), 3);

  // Money a statement states for the first time makes it amended, not new.
  a::TotalFilter health = filter;
  health.set_functional_code("210");
  const std::string p5 = Submit(kCity, "302001", 2024, STAGE_APPROVED,
                                {Expenditure("A", "2050202", 70), Expenditure("C", "2101101", 2)});
  change = ExplainChange(Side(health, p4), Side(health, p5));
  ASSERT_EQ(change.parts_size(), 1);
  EXPECT_EQ(change.parts(0).reason(), a::CHANGE_REASON_AMENDED);
  EXPECT_EQ(change.parts(0).left_revision(), 2);
  EXPECT_EQ(change.parts(0).right_revision(), 3);
  EXPECT_EQ(ExplainChange(Side(health, p0), Side(health, p4)).parts_size(), 0);

  // Sides that ask for different money, or the later year first, are refused.
  auto refused = [&](const a::TotalFilter& left, const a::TotalFilter& right) {
    a::ExplainChangeRequest request;
    *request.mutable_left() = Side(left, p4);
    *request.mutable_right() = Side(right, p4);
    a::ExplainChangeResponse response;
    grpc::ClientContext context;
    return d_.aggregation->ExplainChange(&context, request, &response).error_code();
  };
  EXPECT_EQ(refused(filter, health), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(refused(filter, Filter(kCounty)), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(refused(Filter(kCity, 2025), filter), grpc::INVALID_ARGUMENT);
}

TEST_F(ChangeTest, AnAgencyThatMovedAndCodesThatWereReclassifiedExplainTheNextYear) {
  ImportCrosswalk();
  Submit(kCity, "301001", 2024, STAGE_APPROVED,
         {Expenditure("A", "2050202", 100), Expenditure("B", "2170102", 30)});
  const std::string p1 = Submit(kCity, "301002", 2024, STAGE_APPROVED,
                                {Expenditure("A", "2050202", 1000), Expenditure("B", "2170102", 7),
                                 Expenditure("C", "2170101", 3)});
  Submit(kCity, "301001", 2025, STAGE_APPROVED,
         {Expenditure("A", "2050601", 110), Expenditure("B", "2010302", 20)});
  const std::string p2 =
      Submit(kCity, "301002", 2025, STAGE_APPROVED, {Expenditure("A", "2050601", 1500)});

  a::TotalFilter left = Filter(kCity), right = Filter(kCity, 2025);
  left.set_department_code("302");
  right.set_department_code("302");
  a::ExplainChangeResponse change = ExplainChange(Side(left, p1), Side(right, p2));
  ASSERT_EQ(change.parts_size(), 1);
  EXPECT_EQ(change.parts(0).reason(), a::CHANGE_REASON_MOVED_IN);
  EXPECT_EQ(change.parts(0).agency_code(), "301002");
  EXPECT_EQ(change.parts(0).left_department_code(), "301");
  EXPECT_EQ(change.parts(0).right_department_code(), "302");
  EXPECT_EQ(change.parts(0).change_fen(), 1500);

  left.set_department_code("301");
  right.set_department_code("301");
  change = ExplainChange(Side(left, p1), Side(right, p2));
  ASSERT_EQ(change.parts_size(), 1);  // 301001 changed by nothing
  EXPECT_EQ(change.parts(0).reason(), a::CHANGE_REASON_MOVED_OUT);
  EXPECT_EQ(change.parts(0).change_fen(), -1010);
  EXPECT_EQ(change.parts(0).right_department_code(), "302");

  // Of 201 there was nothing in 2024; shown in the classification of 2025 there was 37.
  left = Filter(kCity);
  right = Filter(kCity, 2025);
  left.set_functional_code("201");
  right.set_functional_code("201");
  change = ExplainChange(Side(left, p1), Side(right, p2));
  EXPECT_EQ(change.left_fen(), 0);
  EXPECT_EQ(change.right_fen(), 20);
  ASSERT_EQ(change.parts_size(), 3);
  EXPECT_EQ(change.parts(0).reason(), a::CHANGE_REASON_RECLASSIFIED);
  EXPECT_EQ(change.parts(0).change_fen(), 37);
  EXPECT_EQ(change.parts(0).agency_code(), "");
  EXPECT_EQ(change.parts(1).reason(), a::CHANGE_REASON_AMENDED);
  EXPECT_EQ(change.parts(1).change_fen(), -10);
  EXPECT_EQ(change.parts(1).agency_code(), "301001");
  EXPECT_EQ(change.parts(2).change_fen(), -7);
  EXPECT_EQ(change.parts(2).agency_code(), "301002");

  // 217 went, partly to nowhere.
  left.set_functional_code("217");
  right.set_functional_code("217");
  change = ExplainChange(Side(left, p1), Side(right, p2));
  ASSERT_EQ(change.parts_size(), 1);
  EXPECT_EQ(change.parts(0).reason(), a::CHANGE_REASON_RECLASSIFIED);
  EXPECT_EQ(change.parts(0).change_fen(), -40);
}

TEST_F(ChangeTest, PartsOfAnyChangeAddUpToItExactly) {
  ImportCrosswalk();
  std::mt19937_64 random(77);
  auto below = [&](size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random); };
  const std::vector<std::pair<std::string, std::string>> agencies = {
      {kCity, "301001"},   {kCity, "301002"},   {kCity, "302001"},       {kCity, "302002"},
      {kCounty, "401001"}, {kCounty, "401002"}, {kOtherCounty, "501001"}};
  const std::vector<std::string> codes[] = {
      {"2050202", "20502", "2080505", "2101101", "2170101", "2170102"},
      {"2050601", "20506", "2080505", "2101101", "2010302", "205"}};
  const b::Stage stages[] = {STAGE_APPROVED, b::STAGE_ADJUSTMENT, STAGE_REALLOCATION};
  std::set<std::tuple<std::string, int, int>> standing;
  std::string first, last;
  for (int i = 0; i < 300; ++i) {
    const auto& [division, agency] = agencies[below(agencies.size())];
    const int year = 2024 + static_cast<int>(below(2));
    const b::Stage stage = stages[below(3)];
    const auto key = std::make_tuple(agency, year, static_cast<int>(stage));
    if (standing.count(key) > 0 && below(4) == 0) {
      last = Withdraw(division, agency, year, stage);
      standing.erase(key);
      continue;
    }
    std::vector<b::LineItem> lines;
    for (size_t n = 0; n <= below(5); ++n) {
      int64_t amount = static_cast<int64_t>(below(1000000));
      if (stage != STAGE_APPROVED && below(2) == 0) amount = -amount;
      lines.push_back(Expenditure(absl::StrCat("L", n), codes[year - 2024][below(6)], amount,
                                  below(2) == 0 ? b::FUND_GENERAL : b::FUND_UNIT_OTHER));
    }
    last = Submit(division, agency, year, stage, lines);
    standing.insert(key);
    if (first.empty()) first = last;
  }
  std::map<a::ChangeReason, int> reasons;
  for (int i = 0; i < 200 && !HasFailure(); ++i) {
    const std::string divisions[] = {"140000", kCity, kCity, kCounty};
    a::TotalFilter left = Filter(divisions[below(4)]);
    left.set_stage(below(2) == 0 ? b::STAGE_CURRENT : stages[below(3)]);
    if (below(3) == 0)
      left.set_functional_code(std::vector<std::string>{"201", "205", "20502", "20506", "208",
                                                        "217", "2010302"}[below(7)]);
    if (below(4) == 0) left.set_fund(b::FUND_UNIT);
    if (below(3) == 0) left.set_own_level(true);
    if (below(3) == 0) {
      left.set_division_code(kCity);
      left.set_department_code(below(2) == 0 ? "301" : "302");
    }
    a::TotalFilter right = left;
    left.set_fiscal_year(2024 + static_cast<int>(below(2)));
    right.set_fiscal_year(left.fiscal_year() == 2025 ? 2025 : 2024 + static_cast<int>(below(2)));
    const int64_t from = ToNumber(first), to = ToNumber(last);
    auto position = [&] { return absl::StrCat(from + static_cast<int64_t>(below(to - from + 1))); };
    SCOPED_TRACE(left.ShortDebugString());
    const a::ExplainChangeResponse change =
        ExplainChange(Side(left, position()), Side(right, position()));
    for (const a::ChangePart& part : change.parts()) ++reasons[part.reason()];
  }
  std::string seen;
  for (const auto& [reason, count] : reasons)
    absl::StrAppend(&seen, " ", a::ChangeReason_Name(reason).substr(14), " ", count);
  std::printf("200 changes are the sums of their parts:%s\n", seen.c_str());
  EXPECT_EQ(reasons.size(), 6u);  // every reason came up
}

TEST_F(ChangeTest, AnAgencyThatEverStatedAYearStaysWhereItIsInThatYear) {
  const std::string old =
      Submit(kCity, "301002", 2024, b::STAGE_APPROVED, {Expenditure("L1", "2080505", 100)});
  Withdraw(kCity, "301002", 2024, b::STAGE_APPROVED);
  c::ImportCatalogRequest request;
  request.set_request_id(NewId());
  request.set_division_code(kCity);
  request.set_fiscal_year(2024);
  request.set_list(c::CATALOG_LIST_AGENCY);
  *request.add_entries() = Agency("301002", "302");
  c::ImportCatalogResponse response;
  grpc::ClientContext context;
  EXPECT_EQ(client::ToError(d_.catalog->ImportCatalog(&context, request, &response)).reason,
            "AGENCY_HAS_STATEMENTS");
  // One that stated nothing moves, and old positions answer as they did, by agency too.
  Import(c::CATALOG_LIST_AGENCY, kCity, 2024, {Agency("302002", "301", false)});
  a::TotalFilter filter = Filter(kCity);
  filter.set_department_code("301");
  EXPECT_EQ(Total(filter, old).amount_fen(), 100);
  const a::ListTotalsResponse rows = List(filter, {a::DIMENSION_AGENCY}, old);
  ASSERT_EQ(rows.totals_size(), 1);
  EXPECT_EQ(rows.totals(0).amount_fen(), 100);
}

}  // namespace
}  // namespace fiscal::testing
