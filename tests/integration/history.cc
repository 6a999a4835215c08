#include "tests/integration/history.h"

#include "absl/strings/str_cat.h"
#include "fiscal/log/v1/event_log_service.grpc.pb.h"
#include "tests/support/position.h"

namespace fiscal::testing {
namespace {

namespace a = fiscal::aggregation::v1;
namespace b = fiscal::budget::v1;
namespace c = fiscal::catalog::v1;
namespace l = fiscal::log::v1;
namespace s = fiscal::submission::v1;

}  // namespace

c::CatalogEntry Code(const std::string& code, const std::string& parent) {
  c::CatalogEntry e;
  e.set_code(code);
  e.set_name(absl::StrCat("科目", code));
  e.set_parent_code(parent);
  return e;
}

c::CatalogEntry Agency(const std::string& code, const std::string& department, bool must_report) {
  c::CatalogEntry e;
  e.set_code(code);
  e.set_name(absl::StrCat("单位", code));
  e.set_department_code(department);
  e.set_must_report(must_report);
  return e;
}

b::LineItem Expenditure(const std::string& id, const std::string& functional, int64_t amount,
                        b::Fund fund) {
  b::LineItem line;
  line.set_line_id(id);
  line.set_direction(b::DIRECTION_EXPENDITURE);
  line.set_functional_code(functional);
  line.set_fund(fund);
  line.set_amount_fen(amount);
  return line;
}

b::LineItem TransferTo(const std::string& receiver, const std::string& id,
                       const std::string& functional, int64_t amount, b::Fund fund) {
  b::LineItem line = Expenditure(id, functional, amount, fund);
  line.set_receiving_division_code(receiver);
  return line;
}

b::LineItem Income(const std::string& id, const std::string& revenue, int64_t amount,
                   b::Fund fund) {
  b::LineItem line;
  line.set_line_id(id);
  line.set_direction(b::DIRECTION_INCOME);
  line.set_revenue_code(revenue);
  line.set_fund(fund);
  line.set_amount_fen(amount);
  return line;
}

a::TotalFilter Filter(const std::string& division, int year, b::Stage stage,
                      b::Direction direction) {
  a::TotalFilter f;
  f.set_division_code(division);
  f.set_fiscal_year(year);
  f.set_stage(stage);
  f.set_direction(direction);
  return f;
}

int64_t ToNumber(const std::string& position) {
  uint64_t number = 0;
  EXPECT_TRUE(ReadPosition(position, &number)) << position;
  return static_cast<int64_t>(number);
}

std::string InRow(const std::string& position) { return absl::StrCat(ToNumber(position)); }

HistoryTest::HistoryTest() : d_(/*with_catalog=*/false) {}

void HistoryTest::SetUp() {
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
  Import(
      c::CATALOG_LIST_FUNCTIONAL, "140000", 2025,
      {Code("201", ""), Code("20103", "201"), Code("2010302", "20103"), Code("205", ""),
       Code("20506", "205"), Code("2050601", "20506"), Code("208", ""), Code("20805", "208"),
       Code("2080505", "20805"), Code("210", ""), Code("21011", "210"), Code("2101101", "21011")});
}

c::ImportCatalogResponse HistoryTest::Import(c::CatalogList list, const std::string& division,
                                             int year,
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

void HistoryTest::ImportCrosswalk() {
  Import(c::CATALOG_LIST_FUNCTIONAL_CROSSWALK, "140000", 2025,
         {Code("2170102", "2010302"), Code("20502", "20506"), Code("2050202", "2050601")});
}

std::string HistoryTest::NewId() { return absl::StrCat("id-", ++ids_); }

s::SubmitBudgetRequest HistoryTest::Budget(const std::string& division, const std::string& agency,
                                           int year, b::Stage stage,
                                           const std::vector<b::LineItem>& lines) {
  s::SubmitBudgetRequest r;
  r.set_request_id(NewId());
  r.mutable_budget()->set_division_code(division);
  r.mutable_budget()->set_agency_code(agency);
  r.mutable_budget()->set_fiscal_year(year);
  r.mutable_budget()->set_stage(stage);
  for (const b::LineItem& line : lines) *r.add_line_items() = line;
  return r;
}

std::string HistoryTest::Submit(const std::string& division, const std::string& agency, int year,
                                b::Stage stage, const std::vector<b::LineItem>& lines) {
  return d_.MustSubmit(Budget(division, agency, year, stage, lines)).position();
}

std::string HistoryTest::Withdraw(const std::string& division, const std::string& agency, int year,
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

std::string HistoryTest::Head() {
  l::ReadRequest request;
  request.set_until_head(true);
  grpc::ClientContext context;
  const auto reader = l::EventLogService::NewStub(d_.channel)->Read(&context, request);
  std::string head;
  for (l::ReadResponse response; reader->Read(&response);) head = response.head_position();
  EXPECT_TRUE(reader->Finish().ok());
  return head;
}

a::Total HistoryTest::Total(const a::TotalFilter& filter, const std::string& position) {
  a::GetTotalRequest request;
  *request.mutable_filter() = filter;
  request.mutable_consistency()->set_exactly(position);
  a::GetTotalResponse response;
  grpc::ClientContext context;
  const grpc::Status status = d_.aggregation->GetTotal(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.total();
}

a::ListTotalsResponse HistoryTest::List(const a::TotalFilter& filter, std::vector<a::Dimension> by,
                                        const std::string& position, int depth) {
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

a::TotalSide HistoryTest::Side(const a::TotalFilter& filter, const std::string& position) {
  a::TotalSide side;
  *side.mutable_filter() = filter;
  side.mutable_consistency()->set_exactly(position);
  return side;
}

a::GetCoverageRequest HistoryTest::CoverageOf(const std::string& division,
                                              const std::string& position) {
  a::GetCoverageRequest request;
  request.set_division_code(division);
  request.set_fiscal_year(2024);
  request.set_stage(b::STAGE_APPROVED);
  request.mutable_consistency()->set_exactly(position);
  return request;
}

a::GetCoverageResponse HistoryTest::Coverage(const a::GetCoverageRequest& request) {
  a::GetCoverageResponse response;
  grpc::ClientContext context;
  const grpc::Status status = d_.aggregation->GetCoverage(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response;
}

}  // namespace fiscal::testing
