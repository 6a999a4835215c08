// Shares by principal: who takes more than his is told so, and when to come again; others don't
// notice.
#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cpp/connection.h"
#include "clients/cpp/error.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "fiscal/authority/v1/authority_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "tests/integration/tenants.h"
#include "tests/support/catalog.h"
#include "tests/support/serve_options.h"

namespace fiscal::testing {
namespace {

namespace agg = fiscal::aggregation::v1;
namespace auth = fiscal::authority::v1;
namespace sub = fiscal::submission::v1;
using authority::Bound;
using Channel = std::shared_ptr<grpc::Channel>;

struct Numbers {
  int64_t calls = 0, streams = 0, watches = 0, requests_per_second = 0, cost_per_second = 0;
};

void SetShare(const std::string& role, const std::string& principal, const Numbers& numbers,
              config::v1::ServerConfig* server) {
  config::v1::ShareConfig& share = *server->add_shares();
  share.set_role(role);
  share.set_principal(principal);
  share.set_calls(numbers.calls);
  share.set_streams(numbers.streams);
  share.set_watches(numbers.watches);
  share.set_requests_per_second(numbers.requests_per_second);
  share.set_cost_per_second(numbers.cost_per_second);
}

agg::TotalFilter FilterOf(const std::string& department) {
  agg::TotalFilter filter;
  filter.set_division_code("141100");
  filter.set_department_code(department);
  filter.set_fiscal_year(2024);
  filter.set_stage(budget::v1::STAGE_APPROVED);
  filter.set_direction(budget::v1::DIRECTION_EXPENDITURE);
  return filter;
}

client::Error Total(const Channel& channel, const std::string& department) {
  agg::GetTotalRequest request;
  *request.mutable_filter() = FilterOf(department);
  grpc::ClientContext context;
  agg::GetTotalResponse response;
  return client::ToError(
      agg::AggregationService::NewStub(channel)->GetTotal(&context, request, &response));
}

client::Error Submit(const Channel& channel, int agency, const std::string& id) {
  grpc::ClientContext context;
  sub::SubmitBudgetResponse response;
  return client::ToError(sub::SubmissionService::NewStub(channel)->SubmitBudget(
      &context, MakeBudget(agency, 2, 1, id), &response));
}

grpc::Status WhoAmI(const Channel& channel, grpc::ClientContext* context) {
  auth::WhoAmIResponse response;
  return auth::AuthorityService::NewStub(channel)->WhoAmI(context, {}, &response);
}
client::Error WhoAmI(const Channel& channel) {
  grpc::ClientContext context;
  return client::ToError(WhoAmI(channel, &context));
}

// A watch that has begun, or was refused.
class Watch {
 public:
  Watch(const Channel& channel, const std::string& department)
      : stub_(agg::AggregationService::NewStub(channel)) {
    agg::WatchTotalsRequest request;
    *request.add_filters()->mutable_filter() = FilterOf(department);
    reader_ = stub_->WatchTotals(&context_, request);
    agg::WatchTotalsResponse first;
    if (!reader_->Read(&first)) refused = client::ToError(reader_->Finish());
  }
  ~Watch() {
    if (refused.code != grpc::StatusCode::OK) return;
    context_.TryCancel();
    (void)reader_->Finish();
  }
  client::Error refused;

 private:
  std::unique_ptr<agg::AggregationService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<agg::WatchTotalsResponse>> reader_;
};

// What one kind of call was answered.
struct Tally {
  int taken = 0, refused = 0;
  std::set<std::string> reasons;
  absl::Duration retry_after = absl::InfiniteDuration();
  void Add(const client::Error& error) {
    if (error.code == grpc::StatusCode::OK) {
      ++taken;
      return;
    }
    ++refused;
    EXPECT_EQ(error.code, grpc::StatusCode::RESOURCE_EXHAUSTED) << error.message;
    reasons.insert(error.reason);
    retry_after = std::min(retry_after, error.retry_after);
  }
};

TEST(SharesTest, WhoFloodsIsToldSoAndOthersDontNotice) {
  constexpr char kOther[] = "agency/141100/102/submit";
  const std::string reads = "agency/141100/101/reads", writes = "agency/141100/101/writes",
                    watches = "agency/141100/101/watches";
  Tenants tenants("enforce", [&](config::v1::ServerConfig* server) {
    for (const std::string& path : {reads, writes})
      SetShare("", Tenants::PrincipalOf(path), {0, 0, 0, 1, 0}, server);
    SetShare("", Tenants::PrincipalOf(watches), {0, 0, 2, 0, 0}, server);
  });
  tenants.Grant("catalogs", "catalog-owner");
  ASSERT_TRUE(ImportTwoCities(tenants.As("catalogs"), 12));
  for (const std::string& path : {reads, writes, watches})
    tenants.Grant(path, "submitter", Tenants::Scope("141100", "101"));
  tenants.Grant(kOther, "submitter", Tenants::Scope("141100", "102"));

  const Channel other = tenants.As(kOther);
  std::atomic<bool> others_done{false};
  Tally read, written, watched;
  std::vector<std::thread> floods;
  const auto flood = [&](const std::string& path, Tally* tally, auto call) {
    floods.emplace_back([&others_done, channel = tenants.As(path), tally, call] {
      for (int i = 0; i < 100 || !others_done; ++i) tally->Add(call(channel, i));
    });
  };
  flood(reads, &read, [](const Channel& channel, int) { return Total(channel, "101"); });
  flood(writes, &written, [](const Channel& channel, int i) {
    return Submit(channel, 0, absl::StrCat("flood-", i));
  });
  std::vector<std::unique_ptr<Watch>> held;
  flood(watches, &watched, [&held](const Channel& channel, int) {
    auto watch = std::make_unique<Watch>(channel, "101");
    const client::Error refused = watch->refused;
    if (refused.code == grpc::StatusCode::OK) held.push_back(std::move(watch));
    return refused;
  });
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Total(other, "102").reason, "");
    EXPECT_EQ(Submit(other, 10, absl::StrCat("other-", i)).reason, "");
    EXPECT_EQ(Watch(other, "102").refused.reason, "");
  }
  others_done = true;
  for (std::thread& thread : floods) thread.join();

  const std::set<std::string> rate = {"RATE_EXCEEDED"};
  for (const Tally* tally : {&read, &written}) {
    EXPECT_GE(tally->taken, 10);
    EXPECT_GT(tally->refused, 0);
    EXPECT_EQ(tally->reasons, rate);
    EXPECT_GE(tally->retry_after, absl::Milliseconds(100));
  }
  EXPECT_EQ(watched.taken, 2);
  EXPECT_EQ(watched.reasons.count("WATCHERS_TOO_MANY"), 1);
  EXPECT_GT(watched.retry_after, absl::ZeroDuration());
  const services::rpc::Calls& calls = tenants.server().calls();
  EXPECT_EQ(calls.refused(Bound::kRequests), read.refused + written.refused);
  EXPECT_EQ(calls.refused(Bound::kWatches), watched.refused);
}

TEST(SharesTest, WhatReadsCostIsOwedByReadsAlone) {
  constexpr char kPath[] = "agency/141100/101/submit";
  Tenants tenants("enforce", [&](config::v1::ServerConfig* server) {
    SetShare("", Tenants::PrincipalOf(kPath), {0, 0, 0, 0, 1}, server);
  });
  tenants.Grant("catalogs", "catalog-owner");
  ASSERT_TRUE(ImportTwoCities(tenants.As("catalogs"), 12));
  tenants.Grant(kPath, "submitter", Tenants::Scope("141100", "101"));
  const Channel channel = tenants.As(kPath);
  EXPECT_EQ(Submit(channel, 0, "r1").reason, "");
  client::Error refused;
  for (int i = 0; i < 100 && refused.reason.empty(); ++i) refused = Total(channel, "101");
  EXPECT_EQ(refused.reason, "RATE_EXCEEDED");
  EXPECT_EQ(refused.metadata.at("share"), "cost_per_second");
  EXPECT_EQ(refused.metadata.at("limit"), "1");
  EXPECT_GT(refused.retry_after, absl::ZeroDuration());
  EXPECT_FALSE(refused.message_zh.empty());
  EXPECT_EQ(Submit(channel, 0, "r2").reason, "");
  EXPECT_EQ(Watch(channel, "101").refused.reason, "");
}

TEST(SharesTest, AskingForWhatOneMayNotHasABoundToo) {
  Tenants tenants("enforce", [&](config::v1::ServerConfig* server) {
    SetShare("everybody", "", {0, 0, 0, 1, 0}, server);
  });
  std::set<std::string> reasons;
  for (int i = 0; i < 100; ++i) reasons.insert(Total(tenants.As("nobody"), "101").reason);
  EXPECT_EQ(reasons, (std::set<std::string>{"RATE_EXCEEDED", "RIGHT_NOT_GRANTED"}));
}

// Callers without certificates have a share for each connection.
class AnonymousSharesTest : public ::testing::Test {
 protected:
  void Start(const std::string& mode, int64_t requests_per_second) {
    ServeOptions options;
    options.data_dir = dir_.path() + "/data";
    config::v1::ServeConfig config = options.Config();
    config::v1::ServerConfig* server = services::MutableServerOf(&config);
    server->mutable_authority()->set_mode(mode);
    SetShare("everybody", "", {0, 0, 0, requests_per_second, 0}, server);
    auto started = services::Server::Start(config);
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
  }
  client::Connection::Options Options() const {
    client::Connection::Options options;
    options.server = absl::StrCat("127.0.0.1:", server_->port());
    return options;
  }
  Channel Connect() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(Options().server, grpc::InsecureChannelCredentials(),
                                     arguments);
  }

  TempDir dir_;
  std::unique_ptr<services::Server> server_;
};

TEST_F(AnonymousSharesTest, WithoutAuthorityThereAreNone) {
  Start("auto", 1);
  const Channel channel = Connect();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(WhoAmI(channel).code, grpc::StatusCode::OK);
  EXPECT_EQ(server_->calls().refused(Bound::kRequests), 0);
}

TEST_F(AnonymousSharesTest, WithAuthorityAConnectionHasOne) {
  Start("enforce", 1);
  const Channel flood = Connect(), other = Connect();
  Tally told;
  for (int i = 0; i < 100; ++i) told.Add(WhoAmI(flood));
  EXPECT_GT(told.refused, 0);
  EXPECT_EQ(WhoAmI(other).reason, "");
}

TEST_F(AnonymousSharesTest, AClientThatWaitsAsItIsToldIsServed) {
  Start("enforce", 20);
  const client::Connection connection(Options());
  // More than come at once, until it had to wait.
  for (int i = 0; i < 5000 && server_->calls().refused(Bound::kRequests) < 2; ++i) {
    const grpc::Status status = connection.Call(
        [&](grpc::ClientContext* context) { return WhoAmI(connection.channel(), context); });
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  EXPECT_GE(server_->calls().refused(Bound::kRequests), 2);
}

}  // namespace
}  // namespace fiscal::testing
