// Questions about totals from messages, with every wrong field named; rows into messages.
#include "services/wire/totals_wire.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "domain/reason.h"
#include "gtest/gtest.h"
#include "services/wire/explain_wire.h"

namespace fiscal::services::wire {
namespace {

namespace pb = fiscal::aggregation::v1;

pb::TotalFilter Filter() {
  pb::TotalFilter f;
  f.set_division_code("141100");
  f.set_fiscal_year(2024);
  f.set_stage(budget::v1::STAGE_APPROVED);
  f.set_direction(budget::v1::DIRECTION_EXPENDITURE);
  return f;
}

std::string Wrong(const absl::Status& status) {
  const domain::Explained e = domain::Explain(status);
  return absl::StrJoin(e.refusal.violations, " ",
                       [](std::string* out, const domain::Violation& v) { out->append(v.field); });
}

TEST(TotalsWireTest, AFilterIsItself) {
  pb::TotalFilter f = Filter();
  f.set_own_level(true);
  f.set_department_code("101");
  f.set_agency_code("101001");
  f.set_functional_code("2050201");
  f.set_dept_economic_code("30101");
  f.set_gov_economic_code("50101");
  f.set_fund(budget::v1::FUND_GENERAL);
  f.set_category(budget::v1::CATEGORY_BASIC);
  f.set_funding_year(budget::v1::FUNDING_YEAR_THIS_YEAR);
  f.set_project_code("P1");
  f.set_analysis(budget::v1::ANALYSIS_PROJECT);
  f.set_classification_year(2025);
  const auto filter = ToFilter(f, "filter");
  ASSERT_TRUE(filter.ok()) << filter.status();
  pb::TotalFilter back;
  ToProto(*filter, &back);
  EXPECT_EQ(back.SerializeAsString(), f.SerializeAsString());
}

// Its own year's classification is none that must be asked for.
TEST(TotalsWireTest, TheYearsOwnClassificationIsTheYears) {
  pb::TotalFilter f = Filter();
  f.set_classification_year(2024);
  EXPECT_EQ(ToFilter(f, "filter")->classification_year, 0);
}

TEST(TotalsWireTest, EveryWrongFieldIsNamedBelowItsPath) {
  EXPECT_EQ(Wrong(ToFilter(pb::TotalFilter(), "filters[3]").status()),
            "filters[3].division_code filters[3].fiscal_year filters[3].stage "
            "filters[3].direction");
  pb::TotalFilter f = Filter();
  f.set_functional_code("2050");
  f.set_revenue_code("x");
  f.set_dept_economic_code("3010101");
  f.set_classification_year(2023);
  f.set_fund(static_cast<budget::v1::Fund>(99));
  EXPECT_EQ(Wrong(ToFilter(f, "").status()),
            "functional_code revenue_code dept_economic_code classification_year fund");
}

TEST(TotalsWireTest, AtMostTwoDimensionsAndNoneTwice) {
  pb::ListTotalsRequest request;
  EXPECT_TRUE(ToGroupBy(request.group_by(), 0, "group_by")->empty());
  EXPECT_EQ(Wrong(ToGroupBy(request.group_by(), 1, "group_by").status()), "group_by");
  request.add_group_by()->set_dimension(pb::DIMENSION_FUNCTIONAL);
  request.mutable_group_by(0)->set_depth(2);
  request.add_group_by()->set_dimension(pb::DIMENSION_AGENCY);
  const auto two = ToGroupBy(request.group_by(), 1, "group_by");
  ASSERT_TRUE(two.ok()) << two.status();
  EXPECT_EQ((*two)[0].depth, 2);
  EXPECT_EQ((*two)[1].dimension, domain::Dimension::kAgency);
  request.mutable_group_by(1)->set_dimension(pb::DIMENSION_FUNCTIONAL);
  EXPECT_EQ(Wrong(ToGroupBy(request.group_by(), 1, "group_by").status()), "group_by[1].dimension");
  request.mutable_group_by(0)->set_depth(-1);
  EXPECT_EQ(Wrong(ToGroupBy(request.group_by(), 1, "group_by").status()), "group_by[0].depth");
  request.clear_group_by();
  for (int i = 0; i < 3; ++i) request.add_group_by();
  EXPECT_EQ(Wrong(ToGroupBy(request.group_by(), 1, "group_by").status()), "group_by");
}

TEST(TotalsWireTest, AnAmountThatDoesNotFitIsRefused) {
  domain::CellValue value;
  value.amount_fen = INT64_MAX;
  value.counts[0] = 2;
  pb::Total total;
  ASSERT_TRUE(ToProto(value, "filter", &total).ok());
  EXPECT_EQ(total.amount_fen(), INT64_MAX);
  EXPECT_EQ(total.line_count(), 2);
  value.amount_fen += 1;
  EXPECT_EQ(domain::Explain(ToProto(value, "filter", &total)).refusal.reason,
            domain::Reason::kTotalOutOfRange);
}

TEST(TotalsWireTest, ARowSaysItsPlace) {
  domain::TotalRow row;
  row.group.push_back(
      {domain::Dimension::kDivision, "141100", "a city", 2, 0, 141100, true, false});
  row.value.amount_fen = 5;
  pb::Total total;
  ASSERT_TRUE(ToProto(row, &total).ok());
  ASSERT_EQ(total.group_size(), 1);
  EXPECT_EQ(total.group(0).dimension(), pb::DIMENSION_DIVISION);
  EXPECT_EQ(total.group(0).code(), "141100");
  EXPECT_EQ(total.group(0).division_code(), "141100");
  EXPECT_EQ(total.group(0).level(), 2);
  EXPECT_TRUE(total.group(0).own_level());
}

}  // namespace
}  // namespace fiscal::services::wire
