// Totals over time: side by side, why they differ, in a later classification; who reported;
// transfers taken out; money moved at once.
#include <atomic>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "fiscal/log/v1/event_log_service.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/integration/deployment.h"

namespace fiscal::testing {
namespace {

namespace a = fiscal::aggregation::v1;
namespace b = fiscal::budget::v1;
namespace c = fiscal::catalog::v1;
namespace l = fiscal::log::v1;
namespace s = fiscal::submission::v1;

constexpr char kCity[] = "141100";
constexpr char kCounty[] = "141121";
constexpr char kOtherCounty[] = "141122";

c::CatalogEntry Code(const std::string& code, const std::string& parent) {
  c::CatalogEntry e;
  e.set_code(code);
  e.set_name(absl::StrCat("科目", code));
  e.set_parent_code(parent);
  return e;
}

c::CatalogEntry Agency(const std::string& code, const std::string& department,
                       bool must_report = true) {
  c::CatalogEntry e;
  e.set_code(code);
  e.set_name(absl::StrCat("单位", code));
  e.set_department_code(department);
  e.set_must_report(must_report);
  return e;
}

b::LineItem Expenditure(const std::string& id, const std::string& functional, int64_t amount,
                        b::Fund fund = b::FUND_GENERAL) {
  b::LineItem line;
  line.set_line_id(id);
  line.set_direction(b::DIRECTION_EXPENDITURE);
  line.set_functional_code(functional);
  line.set_fund(fund);
  line.set_amount_fen(amount);
  return line;
}

b::LineItem TransferTo(const std::string& receiver, const std::string& id,
                       const std::string& functional, int64_t amount,
                       b::Fund fund = b::FUND_GENERAL) {
  b::LineItem line = Expenditure(id, functional, amount, fund);
  line.set_receiving_division_code(receiver);
  return line;
}

b::LineItem Income(const std::string& id, const std::string& revenue, int64_t amount,
                   b::Fund fund = b::FUND_GENERAL) {
  b::LineItem line;
  line.set_line_id(id);
  line.set_direction(b::DIRECTION_INCOME);
  line.set_revenue_code(revenue);
  line.set_fund(fund);
  line.set_amount_fen(amount);
  return line;
}

a::TotalFilter Filter(const std::string& division, int year = 2024,
                      b::Stage stage = b::STAGE_APPROVED,
                      b::Direction direction = b::DIRECTION_EXPENDITURE) {
  a::TotalFilter f;
  f.set_division_code(division);
  f.set_fiscal_year(year);
  f.set_stage(stage);
  f.set_direction(direction);
  return f;
}

int64_t ToNumber(const std::string& position) {
  int64_t number = 0;
  EXPECT_TRUE(absl::SimpleAtoi(position, &number)) << position;
  return number;
}

class HistoryTest : public ::testing::Test {
 protected:
  HistoryTest() : d_(/*with_catalog=*/false) {}

  // A city and two counties in two years. In 2025 agency 301002 is in department 302.
  void SetUp() override {
    d_.ImportList(c::CATALOG_LIST_FUNCTIONAL, "140000", "domain/data/functional.csv");
    d_.ImportList(c::CATALOG_LIST_REVENUE, "140000", "docs/examples/revenue_example.csv");
    for (int year : {2024, 2025}) {
      Import(c::CATALOG_LIST_DIVISION, "140000", year,
             {Code("140000", ""), Code(kCity, "140000"), Code(kCounty, kCity),
              Code(kOtherCounty, kCity)});
      Import(c::CATALOG_LIST_AGENCY, kCity, year,
             {Agency("301", "301", false), Agency("301001", "301"),
              Agency("301002", year == 2024 ? "301" : "302"), Agency("302", "302", false),
              Agency("302001", "302"), Agency("302002", "302", false)});
      Import(c::CATALOG_LIST_AGENCY, kCounty, year,
             {Agency("401001", "401"), Agency("401002", "401")});
      Import(c::CATALOG_LIST_AGENCY, kOtherCounty, year, {Agency("501001", "501")});
    }
    // 2170101 has no successor in 2025, 2170102 became 2010302 and 20502 with all of it 20506.
    Import(c::CATALOG_LIST_FUNCTIONAL, "140000", 2025,
           {Code("201", ""), Code("20103", "201"), Code("2010302", "20103"), Code("205", ""),
            Code("20506", "205"), Code("2050601", "20506"), Code("208", ""), Code("20805", "208"),
            Code("2080505", "20805"), Code("210", ""), Code("21011", "210"),
            Code("2101101", "21011")});
  }

  c::ImportCatalogResponse Import(c::CatalogList list, const std::string& division, int year,
                                  const std::vector<c::CatalogEntry>& entries) {
    c::ImportCatalogRequest request;
    request.set_request_id(NewId());
    request.set_division_code(division);
    request.set_fiscal_year(year);
    request.set_list(list);
    for (const c::CatalogEntry& e : entries) *request.add_entries() = e;
    c::ImportCatalogResponse response;
    grpc::ClientContext context;
    const grpc::Status status = d_.catalog->ImportCatalog(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  void ImportCrosswalk() {
    Import(c::CATALOG_LIST_FUNCTIONAL_CROSSWALK, "140000", 2025,
           {Code("2170102", "2010302"), Code("20502", "20506"), Code("2050202", "2050601")});
  }

  std::string NewId() { return absl::StrCat("id-", ++ids_); }

  s::SubmitBudgetRequest Budget(const std::string& division, const std::string& agency, int year,
                                b::Stage stage, const std::vector<b::LineItem>& lines) {
    s::SubmitBudgetRequest r;
    r.set_request_id(NewId());
    r.mutable_budget()->set_division_code(division);
    r.mutable_budget()->set_agency_code(agency);
    r.mutable_budget()->set_fiscal_year(year);
    r.mutable_budget()->set_stage(stage);
    for (const b::LineItem& line : lines) *r.add_line_items() = line;
    return r;
  }

  // Its position.
  std::string Submit(const std::string& division, const std::string& agency, int year,
                     b::Stage stage, const std::vector<b::LineItem>& lines) {
    return d_.MustSubmit(Budget(division, agency, year, stage, lines)).position();
  }

  std::string Withdraw(const std::string& division, const std::string& agency, int year,
                       b::Stage stage) {
    s::WithdrawBudgetRequest request;
    request.set_request_id(NewId());
    *request.mutable_budget() = Budget(division, agency, year, stage, {}).budget();
    s::WithdrawBudgetResponse response;
    grpc::ClientContext context;
    const grpc::Status status = d_.submission->WithdrawBudget(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.receipt().position();
  }

  a::Total Total(const a::TotalFilter& filter, const std::string& position) {
    a::GetTotalRequest request;
    *request.mutable_filter() = filter;
    request.mutable_consistency()->set_exactly(position);
    a::GetTotalResponse response;
    grpc::ClientContext context;
    const grpc::Status status = d_.aggregation->GetTotal(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.total();
  }

  a::ListTotalsResponse List(const a::TotalFilter& filter, std::vector<a::Dimension> by,
                             const std::string& position, int depth = 0) {
    a::ListTotalsRequest request;
    *request.mutable_filter() = filter;
    for (a::Dimension dimension : by) {
      request.add_group_by()->set_dimension(dimension);
      request.mutable_group_by()->rbegin()->set_depth(depth);
    }
    request.mutable_consistency()->set_exactly(position);
    request.set_page_size(10000);
    a::ListTotalsResponse response;
    const grpc::Status status = d_.List(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  a::TotalSide Side(const a::TotalFilter& filter, const std::string& position) {
    a::TotalSide side;
    *side.mutable_filter() = filter;
    side.mutable_consistency()->set_exactly(position);
    return side;
  }

  a::CompareTotalsResponse Compare(const a::CompareTotalsRequest& request) {
    a::CompareTotalsResponse response;
    grpc::ClientContext context;
    const grpc::Status status = d_.aggregation->CompareTotals(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  // Checks that the parts add up and that both sides are what GetTotal says.
  a::ExplainChangeResponse ExplainChange(const a::TotalSide& left, const a::TotalSide& right) {
    a::ExplainChangeRequest request;
    *request.mutable_left() = left;
    *request.mutable_right() = right;
    a::ExplainChangeResponse response;
    grpc::ClientContext context;
    const grpc::Status status = d_.aggregation->ExplainChange(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.left_position(), left.consistency().exactly());
    EXPECT_EQ(response.right_position(), right.consistency().exactly());
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

  a::GetCoverageRequest CoverageOf(const std::string& division, const std::string& position) {
    a::GetCoverageRequest request;
    request.set_division_code(division);
    request.set_fiscal_year(2024);
    request.set_stage(b::STAGE_APPROVED);
    request.mutable_consistency()->set_exactly(position);
    return request;
  }

  a::GetCoverageResponse Coverage(const a::GetCoverageRequest& request) {
    a::GetCoverageResponse response;
    grpc::ClientContext context;
    const grpc::Status status = d_.aggregation->GetCoverage(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
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

  s::SubmitReallocationRequest Reallocation(const std::vector<s::SubmitBudgetRequest>& budgets) {
    s::SubmitReallocationRequest request;
    request.set_request_id(NewId());
    for (const s::SubmitBudgetRequest& budget : budgets) {
      *request.add_budgets() = budget;
      request.mutable_budgets()->rbegin()->clear_request_id();
    }
    return request;
  }

  client::Error Reallocate(const s::SubmitReallocationRequest& request,
                           s::SubmitReallocationResponse* response) {
    grpc::ClientContext context;
    return client::ToError(d_.submission->SubmitReallocation(&context, request, response));
  }

  s::SubmitReallocationResponse MustReallocate(const s::SubmitReallocationRequest& request) {
    s::SubmitReallocationResponse response;
    const client::Error error = Reallocate(request, &response);
    EXPECT_EQ(error.code, grpc::OK) << error.message;
    return response;
  }

  std::string Head() {
    l::ReadRequest request;
    request.set_until_head(true);
    grpc::ClientContext context;
    const auto reader = l::EventLogService::NewStub(d_.channel)->Read(&context, request);
    std::string head;
    for (l::ReadResponse response; reader->Read(&response);) head = response.head_position();
    EXPECT_TRUE(reader->Finish().ok());
    return head;
  }

  Deployment d_;
  int ids_ = 0;
};

using b::STAGE_APPROVED;
using b::STAGE_REALLOCATION;

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

TEST_F(HistoryTest, TwoPositionsSideBySideRoundHalvesAwayFromZero) {
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

TEST_F(HistoryTest, YearsStagesAgenciesAndDivisionsSideBySide) {
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

TEST_F(HistoryTest, PagesOfAComparisonStayAtThePositionsOfTheFirst) {
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

TEST_F(HistoryTest, AChangeIsExplainedByNewAmendedAndWithdrawnStatements) {
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
  EXPECT_EQ(change.parts(0).right_position(), p1);
  EXPECT_EQ(change.parts(1).reason(), a::CHANGE_REASON_AMENDED);
  EXPECT_EQ(change.parts(1).agency_code(), "302001");
  EXPECT_EQ(change.parts(1).left_revision(), 1);
  EXPECT_EQ(change.parts(1).right_revision(), 2);
  EXPECT_EQ(change.parts(1).left_position(), p0);
  EXPECT_EQ(change.parts(1).right_position(), p2);
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

TEST_F(HistoryTest, AnAgencyThatMovedAndCodesThatWereReclassifiedExplainTheNextYear) {
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

TEST_F(HistoryTest, PartsOfAnyChangeAddUpToItExactly) {
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

TEST_F(HistoryTest, AnAgencyThatEverStatedAYearStaysWhereItIsInThatYear) {
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

TEST_F(HistoryTest, AYearIsShownInALaterClassificationAndNoMoneyIsLost) {
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

std::map<std::string, a::AgencyCoverage> ByAgency(const a::GetCoverageResponse& response) {
  std::map<std::string, a::AgencyCoverage> out;
  for (const a::AgencyCoverage& agency : response.agencies()) out[agency.agency_code()] = agency;
  return out;
}

TEST_F(HistoryTest, CoverageSaysWhoMustReportWhoDidAndWhoIsMissing) {
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
  EXPECT_EQ(coverage.coverage().oldest_position(), p1);
  auto agencies = ByAgency(coverage);
  ASSERT_EQ(agencies.size(), 7u);
  EXPECT_EQ(agencies["301001"].state(), a::COVERAGE_STATE_RECEIVED);
  EXPECT_EQ(agencies["301001"].revision(), 1);
  EXPECT_EQ(agencies["301001"].position(), p1);
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
  EXPECT_EQ(Coverage(CoverageOf(kCounty, p4)).coverage().oldest_position(), p4);
  const std::string p5 = Withdraw(kCounty, "401001", 2024, STAGE_APPROVED);
  EXPECT_EQ(Coverage(CoverageOf(kCounty, p5)).coverage().received_count(), 0);
  EXPECT_EQ(Coverage(CoverageOf(kCounty, p2)).coverage().certified_count(), 1);
}

TEST_F(HistoryTest, AStatementOfAWholeDepartmentStandsForItsAgencies) {
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
  EXPECT_EQ(coverage.coverage().oldest_position(), p);
  auto agencies = ByAgency(coverage);
  for (const char* code : {"401001", "401002"}) {
    EXPECT_TRUE(agencies[code].by_department()) << code;
    EXPECT_EQ(agencies[code].state(), a::COVERAGE_STATE_CERTIFIED);
    EXPECT_EQ(agencies[code].revision(), 1);
    EXPECT_EQ(agencies[code].position(), p);
  }
  // Something kept to compare with is no report.
  s::SubmitBudgetRequest control =
      Budget(kOtherCounty, "501001", 2024, STAGE_APPROVED, {Expenditure("A", "2050202", 2)});
  control.set_control(true);
  const std::string p2 = d_.MustSubmit(control).position();
  EXPECT_EQ(Coverage(CoverageOf(kOtherCounty, p2)).coverage().received_count(), 0);
}

TEST_F(HistoryTest, TotalsSayTheirCoverage) {
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
  EXPECT_EQ(text(response.coverage()), absl::StrCat("6 2 0 ", p1));

  a::ListTotalsRequest list;
  *list.mutable_filter() = Filter(kCity);
  list.set_coverage(true);
  list.mutable_consistency()->set_exactly(p3);
  list.add_group_by()->set_dimension(a::DIMENSION_DIVISION);
  a::ListTotalsResponse rows;
  ASSERT_TRUE(d_.List(list, &rows).ok());
  EXPECT_EQ(text(rows.coverage()), absl::StrCat("6 3 0 ", p1));
  std::map<std::string, std::string> got;
  for (const a::Total& row : rows.totals()) {
    got[absl::StrCat(row.group(0).code(), row.group(0).own_level() ? " own" : "")] =
        text(row.coverage());
  }
  EXPECT_EQ(got, (std::map<std::string, std::string>{
                     {kCity, absl::StrCat("6 3 0 ", p1)},
                     {absl::StrCat(kCity, " own"), absl::StrCat("3 2 0 ", p1)},
                     {kCounty, absl::StrCat("2 1 0 ", p2)}}));
  list.mutable_group_by(0)->set_dimension(a::DIMENSION_DEPARTMENT);
  ASSERT_TRUE(d_.List(list, &rows).ok());
  got.clear();
  for (const a::Total& row : rows.totals())
    got[absl::StrCat(row.group(0).division_code(), "/", row.group(0).code())] =
        text(row.coverage());
  EXPECT_EQ(got, (std::map<std::string, std::string>{{"141100/301", absl::StrCat("2 1 0 ", p1)},
                                                     {"141100/302", absl::StrCat("1 1 0 ", p3)},
                                                     {"141121/401", absl::StrCat("2 1 0 ", p2)}}));
}

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

class ReallocationTest : public HistoryTest {
 protected:
  // Moves an amount from one agency of the city to another.
  s::SubmitReallocationRequest Move(int64_t amount) {
    return Reallocation(
        {Budget(kCity, "301001", 2024, STAGE_REALLOCATION, {Expenditure("A", "2050202", -amount)}),
         Budget(kCity, "302001", 2024, STAGE_REALLOCATION, {Expenditure("A", "2080505", amount)})});
  }
  int64_t Of(const std::string& agency, const std::string& position) {
    a::TotalFilter filter = Filter(kCity, 2024, STAGE_REALLOCATION);
    filter.set_agency_code(agency);
    return Total(filter, position).amount_fen();
  }
};

TEST_F(ReallocationTest, IsKeptWholeAndARepeatGivesTheSameReceipts) {
  Submit(kCity, "301001", 2024, STAGE_APPROVED, {Expenditure("A", "2050202", 1000)});
  const s::SubmitReallocationRequest request = Move(300);
  const s::SubmitReallocationResponse response = MustReallocate(request);
  ASSERT_EQ(response.receipts_size(), 2);
  EXPECT_EQ(response.position(), response.receipts(1).position());
  EXPECT_EQ(ToNumber(response.receipts(1).position()),
            ToNumber(response.receipts(0).position()) + 1);
  EXPECT_EQ(response.receipts(0).result(), s::RESULT_CREATED);
  const std::string p = response.position();
  EXPECT_EQ(Of("301001", p), -300);
  EXPECT_EQ(Of("302001", p), 300);
  EXPECT_EQ(Total(Filter(kCity, 2024, STAGE_REALLOCATION), p).amount_fen(), 0);
  EXPECT_EQ(Total(Filter(kCity, 2024, b::STAGE_CURRENT), p).amount_fen(), 1000);

  EXPECT_EQ(MustReallocate(request).SerializeAsString(), response.SerializeAsString());
  d_.Restart();
  EXPECT_EQ(MustReallocate(request).SerializeAsString(), response.SerializeAsString());
  EXPECT_EQ(Head(), p);

  s::SubmitReallocationRequest other = Move(301);
  other.set_request_id(request.request_id());
  s::SubmitReallocationResponse unused;
  client::Error error = Reallocate(other, &unused);
  EXPECT_EQ(error.code, grpc::ALREADY_EXISTS);
  EXPECT_EQ(error.reason, "REQUEST_ID_REUSED");
  // Fewer of the same budgets are another body too.
  other = request;
  other.mutable_budgets()->RemoveLast();
  EXPECT_EQ(Reallocate(other, &unused).code, grpc::ALREADY_EXISTS);
  EXPECT_EQ(Head(), p);

  // A change of what stands is what has to add up, by PATCH as by REPLACE.
  s::SubmitReallocationRequest more = Move(500);
  more.mutable_budgets(1)->set_mode(s::WRITE_MODE_PATCH);
  more.mutable_budgets(1)->mutable_line_items(0)->set_line_id("B");
  more.mutable_budgets(1)->mutable_line_items(0)->set_amount_fen(200);
  const std::string p2 = MustReallocate(more).position();
  EXPECT_EQ(Of("301001", p2), -500);
  EXPECT_EQ(Of("302001", p2), 500);
  EXPECT_EQ(Of("302001", p), 300);
  EXPECT_TRUE(d_.Verified());
}

TEST_F(ReallocationTest, IsRefusedWholeAndSaysWhichBudget) {
  MustReallocate(Move(300));
  const std::string head = Head();
  auto refused = [&](const s::SubmitReallocationRequest& request, grpc::StatusCode code,
                     const std::string& reason, const std::string& field) {
    s::SubmitReallocationResponse response;
    const client::Error error = Reallocate(request, &response);
    EXPECT_EQ(error.code, code) << error.message;
    EXPECT_EQ(error.reason, reason) << error.message;
    EXPECT_FALSE(error.message_zh.empty());
    bool named = field.empty();
    for (const auto& v : error.violations) named = named || v.field == field;
    EXPECT_TRUE(named) << field << " is not among the violations of " << error.message;
    EXPECT_EQ(Head(), head);
    EXPECT_EQ(Of("301001", head), -300);
    EXPECT_EQ(Of("302001", head), 300);
  };
  s::SubmitReallocationRequest r = Move(400);
  r.mutable_budgets(1)->mutable_line_items(0)->set_amount_fen(399);
  refused(r, grpc::FAILED_PRECONDITION, "REALLOCATION_UNBALANCED", "");
  // Balanced in sum but not in each fund, or not in each direction.
  r = Move(400);
  r.mutable_budgets(1)->mutable_line_items(0)->set_fund(b::FUND_UNIT_OTHER);
  refused(r, grpc::FAILED_PRECONDITION, "REALLOCATION_UNBALANCED", "");
  r = Move(400);
  *r.mutable_budgets(1)->mutable_line_items(0) = Income("A", "101", 400);
  refused(r, grpc::FAILED_PRECONDITION, "REALLOCATION_UNBALANCED", "");
  // Memo lines don't balance anything.
  r = Move(400);
  r.mutable_budgets(1)->mutable_line_items(0)->set_analysis(b::ANALYSIS_OPERATING);
  refused(r, grpc::FAILED_PRECONDITION, "REALLOCATION_UNBALANCED", "");
  // One bad part refuses all: by its message, by the catalog, by what stands.
  r = Move(400);
  r.mutable_budgets(1)->mutable_line_items(0)->clear_functional_code();
  refused(r, grpc::INVALID_ARGUMENT, "REQUIRED_FIELD_MISSING",
          "budgets[1].line_items[0].functional_code");
  r = Move(400);
  r.mutable_budgets(1)->mutable_line_items(0)->set_functional_code("9990101");
  refused(r, grpc::FAILED_PRECONDITION, "CODE_UNKNOWN", "budgets[1].line_items[0].functional_code");
  r = Move(400);
  r.mutable_budgets(1)->mutable_budget()->set_agency_code("909090");
  refused(r, grpc::FAILED_PRECONDITION, "AGENCY_UNKNOWN", "budgets[1].budget.agency_code");
  r = Move(400);
  r.mutable_budgets(1)->set_expected_revision(7);
  refused(r, grpc::ABORTED, "REVISION_MISMATCH", "");
  r = Move(300);
  refused(r, grpc::FAILED_PRECONDITION, "REALLOCATION_UNCHANGED", "");
  // Only the stage REALLOCATION, each budget once, one request_id.
  r = Move(400);
  r.mutable_budgets(0)->mutable_budget()->set_stage(b::STAGE_ADJUSTMENT);
  refused(r, grpc::INVALID_ARGUMENT, "FIELD_NOT_ALLOWED", "budgets[0].budget.stage");
  r = Move(400);
  *r.mutable_budgets(1)->mutable_budget() = r.budgets(0).budget();
  refused(r, grpc::INVALID_ARGUMENT, "DUPLICATE_CODE", "budgets[1].budget");
  r = Move(400);
  r.mutable_budgets(0)->set_request_id("own");
  refused(r, grpc::INVALID_ARGUMENT, "FIELD_NOT_ALLOWED", "budgets[0].request_id");
  // The request_id of a refusal is free.
  r = Move(400);
  r.mutable_budgets(1)->mutable_line_items(0)->set_amount_fen(1);
  refused(r, grpc::FAILED_PRECONDITION, "REALLOCATION_UNBALANCED", "");
  r.mutable_budgets(1)->mutable_line_items(0)->set_amount_fen(400);
  MustReallocate(r);
}

TEST_F(ReallocationTest, NobodyStatesTheStageCurrent) {
  s::SubmitBudgetRequest request =
      Budget(kCity, "301001", 2024, b::STAGE_CURRENT, {Expenditure("A", "2050202", 1)});
  const client::Error error = d_.Submit(request);
  EXPECT_EQ(error.code, grpc::INVALID_ARGUMENT);
  ASSERT_FALSE(error.violations.empty());
  EXPECT_EQ(error.violations[0].field, "budget.stage");
}

TEST_F(ReallocationTest, NoReaderSeesAPart) {
  std::atomic<bool> done{false};
  std::atomic<int> reads{0};
  std::thread reader([&] {
    const auto stub = a::AggregationService::NewStub(d_.channel);
    while (!done) {
      a::BatchGetTotalsRequest batch;
      for (const char* agency : {"301001", "302001"}) {
        *batch.add_filters() = Filter(kCity, 2024, STAGE_REALLOCATION);
        batch.mutable_filters()->rbegin()->set_agency_code(agency);
      }
      *batch.add_filters() = Filter("140000", 2024, STAGE_REALLOCATION);
      a::BatchGetTotalsResponse totals;
      grpc::ClientContext context;
      if (!stub->BatchGetTotals(&context, batch, &totals).ok()) {
        ADD_FAILURE() << "a read failed";
        done = true;
        return;
      }
      EXPECT_EQ(totals.totals(0).amount_fen() + totals.totals(1).amount_fen(), 0)
          << "at " << totals.position();
      EXPECT_EQ(totals.totals(2).amount_fen(), 0) << "at " << totals.position();
      ++reads;
    }
  });
  std::vector<s::SubmitReallocationResponse> moves;
  for (int i = 1; (i <= 100 || reads < 20) && !done; ++i) moves.push_back(MustReallocate(Move(i)));
  done = true;
  reader.join();
  EXPECT_GE(reads, 20);
  ASSERT_GE(moves.size(), 100u);

  // A position inside shows none of it or all of it, by any question.
  for (size_t i = 0; i < moves.size(); i += 20) {
    const std::string inside = moves[i].receipts(0).position();
    a::ListTotalsResponse list =
        List(Filter(kCity, 2024, STAGE_REALLOCATION), {a::DIMENSION_AGENCY}, inside);
    int64_t sum = 0;
    for (const a::Total& row : list.totals()) sum += row.amount_fen();
    EXPECT_EQ(sum, 0) << "inside move " << i;
    EXPECT_EQ(list.grand_total().amount_fen(), 0) << "inside move " << i;
    EXPECT_EQ(Of("301001", inside), -Of("302001", inside));
    // The receipt of a part says where it counts.
    EXPECT_EQ(Of("301001", inside), -static_cast<int64_t>(i) - 1);
    EXPECT_EQ(list.position(), moves[i].position());
    a::GetCoverageRequest coverage = CoverageOf(kCity, inside);
    coverage.set_stage(STAGE_REALLOCATION);
    EXPECT_EQ(Coverage(coverage).coverage().received_count(), 2);
  }
  const auto change = [&](size_t i) {
    a::ExplainChangeRequest request;
    *request.mutable_left() =
        Side(Filter(kCity, 2024, STAGE_REALLOCATION), moves[i - 1].position());
    *request.mutable_right() =
        Side(Filter(kCity, 2024, STAGE_REALLOCATION), moves[i].receipts(0).position());
    a::ExplainChangeResponse response;
    grpc::ClientContext context;
    EXPECT_TRUE(d_.aggregation->ExplainChange(&context, request, &response).ok());
    return response;
  }(5);
  EXPECT_EQ(change.change_fen(), 0);
  EXPECT_EQ(change.parts_size(), 2);
}

TEST_F(ReallocationTest, AWatcherGetsItInOneChangeAtTheLastPosition) {
  {
    // Folded, so that the snapshot has it.
    a::GetTotalRequest first;
    *first.mutable_filter() = Filter(kCity, 2024, STAGE_REALLOCATION);
    first.mutable_consistency()->set_at_least(MustReallocate(Move(5)).position());
    a::GetTotalResponse total;
    grpc::ClientContext once;
    ASSERT_TRUE(d_.aggregation->GetTotal(&once, first, &total).ok());
  }
  a::WatchTotalsRequest request;
  *request.add_filters()->mutable_filter() = Filter(kCity, 2024, STAGE_REALLOCATION);
  request.mutable_filters(0)->add_group_by()->set_dimension(a::DIMENSION_AGENCY);
  request.set_previous_amounts(true);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  const auto watch = d_.aggregation->WatchTotals(&context, request);
  a::WatchTotalsResponse message;
  std::string token;
  do {
    ASSERT_TRUE(watch->Read(&message));
    token = message.resume_token();
  } while (message.event() != a::WATCH_EVENT_CAUGHT_UP);
  const std::string p1 = MustReallocate(Move(300)).position();
  const std::string p2 =
      Submit(kCity, "302002", 2024, STAGE_REALLOCATION, {Expenditure("A", "2050202", 1)});
  auto changes = [&](grpc::ClientReader<a::WatchTotalsResponse>& reader) {
    std::vector<a::WatchTotalsResponse> out;
    while (out.size() < 2 && reader.Read(&message)) {
      if (message.event() == a::WATCH_EVENT_CHANGE) out.push_back(message);
    }
    return out;
  };
  auto check = [&](const std::vector<a::WatchTotalsResponse>& got) {
    ASSERT_EQ(got.size(), 2u);
    EXPECT_EQ(got[0].position(), p1);
    ASSERT_EQ(got[0].changes_size(), 2);
    EXPECT_EQ(got[0].changes(0).total().group(0).code(), "301001");
    EXPECT_EQ(got[0].changes(0).total().amount_fen(), -300);
    EXPECT_EQ(got[0].changes(0).previous_amount_fen(), -5);
    EXPECT_EQ(got[0].changes(1).total().group(0).code(), "302001");
    EXPECT_EQ(got[0].changes(1).total().amount_fen(), 300);
    EXPECT_EQ(got[1].position(), p2);
    EXPECT_EQ(got[1].changes_size(), 1);
  };
  check(changes(*watch));
  context.TryCancel();
  EXPECT_EQ(watch->Finish().error_code(), grpc::CANCELLED);

  // The same for who resumes from before, also behind a restart.
  for (int i = 0; i < 2; ++i) {
    request.set_resume_token(token);
    grpc::ClientContext again;
    again.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    const auto resumed = d_.aggregation->WatchTotals(&again, request);
    check(changes(*resumed));
    again.TryCancel();
    EXPECT_EQ(resumed->Finish().error_code(), grpc::CANCELLED);
    if (i == 0) d_.Restart();
  }
}

// Aggregation processes fold what a response brings: a part of a reallocation must not come alone.
TEST_F(ReallocationTest, TheLogIsNeverReadInParts) {
  std::set<std::string> parts;
  for (int i = 1; i <= 300; ++i) {
    const s::SubmitReallocationResponse response = MustReallocate(Move(i));
    parts.insert(response.receipts(0).position());
    // Lets every place in a response meet the middle of a move.
    if (i % 7 == 0)
      Submit(kCity, "302002", 2024, STAGE_REALLOCATION, {Expenditure("A", "2050202", i)});
  }
  int responses = 0;
  for (int after = 0; after < 2; ++after) {
    l::ReadRequest request;
    request.set_until_head(true);
    if (after > 0) request.set_after_position(absl::StrCat(after));
    grpc::ClientContext context;
    const auto reader = l::EventLogService::NewStub(d_.channel)->Read(&context, request);
    for (l::ReadResponse response; reader->Read(&response); ++responses) {
      if (response.records_size() == 0) continue;
      EXPECT_EQ(parts.count(response.records().rbegin()->position()), 0u)
          << response.records().rbegin()->position();
    }
    EXPECT_TRUE(reader->Finish().ok());
  }
  EXPECT_GT(responses, 4);

  // What is stored of them says too where they end.
  d_.Restart();
  for (const std::string& inside : parts) {
    ASSERT_EQ(Of("301001", inside), -Of("302001", inside)) << inside;
    ASSERT_LT(Of("301001", inside), 0);
  }
}

}  // namespace
}  // namespace fiscal::testing
