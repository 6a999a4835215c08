// fiscal-bench [--quick] [--json FILE]
//
// Client and server in one process over loopback TCP. Ours and the yardsticks take turns, so that a machine that drifts drifts for
// both; what counts are the ratios of one run. Durability is the product's own: fsync of the log and of the anchor before
// each receipt. After the run AdminService.Verify must agree.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "google/protobuf/arena.h"
#include "grpcpp/grpcpp.h"
#include "services/aggregation/projector.h"
#include "services/server.h"
#include "storage/anchor.h"
#include "storage/rocks/rocks_kv.h"
#include "tests/bench/yardsticks.h"
#include "tests/support/catalog.h"

namespace fiscal::bench {
namespace {

namespace sub = fiscal::submission::v1;
namespace agg = fiscal::aggregation::v1;

constexpr int kAgencies = 400;

double Seconds(absl::Duration d) { return absl::ToDoubleSeconds(d); }

struct Sample {
  std::vector<double> values;
  double Quantile(double q) const {
    std::vector<double> v = values;
    std::sort(v.begin(), v.end());
    return v.empty()
               ? 0
               : v[std::min(v.size() - 1, static_cast<size_t>(q * static_cast<double>(v.size())))];
  }
  double median() const { return Quantile(0.5); }
};

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "fiscal-bench: %s\n", what.c_str());
  std::exit(1);
}

std::shared_ptr<grpc::Channel> Connect(int port) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port),
                                   grpc::InsecureChannelCredentials(), arguments);
}

// Sends the budgets over `streams` streams at once; seconds until the last answer.
double Stream(int port, const std::vector<sub::StreamBudgetsRequest>& frames, int streams) {
  const auto channel = Connect(port);
  channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10));
  const absl::Time start = absl::Now();
  std::vector<std::thread> threads;
  for (int s = 0; s < streams; ++s) {
    threads.emplace_back([&, s] {
      const auto stub = sub::SubmissionService::NewStub(channel);
      grpc::ClientContext context;
      auto stream = stub->StreamBudgets(&context);
      std::thread reader([&] {
        sub::StreamBudgetsResponse response;
        while (stream->Read(&response)) {
          if (response.has_error())
            Die(absl::StrCat("a budget was refused: ", response.error().message()));
        }
      });
      for (size_t i = static_cast<size_t>(s); i < frames.size();
           i += static_cast<size_t>(streams)) {
        if (!stream->Write(frames[i])) break;
      }
      stream->WritesDone();
      reader.join();
      const grpc::Status status = stream->Finish();
      if (!status.ok()) Die(absl::StrCat("stream: ", status.error_message()));
    });
  }
  for (std::thread& t : threads) t.join();
  return Seconds(absl::Now() - start);
}

// Keeps `in_flight` unary submits running; calls a second.
double Singles(int port, const std::vector<sub::SubmitBudgetRequest>& requests, int in_flight) {
  const auto channel = Connect(port);
  channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10));
  const auto stub = sub::SubmissionService::NewStub(channel);
  struct Call {
    grpc::ClientContext context;
    sub::SubmitBudgetResponse response;
  };
  absl::Mutex mu;
  size_t next = 0, done = 0;
  std::function<void()> launch = [&] {
    size_t i;
    {
      absl::MutexLock lock(&mu);
      if (next == requests.size()) return;
      i = next++;
    }
    auto* call = new Call;
    stub->async()->SubmitBudget(&call->context, &requests[i], &call->response,
                                [&, call](grpc::Status status) {
                                  if (!status.ok())
                                    Die(absl::StrCat("submit: ", status.error_message()));
                                  delete call;
                                  launch();
                                  absl::MutexLock lock(&mu);
                                  ++done;
                                });
  };
  const absl::Time start = absl::Now();
  for (int i = 0; i < in_flight; ++i) launch();
  absl::MutexLock lock(&mu);
  auto all = [&] { return done == requests.size(); };
  mu.Await(absl::Condition(&all));
  return static_cast<double>(requests.size()) / Seconds(absl::Now() - start);
}

agg::GetTotalRequest PointTotal() {
  agg::GetTotalRequest request;
  request.mutable_filter()->set_division_code("141100");
  request.mutable_filter()->set_fiscal_year(2024);
  request.mutable_filter()->set_stage(budget::v1::STAGE_APPROVED);
  request.mutable_filter()->set_direction(budget::v1::DIRECTION_EXPENDITURE);
  request.mutable_filter()->set_functional_code("2170101");
  return request;
}

// Microseconds of `count` calls one after the other.
Sample Latencies(int count, const std::function<bool(int)>& call) {
  Sample sample;
  for (int i = 0; i < count; ++i) {
    const absl::Time start = absl::Now();
    if (!call(i)) Die("a call failed");
    sample.values.push_back(absl::ToDoubleMicroseconds(absl::Now() - start));
  }
  return sample;
}

class Bench {
 public:
  explicit Bench(bool quick) : quick_(quick) {
    directory_ =
        (std::filesystem::temp_directory_path() / absl::StrCat("fiscal-bench-", getpid())).string();
    std::filesystem::remove_all(directory_);
  }
  ~Bench() {
    server_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Run() {
    null_ = NullServer::Start();
    StartServer();
    if (!testing::ImportSmallCatalog(Connect(server_->port()), kAgencies))
      Die("the catalog was refused");
    const int rounds = quick_ ? 3 : 5;
    for (int lines : {1000, 100}) Bulk(lines, rounds);
    Single(rounds);
    Reads();
    Visible();
    Verify();
    Restart();
    Rebuild();
  }

  std::map<std::string, double> ratios;
  std::vector<std::string> report;

 private:
  void Say(std::string line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
    report.push_back(std::move(line));
  }

  void StartServer() {
    services::ServeOptions options;
    options.data_dir = directory_;
    options.listen = "127.0.0.1:0";
    auto server = services::Server::Start(options);
    if (!server.ok()) Die(server.status().ToString());
    server_ = *std::move(server);
  }

  sub::SubmitBudgetRequest Make(int agency, int lines) {
    ++next_;
    return testing::MakeBudget(agency, lines, next_, absl::StrCat("bench-", next_));
  }

  void Bulk(int lines, int rounds) {
    const int budgets = (quick_ ? 100000 : 400000) / lines;
    Sample ours, null, ratio;
    for (int round = 0; round < rounds; ++round) {
      std::vector<sub::StreamBudgetsRequest> frames(static_cast<size_t>(budgets));
      for (int i = 0; i < budgets; ++i) {
        *frames[static_cast<size_t>(i)].mutable_budget() = Make(i % kAgencies, lines);
        // Every round states its own year's stage anew: fresh statements, not amendments.
        frames[static_cast<size_t>(i)].mutable_budget()->mutable_budget()->set_stage(
            static_cast<budget::v1::Stage>(1 + (i / kAgencies + round) % 5));
      }
      const double n = static_cast<double>(budgets) * lines;
      null.values.push_back(n / Stream(null_->port(), frames, 4));
      ours.values.push_back(n / Stream(server_->port(), frames, 4));
      ratio.values.push_back(ours.values.back() / null.values.back());
      lines_ += static_cast<int64_t>(n);
    }
    Say(
        absl::StrFormat("bulk, %d lines a budget: ours %.2f M lines/s, null sink %.2f M, ratio "
                        "%.3f (min %.3f, max %.3f)",
                        lines, ours.median() / 1e6, null.median() / 1e6, ratio.median(),
                        ratio.Quantile(0), ratio.Quantile(1)));
    ratios[absl::StrCat("bulk_", lines, "_vs_null_sink")] = ratio.median();
  }

  void Single(int rounds) {
    const int count = quick_ ? 4000 : 20000;
    Sample ours, echo, ratio;
    for (int round = 0; round < rounds; ++round) {
      std::vector<sub::SubmitBudgetRequest> requests;
      for (int i = 0; i < count; ++i) {
        requests.push_back(Make(i % kAgencies, 1));
        requests.back().mutable_budget()->set_stage(budget::v1::STAGE_FINAL);
      }
      echo.values.push_back(Singles(null_->port(), requests, 256));
      ours.values.push_back(Singles(server_->port(), requests, 256));
      ratio.values.push_back(ours.values.back() / echo.values.back());
    }
    Say(absl::StrFormat("single-line submits, 256 in flight: ours %.0f/s, echo %.0f/s, ratio %.3f",
                        ours.median(), echo.median(), ratio.median()));
    Say(absl::StrFormat(
        "  sync of the store's disk (write 4 KB, fdatasync): p50 %.0f us, p99 %.0f us",
        SyncCost().Quantile(0.5), SyncCost().Quantile(0.99)));
    ratios["single_vs_echo"] = ratio.median();
  }

  Sample SyncCost() {
    const std::string path = directory_ + "/sync-probe";
    FILE* file = std::fopen(path.c_str(), "w");
    if (file == nullptr) Die("no probe file");
    char block[4096] = {};
    Sample sample = Latencies(200, [&](int) {
      return std::fwrite(block, sizeof(block), 1, file) == 1 && std::fflush(file) == 0 &&
             fdatasync(fileno(file)) == 0;
    });
    std::fclose(file);
    std::filesystem::remove(path);
    return sample;
  }

  void Reads() {
    const int count = quick_ ? 2000 : 10000;
    const auto totals = agg::AggregationService::NewStub(Connect(server_->port()));
    const auto echo_stub = sub::SubmissionService::NewStub(Connect(null_->port()));
    const agg::GetTotalRequest request = PointTotal();
    sub::SubmitBudgetRequest small;
    small.set_request_id("echo");
    auto echo = [&](int) {
      grpc::ClientContext context;
      sub::SubmitBudgetResponse response;
      return echo_stub->SubmitBudget(&context, small, &response).ok();
    };
    std::string position;
    auto point = [&](int) {
      grpc::ClientContext context;
      agg::GetTotalResponse response;
      const bool ok = totals->GetTotal(&context, request, &response).ok();
      position = response.position();
      return ok;
    };
    Latencies(200, echo);
    Latencies(200, point);
    const Sample e = Latencies(count, echo), p = Latencies(count, point);
    Say(absl::StrFormat("point total: p50 %.0f us, p99 %.0f us; unary echo p50 %.0f us; ratio %.2f",
                        p.median(), p.Quantile(0.99), e.median(), p.median() / e.median()));
    ratios["point_total_vs_echo_p50"] = p.median() / e.median();
    const int64_t head = std::atoll(position.c_str());
    agg::GetTotalRequest past = request;
    const Sample old = Latencies(quick_ ? 200 : 1000, [&](int i) {
      past.mutable_consistency()->set_exactly(absl::StrCat(1 + (int64_t{i} * 7919) % head));
      grpc::ClientContext context;
      agg::GetTotalResponse response;
      return totals->GetTotal(&context, past, &response).ok();
    });
    Say(
        absl::StrFormat("point total at a random past position: p50 %.0f us, p99 %.0f us; against "
                        "the current one, p99: %.1f",
                        old.median(), old.Quantile(0.99), old.Quantile(0.99) / p.Quantile(0.99)));
    ratios["as_of_vs_current_p99"] = old.Quantile(0.99) / p.Quantile(0.99);
  }

  // From a receipt to a total that counts it.
  void Visible() {
    const auto channel = Connect(server_->port());
    const auto stub = sub::SubmissionService::NewStub(channel);
    const auto totals = agg::AggregationService::NewStub(channel);
    Sample lag;
    for (int i = 0; i < (quick_ ? 200 : 1000); ++i) {
      sub::SubmitBudgetRequest request = Make(i % kAgencies, 100);
      sub::SubmitBudgetResponse receipt;
      grpc::ClientContext context;
      if (!stub->SubmitBudget(&context, request, &receipt).ok()) Die("submit failed");
      const absl::Time start = absl::Now();
      agg::GetTotalRequest total = PointTotal();
      total.mutable_consistency()->set_at_least(receipt.position());
      agg::GetTotalResponse response;
      grpc::ClientContext read;
      read.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
      if (!totals->GetTotal(&read, total, &response).ok()) Die("read failed");
      lag.values.push_back(absl::ToDoubleMilliseconds(absl::Now() - start));
    }
    Say(absl::StrFormat("receipt to visible total, the read included: p50 %.2f ms, p99 %.2f ms",
                        lag.median(), lag.Quantile(0.99)));
    ratios["visible_p99_ms"] = lag.Quantile(0.99);
  }

  void Verify() {
    const auto admin = admin::v1::AdminService::NewStub(Connect(server_->port()));
    admin::v1::VerifyResponse response;
    grpc::ClientContext context;
    const absl::Time start = absl::Now();
    if (!admin->Verify(&context, {}, &response).ok() || !response.ok())
      Die("verify does not agree");
    Say(absl::StrFormat("admin verify agrees: %d events, %d lines, %d cells, %.1f s",
                        response.event_count(), response.line_count(), response.cell_count(),
                        Seconds(absl::Now() - start)));
  }

  void Restart() {
    server_->Stop();
    server_.reset();
    const absl::Time start = absl::Now();
    StartServer();
    const double seconds = Seconds(absl::Now() - start);
    Say(absl::StrFormat("restart to ready after %.1f M lines: %.2f s",
                        static_cast<double>(lines_) / 1e6, seconds));
    ratios["restart_seconds"] = seconds;
    server_->Stop();
    server_.reset();
  }

  // All totals from the first event, against parsing the same lines as protobuf messages.
  void Rebuild() {
    storage::RocksOptions log_options;
    log_options.path = directory_ + "/log";
    auto log_kv = storage::RocksKv::Open(log_options);
    if (!log_kv.ok()) Die(log_kv.status().ToString());
    storage::FileAnchor anchor(directory_ + "/anchor");
    auto log = storage::EventLog::Open(**log_kv, anchor, std::string(16, 'x'));
    if (!log.ok()) Die(log.status().ToString());
    storage::RocksOptions totals_options;
    totals_options.path = directory_ + "/rebuilt";
    totals_options.wal = false;
    auto totals_kv = storage::RocksKv::Open(totals_options);
    if (!totals_kv.ok()) Die(totals_kv.status().ToString());
    auto store = storage::TotalsStore::Open(**totals_kv);
    if (!store.ok()) Die(store.status().ToString());
    auto projector = services::Projector::Open(**log, **store, services::Projector::Options());
    if (!projector.ok()) Die(projector.status().ToString());
    const absl::Time start = absl::Now();
    while ((*projector)->folded() < (*log)->head().position) {
      if (!(*projector)->Step(1024).ok()) Die("fold failed");
    }
    const double rebuild = static_cast<double>(lines_) / Seconds(absl::Now() - start);

    const std::string bytes = testing::MakeBudget(0, 1000, 1, "parse").SerializeAsString();
    const absl::Time parse_start = absl::Now();
    const int parses = 300;
    for (int i = 0; i < parses; ++i) {
      google::protobuf::Arena arena;
      if (!google::protobuf::Arena::CreateMessage<sub::SubmitBudgetRequest>(&arena)
               ->ParseFromString(bytes))
        Die("parse failed");
    }
    const double parse = parses * 1000 / Seconds(absl::Now() - parse_start);
    Say(
        absl::StrFormat("rebuild of all totals: %.2f M lines/s; protobuf arena parse on one core "
                        "%.2f M; ratio %.2f",
                        rebuild / 1e6, parse / 1e6, rebuild / parse));
    ratios["rebuild_vs_parse"] = rebuild / parse;
  }

  const bool quick_;
  std::string directory_;
  std::unique_ptr<NullServer> null_;
  std::unique_ptr<services::Server> server_;
  uint64_t next_ = 0;
  int64_t lines_ = 0;
};

}  // namespace
}  // namespace fiscal::bench

int main(int argc, char** argv) {
  bool quick = false;
  std::string json;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--quick") == 0) {
      quick = true;
    } else if (std::strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
      json = argv[++i];
    } else {
      std::fprintf(stderr, "usage: fiscal-bench [--quick] [--json FILE]\n");
      return 2;
    }
  }
  if (quick) std::printf("quick: sizes are scaled down to a quarter\n");
  fiscal::bench::Bench bench(quick);
  bench.Run();
  if (!json.empty()) {
    std::ofstream out(json);
    out << "{\"quick\": " << (quick ? "true" : "false") << ", \"ratios\": {";
    const char* separator = "";
    for (const auto& [name, value] : bench.ratios) {
      out << separator << "\"" << name << "\": " << value;
      separator = ", ";
    }
    out << "}}\n";
  }
  return 0;
}
