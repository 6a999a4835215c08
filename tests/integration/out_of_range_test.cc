// Divisions that state the most they may, more of them than 64 bits hold together: what can't be
// told is refused, exactly and alone; all else goes on.
#include "absl/strings/str_cat.h"
#include "fiscal/disclosure/v1/disclosure_service.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/integration/deployment.h"
#include "tests/support/position.h"

namespace fiscal::testing {
namespace {

namespace agg = fiscal::aggregation::v1;
namespace b = fiscal::budget::v1;
namespace cat = fiscal::catalog::v1;
namespace dis = fiscal::disclosure::v1;
namespace sub = fiscal::submission::v1;

constexpr int64_t kBound = int64_t{1} << 52;
// Twice as many budgets, of two stages, pass 2^63; those of one stage don't.
constexpr int kDivisions = 1025;
// 2050 * 2^52.
constexpr char kSum[] = "9232379236109516800";

std::string DivisionCode(int n) { return std::to_string(500000 + n); }

sub::SubmitBudgetRequest Budget(int division, b::Stage stage, int64_t fen, const std::string& id) {
  sub::SubmitBudgetRequest r;
  r.set_request_id(id);
  r.mutable_budget()->set_division_code(DivisionCode(division));
  r.mutable_budget()->set_agency_code("301001");
  r.mutable_budget()->set_fiscal_year(2024);
  r.mutable_budget()->set_stage(stage);
  b::LineItem* l = r.add_line_items();
  l->set_line_id("L");
  l->set_direction(b::DIRECTION_EXPENDITURE);
  l->set_functional_code("2170101");
  l->set_fund(b::FUND_GENERAL);
  l->set_category(b::CATEGORY_BASIC);
  l->set_amount_fen(fen);
  return r;
}

agg::TotalFilter Filter(const std::string& division, b::Stage stage) {
  agg::TotalFilter f;
  f.set_division_code(division);
  f.set_fiscal_year(2024);
  f.set_stage(stage);
  f.set_direction(b::DIRECTION_EXPENDITURE);
  return f;
}

class OutOfRangeTest : public ::testing::Test {
 protected:
  void ImportCatalogs() {
    cat::ImportCatalogRequest request;
    request.set_request_id("divisions");
    request.set_division_code("140000");
    request.set_fiscal_year(2024);
    request.set_list(cat::CATALOG_LIST_DIVISION);
    auto* top = request.add_entries();
    top->set_code("140000");
    top->set_name("山西省");
    for (int i = 0; i < kDivisions; ++i) {
      auto* e = request.add_entries();
      e->set_code(DivisionCode(i));
      e->set_name("区划" + DivisionCode(i));
      e->set_parent_code("140000");
    }
    Import(request);
    for (int i = 0; i < kDivisions; ++i) {
      request.Clear();
      request.set_request_id("agencies-" + DivisionCode(i));
      request.set_division_code(DivisionCode(i));
      request.set_fiscal_year(2024);
      request.set_list(cat::CATALOG_LIST_AGENCY);
      auto* e = request.add_entries();
      e->set_code("301001");
      e->set_name("单位");
      e->set_department_code("301");
      Import(request);
    }
    d_.ImportList(cat::CATALOG_LIST_FUNCTIONAL, "140000", "domain/data/functional.csv");
  }
  void Import(const cat::ImportCatalogRequest& request) {
    cat::ImportCatalogResponse response;
    grpc::ClientContext context;
    const grpc::Status status = d_.catalog->ImportCatalog(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  // In one stream; the position of the last.
  std::string Send(const std::vector<sub::SubmitBudgetRequest>& budgets) {
    grpc::ClientContext context;
    auto stream = d_.submission->StreamBudgets(&context);
    std::string position;
    size_t answered = 0;
    auto answer = [&] {
      sub::StreamBudgetsResponse response;
      EXPECT_TRUE(stream->Read(&response));
      EXPECT_TRUE(response.has_receipt()) << response.ShortDebugString();
      position = response.receipt().position();
      ++answered;
    };
    for (size_t i = 0; i < budgets.size(); ++i) {
      sub::StreamBudgetsRequest frame;
      *frame.mutable_budget() = budgets[i];
      EXPECT_TRUE(stream->Write(frame));
      if (i - answered >= 100) answer();
    }
    while (answered < budgets.size()) answer();
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
    return position;
  }
  client::Error Get(const agg::TotalFilter& filter, int64_t* fen) {
    agg::GetTotalRequest request;
    *request.mutable_filter() = filter;
    request.mutable_consistency()->set_at_least(position_);
    agg::GetTotalResponse response;
    grpc::ClientContext context;
    client::Error error = client::ToError(d_.aggregation->GetTotal(&context, request, &response));
    *fen = response.total().amount_fen();
    return error;
  }
  void Refused(const grpc::Status& status, const std::string& field) {
    client::Error error = client::ToError(status);
    EXPECT_EQ(error.code, grpc::OUT_OF_RANGE) << error.message;
    EXPECT_EQ(error.reason, "TOTAL_OUT_OF_RANGE") << error.message;
    EXPECT_EQ(error.message_zh, "合计金额超出可表示范围");
    EXPECT_EQ(error.metadata["field"], field);
    EXPECT_EQ(error.metadata["amount_fen"], kSum);
  }
  // What is refused and what is answered while the sum of both stages is kSum.
  void LookAround();

  Deployment d_{/*with_catalog=*/false};
  std::string position_;
  const agg::TotalFilter current_ = Filter("140000", b::STAGE_CURRENT);
  const agg::TotalFilter approved_ = Filter("140000", b::STAGE_APPROVED);
};

void OutOfRangeTest::LookAround() {
  int64_t fen = 0;
  // Each stage alone, and each division, are told.
  EXPECT_EQ(Get(approved_, &fen).code, grpc::OK);
  EXPECT_EQ(fen, kDivisions * kBound);
  EXPECT_EQ(Get(Filter(DivisionCode(3), b::STAGE_CURRENT), &fen).code, grpc::OK);
  EXPECT_EQ(fen, 2 * kBound);
  {
    agg::GetTotalRequest request;
    *request.mutable_filter() = current_;
    agg::GetTotalResponse response;
    grpc::ClientContext context;
    Refused(d_.aggregation->GetTotal(&context, request, &response), "filter");
  }
  {
    agg::BatchGetTotalsRequest request;
    *request.add_filters() = approved_;
    *request.add_filters() = current_;
    agg::BatchGetTotalsResponse response;
    grpc::ClientContext context;
    Refused(d_.aggregation->BatchGetTotals(&context, request, &response), "filters[1]");
  }
  {
    agg::ListTotalsRequest request;
    *request.mutable_filter() = current_;
    request.add_group_by()->set_dimension(agg::DIMENSION_FUNCTIONAL);
    agg::ListTotalsResponse response;
    Refused(d_.List(request, &response), "row FUNCTIONAL=217");
    *request.mutable_filter() = approved_;
    EXPECT_TRUE(d_.List(request, &response).ok());
    EXPECT_EQ(response.totals(0).amount_fen(), kDivisions * kBound);
  }
  {
    agg::CompareTotalsRequest request;
    *request.mutable_left()->mutable_filter() = approved_;
    *request.mutable_right()->mutable_filter() = current_;
    agg::CompareTotalsResponse response;
    grpc::ClientContext context;
    Refused(d_.aggregation->CompareTotals(&context, request, &response), "grand_total");
  }
  {
    agg::ExplainTotalRequest request;
    *request.mutable_filter() = current_;
    agg::ExplainTotalResponse response;
    grpc::ClientContext context;
    Refused(d_.aggregation->ExplainTotal(&context, request, &response), "total");
  }
  {
    agg::ExplainChangeRequest request;
    *request.mutable_left()->mutable_filter() = current_;
    *request.mutable_right()->mutable_filter() = current_;
    agg::ExplainChangeResponse response;
    grpc::ClientContext context;
    Refused(d_.aggregation->ExplainChange(&context, request, &response), "the total");
  }
  {
    agg::GetConsolidatedTotalRequest request;
    request.set_division_code("140000");
    request.set_fiscal_year(2024);
    request.set_stage(b::STAGE_CURRENT);
    request.set_direction(b::DIRECTION_EXPENDITURE);
    agg::GetConsolidatedTotalResponse response;
    grpc::ClientContext context;
    Refused(d_.aggregation->GetConsolidatedTotal(&context, request, &response), "combined");
  }
  {
    agg::WatchTotalsRequest request;
    *request.add_filters()->mutable_filter() = approved_;
    *request.add_filters()->mutable_filter() = current_;
    grpc::ClientContext context;
    auto stream = d_.aggregation->WatchTotals(&context, request);
    agg::WatchTotalsResponse message;
    EXPECT_FALSE(stream->Read(&message));
    Refused(stream->Finish(),
            absl::StrCat("filters[1]: the total at position ", PositionNumber(position_)));
  }
  {
    const auto disclosure = dis::DisclosureService::NewStub(d_.channel);
    dis::GetTablesRequest request;
    request.mutable_subject()->set_division_code("140000");
    request.mutable_subject()->set_fiscal_year(2024);
    request.mutable_subject()->set_stage(b::STAGE_CURRENT);
    dis::GetTablesResponse response;
    grpc::ClientContext context;
    EXPECT_EQ(client::ToError(disclosure->GetTables(&context, request, &response)).reason,
              "TOTAL_OUT_OF_RANGE");
    dis::CheckDisclosureRequest check;
    check.mutable_subject()->set_division_code("140000");
    check.mutable_subject()->set_fiscal_year(2024);
    check.mutable_subject()->set_stage(b::STAGE_CURRENT);
    dis::CheckDisclosureResponse checked;
    grpc::ClientContext second;
    EXPECT_EQ(client::ToError(disclosure->CheckDisclosure(&second, check, &checked)).reason,
              "TOTAL_OUT_OF_RANGE");
  }
  EXPECT_TRUE(d_.Verified());
}

TEST_F(OutOfRangeTest, WhatIsTooLargeIsRefusedAloneAndNothingStops) {
  ImportCatalogs();
  std::vector<sub::SubmitBudgetRequest> budgets;
  for (int i = 0; i < kDivisions; ++i) {
    budgets.push_back(Budget(i, b::STAGE_APPROVED, kBound, absl::StrCat("a", i)));
    if (i >= 3) budgets.push_back(Budget(i, b::STAGE_ADJUSTMENT, kBound, absl::StrCat("d", i)));
  }
  position_ = Send(budgets);
  int64_t fen = 0;
  ASSERT_EQ(Get(current_, &fen).code, grpc::OK);
  EXPECT_EQ(fen, 2047 * kBound);

  // Watches of what will be too large, and of what won't.
  agg::WatchTotalsRequest request;
  *request.add_filters()->mutable_filter() = current_;
  grpc::ClientContext wide_context, narrow_context;
  auto wide = d_.aggregation->WatchTotals(&wide_context, request);
  *request.mutable_filters(0)->mutable_filter() = Filter(DivisionCode(1), b::STAGE_CURRENT);
  auto narrow = d_.aggregation->WatchTotals(&narrow_context, request);
  agg::WatchTotalsResponse message;
  for (const auto& [stream, sum] :
       {std::pair(wide.get(), 2047 * kBound), std::pair(narrow.get(), kBound)}) {
    ASSERT_TRUE(stream->Read(&message));
    EXPECT_EQ(message.changes(0).total().amount_fen(), sum);
    ASSERT_TRUE(stream->Read(&message));
    EXPECT_EQ(message.event(), agg::WATCH_EVENT_CAUGHT_UP);
  }
  budgets.clear();
  for (int i = 0; i < 3; ++i)
    budgets.push_back(Budget(i, b::STAGE_ADJUSTMENT, kBound, absl::StrCat("d", i)));
  position_ = Send(budgets);
  do {
    ASSERT_TRUE(narrow->Read(&message));
  } while (message.event() != agg::WATCH_EVENT_CHANGE);
  EXPECT_EQ(message.changes(0).total().amount_fen(), 2 * kBound);
  narrow_context.TryCancel();
  narrow->Finish();
  // 2048 * 2^52 is one more than fits.
  while (wide->Read(&message)) EXPECT_NE(message.event(), agg::WATCH_EVENT_CHANGE);
  EXPECT_EQ(client::ToError(wide->Finish()).metadata["amount_fen"], "9223372036854775808");

  LookAround();
  d_.Restart();
  LookAround();

  // What goes makes it fit again.
  for (int i = 0; i < 3; ++i) {
    sub::WithdrawBudgetRequest withdraw;
    withdraw.set_request_id(absl::StrCat("w", i));
    *withdraw.mutable_budget() = budgets[static_cast<size_t>(i)].budget();
    sub::WithdrawBudgetResponse response;
    grpc::ClientContext context;
    ASSERT_TRUE(d_.submission->WithdrawBudget(&context, withdraw, &response).ok());
    position_ = response.receipt().position();
  }
  EXPECT_EQ(Get(current_, &fen).code, grpc::OK);
  EXPECT_EQ(fen, 2047 * kBound);
}

}  // namespace
}  // namespace fiscal::testing
