// Two sets of totals side by side: positions, years, stages, agencies and divisions.
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

class CompareTest : public HistoryTest {
 protected:
  a::CompareTotalsResponse Compare(const a::CompareTotalsRequest& request) {
    a::CompareTotalsResponse response;
    grpc::ClientContext context;
    const grpc::Status status = d_.aggregation->CompareTotals(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
};

// part / whole in hundredths of a percent, halves away from zero, by hand.
int64_t Hundredths(int64_t part, int64_t whole) {
  const int64_t size = std::abs(part) * 10000, of = std::abs(whole);
  const int64_t rounded = size / of + (size % of * 2 >= of ? 1 : 0);
  return (part < 0) != (whole < 0) ? -rounded : rounded;
}

std::map<std::string, a::TotalComparison> ByCode(const a::CompareTotalsResponse& response) {
  std::map<std::string, a::TotalComparison> rows;
  for (const a::TotalComparison& row : response.rows()) rows[row.group(0).code()] = row;
  EXPECT_EQ(rows.size(), static_cast<size_t>(response.rows_size()));
  return rows;
}

TEST_F(CompareTest, TwoPositionsSideBySideRoundHalvesAwayFromZero) {
  const std::string p1 =
      Submit(kCity, "301001", 2024, STAGE_APPROVED,
             {Expenditure("A", "2050202", 20000), Expenditure("B", "20805", 20000),
              Expenditure("C", "2010302", 7), Expenditure("D", "221", 20000)});
  const std::string p2 =
      Submit(kCity, "301001", 2024, STAGE_APPROVED,
             {Expenditure("A", "2050202", 20001), Expenditure("B", "20805", 19999),
              Expenditure("D", "221", 20003), Expenditure("E", "2101101", 5)});
  a::CompareTotalsRequest request;
  *request.mutable_left() = Side(Filter("140000"), p1);
  *request.mutable_right() = Side(Filter("140000"), p2);
  // No dimension: the two totals alone.
  a::CompareTotalsResponse response = Compare(request);
  EXPECT_EQ(response.rows_size(), 0);
  EXPECT_EQ(response.grand_total().left_fen(), 60007);
  EXPECT_EQ(response.grand_total().right_fen(), 60008);
  EXPECT_EQ(response.grand_total().change_fen(), 1);
  EXPECT_EQ(response.grand_total().change_percent_hundredths(), 0);
  EXPECT_EQ(response.grand_total().left_share_hundredths(), 10000);
  EXPECT_EQ(response.left_position(), p1);
  EXPECT_EQ(response.right_position(), p2);

  request.add_group_by()->set_dimension(a::DIMENSION_FUNCTIONAL);
  request.mutable_group_by(0)->set_depth(1);
  response = Compare(request);
  auto rows = ByCode(response);
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_EQ(rows["205"].change_fen(), 1);
  EXPECT_EQ(rows["205"].change_percent_hundredths(), 1);  // 0.5
  EXPECT_EQ(rows["208"].change_fen(), -1);
  EXPECT_EQ(rows["208"].change_percent_hundredths(), -1);  // -0.5
  EXPECT_EQ(rows["221"].change_percent_hundredths(), 2);   // 1.5
  EXPECT_EQ(rows["201"].change_percent_hundredths(), -10000);
  EXPECT_EQ(rows["201"].right_fen(), 0);
  EXPECT_EQ(rows["210"].left_fen(), 0);
  EXPECT_EQ(rows["210"].change_fen(), 5);
  EXPECT_FALSE(rows["210"].has_change_percent_hundredths());
  EXPECT_EQ(rows["205"].group(0).name(), "教育支出");
  for (const auto& [code, row] : rows) {
    EXPECT_EQ(row.left_share_hundredths(), Hundredths(row.left_fen(), 60007)) << code;
    EXPECT_EQ(row.right_share_hundredths(), Hundredths(row.right_fen(), 60008)) << code;
  }

  // By the size of the change, then by code.
  request.set_order(a::ORDER_AMOUNT_DESC);
  std::vector<std::string> codes;
  response = Compare(request);
  for (const a::TotalComparison& row : response.rows()) codes.push_back(row.group(0).code());
  EXPECT_EQ(codes, (std::vector<std::string>{"201", "210", "221", "205", "208"}));

  // Before anything was stated there is nothing to compare with.
  *request.mutable_left() = Side(Filter("140000"), absl::StrCat(ToNumber(p1) - 1));
  response = Compare(request);
  EXPECT_EQ(response.grand_total().left_fen(), 0);
  EXPECT_FALSE(response.grand_total().has_change_percent_hundredths());
  EXPECT_FALSE(response.grand_total().has_left_share_hundredths());
  EXPECT_EQ(response.grand_total().right_share_hundredths(), 10000);
}

TEST_F(CompareTest, YearsStagesAgenciesAndDivisionsSideBySide) {
  Submit(kCity, "301001", 2024, STAGE_APPROVED,
         {Expenditure("A", "2050202", 300), Expenditure("B", "2080505", 50)});
  Submit(kCity, "301001", 2024, b::STAGE_FINAL,
         {Expenditure("A", "2050202", 200), Expenditure("C", "2101101", 1)});
  Submit(kCity, "301002", 2024, STAGE_APPROVED, {Expenditure("A", "2050202", 1000)});
  Submit(kCounty, "401001", 2024, STAGE_APPROVED, {Expenditure("A", "2080505", 40)});
  const std::string p = Submit(kCity, "301001", 2025, STAGE_APPROVED,
                               {Expenditure("A", "2050601", 450), Expenditure("B", "2080505", 25)});
  auto compare = [&](const a::TotalFilter& left, const a::TotalFilter& right) {
    a::CompareTotalsRequest request;
    *request.mutable_left() = Side(left, p);
    *request.mutable_right() = Side(right, p);
    request.add_group_by()->set_dimension(a::DIMENSION_FUNCTIONAL);
    const a::CompareTotalsResponse response = Compare(request);
    EXPECT_EQ(response.grand_total().left_fen(), Total(left, p).amount_fen());
    EXPECT_EQ(response.grand_total().right_fen(), Total(right, p).amount_fen());
    auto rows = ByCode(response);
    int64_t change = 0;
    for (const auto& [code, row] : rows) {
      EXPECT_EQ(row.change_fen(), row.right_fen() - row.left_fen());
      if (row.group(0).level() == 1) change += row.change_fen();
    }
    EXPECT_EQ(change, response.grand_total().change_fen());
    return rows;
  };
  auto rows = compare(Filter("140000"), Filter("140000", 2025));
  EXPECT_EQ(rows["205"].left_fen(), 1300);
  EXPECT_EQ(rows["205"].right_fen(), 450);
  EXPECT_EQ(rows["20502"].right_fen(), 0);
  EXPECT_EQ(rows["20506"].left_fen(), 0);
  EXPECT_EQ(rows["208"].change_fen(), -65);

  rows = compare(Filter(kCity), Filter(kCity, 2024, b::STAGE_FINAL));
  EXPECT_EQ(rows["2050202"].left_fen(), 1300);
  EXPECT_EQ(rows["2050202"].right_fen(), 200);
  EXPECT_EQ(rows["2101101"].change_fen(), 1);

  a::TotalFilter first = Filter(kCity), second = Filter(kCity);
  first.set_agency_code("301001");
  second.set_agency_code("301002");
  rows = compare(first, second);
  EXPECT_EQ(rows["205"].change_fen(), 700);
  EXPECT_EQ(rows["205"].change_percent_hundredths(), 23333);
  EXPECT_EQ(rows["208"].change_fen(), -50);

  a::TotalFilter own = Filter(kCity);
  own.set_own_level(true);
  rows = compare(own, Filter(kCounty));
  EXPECT_EQ(rows["208"].left_fen(), 50);
  EXPECT_EQ(rows["208"].right_fen(), 40);
}

TEST_F(CompareTest, PagesOfAComparisonStayAtThePositionsOfTheFirst) {
  std::vector<b::LineItem> lines;
  for (const char* code : {"2010302", "2050202", "2080505", "2101101", "2170101", "2210201"})
    lines.push_back(Expenditure(absl::StrCat("L", code), code, 100 + lines.size()));
  const std::string p1 = Submit(kCity, "301001", 2024, STAGE_APPROVED, lines);
  for (b::LineItem& line : lines) line.set_amount_fen(line.amount_fen() * 2);
  const std::string p2 = Submit(kCity, "301002", 2024, STAGE_APPROVED, lines);
  a::CompareTotalsRequest request;
  *request.mutable_left() = Side(Filter(kCity), p1);
  *request.mutable_right()->mutable_filter() = Filter(kCity);
  request.mutable_right()->mutable_consistency()->set_at_least(p2);
  request.add_group_by()->set_dimension(a::DIMENSION_FUNCTIONAL);
  const a::CompareTotalsResponse whole = Compare(request);
  ASSERT_EQ(whole.rows_size(), 18);
  request.set_page_size(4);
  std::vector<std::string> rows, expected;
  for (const a::TotalComparison& row : whole.rows()) expected.push_back(row.ShortDebugString());
  int pages = 0;
  do {
    const a::CompareTotalsResponse page = Compare(request);
    ++pages;
    EXPECT_EQ(page.left_position(), p1);
    EXPECT_EQ(page.right_position(), p2);
    EXPECT_EQ(page.grand_total().ShortDebugString(), whole.grand_total().ShortDebugString());
    for (const a::TotalComparison& row : page.rows()) rows.push_back(row.ShortDebugString());
    request.set_page_token(page.next_page_token());
    // What arrives meanwhile adds a row at the front and changes another.
    const std::string later =
        Submit(kCity, "302001", 2024, STAGE_APPROVED,
               {Expenditure("X", "2010301", pages), Expenditure("Y", "2210201", pages)});
    EXPECT_GT(Total(Filter(kCity), later).amount_fen(), whole.grand_total().right_fen());
  } while (!request.page_token().empty());
  EXPECT_EQ(pages, 5);
  EXPECT_EQ(rows, expected);

  a::CompareTotalsResponse first = Compare([&] {
    a::CompareTotalsRequest again = request;
    again.clear_page_token();
    return again;
  }());
  a::CompareTotalsRequest other = request;
  other.set_page_token(first.next_page_token());
  other.mutable_left()->mutable_filter()->set_own_level(true);
  a::CompareTotalsResponse response;
  grpc::ClientContext context;
  const client::Error error =
      client::ToError(d_.aggregation->CompareTotals(&context, other, &response));
  EXPECT_EQ(error.code, grpc::INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, "PAGE_TOKEN_INVALID");
}

}  // namespace
}  // namespace fiscal::testing
