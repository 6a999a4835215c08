#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/bench/peer.h"
#include "tests/bench/phases.h"
#include "tests/bench/yardsticks.h"
#ifdef FISCAL_BENCH_POSTGRES
#include "tests/bench/postgres.h"
#endif

namespace fiscal::bench {

namespace sub = fiscal::submission::v1;
namespace {

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
constexpr size_t kPeersBudgets = 20;

// Ours and the other systems take turns, in rounds of their own: their background threads work on
// beside whatever comes next, and end with them.
void MeasurePeers(Bench& b) {
  const int rounds = b.options.quick ? 3 : 5;
  const double size = b.options.quick ? 200000 : 500000;
#ifdef FISCAL_BENCH_POSTGRES
  std::unique_ptr<Postgres> postgres;
  if (!b.options.postgres.empty()) postgres = Postgres::Connect(b.options.postgres, b.province);
  Sample postgres_ratio, postgres_rate;
#endif
  std::vector<PeerRun> peers;
  if (!b.options.peers.empty()) {
    for (const auto& [engine, goal, floor] :
         {std::tuple("clickhouse", 25.0, 15.0), std::tuple("duckdb", 20.0, 12.0)}) {
      peers.push_back({engine, goal, floor,
                       std::make_unique<Peer>(b.options.peers, engine,
                                              absl::StrCat(b.directory, "/", engine), b.province)});
    }
  }
  if (b.options.postgres.empty() && peers.empty()) return;
  int64_t copied_fen = 0;
  for (int round = 0; round < rounds; ++round) {
    const Frames frames = b.Make(size, 1000);
    Loads loads;
    b.Load(frames, &loads);
    const double ours = loads.rate.values.back();
    std::vector<sub::SubmitBudgetRequest> few;
    for (size_t i = 0; i < kPeersBudgets; ++i) {
      few.push_back(frames[i].budget());
      for (const auto& l : few.back().line_items()) copied_fen += l.amount_fen();
    }
    for (PeerRun& peer : peers) peer.Load(few, ours);
#ifdef FISCAL_BENCH_POSTGRES
    if (postgres != nullptr) {
      postgres_rate.Add(1000.0 * kPeersBudgets / postgres->Copy(few));
      postgres_ratio.Add(ours / postgres_rate.values.back());
    }
#endif
  }
  // All of it is of the first year and stage.
  for (PeerRun& run : peers) {
    if (run.peer->Expenditure("140000", Province::kYear, 1) != absl::StrCat(copied_fen))
      Die(absl::StrCat("the cells of ", run.engine, " are not what it took"));
    b.results.Add({absl::StrCat("bulk_vs_", run.engine),
                   absl::StrCat("bulk, 1,000 lines a budget, against ", run.peer->version(),
                                ", a durable insert a statement"),
                   "", run.loads.Say(), run.ratio, run.goal, run.floor, true});
  }
#ifdef FISCAL_BENCH_POSTGRES
  if (postgres != nullptr) {
    if (postgres->Expenditure("140000", Province::kYear, 1) != copied_fen)
      Die("PostgreSQL's cells are not what was copied");
    b.results.Add({"bulk_vs_postgres",
                   absl::StrCat("bulk, 1,000 lines a budget, against PostgreSQL ",
                                postgres->version(), " COPY by 1,000 + statement trigger"),
                   "", Rate(postgres_rate.median()), postgres_ratio, 80, 50, true});
  }
#endif
}

}  // namespace

void MeasureArrivals(Bench& b) {
  const int rounds = b.options.quick ? 3 : 5;
  const double size = b.options.quick ? 200000 : 500000;
  struct Order {
    Arrival arrival;
    const char* key;
    const char* what;
  };
  for (const Order& order : {Order{Arrival::kByCounty, "county", "county by county"},
                             Order{Arrival::kByStreams, "streams", "four places at once"},
                             Order{Arrival::kRandom, "random", "in random order"}}) {
    b.Fresh(order.arrival);
    for (const int each : {100, 0}) {
      const std::string sized = each > 0 ? "100 lines" : "5 to 200 lines";
      Loads loads;
      Sample sink, ratio;
      for (int round = 0; round < rounds; ++round) {
        const Frames frames = b.Make(size, each);
        sink.Add(LinesIn(frames) / Stream(b.null_parsed->port(), frames));
        b.Load(frames, &loads);
        ratio.Add(loads.rate.values.back() / sink.values.back());
      }
      const std::string key = absl::StrCat(order.key, "_", each > 0 ? absl::StrCat(each) : "small");
      const std::string what = absl::StrCat(order.what, ", budgets of ", sized);
      b.results.Add({absl::StrCat(key, "_vs_null_sink"),
                     absl::StrCat(what, ", against the null sink"), loads.Say(),
                     Rate(sink.median()), ratio, 0, 0, true});
      if (order.arrival == Arrival::kRandom && each == 0) {
        b.results.Add({absl::StrCat(key, "_us_a_line"),
                       absl::StrCat(what, ", server's processor time a line, µs"), "", "",
                       loads.cpu, 1.6, 2.2, false});
      }
    }
    b.Verify();
    b.server->Stop();
    b.results.Note(
        absl::StrCat("disk, ", order.what, ", as it happens to be, against the wire"),
        absl::StrFormat("%.2f (%.1f B a line)", DirectoryBytes(b.data_dir()) / b.wire_bytes,
                        DirectoryBytes(b.data_dir()) / b.lines));
  }
}

void MeasureBulk(Bench& b) {
  MeasurePeers(b);
  const int rounds = b.options.quick ? 3 : 5;
  const double size = b.options.quick ? 200000 : 500000;
  for (int each : {1000, 100}) {
    Sample null, ratio, parsed_ratio, parsed, raw, raw_ratio;
    Loads loads;
    Sample& ours = loads.rate;
    for (int round = 0; round < rounds; ++round) {
      const Frames frames = b.Make(size, each);
      const double n = LinesIn(frames);
      null.Add(n / Stream(b.null->port(), frames));
      b.Load(frames, &loads);
      parsed.Add(n / Stream(b.null_parsed->port(), frames));
      raw.Add(n / WriteRaw(b.directory + "/raw", frames, 16));
      ratio.Add(ours.values.back() / null.values.back());
      parsed_ratio.Add(ours.values.back() / parsed.values.back());
      raw_ratio.Add(ours.values.back() / raw.values.back());
    }
    const std::string sized = absl::StrCat(each == 1000 ? "1,000" : "100", " lines a budget");
    b.results.Add({absl::StrCat("bulk_", each, "_vs_null_sink"),
                   absl::StrCat("bulk, ", sized, ", against the null sink"), loads.Say(),
                   Rate(parsed.median()), parsed_ratio, each == 1000 ? 0.55 : 0.45,
                   each == 1000 ? 0.48 : 0.36, true});
    b.results.Add({absl::StrCat("bulk_", each, "_vs_bytes_sink"),
                   absl::StrCat("bulk, ", sized, ", against a sink that doesn't parse"),
                   loads.Say(), Rate(null.median()), ratio, 0, 0, true});
    b.results.Note(absl::StrCat("against raw RocksDB of the same bytes, ", sized),
                   absl::StrFormat("%.2f (%s)", raw_ratio.median(), Rate(raw.median())));
  }
}

}  // namespace fiscal::bench
