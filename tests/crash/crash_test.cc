// Kills a loaded server with SIGKILL again and again and compares what it says with what it
// acknowledged.
//
// The test program is its own server: started with --serve it runs services::Serve.
// FISCAL_CRASH_CYCLES sets the number of kills (100 unless it says otherwise). What is checked
// after each kill:
//   every acknowledged request, sent again, gives the first receipt: position, revision and hash;
//   requests without an answer, sent again, are applied exactly once;
//   totals equal the sums of the statements that stand;
//   AdminService.Verify agrees.
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
#include "absl/time/clock.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "tests/support/catalog.h"
#include "tests/support/children.h"

namespace fiscal {
namespace {

namespace sub = fiscal::submission::v1;

constexpr int kClients = 3;
constexpr int kAgenciesPerClient = 4;

// One client's sequential traffic over its own agencies: whole statements and single-line patches.
struct Sent {
  sub::SubmitBudgetRequest request;
  bool acknowledged = false;
  sub::SubmitBudgetResponse receipt;
};

class Load {
 public:
  Load(int client, uint64_t seed) : client_(client), random_(seed) {}

  sub::SubmitBudgetRequest Next() {
    const int agency =
        client_ * kAgenciesPerClient + static_cast<int>(random_() % kAgenciesPerClient);
    const uint64_t salt = random_();
    const std::string id = absl::StrCat("c", client_, "-", sent.size());
    const bool exists = lines_.count(agency) > 0;
    sub::SubmitBudgetRequest r;
    if (exists && random_() % 2 == 0) {
      r = testing::MakeBudget(agency, 1, salt, id);
      r.set_mode(sub::WRITE_MODE_PATCH);
      r.mutable_line_items(0)->set_line_id("L000000");
    } else {
      r = testing::MakeBudget(agency, 1 + static_cast<int>(random_() % 60), salt, id);
    }
    return r;
  }

  // Requests are applied in the order sent, one at a time.
  void Apply(const sub::SubmitBudgetRequest& r) {
    const int agency = AgencyOf(r);
    if (r.mode() != sub::WRITE_MODE_PATCH) lines_[agency].clear();
    for (const auto& line : r.line_items()) lines_[agency][line.line_id()] = line.amount_fen();
  }
  int AgencyOf(const sub::SubmitBudgetRequest& r) const {
    for (int i = 0; i < kAgenciesPerClient; ++i) {
      const int agency = client_ * kAgenciesPerClient + i;
      if (testing::AgencyCode(agency) == r.budget().agency_code()) return agency;
    }
    return -1;
  }
  int64_t Sum() const {
    int64_t sum = 0;
    for (const auto& [agency, lines] : lines_) {
      for (const auto& [id, amount] : lines) sum += amount;
    }
    return sum;
  }

  std::vector<Sent> sent;

 private:
  const int client_;
  std::mt19937_64 random_;
  std::map<int, std::map<std::string, int64_t>> lines_;
};

grpc::Status Submit(sub::SubmissionService::Stub& stub, const sub::SubmitBudgetRequest& request,
                    sub::SubmitBudgetResponse* receipt) {
  grpc::ClientContext context;
  context.set_wait_for_ready(false);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  return stub.SubmitBudget(&context, request, receipt);
}

TEST(CrashTest, NothingAcknowledgedIsLostOrDoubled) {
  const char* asked = std::getenv("FISCAL_CRASH_CYCLES");
  const int cycles = asked == nullptr ? 100 : std::atoi(asked);
  const std::string dir =
      (std::filesystem::temp_directory_path() / absl::StrCat("fiscal-crash-", getpid())).string();
  std::filesystem::remove_all(dir);
  std::mt19937_64 random(7);
  std::vector<Load> loads;
  for (int c = 0; c < kClients; ++c) loads.emplace_back(c, 100 + c);
  int64_t acknowledged = 0, unknown = 0;
  for (int cycle = 0; cycle < cycles; ++cycle) {
    testing::ServeOptions options;
    options.data_dir = dir;
    options.listen = absl::StrCat("127.0.0.1:", testing::FreePort());
    testing::ServerChild server(options);
    const auto channel = testing::ConnectTo(options.listen);
    ASSERT_TRUE(testing::AwaitServing(channel)) << "cycle " << cycle;
    if (cycle == 0) {
      ASSERT_TRUE(testing::ImportSmallCatalog(channel, kClients * kAgenciesPerClient));
    }
    const auto stub = sub::SubmissionService::NewStub(channel);

    // What was in flight at the kill is settled first; a few acknowledged requests are sent again.
    for (Load& load : loads) {
      if (!load.sent.empty() && !load.sent.back().acknowledged) {
        Sent& last = load.sent.back();
        ASSERT_TRUE(Submit(*stub, last.request, &last.receipt).ok());
        last.acknowledged = true;
        load.Apply(last.request);
        ++unknown;
      }
      for (int i = 0; i < 20 && !load.sent.empty(); ++i) {
        const Sent& earlier =
            load.sent[i == 0 ? load.sent.size() - 1 : random() % load.sent.size()];
        sub::SubmitBudgetResponse again;
        ASSERT_TRUE(Submit(*stub, earlier.request, &again).ok());
        ASSERT_EQ(again.SerializeAsString(), earlier.receipt.SerializeAsString())
            << "cycle " << cycle;
      }
    }
    std::string last_position;
    for (const Load& load : loads) {
      for (const Sent& s : load.sent) {
        if (s.receipt.position().size() > last_position.size() ||
            (s.receipt.position().size() == last_position.size() &&
             s.receipt.position() > last_position)) {
          last_position = s.receipt.position();
        }
      }
    }
    if (!last_position.empty()) {
      const auto totals = aggregation::v1::AggregationService::NewStub(channel);
      aggregation::v1::GetTotalRequest request;
      request.mutable_filter()->set_division_code("141100");
      request.mutable_filter()->set_fiscal_year(2024);
      request.mutable_filter()->set_stage(budget::v1::STAGE_APPROVED);
      request.mutable_filter()->set_direction(budget::v1::DIRECTION_EXPENDITURE);
      request.mutable_consistency()->set_at_least(last_position);
      aggregation::v1::GetTotalResponse response;
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
      const grpc::Status status = totals->GetTotal(&context, request, &response);
      ASSERT_TRUE(status.ok()) << status.error_message();
      int64_t want = 0;
      for (const Load& load : loads) want += load.Sum();
      ASSERT_EQ(response.total().amount_fen(), want) << "cycle " << cycle;
      const auto admin = admin::v1::AdminService::NewStub(channel);
      admin::v1::VerifyResponse verified;
      grpc::ClientContext verify_context;
      ASSERT_TRUE(admin->Verify(&verify_context, {}, &verified).ok());
      ASSERT_TRUE(verified.ok()) << verified.differences(0);
    }

    // Load until some number of answers has come, then the kill, with requests in flight.
    const int64_t answers = 20 + static_cast<int64_t>(random() % 300);
    absl::Mutex mu;
    int64_t seen = 0;
    bool killed = false;
    std::vector<std::thread> clients;
    for (Load& load : loads) {
      clients.emplace_back([&] {
        while (true) {
          Sent s;
          s.request = load.Next();
          load.sent.push_back(s);
          const grpc::Status status = Submit(*stub, s.request, &load.sent.back().receipt);
          if (!status.ok()) {
            absl::MutexLock lock(&mu);
            EXPECT_TRUE(killed) << status.error_message();
            return;
          }
          load.sent.back().acknowledged = true;
          load.Apply(s.request);
          absl::MutexLock lock(&mu);
          ++seen;
          if (killed) return;
        }
      });
    }
    {
      absl::MutexLock lock(&mu);
      auto enough = [&]() { return seen >= answers; };
      mu.Await(absl::Condition(&enough));
      killed = true;
      acknowledged += seen;
    }
    server.End(SIGKILL);
    for (std::thread& t : clients) t.join();
  }
  std::filesystem::remove_all(dir);
  std::printf(
      "%d kills, %lld acknowledged, %lld with unknown outcome sent again, 0 lost, 0 doubled\n",
      cycles, static_cast<long long>(acknowledged), static_cast<long long>(unknown));
}

}  // namespace
}  // namespace fiscal

int main(int argc, char** argv) {
  if (const auto served = fiscal::testing::ServeIfAsked(argc, argv)) return *served;
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
