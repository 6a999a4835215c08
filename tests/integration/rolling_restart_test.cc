// A rolling restart under load that no client notices: every process gets SIGTERM in turn and comes
// back in its place, while clients that know the retry policy of clients/cpp and nothing else
// submit, stream, read and watch.
//
//   Author --(statements whose revision is known)--> unary and stream clients
//     --> Ledger: what was acknowledged, where
//   readers:   at_least and exactly the last acknowledged position
//   listeners: every position once, each change from what was known
//
// No call may fail, no receipt may be lost or count twice, no watch may have a gap, and every
// process ends with 0 well before its drain deadline. FISCAL_ROLLING_ROUNDS sets how often each
// process is restarted (2 unless it says otherwise).
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "clients/cpp/connection.h"
#include "clients/cpp/error.h"
#include "clients/cpp/resumable_watch.h"
#include "clients/cpp/stream_submitter.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "fiscal/catalog/v1/catalog_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "tests/support/catalog.h"
#include "tests/support/children.h"
#include "tests/support/http.h"
#include "tests/support/position.h"

namespace fiscal {
namespace {

namespace adm = fiscal::admin::v1;
namespace agg = fiscal::aggregation::v1;
namespace cat = fiscal::catalog::v1;
namespace hlt = grpc::health::v1;
namespace sub = fiscal::submission::v1;

constexpr int kUnaryClients = 3;
constexpr int kAgenciesEach = 8;
constexpr int kAgencies = (kUnaryClients + 1) * kAgenciesEach;
// Of the stream, one in so many is larger than a frame, so that restarts meet budgets of which a
// part has come.
constexpr int kLargeEvery = 150;
constexpr int kLargeLines = 2400;
// Acknowledged between two restarts.
constexpr int64_t kBetween = 150;
constexpr absl::Duration kSettle = absl::Seconds(60);
// Far longer than it takes to ask a process while it waits for load balancers.
constexpr int64_t kDelaySeconds = 4;

int Rounds() {
  const char* asked = std::getenv("FISCAL_ROLLING_ROUNDS");
  return asked == nullptr ? 2 : std::atoi(asked);
}

int64_t PositionOf(const std::string& text) {
  uint64_t position = 0;
  EXPECT_TRUE(testing::ReadPosition(text, &position)) << text;
  return static_cast<int64_t>(position);
}

// What the clients of one kind went through.
class Meter {
 public:
  explicit Meter(std::string kind) : kind_(std::move(kind)) {}

  // A call by the retry policy of `connection`; a status it lets through is a failure that a client
  // would see.
  template <typename Attempt>
  bool Call(const client::Connection& connection, Attempt attempt) {
    const absl::Time start = absl::Now();
    int64_t attempts = 0;
    const grpc::Status status = connection.Call([&](grpc::ClientContext* context) {
      ++attempts;
      return attempt(context);
    });
    Count(attempts - 1);
    Paused(absl::Now() - start);
    if (!status.ok()) Failed(status, attempts);
    return status.ok();
  }
  void Count(int64_t retries) {
    ++calls_;
    retries_ += retries;
  }
  void Retried() { ++retries_; }
  void Paused(absl::Duration pause) {
    absl::MutexLock lock(&mu_);
    longest_ = std::max(longest_, pause);
  }
  void Failed(const grpc::Status& status, int64_t attempts) {
    ++failed_;
    const client::Error error = client::ToError(status);
    ADD_FAILURE() << kind_ << ": code " << error.code << " " << error.reason << " " << error.message
                  << ", after " << attempts << " attempts";
  }
  int64_t retries() const { return retries_; }
  int64_t failed() const { return failed_; }
  void Print() const {
    absl::MutexLock lock(&mu_);
    std::printf("  %-15s %8lld, %4lld retries, %lld failed, longest pause %lld ms\n", kind_.c_str(),
                static_cast<long long>(calls_), static_cast<long long>(retries_),
                static_cast<long long>(failed_),
                static_cast<long long>(absl::ToInt64Milliseconds(longest_)));
  }

 private:
  const std::string kind_;
  std::atomic<int64_t> calls_{0}, retries_{0}, failed_{0};
  mutable absl::Mutex mu_;
  absl::Duration longest_ ABSL_GUARDED_BY(mu_);
};

struct Statement {
  sub::SubmitBudgetRequest request;
  // The revision it becomes, and what it adds.
  int64_t revision = 0;
  int64_t lines = 0;
  int64_t amount_fen = 0;
};

// Nobody else writes its agencies' budgets, so it knows each revision beforehand: one that is lost
// or applied twice is refused.
class Author {
 public:
  Author(int client, bool large)
      : name_(absl::StrCat("client", client)),
        first_(client * kAgenciesEach),
        large_(large),
        random_(static_cast<uint64_t>(client) + 1) {}

  Statement Next() {
    const bool large = large_ && made_ % kLargeEvery == kLargeEvery / 2;
    // The last agency has the large ones.
    const int agency = large ? kAgenciesEach - 1 : made_ % (kAgenciesEach - 1);
    const int lines = large ? kLargeLines : 1 + static_cast<int>(random_() % 4);
    Statement s;
    s.request =
        testing::MakeBudget(first_ + agency, lines, random_(), absl::StrCat(name_, "-", made_));
    s.revision = ++revisions_[agency];
    s.request.set_expected_revision(s.revision - 1);
    int64_t amount = 0;
    for (int i = 0; i < lines; ++i) {
      auto* line = s.request.mutable_line_items(i);
      amount += line->amount_fen();
      if (large) {
        line->set_note(std::string(400, 'n'));
      } else {
        // Added to what stands.
        line->set_line_id(absl::StrCat("L", s.revision, "-", i));
      }
    }
    if (large) {
      s.lines = s.revision == 1 ? lines : 0;
      s.amount_fen = amount - large_amount_;
      large_amount_ = amount;
    } else {
      if (s.revision > 1) s.request.set_mode(sub::WRITE_MODE_PATCH);
      s.lines = lines;
      s.amount_fen = amount;
    }
    ++made_;
    return s;
  }

 private:
  const std::string name_;
  const int first_;
  const bool large_;
  std::mt19937_64 random_;
  int made_ = 0;
  int64_t large_amount_ = 0;
  std::map<int, int64_t> revisions_;
};

// What was acknowledged. Thread-safe.
class Ledger {
 public:
  struct Balance {
    int64_t count = 0;
    int64_t lines = 0;
    int64_t amount_fen = 0;
    // The last position of all.
    int64_t position = 0;
  };

  void Acknowledge(const Statement& s, const sub::SubmitBudgetResponse& receipt) {
    EXPECT_EQ(receipt.request_id(), s.request.request_id());
    EXPECT_EQ(receipt.revision(), s.revision) << s.request.request_id();
    const int64_t position = PositionOf(receipt.position());
    absl::MutexLock lock(&mu_);
    EXPECT_TRUE(positions_.insert(position).second) << "two receipts of position " << position;
    ++balance_.count;
    balance_.lines += s.lines;
    balance_.amount_fen += s.amount_fen;
    balance_.position = std::max(balance_.position, position);
  }
  Balance balance() const {
    absl::MutexLock lock(&mu_);
    return balance_;
  }
  std::set<int64_t> positions() const {
    absl::MutexLock lock(&mu_);
    return positions_;
  }
  bool AwaitMore(int64_t count) const {
    absl::MutexLock lock(&mu_);
    const int64_t enough = balance_.count + count;
    auto reached = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return balance_.count >= enough; };
    return mu_.AwaitWithTimeout(absl::Condition(&reached), kSettle);
  }

 private:
  mutable absl::Mutex mu_;
  Balance balance_ ABSL_GUARDED_BY(mu_);
  std::set<int64_t> positions_ ABSL_GUARDED_BY(mu_);
};

agg::TotalFilter City() {
  agg::TotalFilter filter;
  filter.set_division_code("141100");
  filter.set_fiscal_year(2024);
  filter.set_stage(budget::v1::STAGE_APPROVED);
  filter.set_direction(budget::v1::DIRECTION_EXPENDITURE);
  return filter;
}

std::string KeyOf(int filter, const agg::Total& total) {
  std::string key = absl::StrCat(filter);
  for (const auto& v : total.group()) absl::StrAppend(&key, "/", v.code());
  return key;
}

// A watch that hears everything from before the load on, and what a restart must not do to it.
class Listener {
 public:
  Listener(std::string name, const client::Connection& connection, Meter& meter)
      : name_(std::move(name)), meter_(meter), watch_(connection, Question()) {
    thread_ = std::thread([this] { Run(); });
  }
  ~Listener() { Stop(); }

  static agg::WatchTotalsRequest Question() {
    agg::WatchTotalsRequest request;
    // The one total, by subject, by agency.
    for (const auto dimension :
         {agg::DIMENSION_UNSPECIFIED, agg::DIMENSION_FUNCTIONAL, agg::DIMENSION_AGENCY}) {
      agg::WatchFilter* f = request.add_filters();
      *f->mutable_filter() = City();
      if (dimension != agg::DIMENSION_UNSPECIFIED) f->add_group_by()->set_dimension(dimension);
    }
    request.set_previous_amounts(true);
    request.mutable_progress_interval()->set_seconds(1);
    return request;
  }

  bool AwaitStarted() {
    absl::MutexLock lock(&mu_);
    return mu_.AwaitWithTimeout(absl::Condition(&started_), kSettle);
  }
  // Whether it heard all of it.
  bool Await(const Ledger::Balance& balance) {
    absl::MutexLock lock(&mu_);
    auto heard = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return static_cast<int64_t>(changes_.size()) >= balance.count &&
             rows_["0"] == balance.amount_fen;
    };
    const bool all = mu_.AwaitWithTimeout(absl::Condition(&heard), kSettle);
    EXPECT_TRUE(all) << name_ << " heard " << changes_.size() << " of " << balance.count
                     << " positions, " << rows_["0"] << " of " << balance.amount_fen << " fen";
    return all;
  }
  void Stop() {
    watch_.Cancel();
    if (thread_.joinable()) thread_.join();
  }

  // After Stop.
  const std::string& name() const { return name_; }
  int64_t resumed() const { return watch_.resumed(); }
  const std::set<int64_t>& changes() const ABSL_NO_THREAD_SAFETY_ANALYSIS { return changes_; }
  const std::map<std::string, int64_t>& rows() const ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return rows_;
  }
  int64_t position() const ABSL_NO_THREAD_SAFETY_ANALYSIS { return position_; }

 private:
  void Run() {
    agg::WatchTotalsResponse message;
    absl::Time last = absl::Now();
    int64_t resumed = 0;
    while (watch_.Read(&message)) {
      for (; resumed < watch_.resumed(); ++resumed) meter_.Retried();
      meter_.Count(0);
      meter_.Paused(absl::Now() - last);
      last = absl::Now();
      absl::MutexLock lock(&mu_);
      Take(message);
    }
    if (watch_.status().error_code() != grpc::StatusCode::CANCELLED)
      meter_.Failed(watch_.status(), 1 + watch_.resumed());
  }
  void Take(const agg::WatchTotalsResponse& m) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const int64_t at = m.position().empty() ? 0 : PositionOf(m.position());
    const bool change = m.event() == agg::WATCH_EVENT_CHANGE;
    EXPECT_EQ(m.event() == agg::WATCH_EVENT_SNAPSHOT, !started_)
        << name_ << ": one snapshot, first";
    EXPECT_GE(at, position_) << name_ << ": ordered";
    if (change) {
      EXPECT_TRUE(changes_.insert(at).second) << name_ << ": unique, " << at;
      EXPECT_GT(at, position_) << name_ << ": unique";
    }
    for (const auto& c : m.changes()) {
      const std::string key = KeyOf(c.filter_index(), c.total());
      if (change) {
        EXPECT_EQ(rows_[key], c.previous_amount_fen())
            << name_ << ": no gap, row " << key << " at " << at;
      }
      rows_[key] = c.total().amount_fen();
    }
    position_ = at;
    started_ = true;
  }

  const std::string name_;
  Meter& meter_;
  client::ResumableWatch watch_;
  std::thread thread_;
  absl::Mutex mu_;
  bool started_ ABSL_GUARDED_BY(mu_) = false;
  int64_t position_ ABSL_GUARDED_BY(mu_) = 0;
  std::set<int64_t> changes_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, int64_t> rows_ ABSL_GUARDED_BY(mu_);
};

// What health says of a service; UNKNOWN when it says nothing.
hlt::HealthCheckResponse::ServingStatus AskHealth(const std::shared_ptr<grpc::Channel>& channel,
                                                  const std::string& service) {
  hlt::HealthCheckRequest request;
  request.set_service(service);
  hlt::HealthCheckResponse response;
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(5)));
  const grpc::Status status = hlt::Health::NewStub(channel)->Check(&context, request, &response);
  return status.ok() ? response.status() : hlt::HealthCheckResponse::UNKNOWN;
}

struct Process {
  std::string name;
  // A service it has, by the name health knows.
  std::string service;
  testing::ServeOptions options;
  int admin_port = 0;
  std::unique_ptr<testing::ServerChild> child;
  // The test's own; clients have theirs.
  std::shared_ptr<grpc::Channel> channel;

  void Start() { child = std::make_unique<testing::ServerChild>(options); }
  adm::GetStatusResponse Status() const {
    adm::GetStatusResponse status;
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    context.set_deadline(absl::ToChronoTime(absl::Now() + kSettle));
    const grpc::Status answered =
        adm::AdminService::NewStub(channel)->GetStatus(&context, {}, &status);
    EXPECT_TRUE(answered.ok()) << name << ": " << answered.error_message();
    return status;
  }
};

class RollingRestartTest : public ::testing::Test {
 protected:
  RollingRestartTest()
      : root_(std::filesystem::temp_directory_path() / absl::StrCat("fiscal-rolling-", getpid())) {
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_);
  }
  ~RollingRestartTest() override {
    listeners_.clear();
    processes_.clear();
    std::filesystem::remove_all(root_);
  }

  Process& Add(const std::string& name, const std::string& role) {
    Process& p = processes_.emplace_back();
    p.name = name;
    p.service = role == "submission" ? "fiscal.submission.v1.SubmissionService"
                                     : "fiscal.aggregation.v1.AggregationService";
    p.options.role = role;
    p.options.data_dir = (root_ / name).string();
    p.options.listen = absl::StrCat("127.0.0.1:", testing::FreePort());
    p.admin_port = testing::FreePort();
    p.options.admin_listen = absl::StrCat("127.0.0.1:", p.admin_port);
    p.channel = testing::ConnectTo(p.options.listen);
    return p;
  }
  void StartAll() {
    for (Process& p : processes_) {
      if (p.child == nullptr) p.Start();
    }
    for (Process& p : processes_) ASSERT_TRUE(testing::AwaitServing(p.channel)) << p.name;
  }
  // A client of its own; of several addresses it takes the one that answers.
  const client::Connection& Connect(const std::vector<std::string>& addresses) {
    client::Connection::Options options;
    options.server = addresses[0];
    if (addresses.size() > 1) {
      options.server = "ipv4:";
      for (const std::string& a : addresses)
        absl::StrAppend(&options.server, &a == &addresses[0] ? "" : ",", a);
    }
    return connections_.emplace_back(options);
  }

  void Submit(const client::Connection& connection, int number) {
    const auto stub = sub::SubmissionService::NewStub(connection.channel());
    Author author(number, /*large=*/false);
    while (!stop_) {
      const Statement s = author.Next();
      sub::SubmitBudgetResponse receipt;
      if (!submit_.Call(connection, [&](grpc::ClientContext* c) {
            return stub->SubmitBudget(c, s.request, &receipt);
          }))
        return;
      ledger_.Acknowledge(s, receipt);
    }
  }

  void Stream(const client::Connection& connection, int number) {
    Author author(number, /*large=*/true);
    absl::Mutex mu;
    std::deque<Statement> unanswered;
    int64_t expected_index = 0;
    absl::Time last = absl::Now();
    const grpc::Status status = client::SubmitStream(
        connection,
        {[&]() -> std::optional<sub::SubmitBudgetRequest> {
           if (stop_) return std::nullopt;
           absl::MutexLock lock(&mu);
           return unanswered.emplace_back(author.Next()).request;
         },
         [&](int64_t index, const sub::StreamBudgetsResponse& answer) {
           stream_.Count(0);
           stream_.Paused(absl::Now() - last);
           last = absl::Now();
           EXPECT_EQ(index, expected_index++);
           absl::MutexLock lock(&mu);
           ASSERT_FALSE(unanswered.empty()) << "an answer to nothing";
           const Statement s = std::move(unanswered.front());
           unanswered.pop_front();
           EXPECT_EQ(answer.request_id(), s.request.request_id());
           if (!answer.has_receipt()) {
             stream_.Failed(
                 grpc::Status(static_cast<grpc::StatusCode>(answer.error().code()),
                              answer.error().message(), answer.error().SerializeAsString()),
                 1);
             return;
           }
           ledger_.Acknowledge(s, answer.receipt());
         },
         [&](const grpc::Status&) { stream_.Retried(); }},
        /*unanswered_max=*/32);
    if (!status.ok()) stream_.Failed(status, 1);
    EXPECT_TRUE(unanswered.empty());
  }

  // Each call goes to the next of `connections`, as behind a load balancer. `positions`: theirs are
  // those of the ledger.
  void Read(const std::vector<const client::Connection*>& connections, bool positions) {
    std::vector<std::unique_ptr<agg::AggregationService::Stub>> stubs;
    for (const auto* c : connections)
      stubs.push_back(agg::AggregationService::NewStub(c->channel()));
    std::string seen;
    size_t turn = 0;
    for (int n = 0; !stop_; ++n) {
      const Ledger::Balance balance = ledger_.balance();
      // Without the ledger's positions, at least what was read before.
      std::string at = positions ? absl::StrCat(balance.position) : seen;
      if (at == "0") at.clear();
      if (n % 3 < 2) {
        agg::GetTotalRequest request;
        *request.mutable_filter() = City();
        const bool exactly = n % 3 == 1 && !at.empty();
        if (exactly) {
          request.mutable_consistency()->set_exactly(at);
        } else if (!at.empty()) {
          request.mutable_consistency()->set_at_least(at);
        }
        agg::GetTotalResponse response;
        const size_t i = turn++ % stubs.size();
        if (!get_.Call(*connections[i], [&](grpc::ClientContext* c) {
              return stubs[i]->GetTotal(c, request, &response);
            }))
          return;
        if (exactly) {
          EXPECT_EQ(PositionOf(response.position()), PositionOf(at));
        }
        if (!at.empty()) {
          EXPECT_GE(PositionOf(response.position()), PositionOf(at));
        }
        if (positions) {
          EXPECT_GE(response.total().line_count(), balance.lines);
        }
        if (!exactly) seen = response.position();
        continue;
      }
      agg::ListTotalsRequest request;
      *request.mutable_filter() = City();
      request.add_group_by()->set_dimension(agg::DIMENSION_AGENCY);
      request.set_page_size(kAgencies / 3);
      if (!at.empty()) request.mutable_consistency()->set_at_least(at);
      int64_t sum = 0;
      std::string position;
      agg::ListTotalsResponse response;
      do {
        request.set_page_token(response.next_page_token());
        response.Clear();
        const size_t i = turn++ % stubs.size();
        if (!list_.Call(*connections[i], [&](grpc::ClientContext* c) {
              return stubs[i]->ListTotals(c, request, &response);
            }))
          return;
        if (!position.empty()) {
          EXPECT_EQ(response.position(), position) << "pages of one position";
        }
        position = response.position();
        for (const auto& row : response.totals()) sum += row.amount_fen();
      } while (!response.next_page_token().empty());
      EXPECT_EQ(sum, response.grand_total().amount_fen());
      if (positions) {
        EXPECT_GE(response.grand_total().line_count(), balance.lines);
      }
      seen = position;
    }
  }

  // SIGTERM, the exit status, how long that took. With a delay, callers are told to go elsewhere
  // before the port closes.
  void End(Process& p) {
    const absl::Time start = absl::Now();
    int status = -1;
    std::thread ender([&] { status = p.child->End(SIGTERM); });
    if (p.options.drain_delay_seconds > 0) {
      bool http = false, health = false;
      while ((!http || !health) && absl::Now() < start + kSettle) {
        http = http || testing::HttpGet(p.admin_port, "/readyz").status == 503;
        health = health || AskHealth(p.channel, p.service) == hlt::HealthCheckResponse::NOT_SERVING;
        p.channel->WaitForStateChange(p.channel->GetState(true),
                                      absl::ToChronoTime(absl::Now() + absl::Milliseconds(10)));
      }
      EXPECT_TRUE(http) << p.name << ": /readyz";
      EXPECT_TRUE(health) << p.name << ": health";
      // The port is still open.
      EXPECT_EQ(AskHealth(p.channel, ""), hlt::HealthCheckResponse::NOT_SERVING);
      adm::GetStatusResponse answer;
      grpc::ClientContext context;
      const grpc::Status answered =
          adm::AdminService::NewStub(p.channel)->GetStatus(&context, {}, &answer);
      EXPECT_TRUE(answered.ok()) << p.name << ": " << answered.error_message();
      EXPECT_FALSE(answer.ready());
    }
    ender.join();
    const absl::Duration took = absl::Now() - start;
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << p.name << ": " << status;
    longest_stop_ = std::max(longest_stop_, took - absl::Seconds(p.options.drain_delay_seconds));
  }

  void Restart(Process& p) {
    ASSERT_TRUE(ledger_.AwaitMore(kBetween)) << "nothing is acknowledged any more";
    End(p);
    p.Start();
    ASSERT_TRUE(testing::AwaitServing(p.channel)) << p.name;
    EXPECT_EQ(testing::HttpGet(p.admin_port, "/readyz").status, 200) << p.name;
    EXPECT_EQ(AskHealth(p.channel, p.service), hlt::HealthCheckResponse::SERVING) << p.name;
    EXPECT_EQ(p.Status().previous_stop(), "drained") << p.name;
    ++restarts_;
  }

  // Restarts everything under load. `readers` are those that have totals; `positions` says which
  // have the writer's positions.
  void Roll(const Process& writer, const std::vector<const Process*>& readers,
            const std::set<const Process*>& positions) {
    const client::Connection& submitting = Connect({writer.options.listen});
    std::vector<const client::Connection*> reading, equal;
    std::vector<std::string> addresses;
    for (const Process* r : readers) {
      reading.push_back(&Connect({r->options.listen}));
      listeners_.push_back(std::make_unique<Listener>(r->name, *reading.back(), watch_));
      if (positions.count(r) == 0) continue;
      equal.push_back(reading.back());
      addresses.push_back(r->options.listen);
    }
    if (equal.size() > 1)
      listeners_.push_back(std::make_unique<Listener>("any", Connect(addresses), watch_));
    for (auto& l : listeners_) ASSERT_TRUE(l->AwaitStarted()) << l->name();

    const absl::Time start = absl::Now();
    std::vector<std::thread> clients;
    for (int i = 0; i < kUnaryClients; ++i) clients.emplace_back([&, i] { Submit(submitting, i); });
    clients.emplace_back([&] { Stream(submitting, kUnaryClients); });
    for (size_t i = 0; i < readers.size(); ++i) {
      const bool theirs = positions.count(readers[i]) > 0;
      clients.emplace_back([&, i, theirs] { Read({reading[i]}, theirs); });
    }
    if (equal.size() > 1) clients.emplace_back([&] { Read(equal, true); });
    for (int round = 0; round < Rounds() && !HasFatalFailure(); ++round) {
      for (Process& p : processes_) {
        Restart(p);
        if (HasFatalFailure()) break;
      }
    }
    // With everything up again.
    EXPECT_TRUE(ledger_.AwaitMore(kBetween));
    stop_ = true;
    for (std::thread& t : clients) t.join();
    const absl::Duration took = absl::Now() - start;

    const Ledger::Balance balance = ledger_.balance();
    for (auto& l : listeners_) l->Await(balance);
    for (auto& l : listeners_) l->Stop();
    Check(balance, writer, readers, positions);
    std::printf(
        "%s: %d restarts of %zu processes in %.0f s, each stopped within %lld ms; %lld statements, "
        "%lld "
        "lines, %lld fen\n",
        ::testing::UnitTest::GetInstance()->current_test_info()->name(), restarts_,
        processes_.size(), absl::ToDoubleSeconds(took),
        static_cast<long long>(absl::ToInt64Milliseconds(longest_stop_)),
        static_cast<long long>(balance.count), static_cast<long long>(balance.lines),
        static_cast<long long>(balance.amount_fen));
    for (const Meter* m : {&submit_, &stream_, &get_, &list_, &watch_}) m->Print();
    for (Process& p : processes_) End(p);
  }

  void Check(const Ledger::Balance& balance, const Process& writer,
             const std::vector<const Process*>& readers,
             const std::set<const Process*>& positions) {
    EXPECT_GT(submit_.retries() + get_.retries() + list_.retries(), 0) << "nothing was tested";
    // The log has one event for each receipt, and no other.
    EXPECT_EQ(PositionOf(writer.Status().log().head_position()) - first_position_, balance.count);
    for (const auto& l : listeners_) {
      const auto reader = std::find_if(readers.begin(), readers.end(),
                                       [&](const Process* r) { return r->name == l->name(); });
      const Process& p = reader == readers.end() ? *readers[0] : **reader;
      EXPECT_GT(l->resumed(), 0) << l->name();
      EXPECT_EQ(static_cast<int64_t>(l->changes().size()), balance.count) << l->name();
      if (positions.count(&p) > 0) {
        EXPECT_EQ(l->changes(), ledger_.positions()) << l->name();
      }
      // What it led to is what a read says.
      const auto stub = agg::AggregationService::NewStub(p.channel);
      std::map<std::string, int64_t> read, heard;
      const agg::WatchTotalsRequest question = Listener::Question();
      for (int f = 0; f < question.filters_size(); ++f) {
        if (question.filters(f).group_by().empty()) continue;
        agg::ListTotalsRequest request;
        *request.mutable_filter() = question.filters(f).filter();
        *request.mutable_group_by() = question.filters(f).group_by();
        request.set_page_size(10000);
        request.mutable_consistency()->set_exactly(absl::StrCat(l->position()));
        agg::ListTotalsResponse response;
        grpc::ClientContext context;
        const grpc::Status status = stub->ListTotals(&context, request, &response);
        ASSERT_TRUE(status.ok()) << status.error_message();
        for (const auto& row : response.totals()) read[KeyOf(f, row)] = row.amount_fen();
        read["0"] = response.grand_total().amount_fen();
      }
      for (const auto& [key, amount] : l->rows()) {
        if (amount != 0) heard[key] = amount;
      }
      EXPECT_EQ(heard, read) << l->name();
    }
    for (const Process* r : readers) {
      agg::GetTotalRequest request;
      *request.mutable_filter() = City();
      agg::GetTotalResponse response;
      grpc::ClientContext context;
      ASSERT_TRUE(agg::AggregationService::NewStub(r->channel)
                      ->GetTotal(&context, request, &response)
                      .ok());
      EXPECT_EQ(response.total().amount_fen(), balance.amount_fen) << r->name;
      EXPECT_EQ(response.total().line_count(), balance.lines) << r->name;
      adm::VerifyResponse verified;
      grpc::ClientContext again;
      ASSERT_TRUE(adm::AdminService::NewStub(r->channel)->Verify(&again, {}, &verified).ok());
      EXPECT_TRUE(verified.ok()) << r->name << ": "
                                 << (verified.differences().empty() ? "" : verified.differences(0));
    }
  }

  const std::filesystem::path root_;
  // Their addresses are kept.
  std::deque<Process> processes_;
  std::deque<client::Connection> connections_;
  Ledger ledger_;
  Meter submit_{"SubmitBudget"}, stream_{"StreamBudgets"}, get_{"GetTotal"}, list_{"ListTotals"},
      watch_{"WatchTotals"};
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::atomic<bool> stop_{false};
  int64_t first_position_ = 0;
  int restarts_ = 0;
  absl::Duration longest_stop_;
};

TEST_F(RollingRestartTest, OneWriterAndTwoReaders) {
  Process& writer = Add("writer", "submission");
  Process& reader1 = Add("reader1", "aggregation");
  Process& reader2 = Add("reader2", "aggregation");
  for (Process* r : {&reader1, &reader2}) {
    r->options.log_address = writer.options.listen;
    // So that each goes on with the pages and watches of the other.
    r->options.token_key_file = writer.options.data_dir + "/token-key";
  }
  reader2.options.drain_delay_seconds = kDelaySeconds;
  writer.Start();
  ASSERT_TRUE(testing::AwaitServing(writer.channel));
  ASSERT_TRUE(testing::ImportSmallCatalog(writer.channel, kAgencies));
  first_position_ = PositionOf(writer.Status().log().head_position());
  StartAll();
  // A reader that serves may still copy the catalog that watchers ask for.
  for (const Process* r : {&reader1, &reader2}) {
    const absl::Time limit = absl::Now() + absl::Minutes(1);
    while (PositionOf(r->Status().totals().watermark()) < first_position_)
      ASSERT_LT(absl::Now(), limit) << r->name;
  }
  Roll(writer, {&reader1, &reader2}, {&reader1, &reader2});
}

TEST_F(RollingRestartTest, ACityAndTheProvinceAboveIt) {
  Process& city = Add("city", "all");
  Process& province = Add("province", "all");
  province.options.upstreams = {{"lvliang", city.options.listen}};
  city.options.drain_delay_seconds = kDelaySeconds;
  StartAll();
  cat::ImportCatalogRequest divisions;
  divisions.set_request_id("divisions");
  divisions.set_division_code("140000");
  divisions.set_fiscal_year(2024);
  divisions.set_list(cat::CATALOG_LIST_DIVISION);
  for (const auto& [code, parent] :
       {std::pair("140000", ""), std::pair("141100", "140000"), std::pair("141121", "141100")}) {
    cat::CatalogEntry* e = divisions.add_entries();
    e->set_code(code);
    e->set_name(absl::StrCat("区划", code));
    e->set_parent_code(parent);
  }
  cat::ImportCatalogResponse imported;
  grpc::ClientContext context;
  ASSERT_TRUE(cat::CatalogService::NewStub(province.channel)
                  ->ImportCatalog(&context, divisions, &imported)
                  .ok());
  ASSERT_TRUE(testing::ImportSmallCatalog(city.channel, kAgencies));
  first_position_ = PositionOf(city.Status().log().head_position());
  Roll(city, {&city, &province}, {&city});
}

TEST_F(RollingRestartTest, CallsThatTheDrainDeadlineCuts) {
  Process& p = Add("one", "all");
  p.options.drain_seconds = 0;
  StartAll();
  ASSERT_TRUE(testing::ImportSmallCatalog(p.channel, kAgencies));
  first_position_ = PositionOf(p.Status().log().head_position());
  Roll(p, {&p}, {&p});
}

// Answers one budget, breaks the stream, and refuses what comes in the next moment: a server that
// comes and goes.
class Flickering final : public sub::SubmissionService::Service {
 public:
  grpc::Status StreamBudgets(grpc::ServerContext*,
                             grpc::ServerReaderWriter<sub::StreamBudgetsResponse,
                                                      sub::StreamBudgetsRequest>* stream) override {
    sub::StreamBudgetsRequest frame;
    if (!stream->Read(&frame)) return grpc::Status::OK;
    const grpc::Status away(grpc::StatusCode::UNAVAILABLE, "away");
    // The client's streams come one after the other.
    if (absl::Now() < answered_ + absl::Seconds(1)) return away;
    answered_ = absl::Now();
    sub::StreamBudgetsResponse response;
    response.set_request_id(frame.budget().request_id());
    response.mutable_receipt();
    stream->Write(response);
    return away;
  }

 private:
  absl::Time answered_ = absl::InfinitePast();
};

TEST(StreamSubmitterTest, PatienceCountsFromTheLastAnswer) {
  Flickering service;
  const std::string address = absl::StrCat("127.0.0.1:", testing::FreePort());
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  ASSERT_NE(server, nullptr);
  client::Connection::Options options;
  options.server = address;
  // More than from one answer to the next, less than from the first to the last.
  options.retry_for = absl::Seconds(4);
  const client::Connection connection(options);
  constexpr int kBudgets = 6;
  int sent = 0, answered = 0, broken = 0;
  const grpc::Status status =
      client::SubmitStream(connection, {[&]() -> std::optional<sub::SubmitBudgetRequest> {
                                          if (sent == kBudgets) return std::nullopt;
                                          sub::SubmitBudgetRequest request;
                                          request.set_request_id(absl::StrCat(sent++));
                                          return request;
                                        },
                                        [&](int64_t, const sub::StreamBudgetsResponse& answer) {
                                          EXPECT_EQ(answer.request_id(), absl::StrCat(answered++));
                                        },
                                        [&](const grpc::Status&) { ++broken; }});
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(answered, kBudgets);
  EXPECT_GT(broken, kBudgets);
}

// Between the first call that is taken and the last line of the start is a moment; it is hit when
// many starts are ended in it.
TEST_F(RollingRestartTest, ASignalInTheFirstMomentDrains) {
  Process& p = Add("one", "all");
  const std::filesystem::path mark = p.options.data_dir + "/last-stop";
  for (int i = 0; i < 10; ++i) {
    std::filesystem::remove(mark);
    p.Start();
    const absl::Time end = absl::Now() + kSettle;
    while (!std::filesystem::exists(mark)) ASSERT_LT(absl::Now(), end);
    const int status = p.child->End(SIGTERM);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    std::string word;
    std::ifstream(mark) >> word;
    ASSERT_EQ(word, "drained") << "start " << i;
  }
}

}  // namespace
}  // namespace fiscal

int main(int argc, char** argv) {
  if (const auto served = fiscal::testing::ServeIfAsked(argc, argv)) return *served;
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
