// Watchers over gRPC while their server is killed with SIGKILL and they themselves go away and come
// back with a token: what each heard, put end to end, must be what a watch hears that was never
// cut. FISCAL_WATCH_KILLS sets the number of kills of the server (8 unless it says otherwise).
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "clients/cpp/resumable_watch.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "tests/support/catalog.h"
#include "tests/support/children.h"
#include "tests/support/position.h"

namespace fiscal {
namespace {

namespace agg = fiscal::aggregation::v1;
namespace sub = fiscal::submission::v1;

constexpr int kAgencies = 12;

int64_t PositionOf(const std::string& text) {
  uint64_t position = 0;
  EXPECT_TRUE(testing::ReadPosition(text, &position)) << text;
  return static_cast<int64_t>(position);
}

std::string KeyOf(const agg::TotalChange& change) {
  std::string key = absl::StrCat(change.filter_index());
  for (const auto& v : change.total().group()) absl::StrAppend(&key, "/", v.code());
  return key;
}

// What a watch told: the changes of each position, as text, and the rows they lead to.
struct Heard {
  std::map<int64_t, std::string> changes;
  std::map<std::string, int64_t> rows;
  int64_t position = 0;
  std::string token;
  bool started = false;

  void Take(const agg::WatchTotalsResponse& m) {
    const int64_t at = PositionOf(m.position());
    EXPECT_EQ(m.event() == agg::WATCH_EVENT_SNAPSHOT, !started) << "a snapshot comes first";
    EXPECT_GE(at, position) << "ordered";
    if (m.event() == agg::WATCH_EVENT_CHANGE) {
      EXPECT_GT(at, position) << "unique";
      EXPECT_GT(m.changes_size(), 0) << "exact";
    }
    std::string text;
    for (const auto& change : m.changes()) {
      const std::string key = KeyOf(change);
      if (m.event() == agg::WATCH_EVENT_CHANGE) {
        EXPECT_EQ(rows[key], change.previous_amount_fen()) << "reliable: " << key;
      }
      rows[key] = change.total().amount_fen();
      absl::StrAppend(&text, key, "=", change.total().amount_fen(), ";");
    }
    if (m.event() == agg::WATCH_EVENT_CHANGE) changes[at] = text;
    EXPECT_FALSE(m.resume_token().empty()) << "resumable";
    position = at;
    token = m.resume_token();
    started = true;
  }
};

agg::WatchTotalsRequest Question(int n) {
  agg::WatchTotalsRequest request;
  for (int i = 0; i <= n % 2; ++i) {
    agg::WatchFilter* f = request.add_filters();
    f->mutable_filter()->set_division_code("141100");
    f->mutable_filter()->set_fiscal_year(2024);
    f->mutable_filter()->set_stage(budget::v1::STAGE_APPROVED);
    f->mutable_filter()->set_direction(budget::v1::DIRECTION_EXPENDITURE);
    if (n % 3 == 1) f->mutable_filter()->set_department_code(testing::DepartmentCode(0));
    f->add_group_by()->set_dimension(i == 0 ? agg::DIMENSION_FUNCTIONAL : agg::DIMENSION_AGENCY);
  }
  request.set_previous_amounts(true);
  request.mutable_progress_interval()->set_seconds(1);
  return request;
}

TEST(WatchCrashTest, WhatIsHeardInPiecesIsWhatIsHeardInOne) {
  const char* asked = std::getenv("FISCAL_WATCH_KILLS");
  const int kills = asked == nullptr ? 8 : std::atoi(asked);
  testing::ServeOptions options;
  options.data_dir =
      (std::filesystem::temp_directory_path() / absl::StrCat("fiscal-watch-", getpid())).string();
  std::filesystem::remove_all(options.data_dir);
  options.listen = absl::StrCat("127.0.0.1:", testing::FreePort());
  auto server = std::make_unique<testing::ServerChild>(options);
  const auto channel = testing::ConnectTo(options.listen);
  ASSERT_TRUE(testing::AwaitServing(channel));
  ASSERT_TRUE(testing::ImportSmallCatalog(channel, kAgencies));

  absl::Mutex mu;
  bool stop = false, settled = false;
  int64_t acknowledged = 0;
  std::string last_position;
  std::thread load([&] {
    const auto stub = sub::SubmissionService::NewStub(channel);
    std::mt19937_64 random(5);
    for (int i = 0; true; ++i) {
      auto request =
          testing::MakeBudget(static_cast<int>(random() % kAgencies),
                              1 + static_cast<int>(random() % 8), random(), absl::StrCat("r", i));
      sub::SubmitBudgetResponse receipt;
      grpc::Status status;
      do {
        grpc::ClientContext context;
        context.set_wait_for_ready(true);
        status = stub->SubmitBudget(&context, request, &receipt);
      } while (status.error_code() == grpc::StatusCode::UNAVAILABLE ||
               status.error_code() == grpc::StatusCode::CANCELLED);
      EXPECT_TRUE(status.ok()) << status.error_message();
      absl::MutexLock lock(&mu);
      ++acknowledged;
      last_position = receipt.position();
      if (stop || !status.ok()) return;
    }
  });

  client::Connection::Options connection_options;
  connection_options.server = options.listen;
  const client::Connection connection(connection_options);
  constexpr int kWatchers = 5;
  std::vector<Heard> heard(kWatchers);
  std::vector<std::string> first_tokens(kWatchers);
  std::atomic<int64_t> resumed{0};
  std::vector<std::thread> watchers;
  for (int w = 0; w < kWatchers; ++w) {
    watchers.emplace_back([&, w] {
      std::mt19937_64 random(static_cast<uint64_t>(w));
      auto over = [&](const agg::WatchTotalsResponse& m) {
        absl::MutexLock lock(&mu);
        return settled && m.event() != agg::WATCH_EVENT_SNAPSHOT &&
               PositionOf(m.position()) >= PositionOf(last_position);
      };
      for (bool done = false; !done;) {
        agg::WatchTotalsRequest request = Question(w);
        request.set_resume_token(heard[w].token);
        client::ResumableWatch watch(connection, request);
        agg::WatchTotalsResponse message;
        for (uint64_t n = 1 + random() % 40; n > 0 && !done && watch.Read(&message); --n) {
          heard[w].Take(message);
          if (first_tokens[w].empty()) first_tokens[w] = message.resume_token();
          done = over(message);
        }
        resumed += 1 + watch.resumed();
      }
    });
  }
  std::mt19937_64 random(3);
  for (int kill = 0; kill < kills; ++kill) {
    {
      absl::MutexLock lock(&mu);
      const int64_t enough = acknowledged + 20 + static_cast<int64_t>(random() % 300);
      auto reached = [&]() { return acknowledged >= enough; };
      mu.Await(absl::Condition(&reached));
    }
    server->End(SIGKILL);
    server = std::make_unique<testing::ServerChild>(options);
  }
  {
    absl::MutexLock lock(&mu);
    stop = true;
  }
  load.join();
  {
    // From here on `last_position` is the last one.
    absl::MutexLock lock(&mu);
    settled = true;
  }
  for (std::thread& t : watchers) t.join();

  int64_t positions = 0;
  for (int w = 0; w < kWatchers; ++w) {
    agg::WatchTotalsRequest request = Question(w);
    request.set_resume_token(first_tokens[w]);
    client::ResumableWatch watch(connection, request);
    Heard whole;
    whole.started = true;
    agg::WatchTotalsResponse message;
    std::map<int64_t, std::string> changes;
    do {
      ASSERT_TRUE(watch.Read(&message)) << watch.status().error_message();
      std::string text;
      for (const auto& change : message.changes())
        absl::StrAppend(&text, KeyOf(change), "=", change.total().amount_fen(), ";");
      if (message.event() == agg::WATCH_EVENT_CHANGE)
        changes[PositionOf(message.position())] = text;
    } while (message.event() != agg::WATCH_EVENT_CAUGHT_UP);
    EXPECT_EQ(heard[w].changes, changes) << "watcher " << w;
    positions += static_cast<int64_t>(changes.size());

    // And what it led to is what a read says.
    const auto stub = agg::AggregationService::NewStub(channel);
    for (int f = 0; f < request.filters_size(); ++f) {
      agg::ListTotalsRequest list;
      *list.mutable_filter() = request.filters(f).filter();
      *list.mutable_group_by() = request.filters(f).group_by();
      list.set_page_size(10000);
      list.mutable_consistency()->set_exactly(message.position());
      agg::ListTotalsResponse response;
      grpc::ClientContext context;
      ASSERT_TRUE(stub->ListTotals(&context, list, &response).ok());
      std::map<std::string, int64_t> want, got;
      for (const auto& total : response.totals()) {
        std::string key = absl::StrCat(f);
        for (const auto& v : total.group()) absl::StrAppend(&key, "/", v.code());
        want[key] = total.amount_fen();
      }
      for (const auto& [key, amount] : heard[w].rows) {
        if (key[0] == static_cast<char>('0' + f) && amount != 0) got[key] = amount;
      }
      EXPECT_EQ(got, want) << "watcher " << w;
    }
  }
  std::printf("%d kills of the server, %lld resumed watches, %lld positions heard, 0 violations\n",
              kills, static_cast<long long>(resumed.load()), static_cast<long long>(positions));
  server->End(SIGKILL);
  std::filesystem::remove_all(options.data_dir);
}

}  // namespace
}  // namespace fiscal

int main(int argc, char** argv) {
  if (const auto served = fiscal::testing::ServeIfAsked(argc, argv)) return *served;
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
