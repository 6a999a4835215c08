// Money moved at once between budgets: kept whole, read whole, told whole.
#include <atomic>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "fiscal/log/v1/event_log_service.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/integration/history.h"

namespace fiscal::testing {
namespace {

namespace a = fiscal::aggregation::v1;
namespace b = fiscal::budget::v1;
namespace l = fiscal::log::v1;
namespace s = fiscal::submission::v1;

using b::STAGE_APPROVED;
using b::STAGE_REALLOCATION;

class ReallocationTest : public HistoryTest {
 protected:
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
