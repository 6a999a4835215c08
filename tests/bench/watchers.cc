#include "tests/bench/watchers.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "tests/bench/watching.h"
#include "tests/support/position.h"

namespace fiscal::bench {
namespace {

namespace agg = fiscal::aggregation::v1;
namespace sub = fiscal::submission::v1;

constexpr size_t kWatchers = 1000;
constexpr int kConnections = 10;

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "fiscal-bench: watchers: %s\n", what.c_str());
  std::exit(1);
}

// Waits until `done()`, a minute at most.
void WaitFor(const char* what, const std::function<bool()>& done) {
  for (const absl::Time start = absl::Now(); !done();) {
    if (absl::Now() - start > absl::Minutes(1)) Die(absl::StrCat("waited in vain for ", what));
    absl::SleepFor(absl::Milliseconds(5));
  }
}

// Watchers that only count what they hear, over a few connections or one each.
class IdleWatchers {
 public:
  IdleWatchers(int port, const std::vector<Place>& places, size_t connections) {
    std::vector<std::shared_ptr<grpc::Channel>> channels;
    for (size_t i = 0; i < connections; ++i) channels.push_back(ConnectTo(port));
    for (size_t i = 0; i < places.size(); ++i) {
      watches_.push_back(
          std::make_unique<WatchClient>(channels[i % connections], WatchOf(places[i]),
                                        [this](const agg::WatchTotalsResponse& response) {
                                          if (response.event() == agg::WATCH_EVENT_CAUGHT_UP)
                                            ++level_;
                                          return true;
                                        }));
    }
    WaitFor("watchers to be level", [&] { return level_ == places.size(); });
  }

 private:
  std::atomic<size_t> level_{0};
  std::vector<std::unique_ptr<WatchClient>> watches_;
};

void MeasureMemory(const ServerProcess& server, const std::vector<Place>& places,
                   Results* results) {
  // What the questions read is kept for whoever asks next: that is not the watchers'.
  int64_t rows = 0;
  const auto stub = agg::AggregationService::NewStub(ConnectTo(server.port()));
  for (const Place& place : places) {
    grpc::ClientContext context;
    agg::ListTotalsResponse response;
    if (!stub->ListTotals(&context, ListOf(place), &response).ok()) Die("a list failed");
    rows += response.totals_size();
  }
  auto settled = [&] {
    absl::SleepFor(absl::Seconds(1));
    return server.resident_mb();
  };
  Sample kb;
  {
    std::vector<std::unique_ptr<IdleWatchers>> idle;
    double before = settled();
    for (int round = 0; round < 3; ++round) {
      idle.push_back(std::make_unique<IdleWatchers>(server.port(), places, kConnections));
      const double after = settled();
      kb.Add((after - before) * 1024 / static_cast<double>(places.size()));
      before = after;
    }
  }
  results->Add({"watcher_kb",
                absl::StrFormat("server's memory per idle watcher, 1,000 more, three times, %.0f "
                                "rows each on average, KB",
                                static_cast<double>(rows) / static_cast<double>(places.size())),
                absl::StrFormat("%d connections for each 1,000", kConnections), "", kb, 32, 0,
                false});
  // Closed watchers' memory is used again: the connections' share shows only in the last figure.
  const double before = settled();
  IdleWatchers apart(server.port(), places, places.size());
  results->Note(
      "server's memory, 1,000 watchers with a connection each instead of 3,000 with 30 in all",
      absl::StrFormat("%+.1f MB", settled() - before));
}

// One watcher's deliveries.
struct Deliveries {
  absl::Mutex mu;
  std::vector<std::pair<uint64_t, absl::Time>> heard ABSL_GUARDED_BY(mu);
};

struct Lags {
  Sample receipt_ms, submit_ms;
  double changes_rate = 0, deliveries_rate = 0;
};

// Submits and waits until whoever watches heard of everything.
Lags MeasureLag(const ServerProcess& server, const std::vector<Place>& places,
                const std::vector<std::vector<uint32_t>>& covered, double rate, size_t count,
                const std::function<size_t(size_t, sub::SubmitBudgetRequest*)>& make) {
  std::vector<Deliveries> deliveries(places.size());
  std::atomic<size_t> level{0}, delivered{0};
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < kConnections; ++i) channels.push_back(ConnectTo(server.port()));
  std::vector<std::unique_ptr<WatchClient>> watches;
  for (size_t i = 0; i < places.size(); ++i) {
    watches.push_back(
        std::make_unique<WatchClient>(channels[i % kConnections], WatchOf(places[i]),
                                      [&, i](const agg::WatchTotalsResponse& response) {
                                        if (response.event() == agg::WATCH_EVENT_CAUGHT_UP) ++level;
                                        if (response.event() != agg::WATCH_EVENT_CHANGE)
                                          return true;
                                        const absl::Time now = absl::Now();
                                        uint64_t position = 0;
                                        if (!testing::ReadPosition(response.position(), &position))
                                          Die("no position");
                                        absl::MutexLock lock(&deliveries[i].mu);
                                        deliveries[i].heard.emplace_back(position, now);
                                        ++delivered;
                                        return true;
                                      }));
  }
  WaitFor("watchers to be level", [&] { return level == places.size(); });
  absl::Mutex mu;
  std::unordered_map<uint64_t, Change> changes;
  size_t expected = 0;
  const absl::Time start = absl::Now();
  SubmitPaced(server.port(), rate, count, make, [&](const Change& change) {
    absl::MutexLock lock(&mu);
    changes[change.position] = change;
    expected += covered[change.agency].size();
  });
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  WaitFor("changes to be delivered", [&] { return delivered >= expected; });
  watches.clear();
  Lags lags;
  lags.changes_rate = static_cast<double>(count) / seconds;
  lags.deliveries_rate = static_cast<double>(expected) / seconds;
  size_t met = 0;
  for (size_t i = 0; i < places.size(); ++i) {
    absl::MutexLock lock(&deliveries[i].mu);
    for (const auto& [position, time] : deliveries[i].heard) {
      const auto it = changes.find(position);
      if (it == changes.end() ||
          !std::binary_search(covered[it->second.agency].begin(), covered[it->second.agency].end(),
                              static_cast<uint32_t>(i))) {
        Die("a watcher heard of what is not its own");
      }
      ++met;
      // It may come before the receipt.
      lags.receipt_ms.Add(std::max(0.0, absl::ToDoubleMilliseconds(time - it->second.received)));
      lags.submit_ms.Add(absl::ToDoubleMilliseconds(time - it->second.submitted));
    }
  }
  if (met != expected) Die(absl::StrCat(met, " deliveries of ", expected));
  return lags;
}

}  // namespace

void MeasureWatchers(const Province& province, const ServerProcess& server, int lines, bool quick,
                     Results* results) {
  const std::vector<Place> places = PlacesOf(province, kWatchers);
  MeasureMemory(server, places, results);
  const auto covered = CoveredBy(province, places);
  const size_t agencies = province.agencies().size();
  const double seconds = quick ? 3 : 10, rate = 2000;
  const int rounds = quick ? 3 : 5;
  uint64_t salt = 0;
  // Agencies of all divisions take turns, and 2,000 lines a second change, many at a time or each
  // by itself.
  auto agency = [&](size_t i) { return i * 7919 % agencies; };
  auto measure = [&](const char* key, const std::string& what, double changes_rate,
                     const std::function<void(size_t, sub::SubmitBudgetRequest*)>& fill) {
    Sample p50, p99, submit_p50, submit_p99, changes, deliveries;
    for (int round = 0; round < rounds; ++round) {
      ++salt;
      const Lags lags = MeasureLag(server, places, covered, changes_rate,
                                   static_cast<size_t>(changes_rate * seconds),
                                   [&](size_t i, sub::SubmitBudgetRequest* request) {
                                     fill(i, request);
                                     return agency(i);
                                   });
      p50.Add(lags.receipt_ms.Quantile(0.5));
      p99.Add(lags.receipt_ms.Quantile(0.99));
      submit_p50.Add(lags.submit_ms.Quantile(0.5));
      submit_p99.Add(lags.submit_ms.Quantile(0.99));
      changes.Add(lags.changes_rate);
      deliveries.Add(lags.deliveries_rate);
    }
    results->Add({key,
                  absl::StrCat("a change at each of 1,000 watchers it concerns, from its receipt, ",
                               what, ", p99, ms"),
                  absl::StrFormat("p50 %.2f ms; from the submit p50 %.2f, p99 %.2f; %.0f changes, "
                                  "%.0f deliveries/s",
                                  p50.median(), submit_p50.median(), submit_p99.median(),
                                  changes.median(), deliveries.median()),
                  "", p99, 10, 20, false});
  };
  measure("watch_budgets_p99_ms", absl::StrCat("budgets of ", lines, " lines"), rate / lines,
          [&](size_t i, sub::SubmitBudgetRequest* request) {
            province.Fill(agency(i), lines, salt, request);
          });
  measure("watch_patches_p99_ms", "single-line PATCHes", rate,
          [&](size_t i, sub::SubmitBudgetRequest* request) {
            sub::SubmitBudgetRequest whole;
            province.Fill(agency(i), lines, 0, &whole);
            request->set_request_id(absl::StrCat("watched-", salt, "-", i));
            *request->mutable_budget() = whole.budget();
            request->set_mode(sub::WRITE_MODE_PATCH);
            *request->add_line_items() = whole.line_items(static_cast<int>(i) % lines);
            request->mutable_line_items(0)->set_amount_fen(static_cast<int64_t>(salt << 32 | i));
          });
}

}  // namespace fiscal::bench
