// fiscal-soak [--minutes N] [--rate LINES] [--watchers N] [--stuck N]
//
// scripts/soak.sh runs it. A server, a thousand watchers, some of which stop reading after their
// snapshot, and changes without end. Readers check what they hear as they hear it. At the end the
// stuck ones read on, and everybody's rows must be those of ListTotals, everybody's positions those
// of the receipts, and a watch replayed from the first token must say the same again. Exits with 1
// when anything differs.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "tests/bench/processes.h"
#include "tests/bench/province.h"
#include "tests/bench/results.h"
#include "tests/bench/watching.h"
#include "tests/support/position.h"

namespace fiscal::bench {
namespace {

namespace agg = fiscal::aggregation::v1;
namespace sub = fiscal::submission::v1;

constexpr int kLines = 100;
constexpr size_t kConnections = 20;
// Watchers whose whole history is replayed, beside the stuck ones.
constexpr size_t kReplayed = 40;

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "fiscal-soak: %s\n", what.c_str());
  std::exit(1);
}

struct Options {
  int minutes = 10;
  double rate = 10000;
  size_t watchers = 1000, stuck = 50;
};

struct Row {
  int64_t amount = 0, precision = 0, lines = 0;
  friend bool operator==(const Row& x, const Row& y) {
    return x.amount == y.amount && x.precision == y.precision && x.lines == y.lines;
  }
};
using Rows = absl::flat_hash_map<std::string, Row>;

std::string KeyOf(const agg::Total& total) {
  std::string key;
  for (const agg::GroupValue& g : total.group())
    absl::StrAppend(&key, g.level(), ":", g.code(), ";");
  return key;
}
Row RowOf(const agg::Total& total) {
  return {total.amount_fen(), total.precision_fen(), total.line_count()};
}

// When receipts came, by position.
class Receipts {
 public:
  explicit Receipts(size_t positions) : times_(positions) {}
  void Add(uint64_t position) {
    if (position < times_.size()) times_[position] = absl::GetCurrentTimeNanos();
  }
  // Milliseconds since the receipt; 0 when there is none yet.
  double Since(uint64_t position) const {
    const int64_t time = position < times_.size() ? times_[position].load() : 0;
    return time == 0 ? 0 : static_cast<double>(absl::GetCurrentTimeNanos() - time) / 1e6;
  }

 private:
  std::vector<std::atomic<int64_t>> times_;
};

// Counts of the minute.
struct Minute {
  absl::Mutex mu;
  int64_t deliveries ABSL_GUARDED_BY(mu) = 0, positions ABSL_GUARDED_BY(mu) = 0;
  Sample lag_ms ABSL_GUARDED_BY(mu);
};

class Violations {
 public:
  void Add(const std::string& what) {
    // The first ones say enough.
    if (++count_ <= 20) absl::PrintF("violation: %s\n", what.c_str());
  }
  int64_t count() const { return count_; }

 private:
  std::atomic<int64_t> count_{0};
};

// What one watcher heard, checked as it comes. Fed by one thread at a time.
class Ear {
 public:
  void Init(std::string name, Violations* violations) {
    name_ = std::move(name);
    violations_ = violations;
  }
  void Hear(const agg::WatchTotalsResponse& response) {
    absl::MutexLock lock(&mu_);
    uint64_t position = 0;
    if (!testing::ReadPosition(response.position(), &position)) Wrong("no position", 0);
    if (response.resume_token().empty()) Wrong("no resume token", position);
    const bool change = response.event() == agg::WATCH_EVENT_CHANGE;
    if (change ? position <= position_ : position < position_) {
      Wrong(absl::StrCat(agg::WatchEvent_Name(response.event()), " after position ", position_),
            position);
    }
    position_ = position;
    if (response.event() == agg::WATCH_EVENT_SNAPSHOT) {
      token_ = response.resume_token();
      for (const agg::TotalChange& c : response.changes())
        rows_[KeyOf(c.total())] = RowOf(c.total());
    }
    if (response.event() == agg::WATCH_EVENT_CAUGHT_UP) caught_up_ = true;
    if (response.event() == agg::WATCH_EVENT_FELL_BEHIND) ++fell_behind_;
    if (!change) return;
    if (response.changes().empty()) Wrong("a change of nothing", position);
    for (const agg::TotalChange& c : response.changes()) {
      Row& row = rows_[KeyOf(c.total())];
      const Row now = RowOf(c.total());
      if (row == now) Wrong(absl::StrCat("row ", KeyOf(c.total()), " did not change"), position);
      row = now;
      if (now == Row()) rows_.erase(KeyOf(c.total()));
    }
    heard_.push_back(position);
  }

  const std::string& name() const { return name_; }
  uint64_t position() const {
    absl::MutexLock lock(&mu_);
    return position_;
  }
  bool caught_up() const {
    absl::MutexLock lock(&mu_);
    return caught_up_;
  }
  int64_t fell_behind() const {
    absl::MutexLock lock(&mu_);
    return fell_behind_;
  }
  // Of the snapshot.
  std::string token() const {
    absl::MutexLock lock(&mu_);
    return token_;
  }
  Rows rows() const {
    absl::MutexLock lock(&mu_);
    return rows_;
  }
  std::vector<uint64_t> heard() const {
    absl::MutexLock lock(&mu_);
    return heard_;
  }

 private:
  void Wrong(absl::string_view what, uint64_t position) {
    violations_->Add(absl::StrCat(name_, ", at ", position, ": ", what));
  }
  std::string name_;
  Violations* violations_ = nullptr;
  mutable absl::Mutex mu_;
  uint64_t position_ ABSL_GUARDED_BY(mu_) = 0;
  bool caught_up_ ABSL_GUARDED_BY(mu_) = false;
  int64_t fell_behind_ ABSL_GUARDED_BY(mu_) = 0;
  std::string token_ ABSL_GUARDED_BY(mu_);
  Rows rows_ ABSL_GUARDED_BY(mu_);
  std::vector<uint64_t> heard_ ABSL_GUARDED_BY(mu_);
};

class Soak {
 public:
  Soak(Options options, const std::string& self)
      : options_(options),
        self_(self),
        province_("."),
        places_(PlacesOf(province_, options.watchers)),
        covered_(CoveredBy(province_, places_)),
        changes_(static_cast<size_t>(options.rate / kLines * 60 * options.minutes)),
        receipts_(changes_ + 1000000),
        ears_(places_.size()),
        expected_(places_.size()) {
    directory_ =
        (std::filesystem::temp_directory_path() / absl::StrCat("fiscal-soak-", getpid())).string();
    std::filesystem::create_directories(directory_);
  }
  ~Soak() {
    watches_.clear();
    server_.reset();
    std::filesystem::remove_all(directory_);
  }

  bool Run() {
    Load();
    Open();
    Change();
    Level();
    Compare();
    Replay();
    Verify();
    const double grown = last_mb_ - first_mb_;
    const bool good = violations_.count() == 0 && lost_ == 0;
    absl::PrintF(
        "%s: %d minutes, %zu watchers, %zu of them stuck; resident memory %.0f MB after the first "
        "minute, %.0f MB after the last (%+.0f MB); lost positions %d, violations %d\n",
        good ? "held" : "FAILED", options_.minutes, places_.size(), stuck_count_, first_mb_,
        last_mb_, grown, lost_, violations_.count());
    return good;
  }

 private:
  void Load() {
    const std::string fiscal = (std::filesystem::path(self_).parent_path() / "fiscal").string();
    server_ = std::make_unique<ServerProcess>(std::vector<std::string>{
        fiscal, "serve", "--data-dir", directory_ + "/data", "--listen", "127.0.0.1:0"});
    const auto catalog = catalog::v1::CatalogService::NewStub(ConnectTo(server_->port()));
    for (const auto& request : province_.Catalog(Province::kYear)) {
      grpc::ClientContext context;
      catalog::v1::ImportCatalogResponse response;
      if (!catalog->ImportCatalog(&context, request, &response).ok())
        Die("the catalog was refused");
    }
    const absl::Time start = absl::Now();
    uint64_t loaded = 0;
    SubmitPaced(
        server_->port(), 1e9, Province::kAgencies,
        [&](size_t i, sub::SubmitBudgetRequest* request) {
          province_.Fill(i, kLines, 0, request);
          return i;
        },
        [&](const bench::Change& change) {
          absl::MutexLock lock(&mu_);
          loaded = std::max(loaded, change.position);
        });
    // Watchers start behind all of it.
    const auto stub = agg::AggregationService::NewStub(ConnectTo(server_->port()));
    agg::ListTotalsRequest request = ListOf(places_[0]);
    request.mutable_consistency()->set_at_least(absl::StrCat(loaded));
    grpc::ClientContext context;
    agg::ListTotalsResponse response;
    if (!stub->ListTotals(&context, request, &response).ok()) Die("a list failed");
    absl::PrintF("loaded %d lines in %.1f s; %.0f MB resident\n", Province::kAgencies * kLines,
                 absl::ToDoubleSeconds(absl::Now() - start), server_->resident_mb());
    std::fflush(stdout);
  }

  void Open() {
    // Every third division, the province among them, which hear most; then departments.
    stuck_.resize(places_.size());
    for (size_t i = 0; i < places_.size() && stuck_count_ < options_.stuck; ++i) {
      stuck_[i] = i % (places_[i].department.empty() ? 3 : 17) == 0;
      if (stuck_[i]) ++stuck_count_;
    }
    std::vector<std::shared_ptr<grpc::Channel>> channels;
    for (size_t i = 0; i < kConnections; ++i) channels.push_back(ConnectTo(server_->port()));
    // The stuck take in 64 KB each and no more.
    const auto narrow = ConnectTo(server_->port(), /*fixed_window=*/true);
    watches_.resize(places_.size());
    for (size_t i = 0; i < places_.size(); ++i) {
      const Place& p = places_[i];
      ears_[i].Init(absl::StrCat("watcher ", i, " of ", p.division, " ", p.department),
                    &violations_);
      watches_[i] = std::make_unique<WatchClient>(
          stuck_[i] ? narrow : channels[i % kConnections], WatchOf(p),
          [this, i](const agg::WatchTotalsResponse& response) { return Heard(i, response); });
    }
    auto open = [&] {
      for (size_t i = 0; i < ears_.size(); ++i) {
        if (stuck_[i] ? ears_[i].token().empty() : !ears_[i].caught_up()) return false;
      }
      return true;
    };
    WaitFor("the watchers to be level", open);
  }

  bool Heard(size_t i, const agg::WatchTotalsResponse& response) {
    ears_[i].Hear(response);
    if (response.event() == agg::WATCH_EVENT_CHANGE && !catching_up_) {
      uint64_t position = 0;
      (void)testing::ReadPosition(response.position(), &position);
      const double lag = receipts_.Since(position);
      absl::MutexLock lock(&minute_.mu);
      ++minute_.deliveries;
      minute_.lag_ms.Add(lag);
    }
    return !stuck_[i] || catching_up_;
  }

  void WaitFor(const char* what, const std::function<bool()>& done) {
    for (const absl::Time start = absl::Now(); !done();) {
      if (absl::Now() - start > absl::Minutes(5)) Die(absl::StrCat("waited in vain for ", what));
      absl::SleepFor(absl::Milliseconds(20));
    }
  }

  void Change() {
    absl::PrintF(
        "minute  resident MB  positions/s  lines/s  deliveries/s  lag ms p50   p99    max\n");
    std::atomic<bool> changing{true};
    std::thread changer([&] {
      SubmitPaced(
          server_->port(), options_.rate / kLines, changes_,
          [&](size_t i, sub::SubmitBudgetRequest* request) {
            const size_t agency = i * 7919 % Province::kAgencies;
            province_.Fill(agency, kLines, 1 + i, request);
            return agency;
          },
          [&](const bench::Change& change) {
            receipts_.Add(change.position);
            {
              absl::MutexLock lock(&minute_.mu);
              ++minute_.positions;
            }
            absl::MutexLock lock(&mu_);
            for (uint32_t watcher : covered_[change.agency])
              expected_[watcher].push_back(change.position);
          });
      changing = false;
    });
    absl::Time last = absl::Now();
    for (int minute = 1; changing; ++minute) {
      while (changing && absl::Now() < last + absl::Minutes(1))
        absl::SleepFor(absl::Milliseconds(50));
      const double seconds = absl::ToDoubleSeconds(absl::Now() - last);
      // What is left over after the last whole minute says nothing.
      if (seconds < 30 && minute > 1) break;
      last = absl::Now();
      last_mb_ = server_->resident_mb();
      if (minute == 1) first_mb_ = last_mb_;
      absl::MutexLock lock(&minute_.mu);
      const double positions = static_cast<double>(minute_.positions) / seconds;
      absl::PrintF("%6d  %11.0f  %11.1f  %7.0f  %12.1f  %10.2f  %6.2f  %6.2f\n", minute, last_mb_,
                   positions, positions * kLines, static_cast<double>(minute_.deliveries) / seconds,
                   minute_.lag_ms.Quantile(0.5), minute_.lag_ms.Quantile(0.99),
                   minute_.lag_ms.Quantile(1));
      std::fflush(stdout);
      minute_.positions = minute_.deliveries = 0;
      minute_.lag_ms.values.clear();
    }
    changer.join();
  }

  // The stuck read on; everybody hears the last position.
  void Level() {
    for (auto& positions : expected_) std::sort(positions.begin(), positions.end());
    const absl::Time start = absl::Now();
    catching_up_ = true;
    for (auto& watch : watches_) watch->ReadOn();
    WaitFor("everybody to be level", [&] {
      for (size_t i = 0; i < ears_.size(); ++i) {
        if (!expected_[i].empty() && ears_[i].position() < expected_[i].back()) return false;
      }
      return true;
    });
    int64_t fell_behind = 0;
    size_t positions = 0;
    for (size_t i = 0; i < ears_.size(); ++i) {
      fell_behind += ears_[i].fell_behind();
      if (stuck_[i]) positions += expected_[i].size();
    }
    absl::PrintF(
        "the stuck caught up with %zu positions in %.1f s (%d fell behind); %.0f MB resident\n",
        positions, absl::ToDoubleSeconds(absl::Now() - start), fell_behind, server_->resident_mb());
    std::fflush(stdout);
  }

  // Rows against ListTotals, positions against receipts.
  void Compare() {
    const auto stub = agg::AggregationService::NewStub(ConnectTo(server_->port()));
    size_t positions = 0, rows = 0;
    for (size_t i = 0; i < ears_.size(); ++i) {
      const std::vector<uint64_t> heard = ears_[i].heard();
      lost_ += Missing(expected_[i], heard);
      if (heard != expected_[i]) {
        violations_.Add(absl::StrCat(ears_[i].name(), ": heard ", heard.size(), " positions, ",
                                     expected_[i].size(), " receipts concern it"));
      }
      positions += heard.size();
      agg::ListTotalsRequest request = ListOf(places_[i]);
      request.mutable_consistency()->set_exactly(absl::StrCat(ears_[i].position()));
      grpc::ClientContext context;
      agg::ListTotalsResponse response;
      const grpc::Status status = stub->ListTotals(&context, request, &response);
      if (!status.ok()) Die(absl::StrCat("a list failed: ", status.error_message()));
      Rows listed;
      for (const agg::Total& total : response.totals()) listed[KeyOf(total)] = RowOf(total);
      if (listed != ears_[i].rows())
        violations_.Add(absl::StrCat(ears_[i].name(), ": its rows are not those of ListTotals"));
      rows += listed.size();
    }
    absl::PrintF("compared %zu positions with the receipts and %zu rows with ListTotals\n",
                 positions, rows);
    std::fflush(stdout);
  }

  static int64_t Missing(const std::vector<uint64_t>& all, const std::vector<uint64_t>& heard) {
    std::vector<uint64_t> missing;
    std::set_difference(all.begin(), all.end(), heard.begin(), heard.end(),
                        std::back_inserter(missing));
    return static_cast<int64_t>(missing.size());
  }

  // From the first token: what is read from history is what was heard live.
  void Replay() {
    const auto channel = ConnectTo(server_->port());
    const auto stub = agg::AggregationService::NewStub(channel);
    const absl::Time start = absl::Now();
    size_t watchers = 0, positions = 0;
    for (size_t i = 0; i < ears_.size(); ++i) {
      const bool sampled = i < 13 || i % (ears_.size() / kReplayed + 1) == 0;
      if (!stuck_[i] && !sampled) continue;
      const std::vector<uint64_t> heard = ears_[i].heard();
      agg::WatchTotalsRequest request = WatchOf(places_[i]);
      request.set_resume_token(ears_[i].token());
      grpc::ClientContext context;
      const auto reader = stub->WatchTotals(&context, request);
      agg::WatchTotalsResponse response;
      std::vector<uint64_t> replayed;
      bool level = false;
      while (!level && reader->Read(&response)) {
        level = response.event() == agg::WATCH_EVENT_CAUGHT_UP;
        if (response.event() != agg::WATCH_EVENT_CHANGE) continue;
        uint64_t position = 0;
        (void)testing::ReadPosition(response.position(), &position);
        replayed.push_back(position);
      }
      context.TryCancel();
      while (reader->Read(&response)) continue;
      (void)reader->Finish();
      lost_ += Missing(replayed, heard);
      if (!level || replayed != heard) {
        violations_.Add(absl::StrCat(ears_[i].name(), ": replayed ", replayed.size(),
                                     " positions, heard ", heard.size()));
      }
      ++watchers;
      positions += replayed.size();
    }
    absl::PrintF("replayed %zu watchers' %zu positions from their first tokens in %.1f s\n",
                 watchers, positions, absl::ToDoubleSeconds(absl::Now() - start));
    std::fflush(stdout);
  }

  void Verify() {
    const auto admin = admin::v1::AdminService::NewStub(ConnectTo(server_->port()));
    admin::v1::VerifyResponse response;
    grpc::ClientContext context;
    const grpc::Status status = admin->Verify(&context, {}, &response);
    if (!status.ok()) Die(absl::StrCat("verify failed: ", status.error_message()));
    for (const std::string& d : response.differences())
      violations_.Add(absl::StrCat("verify: ", d));
    if (!response.ok()) violations_.Add("verify does not agree");
    absl::PrintF("verify: %d events, %d lines, %d cells\n", response.event_count(),
                 response.line_count(), response.cell_count());
  }

  const Options options_;
  const std::string self_;
  const Province province_;
  const std::vector<Place> places_;
  const std::vector<std::vector<uint32_t>> covered_;
  const size_t changes_;
  Receipts receipts_;
  Violations violations_;
  std::vector<Ear> ears_;
  Minute minute_;
  std::vector<bool> stuck_;
  size_t stuck_count_ = 0;
  std::atomic<bool> catching_up_{false};
  absl::Mutex mu_;
  // By watcher, the positions that concern it; read without mu_ once all are answered.
  std::vector<std::vector<uint64_t>> expected_;
  std::string directory_;
  std::unique_ptr<ServerProcess> server_;
  std::vector<std::unique_ptr<WatchClient>> watches_;
  double first_mb_ = 0, last_mb_ = 0;
  int64_t lost_ = 0;
};

}  // namespace
}  // namespace fiscal::bench

int main(int argc, char** argv) {
  fiscal::bench::Options options;
  for (int i = 1; i < argc; ++i) {
    const bool more = i + 1 < argc;
    if (std::strcmp(argv[i], "--minutes") == 0 && more) {
      options.minutes = std::max(1, std::atoi(argv[++i]));
    } else if (std::strcmp(argv[i], "--rate") == 0 && more) {
      options.rate = std::max(100.0, std::atof(argv[++i]));
    } else if (std::strcmp(argv[i], "--watchers") == 0 && more) {
      options.watchers = static_cast<size_t>(std::max(1, std::atoi(argv[++i])));
    } else if (std::strcmp(argv[i], "--stuck") == 0 && more) {
      options.stuck = static_cast<size_t>(std::max(0, std::atoi(argv[++i])));
    } else {
      std::fprintf(stderr,
                   "usage: fiscal-soak [--minutes N] [--rate LINES] [--watchers N] [--stuck N]\n");
      return 2;
    }
  }
  const std::string self = std::filesystem::canonical("/proc/self/exe").string();
  return fiscal::bench::Soak(options, self).Run() ? 0 : 1;
}
