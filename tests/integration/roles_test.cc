// The two services as two processes that share nothing but the log.
#include <signal.h>
#include <sys/wait.h>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/integration/deployment.h"
#include "tests/support/children.h"

namespace fiscal::testing {
namespace {

namespace a = fiscal::aggregation::v1;
namespace b = fiscal::budget::v1;

testing::ServeOptions Follower(const std::string& dir, const std::string& listen,
                               const std::string& log) {
  testing::ServeOptions options;
  options.data_dir = dir;
  options.listen = listen;
  options.role = "aggregation";
  options.log_address = log;
  return options;
}

a::GetTotalResponse TotalAt(const std::string& address, const std::string& position) {
  const auto channel = ConnectTo(address);
  EXPECT_TRUE(AwaitServing(channel));
  const auto stub = a::AggregationService::NewStub(channel);
  a::GetTotalRequest request;
  request.mutable_filter()->set_division_code("141100");
  request.mutable_filter()->set_fiscal_year(2024);
  request.mutable_filter()->set_stage(b::STAGE_APPROVED);
  request.mutable_filter()->set_direction(b::DIRECTION_EXPENDITURE);
  request.mutable_consistency()->set_at_least(position);
  a::GetTotalResponse response;
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  const grpc::Status status = stub->GetTotal(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response;
}

TEST(RolesTest, AnAggregationProcessFollowsTheLogOverGrpcThroughKills) {
  Deployment
      submission;  // this process: intake and log; its own totals are what the other's must equal
  TempDir copy;
  const std::string listen = absl::StrCat("127.0.0.1:", FreePort());
  ServeOptions options = Follower(copy.path(), listen, submission.address());
  options.token_key_file = submission.data_dir() + "/token-key";
  auto follower = std::make_unique<ServerChild>(options);
  const auto receipts = submission.SubmitExamples();
  const a::GetTotalResponse here = TotalAt(submission.address(), receipts.back().position());
  const a::GetTotalResponse there = TotalAt(listen, receipts.back().position());
  EXPECT_EQ(here.total().amount_fen(), there.total().amount_fen());
  EXPECT_EQ(here.total().line_count(), there.total().line_count());

  // It explains totals to the lines, from the log alone, and watches what is to come.
  const auto explained = [](const std::string& address) {
    a::ExplainTotalRequest request;
    request.mutable_filter()->set_division_code("141100");
    request.mutable_filter()->set_fiscal_year(2024);
    request.mutable_filter()->set_stage(b::STAGE_APPROVED);
    request.mutable_filter()->set_direction(b::DIRECTION_EXPENDITURE);
    request.set_line_items(true);
    a::ExplainTotalResponse response;
    grpc::ClientContext context;
    const grpc::Status status = a::AggregationService::NewStub(ConnectTo(address))
                                    ->ExplainTotal(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_GT(response.contributions_size(), 20);
    return response.SerializeAsString();
  };
  EXPECT_EQ(explained(submission.address()), explained(listen));

  // A watch that began at one goes on at the other, which has the same log and the same keys.
  const auto question = [](const std::string& token) {
    a::WatchTotalsRequest request;
    a::TotalFilter* filter = request.add_filters()->mutable_filter();
    filter->set_division_code("141100");
    filter->set_fiscal_year(2024);
    filter->set_stage(b::STAGE_APPROVED);
    filter->set_direction(b::DIRECTION_EXPENDITURE);
    request.set_resume_token(token);
    return request;
  };
  const auto caught_up = [&](const std::string& address, const std::string& token) {
    grpc::ClientContext context;
    const auto stub = a::AggregationService::NewStub(ConnectTo(address));
    const auto reader = stub->WatchTotals(&context, question(token));
    a::WatchTotalsResponse message;
    int before = 0;
    while (reader->Read(&message) && message.event() != a::WATCH_EVENT_CAUGHT_UP) ++before;
    EXPECT_EQ(before, token.empty() ? 1 : 0);
    context.TryCancel();
    return message.resume_token();
  };
  const std::string token = caught_up(submission.address(), "");
  EXPECT_EQ(caught_up(listen, token), token);

  // The follower is killed, events go on, it comes back and catches up from its own copy.
  follower->End(SIGKILL);
  const auto receipt = submission.MustSubmit(submission.Reference(
      ReadFile("tests/data/documents/lvliang_finance_office_2024.txt"), "reference"));
  follower = std::make_unique<ServerChild>(options);
  const a::GetTotalResponse later = TotalAt(listen, receipt.position());
  EXPECT_EQ(later.total().amount_fen(), here.total().amount_fen() + 880870000);
  follower->End(SIGTERM);

  // With keys of its own it refuses such a token.
  follower = std::make_unique<ServerChild>(Follower(copy.path(), listen, submission.address()));
  const auto channel = ConnectTo(listen);
  ASSERT_TRUE(AwaitServing(channel));
  grpc::ClientContext context;
  const auto reader =
      a::AggregationService::NewStub(channel)->WatchTotals(&context, question(token));
  a::WatchTotalsResponse message;
  EXPECT_FALSE(reader->Read(&message));
  EXPECT_EQ(client::ToError(reader->Finish()).reason, "RESUME_TOKEN_INVALID");
  follower->End(SIGTERM);

  // Another log is not folded in silence: a follower of this data dir refuses it and ends.
  Deployment stranger;
  ServerChild refused(Follower(copy.path(), listen, stranger.address()));
  const int status = refused.Wait();
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_NE(WEXITSTATUS(status), 0);
}

TEST(RolesTest, WrongOptionsSayWhatIsWrong) {
  TempDir dir;
  auto refused = [&](testing::ServeOptions options) {
    if (options.data_dir.empty()) options.data_dir = dir.path();
    const auto server = services::Server::Start(options.Config());
    return server.ok() ? std::string("started") : std::string(server.status().message());
  };
  testing::ServeOptions o;
  o.listen = "0.0.0.0:0";
  EXPECT_NE(refused(o).find("--insecure"), std::string::npos);
  o.listen = "127.0.0.1:99999";
  EXPECT_NE(refused(o).find("server.listen"), std::string::npos);
  o.listen = "127.0.0.1:0";
  o.role = "aggregation";
  EXPECT_NE(refused(o).find("log"), std::string::npos);
  o.role = "all";
  o.data_dir = "/proc/nowhere";
  EXPECT_NE(refused(o).find("server.data_dir"), std::string::npos);
  o.data_dir = dir.path();
  auto first = services::Server::Start(o.Config());
  ASSERT_TRUE(first.ok());
  EXPECT_NE(refused(o).find("another process uses it"), std::string::npos);
}

}  // namespace
}  // namespace fiscal::testing

int main(int argc, char** argv) {
  if (const auto served = fiscal::testing::ServeIfAsked(argc, argv)) return *served;
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
