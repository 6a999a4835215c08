// Positions and tokens of a history that a restored backup does not have, and of another store.
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "fiscal/federation/v1/federation_service.grpc.pb.h"
#include "fiscal/log/v1/event_log_service.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/integration/deployment.h"
#include "tests/support/catalog.h"
#include "tests/support/children.h"
#include "tests/support/position.h"

namespace fiscal::testing {
namespace {

namespace a = fiscal::aggregation::v1;
namespace b = fiscal::budget::v1;
namespace fed = fiscal::federation::v1;
namespace l = fiscal::log::v1;
namespace s = fiscal::submission::v1;

constexpr char kOther[] = "POSITION_OF_OTHER_HISTORY";

a::TotalFilter Filter() {
  a::TotalFilter filter;
  filter.set_division_code("141100");
  filter.set_fiscal_year(2024);
  filter.set_stage(b::STAGE_APPROVED);
  filter.set_direction(b::DIRECTION_EXPENDITURE);
  return filter;
}

// A server on a directory that can be exchanged while it is stopped.
class Store {
 public:
  explicit Store(const std::string& dir, const std::string& log = "") {
    options_.data_dir = dir;
    if (!log.empty()) {
      options_.role = "aggregation";
      options_.log_address = log;
    }
    options_.listen = absl::StrCat("127.0.0.1:", FreePort());
    Start();
  }
  void Start() {
    auto server = services::Server::Start(options_.Config());
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = ConnectTo(options_.listen);
  }
  void Stop() {
    server_->Stop();
    server_.reset();
  }
  const std::string& address() const { return options_.listen; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  // The position of a statement of one agency; `salt` tells apart what is stated.
  std::string Submit(int agency, uint64_t salt) {
    s::SubmitBudgetResponse receipt;
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    const s::SubmitBudgetRequest request =
        MakeBudget(agency, 3, salt, absl::StrCat("r", agency, "-", salt));
    const grpc::Status status =
        s::SubmissionService::NewStub(channel_)->SubmitBudget(&context, request, &receipt);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return receipt.position();
  }

  client::Error Total(const a::Consistency& consistency, a::GetTotalResponse* response = nullptr) {
    a::GetTotalRequest request;
    *request.mutable_filter() = Filter();
    *request.mutable_consistency() = consistency;
    a::GetTotalResponse unused;
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    return client::ToError(a::AggregationService::NewStub(channel_)->GetTotal(
        &context, request, response == nullptr ? &unused : response));
  }
  client::Error Exactly(const std::string& position, a::GetTotalResponse* response = nullptr) {
    a::Consistency consistency;
    consistency.set_exactly(position);
    return Total(consistency, response);
  }
  client::Error AtLeast(const std::string& position, a::GetTotalResponse* response = nullptr) {
    a::Consistency consistency;
    consistency.set_at_least(position);
    return Total(consistency, response);
  }
  // A page of one row.
  client::Error List(const std::string& token, a::ListTotalsResponse* response) {
    a::ListTotalsRequest request;
    *request.mutable_filter() = Filter();
    request.add_group_by()->set_dimension(a::DIMENSION_AGENCY);
    request.set_page_size(1);
    request.set_page_token(token);
    response->Clear();
    grpc::ClientContext context;
    return client::ToError(
        a::AggregationService::NewStub(channel_)->ListTotals(&context, request, response));
  }
  // A page of one line of the agency's statement.
  client::Error Lines(int agency, const std::string& token, s::ListLineItemsResponse* response) {
    s::ListLineItemsRequest request;
    *request.mutable_budget() = MakeBudget(agency, 1, 1, "").budget();
    request.set_page_size(1);
    request.set_page_token(token);
    response->Clear();
    grpc::ClientContext context;
    return client::ToError(
        s::SubmissionService::NewStub(channel_)->ListLineItems(&context, request, response));
  }
  // The token of the first message, or how the watch ended before one.
  client::Error Watch(const std::string& from, std::string* token) {
    a::WatchTotalsRequest request;
    *request.add_filters()->mutable_filter() = Filter();
    request.set_resume_token(from);
    grpc::ClientContext context;
    const auto reader = a::AggregationService::NewStub(channel_)->WatchTotals(&context, request);
    a::WatchTotalsResponse message;
    if (!reader->Read(&message)) return client::ToError(reader->Finish());
    *token = message.resume_token();
    context.TryCancel();
    return {};
  }
  client::Error ReadLog(const std::string& after, l::ReadResponse* last = nullptr) {
    l::ReadRequest request;
    request.set_after_position(after);
    request.set_until_head(true);
    grpc::ClientContext context;
    const auto reader = l::EventLogService::NewStub(channel_)->Read(&context, request);
    for (l::ReadResponse response; reader->Read(&response);) {
      if (last != nullptr) *last = response;
    }
    return client::ToError(reader->Finish());
  }
  client::Error Prove(const std::string& position) {
    l::GetInclusionProofRequest request;
    request.set_position(position);
    l::GetInclusionProofResponse response;
    grpc::ClientContext context;
    return client::ToError(
        l::EventLogService::NewStub(channel_)->GetInclusionProof(&context, request, &response));
  }
  client::Error Digests(const std::string& position) {
    fed::GetDigestsRequest request;
    request.set_position(position);
    fed::GetDigestsResponse response;
    grpc::ClientContext context;
    return client::ToError(
        fed::FederationService::NewStub(channel_)->GetDigests(&context, request, &response));
  }
  int64_t WaitingReads() {
    admin::v1::GetStatusResponse response;
    grpc::ClientContext context;
    EXPECT_TRUE(
        admin::v1::AdminService::NewStub(channel_)->GetStatus(&context, {}, &response).ok());
    return response.totals().waiting_read_count();
  }
  client::Error Quarantine(const std::string& position) {
    admin::v1::QuarantineRequest request;
    request.set_position(position);
    request.set_reason("试");
    admin::v1::QuarantineResponse response;
    grpc::ClientContext context;
    return client::ToError(
        admin::v1::AdminService::NewStub(channel_)->Quarantine(&context, request, &response));
  }
  // Why each place that takes a position refuses this one; they must agree.
  std::string Refusal(const std::string& position) {
    const std::string reason = Exactly(position).reason;
    EXPECT_EQ(AtLeast(position).reason, reason);
    EXPECT_EQ(ReadLog(position).reason, reason);
    EXPECT_EQ(Prove(position).reason, reason);
    EXPECT_EQ(Digests(position).reason, reason);
    // Nothing is to be left out.
    if (!reason.empty()) {
      EXPECT_EQ(Quarantine(position).reason, reason);
    }
    return reason;
  }

 private:
  ServeOptions options_;
  std::unique_ptr<services::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

constexpr int kAgencies = 5;

std::unique_ptr<Store> NewStore(const std::string& dir) {
  auto store = std::make_unique<Store>(dir);
  EXPECT_TRUE(ImportSmallCatalog(store->channel(), kAgencies));
  return store;
}

std::string DigitsOf(const std::string& position) { return absl::StrCat(PositionNumber(position)); }

// What a client keeps of a store: a position, and the tokens to go on with from there.
struct Kept {
  std::string position, page, lines, watch;

  // After a statement of agency 0.
  static Kept Of(Store& store, std::string position) {
    Kept kept;
    kept.position = std::move(position);
    EXPECT_EQ(store.AtLeast(kept.position).reason, "");
    a::ListTotalsResponse list;
    EXPECT_EQ(store.List("", &list).reason, "");
    EXPECT_EQ(list.position(), kept.position);
    kept.page = list.next_page_token();
    s::ListLineItemsResponse lines;
    EXPECT_EQ(store.Lines(0, "", &lines).reason, "");
    kept.lines = lines.next_page_token();
    EXPECT_EQ(store.Watch("", &kept.watch).reason, "");
    EXPECT_FALSE(kept.page.empty() || kept.lines.empty() || kept.watch.empty());
    return kept;
  }
  // Why a store refuses all of it; the places must agree. Another store has no key of the tokens,
  // unless it is `keyed`.
  std::string Refusal(Store& store, bool keyed = true) const {
    const std::string reason = store.Refusal(position);
    a::ListTotalsResponse list;
    EXPECT_EQ(store.List(page, &list).reason, keyed ? reason : "PAGE_TOKEN_INVALID");
    s::ListLineItemsResponse items;
    EXPECT_EQ(store.Lines(0, lines, &items).reason, keyed ? reason : "PAGE_TOKEN_INVALID");
    std::string token;
    EXPECT_EQ(store.Watch(watch, &token).reason, keyed ? reason : "RESUME_TOKEN_INVALID");
    return reason;
  }
};

TEST(RestoreTest, WhatIsOfALostHistoryIsRefusedAndDigitsAreNot) {
  TempDir root;
  const std::string dir = root.path() + "/data", backup = root.path() + "/backup";
  const auto city = NewStore(dir);
  city->Submit(1, 1);
  const Kept kept = Kept::Of(*city, city->Submit(0, 1));
  city->Stop();
  std::filesystem::copy(dir, backup, std::filesystem::copy_options::recursive);
  city->Start();
  for (int agency = 1; agency < kAgencies; ++agency) city->Submit(agency, 2);
  const Kept lost = Kept::Of(*city, city->Submit(0, 2));
  EXPECT_EQ(kept.Refusal(*city), "");
  EXPECT_EQ(lost.Refusal(*city), "");

  city->Stop();
  std::filesystem::remove_all(dir);
  std::filesystem::copy(backup, dir, std::filesystem::copy_options::recursive);
  city->Start();
  EXPECT_EQ(kept.Refusal(*city), "");
  EXPECT_EQ(lost.Refusal(*city), kOther);
  EXPECT_EQ(city->Exactly(lost.position).code, grpc::FAILED_PRECONDITION);
  // Digits may name what is yet to come.
  EXPECT_EQ(city->Refusal(DigitsOf(lost.position)), "POSITION_AHEAD");

  // A copy waits for what it has not, and looks at its history once it is there.
  Store copy(root.path() + "/copy", city->address());
  client::Error found;
  std::thread waits([&] { found = copy.Exactly(lost.position); });
  while (copy.WaitingReads() == 0) continue;
  // The store goes on differently, past what was lost.
  std::string last;
  for (int agency = 0; agency < kAgencies; ++agency) last = city->Submit(agency, 3);
  last = city->Submit(0, 4);
  waits.join();
  EXPECT_EQ(found.reason, kOther);

  ASSERT_GT(PositionNumber(last), PositionNumber(lost.position));
  EXPECT_EQ(kept.Refusal(*city), "");
  EXPECT_EQ(lost.Refusal(*city), kOther);
  EXPECT_EQ(city->Refusal(DigitsOf(lost.position)), "");
  EXPECT_EQ(Kept::Of(*city, last).Refusal(*city), "");
}

TEST(RestoreTest, WhatIsOfAnotherStoreIsRefused) {
  TempDir here, there;
  const auto city = NewStore(here.path()), other = NewStore(there.path());
  const std::string early = other->Submit(1, 1);
  city->Submit(1, 1);
  const Kept own = Kept::Of(*city, city->Submit(0, 1));
  const Kept same = Kept::Of(*other, other->Submit(0, 1));
  // The same statements at the same positions, and yet another history.
  EXPECT_EQ(PositionNumber(own.position), PositionNumber(same.position));
  EXPECT_EQ(same.Refusal(*city, /*keyed=*/false), kOther);
  EXPECT_EQ(city->Refusal(early), kOther);
  // Past the end as well.
  const Kept later = Kept::Of(*other, other->Submit(0, 2));
  EXPECT_EQ(later.Refusal(*city, /*keyed=*/false), kOther);
  EXPECT_EQ(own.Refusal(*city), "");
  // What it has the key of is looked at as a position is.
  city->Stop();
  std::filesystem::copy_file(there.path() + "/token-key", here.path() + "/token-key",
                             std::filesystem::copy_options::overwrite_existing);
  city->Start();
  EXPECT_EQ(same.Refusal(*city), kOther);
  EXPECT_EQ(later.Refusal(*city), kOther);
}

TEST(RestoreTest, ACopySaysTheSameAndWaitsForWhatItHasNot) {
  TempDir root;
  const auto city = NewStore(root.path() + "/city");
  const std::string first = city->Submit(0, 1);
  Store copy(root.path() + "/copy", city->address());
  a::GetTotalResponse here, there;
  ASSERT_EQ(city->AtLeast(first, &here).reason, "");
  ASSERT_EQ(copy.AtLeast(first, &there).reason, "");
  EXPECT_EQ(here.position(), first);
  EXPECT_EQ(here.SerializeAsString(), there.SerializeAsString());
  l::ReadResponse log, copied;
  ASSERT_EQ(city->ReadLog("", &log).reason, "");
  ASSERT_EQ(copy.ReadLog("", &copied).reason, "");
  EXPECT_EQ(log.SerializeAsString(), copied.SerializeAsString());
  EXPECT_EQ(log.head_position(), first);
  EXPECT_EQ(log.records().rbegin()->position(), first);

  // The store goes on where the copy can't hear it.
  city->Stop();
  std::string second;
  {
    Store elsewhere(root.path() + "/city");
    second = elsewhere.Submit(0, 2);
    elsewhere.Stop();
  }
  EXPECT_EQ(copy.ReadLog(second).reason, "REPLICA_BEHIND");
  client::Error found;
  std::thread waits([&] { found = copy.Exactly(second, &there); });
  while (copy.WaitingReads() == 0) continue;
  city->Start();
  waits.join();
  EXPECT_EQ(found.reason, "") << found.message;
  EXPECT_EQ(there.position(), second);
}

TEST(RestoreTest, NoughtIsAPositionOfEveryLog) {
  TempDir root;
  const auto city = NewStore(root.path());
  a::GetTotalResponse total;
  EXPECT_EQ(city->AtLeast("0").reason, "");
  EXPECT_EQ(city->Exactly("0", &total).reason, "");
  EXPECT_EQ(total.position(), "0");
  EXPECT_EQ(city->ReadLog("0").reason, "");
  ASSERT_EQ(city->Digests("0").reason, "");
}

}  // namespace
}  // namespace fiscal::testing
