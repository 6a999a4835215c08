// A year in the classification of a later one.
#include <map>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/integration/history.h"

namespace fiscal::testing {
namespace {

namespace a = fiscal::aggregation::v1;
namespace b = fiscal::budget::v1;
namespace c = fiscal::catalog::v1;

using b::STAGE_APPROVED;

using ClassificationTest = HistoryTest;

TEST_F(ClassificationTest, AYearIsShownInALaterClassificationAndNoMoneyIsLost) {
  ImportCrosswalk();
  const std::string p1 =
      Submit(kCity, "301001", 2024, STAGE_APPROVED,
             {Expenditure("A", "2050202", 100), Expenditure("B", "20502", 20),
              Expenditure("C", "2170102", 3), Expenditure("D", "2170101", 4),
              Expenditure("E", "2080505", 50), Expenditure("F", "2050203", 600)});
  const std::string p =
      Submit(kCounty, "401001", 2024, STAGE_APPROVED, {Expenditure("A", "2170101", 7000)});
  a::TotalFilter filter = Filter(kCity);
  filter.set_classification_year(2025);
  const a::ListTotalsResponse list = List(filter, {a::DIMENSION_FUNCTIONAL}, p);
  std::map<std::string, int64_t> rows;
  int64_t sum = 0, unmapped = 0;
  for (const a::Total& row : list.totals()) {
    const a::GroupValue& v = row.group(0);
    if (v.level() == 1) sum += row.amount_fen();
    if (v.unmapped()) {
      EXPECT_EQ(v.code(), "");
      EXPECT_EQ(v.level(), 1);
      EXPECT_EQ(unmapped, 0);
      unmapped = row.amount_fen();
      EXPECT_EQ(row.line_count(), 3);
      continue;
    }
    EXPECT_EQ(unmapped, 0) << "money without a code comes last";
    EXPECT_EQ(v.name(), absl::StrCat("科目", v.code()));  // the name of 2025
    rows[v.code()] = row.amount_fen();
  }
  EXPECT_EQ(unmapped, 7604);  // 2170101 twice, and 2050203, which no list of 2025 has
  EXPECT_EQ(rows, (std::map<std::string, int64_t>{{"201", 3},
                                                  {"20103", 3},
                                                  {"2010302", 3},
                                                  {"205", 120},
                                                  {"20506", 120},
                                                  {"2050601", 100},
                                                  {"208", 50},
                                                  {"20805", 50},
                                                  {"2080505", 50}}));
  EXPECT_EQ(sum, 7777);
  EXPECT_EQ(list.grand_total().amount_fen(), 7777);
  EXPECT_EQ(Total(Filter(kCity), p).amount_fen(), 7777);

  // The same by two dimensions, of an old position, and by a filter in the later year's codes.
  for (const std::string& at : {p1, p}) {
    for (a::Dimension other : {a::DIMENSION_AGENCY, a::DIMENSION_DIVISION, a::DIMENSION_FUND}) {
      const a::ListTotalsResponse by = List(filter, {a::DIMENSION_FUNCTIONAL, other}, at);
      sum = 0;
      for (const a::Total& row : by.totals()) {
        if (row.group(0).level() == 1 && row.group(1).level() == 1) sum += row.amount_fen();
      }
      EXPECT_EQ(sum, at == p ? 7777 : 777);
      EXPECT_EQ(by.grand_total().amount_fen(), sum);
    }
  }
  a::TotalFilter later = filter;
  later.set_functional_code("20506");
  EXPECT_EQ(Total(later, p).amount_fen(), 120);
  later.set_functional_code("217");
  EXPECT_EQ(Total(later, p).amount_fen(), 0);
  later.set_functional_code("2010302");
  EXPECT_EQ(Total(later, p).amount_fen(), 3);
  later.set_agency_code("301001");
  EXPECT_EQ(Total(later, p).amount_fen(), 3);
  // Down to the line, which keeps its own code.
  a::ExplainTotalRequest explain;
  *explain.mutable_filter() = later;
  explain.mutable_consistency()->set_exactly(p);
  a::ExplainTotalResponse explained;
  grpc::ClientContext explain_context;
  ASSERT_TRUE(d_.aggregation->ExplainTotal(&explain_context, explain, &explained).ok());
  ASSERT_EQ(explained.contributions_size(), 1);
  EXPECT_EQ(explained.contributions(0).line_item().functional_code(), "2170102");

  // An earlier classification is not a later one.
  a::GetTotalRequest request;
  *request.mutable_filter() = Filter(kCity, 2025);
  request.mutable_filter()->set_classification_year(2024);
  a::GetTotalResponse response;
  grpc::ClientContext context;
  const client::Error error =
      client::ToError(d_.aggregation->GetTotal(&context, request, &response));
  EXPECT_EQ(error.code, grpc::INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, "QUERY_INVALID");
  ASSERT_EQ(error.violations.size(), 1u);
  EXPECT_EQ(error.violations[0].field, "filter.classification_year");
}

}  // namespace
}  // namespace fiscal::testing
