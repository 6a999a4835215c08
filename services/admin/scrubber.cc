#include "services/admin/scrubber.h"

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/thread_turn.h"
#include "domain/reason.h"
#include "services/ledger/compare/log_scan.h"
#include "storage/record_codec.h"

namespace fiscal::services {
namespace {

// From the start of one pass to that of the next.
constexpr absl::Duration kPassInterval = absl::Hours(24);
// Between two looks whether somebody still wants it.
constexpr absl::Duration kLook = absl::Milliseconds(100);
constexpr size_t kDamageMax = 100;

}  // namespace

class Scrubber::Pass {
 public:
  Pass(Scrubber& scrubber, int64_t bytes_per_second, const std::function<bool()>& cancelled)
      : scrubber_(scrubber), bytes_per_second_(bytes_per_second), cancelled_(cancelled) {}

  absl::StatusOr<ScrubResult> Run() {
    for (const Store& store : scrubber_.parts_.stores) {
      std::vector<storage::FileDamage> damage;
      FISCAL_RETURN_IF_ERROR(
          store.kv->Scrub([this](size_t bytes) { return Pace(bytes); }, &damage));
      for (const storage::FileDamage& d : damage)
        Found(absl::StrCat(store.name, "/", d.file), d.what);
    }
    const absl::StatusOr<storage::AnchorState> anchor = scrubber_.parts_.anchor->Read();
    if (!anchor.ok()) Found("anchor", std::string(anchor.status().message()));
    FISCAL_RETURN_IF_ERROR(Chain());
    return std::move(result_);
  }

 private:
  void Found(const std::string& file, const std::string& what) {
    logging::Error("stored bytes are damaged", {{"file", file}, {"what", what}});
    if (result_.damage.size() < kDamageMax)
      result_.damage.push_back(absl::StrCat(file, ": ", what));
  }

  // After reading `bytes`: waits as the rate says.
  absl::Status Pace(size_t bytes) {
    result_.bytes_read += static_cast<int64_t>(bytes);
    {
      absl::MutexLock lock(&scrubber_.mu_);
      scrubber_.state_.bytes_read += static_cast<int64_t>(bytes);
      scrubber_.state_.bytes_done = result_.bytes_read;
    }
    absl::Time until = absl::InfinitePast();
    if (bytes_per_second_ > 0) {
      until = start_ + absl::Seconds(static_cast<double>(result_.bytes_read) /
                                     static_cast<double>(bytes_per_second_));
    }
    do {
      if (cancelled_ && cancelled_()) return absl::CancelledError("nobody waits for it any more");
      if (!scrubber_.Sleep(std::min(kLook, until - absl::Now())))
        return absl::CancelledError("the process stops");
    } while (absl::Now() < until);
    return absl::OkStatus();
  }

  // Every event, its own hash and the chain's.
  absl::Status Chain() {
    const domain::Position head = scrubber_.parts_.log->head().position;
    LogScan scan(*scrubber_.parts_.log_store);
    Digest chain{};
    size_t bytes = 0;
    for (domain::Position p(1); p <= head; ++p) {
      const absl::StatusOr<storage::LogEntry> entry = scan.Read(p);
      if (!entry.ok()) {
        Found(absl::StrCat("event ", p.value()), std::string(entry.status().message()));
        return absl::OkStatus();
      }
      const absl::StatusOr<Digest> leaf = storage::LeafHash(*entry->record);
      if (!leaf.ok()) {
        Found(absl::StrCat("event ", p.value()), std::string(leaf.status().message()));
      } else if (storage::ChainHash(chain, *leaf) != entry->chain_hash) {
        Found(absl::StrCat("event ", p.value()), "the hash chain breaks");
      }
      chain = entry->chain_hash;
      ++result_.event_count;
      bytes += entry->record->size();
      if (bytes < (size_t{64} << 10) && p < head) continue;
      FISCAL_RETURN_IF_ERROR(Pace(bytes));
      bytes = 0;
    }
    return absl::OkStatus();
  }

  Scrubber& scrubber_;
  const int64_t bytes_per_second_;
  const std::function<bool()>& cancelled_;
  const absl::Time start_ = absl::Now();
  ScrubResult result_;
};

Scrubber::Scrubber(Parts parts, int64_t bytes_per_second)
    : parts_(std::move(parts)), bytes_per_second_(bytes_per_second) {
  {
    absl::MutexLock lock(&mu_);
    state_.bytes_per_second = bytes_per_second;
  }
  if (bytes_per_second > 0) thread_ = std::thread([this] { Loop(); });
}

Scrubber::~Scrubber() {
  Stop();
  if (thread_.joinable()) thread_.join();
}

void Scrubber::Stop() {
  absl::MutexLock lock(&mu_);
  stopping_ = true;
}

bool Scrubber::Sleep(absl::Duration duration) {
  absl::MutexLock lock(&mu_);
  if (duration > absl::ZeroDuration()) mu_.AwaitWithTimeout(absl::Condition(&stopping_), duration);
  return !stopping_;
}

void Scrubber::Loop() {
  StepBack();
  absl::Time start = absl::Now();
  while (true) {
    const absl::StatusOr<ScrubResult> result = RunPass(bytes_per_second_, nullptr);
    if (absl::IsCancelled(result.status())) return;
    if (!result.ok()) {
      logging::Error("what is stored can't be gone over", {{"status", result.status().ToString()}});
    } else {
      logging::Write(logging::Level::kDebug, "what is stored was read once more",
                     {{"bytes", result->bytes_read},
                      {"events", result->event_count},
                      {"damaged", static_cast<int64_t>(result->damage.size())}});
    }
    start = std::max(start + kPassInterval, absl::Now());
    if (!Sleep(start - absl::Now())) return;
  }
}

absl::StatusOr<ScrubResult> Scrubber::RunPass(int64_t bytes_per_second,
                                              const std::function<bool()>& cancelled) {
  int64_t total = 0;
  // The log's store is read twice: its files, and the events in them.
  for (const Store& store : parts_.stores)
    total += store.kv->ApproximateBytes() * (store.name == "log" ? 2 : 1);
  {
    absl::MutexLock lock(&mu_);
    ++passes_;
    state_.running = true;
    state_.bytes_done = 0;
    state_.bytes_total = total;
  }
  absl::StatusOr<ScrubResult> result = Pass(*this, bytes_per_second, cancelled).Run();
  absl::MutexLock lock(&mu_);
  state_.running = --passes_ > 0;
  if (result.ok()) {
    state_.last_pass = absl::Now();
    state_.damage_count = static_cast<int64_t>(result->damage.size());
  }
  return result;
}

absl::StatusOr<ScrubResult> Scrubber::Run(int64_t bytes_per_second,
                                          const std::function<bool()>& cancelled) {
  {
    absl::MutexLock lock(&mu_);
    if (asked_) {
      return domain::Refuse(
          domain::Reason::kCheckRunning,
          "somebody else's scrub is under way: fiscal admin status tells how far");
    }
    asked_ = true;
  }
  absl::Cleanup done = [this] {
    absl::MutexLock lock(&mu_);
    asked_ = false;
  };
  return RunPass(bytes_per_second, cancelled);
}

Scrubber::State Scrubber::state() const {
  absl::MutexLock lock(&mu_);
  return state_;
}

}  // namespace fiscal::services
