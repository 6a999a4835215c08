// Bad input: each its own status and reason, every failing field named, nothing changed.
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/unknown_field_set.h"
#include "grpcpp/generic/generic_stub.h"
#include "gtest/gtest.h"
#include "tests/integration/deployment.h"

namespace fiscal::testing {
namespace {

namespace b = fiscal::budget::v1;
namespace s = fiscal::submission::v1;

s::SubmitBudgetRequest Good(const std::string& id) {
  s::SubmitBudgetRequest r;
  r.set_request_id(id);
  r.mutable_budget()->set_division_code("141100");
  r.mutable_budget()->set_agency_code("031001");
  r.mutable_budget()->set_fiscal_year(2024);
  r.mutable_budget()->set_stage(b::STAGE_APPROVED);
  for (int i = 0; i < 3; ++i) {
    b::LineItem* l = r.add_line_items();
    l->set_line_id(absl::StrCat("L", i));
    l->set_direction(b::DIRECTION_EXPENDITURE);
    l->set_functional_code("2170101");
    l->set_fund(b::FUND_GENERAL);
    l->set_category(b::CATEGORY_BASIC);
    l->set_amount_fen(100 + i);
  }
  return r;
}

class RefusalsTest : public ::testing::Test {
 protected:
  void Refused(const s::SubmitBudgetRequest& request, grpc::StatusCode code,
               const std::string& reason, const std::string& field) {
    const client::Error error = d_.Submit(request);
    EXPECT_EQ(error.code, code) << error.message;
    EXPECT_EQ(error.reason, reason) << error.message;
    EXPECT_FALSE(error.message_zh.empty());
    bool named = field.empty();
    for (const auto& v : error.violations) named = named || v.field == field;
    EXPECT_TRUE(named) << field << " is not among the violations of " << error.message;
    s::GetBudgetRequest get;
    *get.mutable_budget() = Good("x").budget();
    s::GetBudgetResponse response;
    grpc::ClientContext context;
    ASSERT_TRUE(d_.submission->GetBudget(&context, get, &response).ok());
    EXPECT_EQ(response.budget().revision(), 1);
    EXPECT_EQ(response.budget().expenditure_fen(), 303);
  }

  void SetUp() override { d_.MustSubmit(Good("standing")); }

  Deployment d_;
};

TEST_F(RefusalsTest, EachHasItsStatusReasonAndField) {
  auto with = [](auto change) {
    static int n = 0;
    s::SubmitBudgetRequest r = Good(absl::StrCat("bad-", n++));
    change(r);
    return r;
  };
  using R = s::SubmitBudgetRequest;
  Refused(with([](R& r) { r.mutable_line_items(1)->set_amount_fen(-1); }), grpc::INVALID_ARGUMENT,
          "AMOUNT_INVALID", "line_items[1].amount_fen");
  Refused(with([](R& r) { r.mutable_line_items(2)->set_precision_fen(10000); }),
          grpc::INVALID_ARGUMENT, "AMOUNT_INVALID", "line_items[2].amount_fen");
  Refused(with([](R& r) { r.mutable_line_items(2)->set_precision_fen(7); }), grpc::INVALID_ARGUMENT,
          "AMOUNT_INVALID", "line_items[2].precision_fen");
  Refused(with([](R& r) {
            r.set_mode(s::WRITE_MODE_PATCH);
            r.add_projects()->set_project_code("P1");
            r.mutable_projects(0)->set_name("a project");
            r.add_removed_project_codes("P1");
          }),
          grpc::INVALID_ARGUMENT, "DUPLICATE_PROJECT_CODE", "removed_project_codes");
  Refused(with([](R& r) { r.set_department_code("999"); }), grpc::FAILED_PRECONDITION,
          "DEPARTMENT_UNKNOWN", "department_code");
  Refused(with([](R& r) { r.mutable_budget()->set_agency_code("999001"); }),
          grpc::FAILED_PRECONDITION, "AGENCY_UNKNOWN", "budget.agency_code");
  Refused(with([](R& r) { r.mutable_budget()->set_division_code("999999"); }),
          grpc::FAILED_PRECONDITION, "DIVISION_UNKNOWN", "budget.division_code");
  Refused(with([](R& r) { r.set_department_code("101"); }), grpc::FAILED_PRECONDITION,
          "DEPARTMENT_MISMATCH", "department_code");
  Refused(with([](R& r) { r.mutable_line_items(2)->set_line_id("L0"); }), grpc::INVALID_ARGUMENT,
          "DUPLICATE_LINE_ID", "line_items[2].line_id");
  Refused(with([](R& r) {
            r.mutable_line_items(0)->set_amount_fen(INT64_MAX / 2);
            r.mutable_line_items(1)->set_amount_fen(INT64_MAX / 2);
            r.mutable_line_items(2)->set_amount_fen(INT64_MAX / 2);
          }),
          grpc::INVALID_ARGUMENT, "AMOUNT_OVERFLOW", "line_items");
  Refused(with([](R& r) { r.mutable_line_items(0)->set_amount_fen(INT64_MIN); }),
          grpc::INVALID_ARGUMENT, "AMOUNT_OVERFLOW", "line_items[0].amount_fen");
  Refused(with([](R& r) { r.mutable_line_items(0)->set_functional_code("21A"); }),
          grpc::INVALID_ARGUMENT, "CODE_MALFORMED", "line_items[0].functional_code");
  Refused(with([](R& r) { r.mutable_line_items(0)->set_functional_code("9990101"); }),
          grpc::FAILED_PRECONDITION, "CODE_UNKNOWN", "line_items[0].functional_code");
  Refused(with([](R& r) { r.mutable_line_items(0)->set_project_code("P9"); }),
          grpc::INVALID_ARGUMENT, "PROJECT_UNKNOWN", "line_items[0].project_code");
  Refused(with([](R& r) { r.mutable_line_items(0)->clear_direction(); }), grpc::INVALID_ARGUMENT,
          "REQUIRED_FIELD_MISSING", "line_items[0].direction");
  Refused(with([](R& r) { r.mutable_line_items(0)->set_revenue_code("103"); }),
          grpc::INVALID_ARGUMENT, "FIELD_NOT_ALLOWED", "line_items[0].revenue_code");
  Refused(with([](R& r) { r.mutable_line_items(0)->set_fund(static_cast<b::Fund>(77)); }),
          grpc::INVALID_ARGUMENT, "ENUM_UNKNOWN", "line_items[0].fund");
  Refused(with([](R& r) {
            r.mutable_line_items(0)->set_note(
                "a\xe2\x80\xae"
                "b");
          }),
          grpc::INVALID_ARGUMENT, "TEXT_INVALID", "line_items[0].note");
  Refused(with([](R& r) { r.set_expected_revision(7); }), grpc::ABORTED, "REVISION_MISMATCH", "");
  Refused(with([](R& r) { r.set_expected_revision(0); }), grpc::ABORTED, "REVISION_MISMATCH", "");
  Refused(with([](R& r) {
            r.set_request_id("standing");
            r.mutable_line_items(0)->set_amount_fen(5);
          }),
          grpc::ALREADY_EXISTS, "REQUEST_ID_REUSED", "");
  Refused(with([](R& r) {
            r.set_mode(s::WRITE_MODE_PATCH);
            r.add_removed_line_ids("L9");
          }),
          grpc::FAILED_PRECONDITION, "LINE_UNKNOWN", "removed_line_ids");
  Refused(with([](R& r) {
            r.mutable_line_items(0)
                ->GetReflection()
                ->MutableUnknownFields(r.mutable_line_items(0))
                ->AddVarint(99, 1);
          }),
          grpc::INVALID_ARGUMENT, "FIELD_UNKNOWN", "line_items[0]");
  Refused(with([](R& r) {
            r.set_scope(b::SCOPE_DEPARTMENT);
            r.set_department_code("031");
            r.mutable_budget()->set_agency_code("031");
          }),
          grpc::FAILED_PRECONDITION, "SCOPE_MIXED", "");
  Refused(with([](R& r) {
            for (int i = 3; i < 100001; ++i) {
              b::LineItem* l = r.add_line_items();
              *l = r.line_items(0);
              l->set_line_id(absl::StrCat("M", i));
            }
          }),
          grpc::INVALID_ARGUMENT, "TOO_MANY_LINES", "line_items");
}

// Of a client that sets no bounds of its own: more trailers than it takes, and it would see no
// error of ours. A stream has room for all.
TEST_F(RefusalsTest, ManyViolationsArriveAtADefaultClient) {
  s::SubmitBudgetRequest r = Good("many");
  for (int i = 3; i < 150; ++i) {
    b::LineItem* l = r.add_line_items();
    *l = r.line_items(0);
    l->set_line_id(absl::StrCat("明细行", std::string(50, 'x'), i));
    l->set_functional_code("21A");
  }
  const client::Error error = d_.Submit(r);
  EXPECT_EQ(error.code, grpc::INVALID_ARGUMENT) << error.message;
  EXPECT_EQ(error.reason, "CODE_MALFORMED");
  ASSERT_GE(error.violations.size(), 5u);
  ASSERT_TRUE(error.metadata.contains("violations_omitted"));
  int omitted = 0;
  ASSERT_TRUE(absl::SimpleAtoi(error.metadata.at("violations_omitted"), &omitted));
  EXPECT_EQ(error.violations.size() + static_cast<size_t>(omitted), 100u);
  EXPECT_EQ(error.violations[0].field, "line_items[3].functional_code");
  for (const auto& violation : error.violations) {
    EXPECT_EQ(violation.reason, "CODE_MALFORMED");
    EXPECT_EQ(violation.message_zh, "“21A”不是科目编码：3、5、7或9位数字");
  }

  grpc::ClientContext context;
  const auto stream = d_.submission->StreamBudgets(&context);
  s::StreamBudgetsRequest frame;
  *frame.mutable_budget() = r;
  ASSERT_TRUE(stream->Write(frame));
  s::StreamBudgetsResponse answer;
  ASSERT_TRUE(stream->Read(&answer));
  const client::Error streamed = client::ToError(answer.error());
  EXPECT_EQ(streamed.violations.size(), 100u);
  EXPECT_FALSE(streamed.metadata.contains("violations_omitted"));
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(RefusalsTest, ExactlyTheLimitOfLinesIsKept) {
  s::SubmitBudgetRequest r = Good("limit");
  r.mutable_budget()->set_stage(b::STAGE_REQUESTED);
  for (int i = 3; i < 100000; ++i) {
    b::LineItem* l = r.add_line_items();
    *l = r.line_items(0);
    l->set_line_id(absl::StrCat("M", i));
  }
  EXPECT_EQ(d_.MustSubmit(r).line_count(), 100000);
  s::SubmitBudgetRequest patch = Good("over");
  patch.mutable_budget()->set_stage(b::STAGE_REQUESTED);
  patch.set_mode(s::WRITE_MODE_PATCH);
  patch.mutable_line_items(0)->set_line_id("one-more");
  EXPECT_EQ(d_.Submit(patch).reason, "STATEMENT_LINES_EXCEEDED");
}

// Amounts near the bound use up what their own division has, and nobody else's.
TEST_F(RefusalsTest, ADivisionsAmountsHurtNoOtherDivision) {
  constexpr int64_t kBound = int64_t{1} << 52;
  s::SubmitBudgetRequest large = Good("large");
  large.mutable_budget()->set_agency_code("101001");
  large.mutable_line_items()->DeleteSubrange(1, 2);
  large.mutable_line_items(0)->set_amount_fen(kBound + 1);
  Refused(large, grpc::INVALID_ARGUMENT, "AMOUNT_OVERFLOW", "line_items[0].amount_fen");
  large.mutable_line_items(0)->set_amount_fen(kBound);
  client::Error error = d_.Submit(large);
  EXPECT_EQ(error.code, grpc::FAILED_PRECONDITION);
  EXPECT_EQ(error.reason, "LEDGER_OVERFLOW");
  EXPECT_EQ(error.metadata["division_code"], "141100");
  EXPECT_EQ(error.metadata["sum_fen"], absl::StrCat(kBound + 303));
  EXPECT_EQ(error.metadata["bound_fen"], absl::StrCat(kBound));
  // To the last fen.
  large.mutable_line_items(0)->set_amount_fen(kBound - 303);
  d_.MustSubmit(large);
  s::SubmitBudgetRequest more = Good("more");
  more.mutable_line_items(0)->set_amount_fen(101);
  EXPECT_EQ(d_.Submit(more).reason, "LEDGER_OVERFLOW");
  // Another stage, and another division, have their own.
  more.mutable_budget()->set_stage(b::STAGE_REQUESTED);
  d_.MustSubmit(more);
  s::SubmitBudgetRequest elsewhere = large;
  elsewhere.set_request_id("elsewhere");
  elsewhere.mutable_budget()->set_division_code("141121");
  elsewhere.mutable_budget()->set_agency_code("201001");
  elsewhere.mutable_line_items(0)->set_amount_fen(kBound);
  d_.MustSubmit(elsewhere);
  // What goes makes room.
  large.set_request_id("smaller");
  large.mutable_line_items(0)->set_amount_fen(kBound - 304);
  d_.MustSubmit(large);
  more = Good("more-again");
  more.mutable_line_items(0)->set_amount_fen(101);
  d_.MustSubmit(more);
  EXPECT_TRUE(d_.Verified());
}

TEST_F(RefusalsTest, AllFailingChecksComeInOneAnswer) {
  s::SubmitBudgetRequest r = Good("many");
  r.mutable_line_items(0)->set_amount_fen(-1);
  r.mutable_line_items(1)->set_line_id("");
  r.mutable_line_items(2)->set_functional_code("9990101");
  r.set_department_code("999");
  const client::Error error = d_.Submit(r);
  EXPECT_EQ(error.code, grpc::INVALID_ARGUMENT);
  std::set<std::string> fields;
  for (const auto& v : error.violations) fields.insert(v.field);
  EXPECT_EQ(fields, (std::set<std::string>{"line_items[0].amount_fen", "line_items[1].line_id",
                                           "line_items[2].functional_code", "department_code"}));
}

TEST_F(RefusalsTest, BytesThatDoNotParseNameTheField) {
  s::SubmitBudgetRequest r = Good("bytes");
  r.mutable_line_items(1)->set_note("0123456789");
  std::string bytes = r.SerializeAsString();
  const size_t at = bytes.find("0123456789");
  ASSERT_NE(at, std::string::npos);
  bytes[at] = '\xff';
  grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub(d_.channel);
  auto call = [&](const std::string& body) {
    grpc::Slice slice(body);
    grpc::ByteBuffer request(&slice, 1), response;
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    auto rpc = stub.PrepareUnaryCall(
        &context, "/fiscal.submission.v1.SubmissionService/SubmitBudget", request, &queue);
    rpc->StartCall();
    grpc::Status status;
    rpc->Finish(&response, &status, nullptr);
    void* tag;
    bool ok;
    queue.Next(&tag, &ok);
    return client::ToError(status);
  };
  client::Error error = call(bytes);
  EXPECT_EQ(error.code, grpc::INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, "TEXT_INVALID");
  ASSERT_EQ(error.violations.size(), 1u);
  EXPECT_EQ(error.violations[0].field, "line_items[1].note");
  EXPECT_EQ(error.metadata["line_id"], "L1");
  bytes[at] = '0';
  error = call(bytes.substr(0, bytes.size() - 3));
  EXPECT_EQ(error.code, grpc::INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, "MESSAGE_MALFORMED");
  error = call(std::string(17 << 20, 'x'));
  EXPECT_EQ(error.code, grpc::RESOURCE_EXHAUSTED);
}

TEST_F(RefusalsTest, AStreamAnswersABadBudgetAndGoesOn) {
  grpc::ClientContext context;
  auto stream = d_.submission->StreamBudgets(&context);
  std::vector<s::SubmitBudgetRequest> budgets;
  for (int i = 0; i < 4; ++i) {
    budgets.push_back(Good(absl::StrCat("stream-", i)));
    budgets.back().mutable_line_items(0)->set_amount_fen(1000 + i);
  }
  budgets[1].mutable_line_items(2)->set_amount_fen(-7);
  for (const auto& budget : budgets) {
    s::StreamBudgetsRequest frame;
    *frame.mutable_budget() = budget;
    ASSERT_TRUE(stream->Write(frame));
  }
  // A budget in three parts.
  s::SubmitBudgetRequest large = Good("stream-parts");
  s::StreamBudgetsRequest part;
  *part.mutable_budget() = large;
  part.mutable_budget()->clear_line_items();
  part.set_more(true);
  ASSERT_TRUE(stream->Write(part));
  for (int i = 0; i < 2; ++i) {
    part.Clear();
    *part.mutable_budget()->add_line_items() = large.line_items(i);
    part.set_more(i == 0);
    ASSERT_TRUE(stream->Write(part));
  }
  stream->WritesDone();
  std::vector<s::StreamBudgetsResponse> answers;
  for (s::StreamBudgetsResponse r; stream->Read(&r);) answers.push_back(r);
  ASSERT_TRUE(stream->Finish().ok());
  ASSERT_EQ(answers.size(), 5u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(answers[static_cast<size_t>(i)].index(), i);
  EXPECT_EQ(client::ToError(answers[1].error()).reason, "AMOUNT_INVALID");
  EXPECT_EQ(answers[0].receipt().revision(), 2);
  EXPECT_EQ(answers[2].receipt().revision(), 3);
  EXPECT_EQ(answers[3].receipt().revision(), 4);
  EXPECT_EQ(answers[4].receipt().line_count(), 2);

  // Sent again after a broken stream: the same receipts, nothing doubles.
  grpc::ClientContext again;
  auto repeat = d_.submission->StreamBudgets(&again);
  s::StreamBudgetsRequest frame;
  *frame.mutable_budget() = budgets[2];
  repeat->Write(frame);
  repeat->WritesDone();
  s::StreamBudgetsResponse first;
  ASSERT_TRUE(repeat->Read(&first));
  EXPECT_EQ(first.receipt().SerializeAsString(), answers[2].receipt().SerializeAsString());
  repeat->Finish();
}

TEST_F(RefusalsTest, AReadOfWhatIsNotThereSaysSo) {
  d_.AwaitTotals();
  aggregation::v1::GetTotalRequest request;
  request.mutable_filter()->set_division_code("141100");
  request.mutable_filter()->set_fiscal_year(2024);
  request.mutable_filter()->set_stage(b::STAGE_APPROVED);
  request.mutable_filter()->set_direction(b::DIRECTION_EXPENDITURE);
  auto ask = [&]() {
    aggregation::v1::GetTotalResponse response;
    grpc::ClientContext context;
    return client::ToError(d_.aggregation->GetTotal(&context, request, &response));
  };
  EXPECT_EQ(ask().code, grpc::OK);
  request.mutable_filter()->set_department_code("999");
  EXPECT_EQ(ask().code, grpc::NOT_FOUND);
  EXPECT_EQ(ask().reason, "DEPARTMENT_UNKNOWN");
  request.mutable_filter()->clear_department_code();
  request.mutable_filter()->set_division_code("149999");
  EXPECT_EQ(ask().reason, "DIVISION_UNKNOWN");
  request.mutable_filter()->set_division_code("14");
  EXPECT_EQ(ask().code, grpc::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace fiscal::testing
