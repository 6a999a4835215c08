// Budgets from messages: whole and in parts, and what can't be read of them.
#include "services/wire/submission_wire.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "domain/reason.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"

namespace fiscal::services::wire {
namespace {

namespace s = fiscal::submission::v1;
namespace b = fiscal::budget::v1;

s::SubmitBudgetRequest Request() {
  s::SubmitBudgetRequest request;
  request.set_request_id("r1");
  request.mutable_budget()->set_division_code("141100");
  request.mutable_budget()->set_agency_code("101001");
  request.mutable_budget()->set_fiscal_year(2024);
  request.mutable_budget()->set_stage(b::STAGE_APPROVED);
  b::LineItem* line = request.add_line_items();
  line->set_line_id("l1");
  line->set_direction(b::DIRECTION_EXPENDITURE);
  line->set_functional_code("20502");
  line->set_amount_fen(5);
  b::Project* project = request.add_projects();
  project->set_project_code("P1");
  project->set_name("a project");
  project->set_implementing_agency("101002");
  return request;
}

std::string ReasonOf(const absl::Status& status) {
  return std::string(domain::InfoOf(domain::Explain(status).refusal.reason).id);
}
std::string Fields(const domain::Submission& submission) {
  return absl::StrJoin(submission.violations, " ",
                       [](std::string* out, const domain::Violation& v) { out->append(v.field); });
}

// The bytes must outlive what is read of them.
struct Bytes {
  explicit Bytes(const google::protobuf::Message& message)
      : bytes(std::make_shared<const std::string>(message.SerializeAsString())) {}
  std::shared_ptr<const std::string> bytes;
  google::protobuf::Arena arena;
};

TEST(SubmissionWireTest, ABudgetIsWhatWasSent) {
  Bytes sent(Request());
  const auto raw = ReadSubmit(*sent.bytes, &sent.arena);
  ASSERT_TRUE(raw.ok()) << raw.status();
  EXPECT_EQ(raw->line_items.size(), 1u);
  EXPECT_EQ(raw->envelope->line_items_size(), 0) << "lines stay bytes";
  const auto submission = ToSubmission({*raw}, {sent.bytes}, "bureau");
  ASSERT_TRUE(submission.ok()) << submission.status();
  EXPECT_EQ(Fields(*submission), "");
  EXPECT_EQ(submission->principal, "bureau");
  EXPECT_EQ(submission->request_id, "r1");
  EXPECT_EQ(submission->key.division, 141100u);
  EXPECT_EQ(submission->key.agency, "101001");
  EXPECT_EQ(submission->key.stage, domain::Stage::kApproved);
  ASSERT_EQ(submission->lines.lines.size(), 1u);
  EXPECT_EQ(submission->lines.lines[0].line_id, "l1");
  EXPECT_EQ(submission->lines.lines[0].amount_fen, 5);
  ASSERT_EQ(submission->projects.size(), 1u);
  EXPECT_EQ(submission->projects[0].code, "P1");
}

TEST(SubmissionWireTest, PartsAreOneBudget) {
  s::StreamBudgetsRequest first, second;
  *first.mutable_budget() = Request();
  first.set_more(true);
  *second.mutable_budget()->add_line_items() = Request().line_items(0);
  second.mutable_budget()->mutable_line_items(0)->set_line_id("l2");
  Bytes one(first), two(second);
  const FrameHead head = ReadFrameHead(*one.bytes);
  EXPECT_TRUE(head.more);
  EXPECT_EQ(head.request_id, "r1");
  EXPECT_FALSE(ReadFrameHead(*two.bytes).more);
  EXPECT_EQ(ReadFrameHead("\xff").request_id, "");
  BoundedFields counted;
  std::vector<RawBudget> parts;
  for (Bytes* part : {&one, &two}) {
    const auto raw = ReadFrame(*part->bytes, &counted, &part->arena);
    ASSERT_TRUE(raw.ok()) << raw.status();
    parts.push_back(*raw);
  }
  const auto submission = ToSubmission(parts, {one.bytes, two.bytes}, "bureau");
  ASSERT_TRUE(submission.ok()) << submission.status();
  EXPECT_EQ(submission->request_id, "r1");
  EXPECT_EQ(submission->lines.lines.size(), 2u);
}

// What can't be read is among the violations; the rest that is wrong is found when it is prepared.
TEST(SubmissionWireTest, FieldsThatCantBeReadAreNamed) {
  s::SubmitBudgetRequest request = Request();
  request.mutable_budget()->set_division_code("14");
  request.mutable_budget()->set_fiscal_year(1);
  request.mutable_budget()->set_stage(static_cast<b::Stage>(99));
  Bytes sent(request);
  const auto raw = ReadSubmit(*sent.bytes, &sent.arena);
  ASSERT_TRUE(raw.ok()) << raw.status();
  const auto submission = ToSubmission({*raw}, {sent.bytes}, "");
  ASSERT_TRUE(submission.ok()) << submission.status();
  EXPECT_EQ(Fields(*submission), "budget.division_code budget.stage");
  const auto key = ToKey(request.budget());
  EXPECT_EQ(key.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(domain::Explain(key.status()).refusal.violations.size(), 3u);
}

TEST(SubmissionWireTest, BytesThatAreNoMessageAreRefusedWithTheirField) {
  google::protobuf::Arena arena;
  EXPECT_EQ(ReasonOf(ReadSubmit("\xff", &arena).status()), "MESSAGE_MALFORMED");
  s::SubmitBudgetRequest request;
  EXPECT_FALSE(ParseInto("\xff", &request).ok());
  EXPECT_TRUE(ParseInto(Request().SerializeAsString(), &request).ok());
  EXPECT_EQ(request.request_id(), "r1");
}

TEST(SubmissionWireTest, FieldsOfALaterVersionAreSeen) {
  s::SubmitBudgetRequest request = Request();
  EXPECT_FALSE(HasUnknownFields(request));
  request.GetReflection()->MutableUnknownFields(&request)->AddVarint(1000, 1);
  EXPECT_TRUE(HasUnknownFields(request));
  s::SubmitReallocationRequest around;
  *around.add_budgets() = Request();
  around.set_request_id("a");
  Bytes sent(around);
  const auto raw = ReadReallocation(*sent.bytes, &sent.arena);
  ASSERT_TRUE(raw.ok()) << raw.status();
  EXPECT_EQ(raw->request_id, "a");
  EXPECT_EQ(raw->budgets.size(), 1u);
  EXPECT_FALSE(raw->unknown_around);
}

TEST(SubmissionWireTest, AWithdrawalReplacesAllByNothing) {
  s::WithdrawBudgetRequest request;
  request.set_request_id("w1");
  *request.mutable_budget() = Request().budget();
  const domain::Submission withdrawal = ToWithdrawal(request, "bureau");
  EXPECT_TRUE(withdrawal.withdraw);
  EXPECT_EQ(withdrawal.key.agency, "101001");
  EXPECT_TRUE(withdrawal.lines.lines.empty());
}

TEST(SubmissionWireTest, TheUnitOfAProjectIsReadFromItsBytes) {
  EXPECT_EQ(ImplementingAgency({"P1", "", Request().projects(0).SerializeAsString()}), "101002");
  EXPECT_EQ(ImplementingAgency({"P1", "", b::Project().SerializeAsString()}), "");
}

TEST(SubmissionWireTest, AReceiptSaysWhatWasDecided) {
  domain::RequestReceipt receipt;
  receipt.receipt.result = domain::Result::kRevised;
  receipt.receipt.position = domain::Position(7);
  receipt.receipt.revision = 3;
  receipt.receipt.line_count = 2;
  receipt.expenditure_change_fen = -5;
  s::SubmitBudgetResponse response;
  ToProto(receipt, domain::Moment(domain::Position(7)), "r1", &response);
  EXPECT_EQ(response.request_id(), "r1");
  EXPECT_EQ(response.result(), s::RESULT_REVISED);
  EXPECT_EQ(response.revision(), 3);
  EXPECT_EQ(response.line_count(), 2);
  EXPECT_EQ(response.position(), "7");
}

}  // namespace
}  // namespace fiscal::services::wire
