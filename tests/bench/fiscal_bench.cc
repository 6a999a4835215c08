// fiscal-bench [--quick] [--json FILE] [--report DIR] [--postgres SOCKET-DIR] [--peers PYTHON]
//              [--commit ID]
//              [--only bulk|singles|amendments|arrivals|growth|reads|watchers]
//
// scripts/bench.sh runs it. Servers are processes of their own; ours and the yardsticks take turns,
// so that a machine that drifts drifts for both, and what counts are the ratios of one run.
// Durability is the product's own. AdminService.Verify must agree with what the run left behind.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "fiscal/disclosure/v1/disclosure_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "services/ledger/fold/projector.h"
#include "storage/anchor.h"
#include "storage/rocks/log_directory.h"
#include "storage/rocks/rocks_kv.h"
#ifdef FISCAL_BENCH_POSTGRES
#include "tests/bench/postgres.h"
#endif
#include "tests/bench/peer.h"
#include "tests/bench/processes.h"
#include "tests/bench/province.h"
#include "tests/bench/results.h"
#include "tests/bench/watchers.h"
#include "tests/bench/yardsticks.h"

namespace fiscal::bench {
namespace {

namespace sub = fiscal::submission::v1;
namespace agg = fiscal::aggregation::v1;
namespace dis = fiscal::disclosure::v1;

using Frames = std::vector<sub::StreamBudgetsRequest>;

constexpr int kStreams = Province::kStreams;

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "fiscal-bench: %s\n", what.c_str());
  std::exit(1);
}

double SecondsSince(absl::Time start) { return absl::ToDoubleSeconds(absl::Now() - start); }

std::shared_ptr<grpc::Channel> Connect(int port) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxSendMessageSize(16 << 20);
  auto channel = grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port),
                                           grpc::InsecureChannelCredentials(), arguments);
  channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10));
  return channel;
}

// Sends the budgets over some streams at once; seconds until the last answer. With `rate` above 0,
// so many lines a second and no more.
double Stream(int port, const Frames& frames, double rate = 0) {
  const auto channel = Connect(port);
  const absl::Time start = absl::Now();
  std::atomic<int64_t> sent{0};
  std::vector<std::thread> threads;
  for (size_t s = 0; s < kStreams; ++s) {
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
      for (size_t i = s; i < frames.size(); i += kStreams) {
        if (rate > 0) {
          const int64_t before = sent.fetch_add(frames[i].budget().line_items_size());
          absl::SleepFor(start + absl::Seconds(static_cast<double>(before) / rate) - absl::Now());
        }
        if (!stream->Write(frames[i])) break;
      }
      stream->WritesDone();
      reader.join();
      const grpc::Status status = stream->Finish();
      if (!status.ok()) Die(absl::StrCat("stream: ", status.error_message()));
    });
  }
  for (std::thread& t : threads) t.join();
  return SecondsSince(start);
}

// Keeps `in_flight` unary submits running; calls a second, and each one's milliseconds in
// `latency`.
double Unary(int port, const std::vector<sub::SubmitBudgetRequest>& requests, int in_flight,
             Sample* latency = nullptr) {
  const auto channel = Connect(port);
  const auto stub = sub::SubmissionService::NewStub(channel);
  struct Call {
    grpc::ClientContext context;
    sub::SubmitBudgetResponse response;
    absl::Time start;
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
    call->start = absl::Now();
    stub->async()->SubmitBudget(
        &call->context, &requests[i], &call->response, [&, call](grpc::Status status) {
          if (!status.ok()) Die(absl::StrCat("submit: ", status.error_message()));
          const double ms = absl::ToDoubleMilliseconds(absl::Now() - call->start);
          delete call;
          launch();
          absl::MutexLock lock(&mu);
          if (latency != nullptr) latency->Add(ms);
          ++done;
        });
  };
  const absl::Time start = absl::Now();
  for (int i = 0; i < in_flight; ++i) launch();
  absl::MutexLock lock(&mu);
  auto all = [&] { return done == requests.size(); };
  mu.Await(absl::Condition(&all));
  return static_cast<double>(requests.size()) / SecondsSince(start);
}

// Microseconds of `count` calls one after the other.
Sample Latencies(int count, const std::function<bool(int)>& call) {
  Sample sample;
  for (int i = 0; i < count; ++i) {
    const absl::Time start = absl::Now();
    if (!call(i)) Die("a call failed");
    sample.Add(absl::ToDoubleMicroseconds(absl::Now() - start));
  }
  return sample;
}

std::string Rate(double per_second) {
  return per_second >= 1e6 ? absl::StrFormat("%.2f M/s", per_second / 1e6)
                           : absl::StrFormat("%.0f/s", per_second);
}

struct Options {
  bool quick = false;
  std::string json, report, postgres, peers, commit = "unknown", only;
};

class Bench {
 public:
  Bench(Options options, std::string self)
      : options_(std::move(options)), self_(std::move(self)), province_(".") {
    directory_ =
        (std::filesystem::temp_directory_path() / absl::StrCat("fiscal-bench-", getpid())).string();
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    results_.quick = options_.quick;
    results_.commit = options_.commit;
    results_.machine = DescribeMachine();
    results_.date = absl::FormatTime("%Y-%m-%d", absl::Now(), absl::UTCTimeZone());
    null_ =
        std::make_unique<ServerProcess>(std::vector<std::string>{self_, "--serve-null", "bytes"});
    null_parsed_ =
        std::make_unique<ServerProcess>(std::vector<std::string>{self_, "--serve-null", "parse"});
  }
  ~Bench() {
    server_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Run() {
    const auto wanted = [&](const char* phase) {
      return options_.only.empty() || options_.only == phase;
    };
    if (wanted("bulk") || wanted("singles") || wanted("amendments")) {
      Fresh();
      if (wanted("bulk")) Bulk();
      if (wanted("singles")) Singles();
      if (wanted("amendments")) Amendments();
      Verify();
    }
    if (wanted("arrivals")) Arrivals();
    if (wanted("growth") || wanted("reads")) {
      Fresh();
      if (wanted("growth")) {
        Growth();
      } else {
        Stream(server_->port(), Make(1e6, 0));
      }
      Reads();
      Visible();
      Verify();
    }
    if (wanted("watchers")) {
      constexpr int kEach = 20;
      Fresh();
      Stream(server_->port(), Make(kEach * Province::kAgencies, kEach));
      server_->Stop();
      StartServer();
      MeasureWatchers(province_, *server_, kEach, options_.quick, &results_);
      Verify();
    }
    if (!options_.json.empty()) results_.WriteJson(options_.json);
    if (!options_.report.empty()) results_.WriteReport(options_.report);
  }

 private:
  std::string data_dir() const { return directory_ + "/data"; }

  void StartServer() {
    const std::string fiscal = (std::filesystem::path(self_).parent_path() / "fiscal").string();
    server_ = std::make_unique<ServerProcess>(std::vector<std::string>{
        fiscal, "serve", "--data-dir", data_dir(), "--listen", "127.0.0.1:0"});
  }

  // A new store with nothing but the catalog.
  void Fresh(Arrival arrival = Arrival::kByCounty) {
    arrival_ = arrival;
    server_.reset();
    std::filesystem::remove_all(data_dir());
    next_ = 0;
    lines_ = wire_bytes_ = 0;
    StartServer();
    ImportCatalog();
  }

  void ImportCatalog() {
    const auto stub = catalog::v1::CatalogService::NewStub(Connect(server_->port()));
    for (int year = Province::kYear; year < Province::kYear + 4; ++year) {
      for (const auto& request : province_.Catalog(year)) {
        grpc::ClientContext context;
        catalog::v1::ImportCatalogResponse response;
        const grpc::Status status = stub->ImportCatalog(&context, request, &response);
        if (!status.ok()) Die(absl::StrCat("the catalog was refused: ", status.error_message()));
      }
    }
  }

  // About `lines` lines of new statements; `each` lines a budget, 0 for the province's own sizes.
  Frames Make(double lines, int each, bool counted = true) {
    Frames frames;
    double made = 0;
    while (made < lines) {
      const uint64_t n = province_.Nth(next_++, arrival_);
      const int count = each > 0 ? each : Province::LinesOf(n);
      frames.emplace_back();
      province_.Fill(n, count, 0, frames.back().mutable_budget());
      made += count;
      if (counted) wire_bytes_ += static_cast<double>(frames.back().budget().ByteSizeLong());
    }
    if (counted) lines_ += made;
    return frames;
  }
  static double LinesIn(const Frames& frames) {
    double lines = 0;
    for (const auto& f : frames) lines += f.budget().line_items_size();
    return lines;
  }

  // What loads came to: lines a second, and the server's microseconds of processor a line.
  struct Loads {
    Sample rate, cpu;
    std::string Say() const {
      return absl::StrFormat("%s, %.2f µs of processor a line", Rate(rate.median()), cpu.median());
    }
  };

  // Until the last line is in the totals, not only until the last receipt.
  void Load(const Frames& frames, Loads* loads) {
    const double lines = LinesIn(frames), before = server_->cpu_seconds();
    const absl::Time start = absl::Now();
    Stream(server_->port(), frames);
    WaitVisible();
    loads->rate.Add(lines / SecondsSince(start));
    loads->cpu.Add((server_->cpu_seconds() - before) / lines * 1e6);
  }

  // Small statements in each order of arrival, a store of its own for each.
  void Arrivals() {
    const int rounds = options_.quick ? 3 : 5;
    const double size = options_.quick ? 200000 : 500000;
    struct Order {
      Arrival arrival;
      const char* key;
      const char* what;
    };
    for (const Order& order : {Order{Arrival::kByCounty, "county", "county by county"},
                               Order{Arrival::kByStreams, "streams", "four places at once"},
                               Order{Arrival::kRandom, "random", "in random order"}}) {
      Fresh(order.arrival);
      for (const int each : {100, 0}) {
        const std::string sized = each > 0 ? "100 lines" : "5 to 200 lines";
        Loads loads;
        Sample sink, ratio;
        for (int round = 0; round < rounds; ++round) {
          const Frames frames = Make(size, each);
          sink.Add(LinesIn(frames) / Stream(null_parsed_->port(), frames));
          Load(frames, &loads);
          ratio.Add(loads.rate.values.back() / sink.values.back());
        }
        const std::string key =
            absl::StrCat(order.key, "_", each > 0 ? absl::StrCat(each) : "small");
        const std::string what = absl::StrCat(order.what, ", budgets of ", sized);
        results_.Add({absl::StrCat(key, "_vs_null_sink"),
                      absl::StrCat(what, ", against the null sink"), loads.Say(),
                      Rate(sink.median()), ratio, 0, 0, true});
        if (order.arrival == Arrival::kRandom && each == 0) {
          results_.Add({absl::StrCat(key, "_us_a_line"),
                        absl::StrCat(what, ", server's processor time a line, µs"), "", "",
                        loads.cpu, 1.6, 2.2, false});
        }
      }
      Verify();
      server_->Stop();
      results_.Note(
          absl::StrCat("disk, ", order.what, ", as it happens to be, against the wire"),
          absl::StrFormat("%.2f (%.1f B a line)", DirectoryBytes(data_dir()) / wire_bytes_,
                          DirectoryBytes(data_dir()) / lines_));
    }
  }

  // Another system beside ours.
  struct PeerRun {
    std::string engine;
    double goal = 0, floor = 0;
    std::unique_ptr<Peer> peer;
    Loads loads;
    Sample ratio;

    // `our_rate`: lines a second in the same round.
    void Load(const std::vector<sub::SubmitBudgetRequest>& budgets, double our_rate) {
      const double lines = 1000.0 * static_cast<double>(budgets.size());
      const Peer::Spent spent = peer->Load(budgets);
      loads.rate.Add(lines / spent.seconds);
      loads.cpu.Add(spent.cpu_seconds / lines * 1e6);
      ratio.Add(our_rate / loads.rate.values.back());
    }
  };
  // That they get of each round.
  static constexpr size_t kPeersBudgets = 20;

  void Bulk() {
    const int rounds = options_.quick ? 3 : 5;
    const double size = options_.quick ? 200000 : 500000;
#ifdef FISCAL_BENCH_POSTGRES
    std::unique_ptr<Postgres> postgres;
    if (!options_.postgres.empty()) postgres = Postgres::Connect(options_.postgres, province_);
#endif
    Sample postgres_ratio, postgres_rate;
    std::vector<PeerRun> peers;
    if (!options_.peers.empty()) {
      for (const auto& [engine, goal, floor] :
           {std::tuple("clickhouse", 25.0, 15.0), std::tuple("duckdb", 20.0, 12.0)}) {
        peers.push_back({engine, goal, floor,
                         std::make_unique<Peer>(options_.peers, engine,
                                                absl::StrCat(directory_, "/", engine), province_)});
      }
    }
    int64_t copied_fen = 0;
    for (int each : {1000, 100}) {
      Sample null, ratio, parsed_ratio, parsed, raw, raw_ratio;
      Loads loads;
      Sample& ours = loads.rate;
      for (int round = 0; round < rounds; ++round) {
        const Frames frames = Make(size, each);
        const double n = LinesIn(frames);
        null.Add(n / Stream(null_->port(), frames));
        Load(frames, &loads);
        parsed.Add(n / Stream(null_parsed_->port(), frames));
        raw.Add(n / WriteRaw(directory_ + "/raw", frames, 16));
        ratio.Add(ours.values.back() / null.values.back());
        parsed_ratio.Add(ours.values.back() / parsed.values.back());
        raw_ratio.Add(ours.values.back() / raw.values.back());
        if (each != 1000) continue;
        std::vector<sub::SubmitBudgetRequest> few;
        for (size_t i = 0; i < kPeersBudgets; ++i) {
          few.push_back(frames[i].budget());
          for (const auto& l : few.back().line_items()) copied_fen += l.amount_fen();
        }
        for (PeerRun& peer : peers) peer.Load(few, ours.values.back());
#ifdef FISCAL_BENCH_POSTGRES
        if (postgres != nullptr) {
          postgres_rate.Add(1000.0 * kPeersBudgets / postgres->Copy(few));
          postgres_ratio.Add(ours.values.back() / postgres_rate.values.back());
        }
#endif
      }
      const std::string sized = absl::StrCat(each == 1000 ? "1,000" : "100", " lines a budget");
      results_.Add({absl::StrCat("bulk_", each, "_vs_null_sink"),
                    absl::StrCat("bulk, ", sized, ", against the null sink"), loads.Say(),
                    Rate(parsed.median()), parsed_ratio, each == 1000 ? 0.5 : 0.3,
                    each == 1000 ? 0.35 : 0.2, true});
      results_.Add({absl::StrCat("bulk_", each, "_vs_bytes_sink"),
                    absl::StrCat("bulk, ", sized, ", against a sink that doesn't parse"),
                    loads.Say(), Rate(null.median()), ratio, 0, 0, true});
      results_.Note(absl::StrCat("against raw RocksDB of the same bytes, ", sized),
                    absl::StrFormat("%.2f (%s)", raw_ratio.median(), Rate(raw.median())));
    }
    // All of it is of the first year and stage.
    for (PeerRun& run : peers) {
      if (run.peer->Expenditure("140000", Province::kYear, 1) != absl::StrCat(copied_fen))
        Die(absl::StrCat("the cells of ", run.engine, " are not what it took"));
      results_.Add({absl::StrCat("bulk_vs_", run.engine),
                    absl::StrCat("bulk, 1,000 lines a budget, against ", run.peer->version(),
                                 ", a durable insert a statement"),
                    "", run.loads.Say(), run.ratio, run.goal, run.floor, true});
    }
#ifdef FISCAL_BENCH_POSTGRES
    if (postgres != nullptr) {
      if (postgres->Expenditure("140000", Province::kYear, 1) != copied_fen)
        Die("PostgreSQL's cells are not what was copied");
      results_.Add({"bulk_vs_postgres",
                    absl::StrCat("bulk, 1,000 lines a budget, against PostgreSQL ",
                                 postgres->version(), " COPY by 1,000 + statement trigger"),
                    "", Rate(postgres_rate.median()), postgres_ratio, 20, 0, true});
    }
#endif
  }

  void Singles() {
    const int rounds = options_.quick ? 3 : 5;
    const size_t count = options_.quick ? 8000 : 30000;
    Sample ours, echo, ratio, cpu;
    for (int round = 0; round < rounds; ++round) {
      const Frames frames = Make(static_cast<double>(count), 1);
      std::vector<sub::SubmitBudgetRequest> requests;
      for (const auto& f : frames) requests.push_back(f.budget());
      echo.Add(Unary(null_->port(), requests, 256));
      const double before = server_->cpu_seconds();
      ours.Add(Unary(server_->port(), requests, 256));
      cpu.Add((server_->cpu_seconds() - before) / static_cast<double>(count) * 1e6);
      ratio.Add(ours.values.back() / echo.values.back());
    }
    results_.Add({"single_vs_echo", "single-line durable submits against unary echo, 256 in flight",
                  Rate(ours.median()), Rate(echo.median()), ratio, 0.5, 0, true});
    results_.Note("server's processor time, single submits",
                  absl::StrFormat("%.1f µs a submit", cpu.median()));
    const Sample append = SyncCost(false), rewrite = SyncCost(true);
    results_.Note("fdatasync of 4 KB on this disk, appended / rewritten in place, p50 (p99)",
                  absl::StrFormat("%.0f (%.0f) / %.0f (%.0f) µs", append.median(),
                                  append.Quantile(0.99), rewrite.median(), rewrite.Quantile(0.99)));
  }

  Sample SyncCost(bool rewrite) {
    const std::string path = directory_ + "/sync-probe";
    const int file = open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    char block[4096] = {};
    Sample sample = Latencies(300, [&](int i) {
      return pwrite(file, block, sizeof(block), rewrite ? 0 : int64_t{i} * 4096) == 4096 &&
             fdatasync(file) == 0;
    });
    close(file);
    std::filesystem::remove(path);
    return sample;
  }

  // PATCHes of one line, in a statement of 100 lines and in one of 100,000.
  void Amendments() {
    const size_t count = options_.quick ? 4000 : 15000;
    Sample ratio, small, large;
    std::vector<sub::SubmitBudgetRequest> statements(2);
    for (size_t k = 0; k < 2; ++k) {
      const int lines = k == 0 ? 100 : 100000;
      sub::SubmitBudgetRequest& whole = statements[k];
      const uint64_t n = next_++;
      province_.Fill(n, lines, 0, &whole);
      Unary(server_->port(), {whole}, 1);
      lines_ += lines;
      wire_bytes_ += static_cast<double>(whole.ByteSizeLong());
    }
    int64_t amount = 1;
    for (int round = 0; round < 3; ++round) {
      double rates[2];
      for (size_t k = 0; k < 2; ++k) {
        const sub::SubmitBudgetRequest& whole = statements[k];
        std::vector<sub::SubmitBudgetRequest> patches(count);
        for (size_t i = 0; i < count; ++i) {
          sub::SubmitBudgetRequest& p = patches[i];
          p.set_request_id(absl::StrCat("patch-", k, "-", amount));
          *p.mutable_budget() = whole.budget();
          p.set_mode(sub::WRITE_MODE_PATCH);
          *p.add_line_items() = whole.line_items(
              static_cast<int>(i * 7919 % static_cast<size_t>(whole.line_items_size())));
          p.mutable_line_items(0)->set_amount_fen(amount++);
        }
        rates[k] = Unary(server_->port(), patches, 64);
        (k == 0 ? small : large).Add(rates[k]);
      }
      ratio.Add(rates[0] / rates[1]);
    }
    results_.Add(
        {"patch_100000_vs_100",
         "PATCH of one line, cost in a statement of 100,000 lines against one of 100, 64 in "
         "flight",
         Rate(large.median()), Rate(small.median()), ratio, 3, 0, false});
  }

  // Loads to each size in turn and looks at the store there.
  void Growth() {
    const double scale = options_.quick ? 0.2 : 1;
    const double window = options_.quick ? 150000 : 500000;
    double cpu_before = server_->cpu_seconds(), lines_before = lines_;
    for (double millions : {1.0, 5.0, 10.0, 20.0}) {
      const double target = millions * 1e6 * scale;
      while (lines_ + window < target)
        Stream(server_->port(), Make(std::min(5e5, target - lines_ - window), 0));
      GrowthPoint g;
      const Frames frames = Make(window, 0);
      const absl::Time start = absl::Now();
      Stream(server_->port(), frames);
      WaitVisible();
      const double seconds = SecondsSince(start);
      g.wall_rate = LinesIn(frames) / seconds;
      HalfLoad(g.wall_rate / 2, window / 2, &g);
      WaitVisible();
      g.cpu_us_per_line = (server_->cpu_seconds() - cpu_before) / (lines_ - lines_before) * 1e6;
      sub::SubmitBudgetRequest parsed;
      province_.Fill(0, 1000, 0, &parsed);
      g.parses_per_line = g.cpu_us_per_line * ParseRate(parsed) / 1e6;
      g.lines = lines_;
      g.resident_mb = server_->resident_mb();
      server_->Stop();
      g.disk_bytes_per_line = DirectoryBytes(data_dir()) / lines_;
      StartServer();
      g.restart_seconds = server_->seconds_to_ready();
      // As a crash leaves it: the end of the log in no file, and not in the totals' either.
      Stream(server_->port(), Make(window / 5, 0));
      server_->Kill();
      StartServer();
      g.restart_after_kill_seconds = server_->seconds_to_ready();
      server_->Stop();
      if (millions != 10.0) Rebuild(&g, millions == 20.0);
      if (millions >= 10.0) Compact(&g);
      sync();  // what was written for measuring must not hold up the syncs that are measured next
      StartServer();
      g.wire_bytes_per_line = wire_bytes_ / lines_;
      cpu_before = server_->cpu_seconds();
      lines_before = lines_;
      std::printf(
          "at %.1f M lines: %.3f µs/line, %.2f M lines/s, %.0f MB resident, %.1f B/line on disk, "
          "restart %.2f s, after kill -9 %.2f s, submit p50 %.2f ms, p99.9 %.2f ms\n",
          g.lines / 1e6, g.cpu_us_per_line, g.wall_rate / 1e6, g.resident_mb, g.disk_bytes_per_line,
          g.restart_seconds, g.restart_after_kill_seconds, g.submit_p50_ms, g.submit_p999_ms);
      std::fflush(stdout);
      results_.growth.push_back(g);
    }
    auto one = [](double v) {
      Sample s;
      s.Add(v);
      return s;
    };
    const std::vector<GrowthPoint>& g = results_.growth;
    const std::string at = absl::StrFormat("%.1f M lines", g[2].lines / 1e6);
    results_.Add({"restart_seconds_10m", absl::StrCat("restart to ready, ", at, ", s"), "", "",
                  one(g[2].restart_seconds), 1, 0, false});
    results_.Add({"rss_mb_10m", absl::StrCat("resident memory, ", at, ", MB"), "", "",
                  one(g[2].resident_mb), 600, 0, false});
    results_.Add({"disk_vs_wire", "bytes on disk after compaction against the wire",
                  absl::StrFormat("%.1f B a line", g[3].compacted_bytes_per_line),
                  absl::StrFormat("%.1f B", g[3].wire_bytes_per_line),
                  one(g[3].compacted_bytes_per_line / g[3].wire_bytes_per_line), 0.6, 0, false});
    results_.Add({"growth_20m_vs_1m",
                  absl::StrFormat("cost per line at %.1f M lines against at %.1f M",
                                  g[3].lines / 1e6, g[0].lines / 1e6),
                  absl::StrFormat("%.1f arena parses of a line (%.2f µs)", g[3].parses_per_line,
                                  g[3].cpu_us_per_line),
                  absl::StrFormat("%.1f (%.2f µs)", g[0].parses_per_line, g[0].cpu_us_per_line),
                  one(g[3].parses_per_line / g[0].parses_per_line), 1.15, 0, false});
  }

  // Submits of 100 lines one at a time, beside a stream at `rate` lines a second.
  void HalfLoad(double rate, double lines, GrowthPoint* g) {
    const Frames load = Make(lines, 0);
    std::vector<sub::SubmitBudgetRequest> probes;
    for (auto& f : Make(options_.quick ? 100000 : 300000, 100)) probes.push_back(f.budget());
    std::atomic<bool> loading{true};
    std::thread loader([&] {
      Stream(server_->port(), load, rate);
      loading = false;
    });
    const auto stub = sub::SubmissionService::NewStub(Connect(server_->port()));
    Sample latency;
    size_t i = 0;
    for (; loading && i < probes.size(); ++i) {
      const absl::Time start = absl::Now();
      grpc::ClientContext context;
      sub::SubmitBudgetResponse response;
      if (!stub->SubmitBudget(&context, probes[i], &response).ok()) Die("a submit failed");
      latency.Add(absl::ToDoubleMilliseconds(absl::Now() - start));
    }
    loader.join();
    for (; i < probes.size(); ++i) {  // not sent
      lines_ -= probes[i].line_items_size();
      wire_bytes_ -= static_cast<double>(probes[i].ByteSizeLong());
    }
    g->submit_p50_ms = latency.median();
    g->submit_p999_ms = latency.Quantile(0.999);
  }

  void WaitVisible() {
    const auto totals = agg::AggregationService::NewStub(Connect(server_->port()));
    const auto stub = sub::SubmissionService::NewStub(Connect(server_->port()));
    auto one = Make(1, 1);
    grpc::ClientContext context;
    sub::SubmitBudgetResponse receipt;
    if (!stub->SubmitBudget(&context, one[0].budget(), &receipt).ok()) Die("a submit failed");
    agg::GetTotalRequest request = PointTotal();
    request.mutable_consistency()->set_at_least(receipt.position());
    agg::GetTotalResponse response;
    grpc::ClientContext read;
    if (!totals->GetTotal(&read, request, &response).ok()) Die("a read failed");
  }

  std::unique_ptr<storage::LogDirectory> OpenLog() {
    storage::LogDirectory::Options options;
    options.directory = data_dir();
    options.log.ordered_kinds = storage::kLogOrderedKinds;
    auto opened = storage::LogDirectory::Open(std::move(options));
    if (!opened.ok()) Die(opened.status().ToString());
    return *std::move(opened);
  }

  // All totals from the first event, against parsing the same lines as protobuf messages.
  void Rebuild(GrowthPoint* g, bool goal) {
    const std::unique_ptr<storage::LogDirectory> opened = OpenLog();
    storage::RocksOptions options;
    options.path = directory_ + "/rebuilt";
    options.wal = false;
    options.ordered_kinds = storage::kTotalsOrderedKinds;
    std::filesystem::remove_all(options.path);
    auto kv = storage::RocksKv::Open(options);
    if (!kv.ok()) Die(kv.status().ToString());
    auto store = storage::TotalsStore::Open(**kv);
    if (!store.ok()) Die(store.status().ToString());
    auto projector =
        services::Projector::Open(opened->log(), **store, services::Projector::Options());
    if (!projector.ok()) Die(projector.status().ToString());
    const absl::Time start = absl::Now();
    while ((*projector)->folded() < opened->log().head().position) {
      if (!(*projector)->Step(1024).ok()) Die("fold failed");
    }
    g->rebuild_rate = lines_ / SecondsSince(start);
    kv->reset();
    std::filesystem::remove_all(options.path);
    if (!goal) return;
    sub::SubmitBudgetRequest budget;
    province_.Fill(0, 1000, 0, &budget);
    Sample ratio;
    const double parse = ParseRate(budget);
    ratio.Add(g->rebuild_rate / parse);
    results_.Add({"rebuild_vs_parse",
                  absl::StrFormat("rebuild of all totals from the log, %.1f M lines, against an "
                                  "arena parse on one core (or 2 M/s)",
                                  lines_ / 1e6),
                  Rate(g->rebuild_rate), Rate(parse), ratio,
                  // 2 M/s is enough, whatever the machine parses.
                  g->rebuild_rate >= 2e6 ? std::min(0.5, ratio.median()) : 0.5, 0, true});
  }

  void Compact(GrowthPoint* g) {
    {
      const std::unique_ptr<storage::LogDirectory> opened = OpenLog();
      if (!opened->log_store().Compact().ok() || !opened->ledger_store().Compact().ok() ||
          !opened->Settle().ok())
        Die("compaction failed");
    }
    storage::RocksOptions options;
    options.path = data_dir() + "/totals";
    options.wal = false;
    options.ordered_kinds = storage::kTotalsOrderedKinds;
    auto kv = storage::RocksKv::Open(options);
    if (!kv.ok() || !(*kv)->Compact().ok()) Die("compaction failed");
    kv->reset();
    g->compacted_bytes_per_line = DirectoryBytes(data_dir()) / lines_;
  }

  agg::GetTotalRequest PointTotal() {
    agg::GetTotalRequest request;
    request.mutable_filter()->set_division_code("140000");
    request.mutable_filter()->set_fiscal_year(Province::kYear);
    request.mutable_filter()->set_stage(budget::v1::STAGE_REQUESTED);  // the first stated
    request.mutable_filter()->set_direction(budget::v1::DIRECTION_EXPENDITURE);
    request.mutable_filter()->set_functional_code("2080505");
    return request;
  }

  void Reads() {
    const int count = options_.quick ? 2000 : 10000;
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
    Latencies(500, echo);
    Latencies(500, point);
    const int64_t head = std::atoll(position.c_str());
    Sample point_ratio, past_ratio, e, p, old;
    for (int round = 0; round < 5; ++round) {
      const Sample echo_us = Latencies(count / 5, echo), point_us = Latencies(count / 5, point);
      // In the first half of the log: that many lines back at least.
      agg::GetTotalRequest past = request;
      const Sample past_us = Latencies(count / 5, [&](int i) {
        past.mutable_consistency()->set_exactly(
            absl::StrCat(head / 10 + (int64_t{i} * 7919 + round * 131) % (head * 4 / 10)));
        grpc::ClientContext context;
        agg::GetTotalResponse response;
        return totals->GetTotal(&context, past, &response).ok();
      });
      point_ratio.Add(point_us.median() / echo_us.median());
      past_ratio.Add(past_us.Quantile(0.99) / point_us.Quantile(0.99));
      for (double v : echo_us.values) e.Add(v);
      for (double v : point_us.values) p.Add(v);
      for (double v : past_us.values) old.Add(v);
    }
    results_.Add({"point_total_vs_echo_p50", "point total against unary echo, p50",
                  absl::StrFormat("%.0f µs (p99 %.0f)", p.median(), p.Quantile(0.99)),
                  absl::StrFormat("%.0f µs (p99 %.0f)", e.median(), e.Quantile(0.99)), point_ratio,
                  1.2, 0, false});
    results_.Add({"as_of_vs_current_p99",
                  absl::StrFormat("a total as of a position at least %.1f M lines back against the "
                                  "current one, p99",
                                  lines_ / 2e6),
                  absl::StrFormat("%.0f µs (p50 %.0f)", old.Quantile(0.99), old.median()),
                  absl::StrFormat("%.0f µs", p.Quantile(0.99)), past_ratio, 2, 0, false});
    auto list = [&](const std::string& what, int repeats,
                    std::vector<std::pair<agg::Dimension, int>> by, bool past) {
      agg::ListTotalsRequest r;
      *r.mutable_filter() = request.filter();
      r.mutable_filter()->clear_functional_code();
      r.set_page_size(10000);
      for (const auto& [dimension, depth] : by) {
        r.add_group_by()->set_dimension(dimension);
        r.mutable_group_by(r.group_by_size() - 1)->set_depth(depth);
      }
      if (past) r.mutable_consistency()->set_exactly(absl::StrCat(head / 3));
      int rows = 0;
      const Sample us = Latencies(repeats, [&](int) {
        grpc::ClientContext context;
        agg::ListTotalsResponse response;
        const grpc::Status status = totals->ListTotals(&context, r, &response);
        if (!status.ok()) std::fprintf(stderr, "%s\n", status.error_message().c_str());
        rows = response.totals_size();
        return status.ok();
      });
      results_.Note(what, absl::StrFormat("%d rows, p50 %.2f ms, p99 %.2f ms", rows,
                                          us.median() / 1000, us.Quantile(0.99) / 1000));
    };
    list("province by functional, all levels", 200, {{agg::DIMENSION_FUNCTIONAL, 0}}, false);
    list("the same, two thirds of the log back", 200, {{agg::DIMENSION_FUNCTIONAL, 0}}, true);
    list("province by division, all levels", 50, {{agg::DIMENSION_DIVISION, 0}}, false);
    list(
        "pivot by functional 类 and department's economic 类 over the leaf cells of 20,000 "
        "agencies",
        3, {{agg::DIMENSION_FUNCTIONAL, 1}, {agg::DIMENSION_DEPT_ECONOMIC, 1}}, false);
    Tables(request.filter());
  }

  // The 13 tables of the whole province: rows for each unit and project among them.
  void Tables(const agg::TotalFilter& filter) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    const auto stub = dis::DisclosureService::NewStub(
        grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", server_->port()),
                                  grpc::InsecureChannelCredentials(), arguments));
    dis::GetTablesRequest request;
    request.mutable_subject()->set_division_code(filter.division_code());
    request.mutable_subject()->set_fiscal_year(filter.fiscal_year());
    request.mutable_subject()->set_stage(filter.stage());
    int rows = 0;
    size_t bytes = 0;
    const Sample us = Latencies(3, [&](int) {
      grpc::ClientContext context;
      dis::GetTablesResponse response;
      const grpc::Status status = stub->GetTables(&context, request, &response);
      if (!status.ok()) std::fprintf(stderr, "%s\n", status.error_message().c_str());
      rows = 0;
      bytes = response.ByteSizeLong();
      for (const dis::StatutoryTable& table : response.tables()) rows += table.rows_size();
      return status.ok();
    });
    results_.Note(
        "the 13 tables of the province, from the leaf cells of 20,000 agencies",
        absl::StrFormat("%d rows, %.1f MB, p50 %.0f ms", rows, bytes / 1e6, us.median() / 1000));
  }

  // From a receipt to a total that counts it, at half load.
  void Visible() {
    Loads warm;
    for (int round = 0; round < 3; ++round) Load(Make(options_.quick ? 100000 : 300000, 0), &warm);
    // The slowest: what is measured beside a load hangs on the load.
    const double rate = warm.rate.Quantile(0);
    results_.Note("lines a second before half load is set, three times, to the last total",
                  absl::StrCat(Rate(rate), " … ", Rate(warm.rate.Quantile(1))));
    const Frames load = Make(rate * (options_.quick ? 1.5 : 4), 0);
    std::atomic<bool> loading{true};
    std::thread loader([&] {
      Stream(server_->port(), load, rate / 2);
      loading = false;
    });
    const auto channel = Connect(server_->port());
    const auto stub = sub::SubmissionService::NewStub(channel);
    const auto totals = agg::AggregationService::NewStub(channel);
    Sample lag;
    while (loading) {
      const Frames one = Make(100, 100);
      sub::SubmitBudgetResponse receipt;
      grpc::ClientContext context;
      if (!stub->SubmitBudget(&context, one[0].budget(), &receipt).ok()) Die("submit failed");
      const absl::Time start = absl::Now();
      agg::GetTotalRequest total = PointTotal();
      total.mutable_consistency()->set_at_least(receipt.position());
      agg::GetTotalResponse response;
      grpc::ClientContext read;
      read.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
      if (!totals->GetTotal(&read, total, &response).ok()) Die("read failed");
      lag.Add(absl::ToDoubleMilliseconds(absl::Now() - start));
    }
    loader.join();
    Sample p99;
    p99.Add(lag.Quantile(0.99));
    results_.Add({"visible_p99_ms",
                  "receipt to visible total, the read included, p99 at half load, ms",
                  absl::StrFormat("p50 %.2f ms, load %s lines", lag.median(), Rate(rate / 2)), "",
                  p99, 10, 0, false});
  }

  void Verify() {
    const auto admin = admin::v1::AdminService::NewStub(Connect(server_->port()));
    admin::v1::VerifyResponse response;
    grpc::ClientContext context;
    const absl::Time start = absl::Now();
    const grpc::Status status = admin->Verify(&context, {}, &response);
    if (!status.ok() || !response.ok()) {
      for (const std::string& d : response.differences()) std::fprintf(stderr, "%s\n", d.c_str());
      Die(absl::StrCat("verify does not agree: ", status.error_message()));
    }
    results_.Note(
        "admin verify agrees",
        absl::StrFormat("%d events, %d lines, %d cells, %.1f s", response.event_count(),
                        response.line_count(), response.cell_count(), SecondsSince(start)));
    if (static_cast<double>(response.line_count()) != lines_)
      Die(absl::StrFormat("verify counts %d lines, %.0f were acknowledged", response.line_count(),
                          lines_));
  }

  const Options options_;
  const std::string self_;
  const Province province_;
  Results results_;
  std::string directory_;
  std::unique_ptr<ServerProcess> null_, null_parsed_, server_;
  // The next budget nobody stated yet, and the order they come in, one for a store.
  uint64_t next_ = 0;
  Arrival arrival_ = Arrival::kByCounty;
  double lines_ = 0, wire_bytes_ = 0;
};

}  // namespace
}  // namespace fiscal::bench

int main(int argc, char** argv) {
  fiscal::bench::Options options;
  for (int i = 1; i < argc; ++i) {
    const bool more = i + 1 < argc;
    if (std::strcmp(argv[i], "--quick") == 0) {
      options.quick = true;
    } else if (std::strcmp(argv[i], "--json") == 0 && more) {
      options.json = argv[++i];
    } else if (std::strcmp(argv[i], "--report") == 0 && more) {
      options.report = argv[++i];
    } else if (std::strcmp(argv[i], "--postgres") == 0 && more) {
      options.postgres = argv[++i];
    } else if (std::strcmp(argv[i], "--peers") == 0 && more) {
      options.peers = argv[++i];
    } else if (std::strcmp(argv[i], "--commit") == 0 && more) {
      options.commit = argv[++i];
    } else if (std::strcmp(argv[i], "--only") == 0 && more) {
      options.only = argv[++i];
    } else if (std::strcmp(argv[i], "--serve-null") == 0 && more) {
      return fiscal::bench::ServeNull(std::strcmp(argv[++i], "parse") == 0);
    } else {
      std::fprintf(stderr,
                   "usage: fiscal-bench [--quick] [--json FILE] [--report DIR] [--postgres DIR] "
                   "[--peers PYTHON] [--commit ID] [--only PHASE]\n");
      return 2;
    }
  }
#ifndef FISCAL_BENCH_POSTGRES
  if (!options.postgres.empty()) {
    std::fprintf(stderr, "fiscal-bench: built without libpq\n");
    return 2;
  }
#endif
  bool known = options.only.empty();
  for (const char* phase :
       {"bulk", "singles", "amendments", "arrivals", "growth", "reads", "watchers"})
    known = known || options.only == phase;
  if (!known) {
    std::fprintf(stderr,
                 "fiscal-bench: --only %s: bulk, singles, amendments, arrivals, growth, reads or "
                 "watchers\n",
                 options.only.c_str());
    return 2;
  }
  if (options.quick) std::printf("quick: sizes are scaled down\n");
  const std::string self = std::filesystem::canonical("/proc/self/exe").string();
  fiscal::bench::Bench(options, self).Run();
  return 0;
}
