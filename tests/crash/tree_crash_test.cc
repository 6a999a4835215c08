// Two counties, their city and its province as four processes under load, each killed with SIGKILL
// at random moments. After healing every level's totals equal a recomputation over all line items,
// transfers are eliminated once, and reconciliation says equal. FISCAL_TREE_KILLS sets the number
// of kills (12 unless it says otherwise).
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "fiscal/catalog/v1/catalog_service.grpc.pb.h"
#include "fiscal/federation/v1/federation_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "tests/support/children.h"

namespace fiscal {
namespace {

namespace agg = fiscal::aggregation::v1;
namespace cat = fiscal::catalog::v1;
namespace fed = fiscal::federation::v1;
namespace sub = fiscal::submission::v1;

constexpr int kAgencies = 5;

template <typename Call>
grpc::Status Retry(Call call) {
  // Servers come and go; the channel waits for them.
  while (true) {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    const grpc::Status status = call(&context);
    // The latter meets a server that is just leaving its recovery.
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE &&
        status.error_code() != grpc::StatusCode::CANCELLED)
      return status;
  }
}

// One system of the tree.
struct System {
  std::string name, division;
  testing::ServeOptions options;
  std::unique_ptr<testing::ServerChild> process;
  std::shared_ptr<grpc::Channel> channel;

  void Start() { process = std::make_unique<testing::ServerChild>(options); }
  void Kill() {
    process->End(SIGKILL);
    Start();
  }
};

void Import(System& system, cat::CatalogList list, const std::string& division,
            const std::vector<std::pair<std::string, std::string>>& codes) {
  const auto stub = cat::CatalogService::NewStub(system.channel);
  cat::ImportCatalogRequest request;
  request.set_request_id(absl::StrCat("list-", list));
  request.set_division_code(division);
  request.set_fiscal_year(2024);
  request.set_list(list);
  for (const auto& [code, parent] : codes) {
    cat::CatalogEntry* e = request.add_entries();
    e->set_code(code);
    e->set_name(absl::StrCat("名称", code));
    if (list == cat::CATALOG_LIST_AGENCY) {
      e->set_department_code(parent);
      e->set_must_report(true);
    } else {
      e->set_parent_code(parent);
    }
  }
  cat::ImportCatalogResponse response;
  const grpc::Status status =
      Retry([&](grpc::ClientContext* c) { return stub->ImportCatalog(c, request, &response); });
  ASSERT_TRUE(status.ok()) << system.name << ": " << status.error_message();
}

// What stands, by system and agency: line id to what it is.
struct Money {
  enum Kind { kPlain, kPaid, kReceived } kind = kPlain;
  std::string receiver;
  int64_t amount = 0;
};
using Ledger = std::map<std::string, std::map<std::string, Money>>;

// One system's submitter: whole statements, one after the other, each sent until it is answered.
class Load {
 public:
  Load(const System& system, std::vector<std::string> counties, uint64_t seed)
      : system_(system),
        counties_(std::move(counties)),
        random_(seed),
        stub_(sub::SubmissionService::NewStub(system.channel)) {}

  void Send() {
    const std::string agency = absl::StrCat("10100", 1 + random_() % kAgencies);
    sub::SubmitBudgetRequest request;
    request.set_request_id(absl::StrCat("r", ++sent_));
    request.mutable_budget()->set_division_code(system_.division);
    request.mutable_budget()->set_agency_code(agency);
    request.mutable_budget()->set_fiscal_year(2024);
    request.mutable_budget()->set_stage(budget::v1::STAGE_APPROVED);
    std::map<std::string, Money> lines;
    for (uint64_t i = 0, n = 1 + random_() % 12; i < n; ++i) {
      auto* line = request.add_line_items();
      line->set_line_id(absl::StrCat("L", i));
      line->set_amount_fen(static_cast<int64_t>(random_() % 1000000));
      line->set_fund(budget::v1::FUND_GENERAL);
      Money money{Money::kPlain, "", line->amount_fen()};
      line->set_direction(budget::v1::DIRECTION_EXPENDITURE);
      line->set_functional_code("208");
      if (!counties_.empty() && random_() % 4 == 0) {
        money.kind = Money::kPaid;
        money.receiver = counties_[random_() % counties_.size()];
        line->set_functional_code("230");
        line->set_receiving_division_code(money.receiver);
      } else if (counties_.empty() && random_() % 4 == 0) {
        money.kind = Money::kReceived;
        line->set_direction(budget::v1::DIRECTION_INCOME);
        line->set_functional_code("230");
        line->set_revenue_code("110");
      }
      lines[line->line_id()] = money;
    }
    sub::SubmitBudgetResponse receipt;
    const grpc::Status status =
        Retry([&](grpc::ClientContext* c) { return stub_->SubmitBudget(c, request, &receipt); });
    ASSERT_TRUE(status.ok()) << system_.name << ": " << status.error_message();
    ledger[agency] = std::move(lines);
  }

  Ledger ledger;

 private:
  const System& system_;
  const std::vector<std::string> counties_;
  std::mt19937_64 random_;
  const std::unique_ptr<sub::SubmissionService::Stub> stub_;
  int sent_ = 0;
};

int64_t Sum(const Ledger& ledger, Money::Kind kind, const std::string& receiver = "") {
  int64_t sum = 0;
  for (const auto& [agency, lines] : ledger) {
    for (const auto& [id, money] : lines) {
      if (money.kind == kind && (receiver.empty() || money.receiver == receiver))
        sum += money.amount;
    }
  }
  return sum;
}

agg::TotalFilter Filter(const std::string& division, budget::v1::Direction direction) {
  agg::TotalFilter filter;
  filter.set_division_code(division);
  filter.set_fiscal_year(2024);
  filter.set_stage(budget::v1::STAGE_APPROVED);
  filter.set_direction(direction);
  return filter;
}

// Watches until the total is what it should be.
void WaitFor(const System& system, const std::string& division, int64_t expected,
             budget::v1::Direction direction = budget::v1::DIRECTION_EXPENDITURE) {
  const auto stub = agg::AggregationService::NewStub(system.channel);
  agg::WatchTotalsRequest request;
  *request.add_filters()->mutable_filter() = Filter(division, direction);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(120));
  context.set_wait_for_ready(true);
  const auto reader = stub->WatchTotals(&context, request);
  agg::WatchTotalsResponse message;
  int64_t amount = -1;
  while (amount != expected && reader->Read(&message)) {
    for (const auto& change : message.changes()) amount = change.total().amount_fen();
  }
  context.TryCancel();
  EXPECT_EQ(amount, expected) << division << " at " << system.name;
}

TEST(TreeCrashTest, EveryLevelIsARecomputationOverAllLines) {
  const char* asked = std::getenv("FISCAL_TREE_KILLS");
  const int kills = asked == nullptr ? 12 : std::atoi(asked);
  const std::filesystem::path root =
      std::filesystem::temp_directory_path() / absl::StrCat("fiscal-tree-", getpid());
  std::filesystem::remove_all(root);
  std::filesystem::create_directories(root);

  std::vector<System> tree(4);
  const std::vector<std::pair<std::string, std::string>> names = {
      {"wenshui", "141121"}, {"jiaocheng", "141122"}, {"lvliang", "141100"}, {"shanxi", "140000"}};
  for (size_t i = 0; i < tree.size(); ++i) {
    System& s = tree[i];
    s.name = names[i].first;
    s.division = names[i].second;
    s.options.data_dir = (root / s.name).string();
    s.options.listen = absl::StrCat("127.0.0.1:", testing::FreePort());
    s.channel = testing::ConnectTo(s.options.listen);
  }
  tree[2].options.upstreams = {{"wenshui", tree[0].options.listen},
                               {"jiaocheng", tree[1].options.listen}};
  tree[3].options.upstreams = {{"lvliang", tree[2].options.listen}};
  for (System& s : tree) s.Start();
  for (System& s : tree) {
    Import(s, cat::CATALOG_LIST_DIVISION, "140000",
           {{"140000", ""}, {"141100", "140000"}, {"141121", "141100"}, {"141122", "141100"}});
    if (s.name == "shanxi") continue;
    Import(s, cat::CATALOG_LIST_FUNCTIONAL, s.division, {{"208", ""}, {"230", ""}});
    Import(s, cat::CATALOG_LIST_REVENUE, s.division, {{"110", ""}});
    std::vector<std::pair<std::string, std::string>> agencies;
    for (int a = 1; a <= kAgencies; ++a) agencies.emplace_back(absl::StrCat("10100", a), "101");
    Import(s, cat::CATALOG_LIST_AGENCY, s.division, agencies);
  }
  if (HasFatalFailure()) return;

  std::deque<Load> loads;
  loads.emplace_back(tree[0], std::vector<std::string>{}, 1);
  loads.emplace_back(tree[1], std::vector<std::string>{}, 2);
  loads.emplace_back(tree[2], std::vector<std::string>{"141121", "141122"}, 3);
  absl::Mutex mu;
  int64_t acknowledged = 0;
  bool stop = false;
  std::vector<std::thread> clients;
  for (Load& load : loads) {
    clients.emplace_back([&] {
      while (true) {
        load.Send();
        absl::MutexLock lock(&mu);
        ++acknowledged;
        if (stop || ::testing::Test::HasFatalFailure()) return;
      }
    });
  }
  std::mt19937_64 random(11);
  for (int kill = 0; kill < kills; ++kill) {
    {
      absl::MutexLock lock(&mu);
      const int64_t enough = acknowledged + 5 + static_cast<int64_t>(random() % 60);
      auto reached = [&]() { return acknowledged >= enough || ::testing::Test::HasFatalFailure(); };
      mu.Await(absl::Condition(&reached));
    }
    tree[random() % tree.size()].Kill();
  }
  {
    absl::MutexLock lock(&mu);
    stop = true;
  }
  for (std::thread& t : clients) t.join();

  // What stands everywhere, computed from every line that was acknowledged.
  std::map<std::string, int64_t> own;
  std::map<std::string, int64_t> eliminated;
  for (size_t i = 0; i < 3; ++i)
    own[tree[i].division] =
        Sum(loads[i].ledger, Money::kPlain) + Sum(loads[i].ledger, Money::kPaid);
  for (size_t i = 0; i < 2; ++i) {
    eliminated[tree[i].division] = std::min(Sum(loads[2].ledger, Money::kPaid, tree[i].division),
                                            Sum(loads[i].ledger, Money::kReceived));
  }
  const int64_t all = own["141100"] + own["141121"] + own["141122"];
  WaitFor(tree[0], "141121", own["141121"]);
  WaitFor(tree[1], "141122", own["141122"]);
  WaitFor(tree[2], "141100", all);
  WaitFor(tree[3], "140000", all);
  for (const System* s : {&tree[2], &tree[3]}) {
    WaitFor(*s, "141121", own["141121"]);
    WaitFor(*s, "141122", own["141122"]);
    // A last statement may have changed nothing but income.
    for (size_t i = 0; i < 2; ++i) {
      WaitFor(*s, tree[i].division, Sum(loads[i].ledger, Money::kReceived),
              budget::v1::DIRECTION_INCOME);
    }
    const auto stub = agg::AggregationService::NewStub(s->channel);
    agg::GetConsolidatedTotalRequest request;
    request.set_division_code(s->division);
    request.set_fiscal_year(2024);
    request.set_stage(budget::v1::STAGE_APPROVED);
    request.set_direction(budget::v1::DIRECTION_EXPENDITURE);
    agg::GetConsolidatedTotalResponse consolidated;
    grpc::ClientContext context;
    ASSERT_TRUE(stub->GetConsolidatedTotal(&context, request, &consolidated).ok());
    EXPECT_EQ(consolidated.combined().amount_fen(), all) << s->name;
    EXPECT_EQ(consolidated.eliminated_fen(), eliminated["141121"] + eliminated["141122"]);
    EXPECT_EQ(consolidated.consolidated_fen(), all - consolidated.eliminated_fen());
  }
  for (const auto& [system, upstream] : std::vector<std::pair<const System*, std::string>>{
           {&tree[2], "wenshui"}, {&tree[2], "jiaocheng"}, {&tree[3], "lvliang"}}) {
    const auto stub = fed::FederationService::NewStub(system->channel);
    fed::ReconcileRequest request;
    request.set_upstream(upstream);
    fed::ReconcileResponse response;
    grpc::ClientContext context;
    const grpc::Status status = stub->Reconcile(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_TRUE(response.equal()) << upstream << ": " << response.difference();
  }
  for (const System& s : tree) {
    const auto admin = admin::v1::AdminService::NewStub(s.channel);
    admin::v1::VerifyResponse verified;
    grpc::ClientContext context;
    ASSERT_TRUE(admin->Verify(&context, {}, &verified).ok());
    EXPECT_TRUE(verified.ok()) << s.name << ": " << verified.differences(0);
  }
  std::printf(
      "%d kills of 4 processes, %lld statements; %lld fen at the top, %lld fen of transfers "
      "eliminated, 0 differences\n",
      kills, static_cast<long long>(acknowledged), static_cast<long long>(all),
      static_cast<long long>(eliminated["141121"] + eliminated["141122"]));
  for (System& s : tree) s.process->End(SIGKILL);
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace fiscal

int main(int argc, char** argv) {
  if (const auto served = fiscal::testing::ServeIfAsked(argc, argv)) return *served;
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
