#include "services/log/log_feed.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "base/check.h"
#include "base/log.h"

namespace fiscal::services {
namespace {

// The interval at which the watcher looks at the time.
constexpr absl::Duration kTick = absl::Seconds(1);

}  // namespace

LogFeed::LogFeed(const storage::EventLog& log, Options options) : log_(log), options_(options) {
  for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { Serve(); });
  threads_.emplace_back([this] { Watch(); });
}

LogFeed::~LogFeed() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
  FISCAL_CHECK(level_.empty() && hungry_.empty() && holding_.empty(),
               "no stream outlives its feed");
}

void LogFeed::MakeReady(Stream* stream) {
  level_.erase(stream);
  hungry_.erase(stream);
  stream->state_ = Stream::State::kReady;
  ready_.push_back(stream);
}

void LogFeed::Wake(Stream* stream) {
  absl::MutexLock lock(&mu_);
  if (stream->state_ == Stream::State::kResting) {
    MakeReady(stream);
  } else if (stream->state_ == Stream::State::kRunning) {
    stream->state_ = Stream::State::kRunningAgain;
  }
}

size_t LogFeed::PageBytes() const {
  absl::MutexLock lock(&mu_);
  const size_t room = pot_ < options_.pot_bytes ? options_.pot_bytes - pot_ : 0;
  return std::clamp(room / 8, options_.page_bytes_min, options_.page_bytes_max);
}

bool LogFeed::Take(Stream* stream, size_t bytes) {
  absl::MutexLock lock(&mu_);
  // One large page may always be under way, so that streams that wait make progress.
  if (bytes > options_.page_bytes_small && large_ > 0 && pot_ + bytes > options_.pot_bytes)
    return false;
  stream->held_ = bytes;
  stream->held_since_ = absl::Now();
  holding_.insert(stream);
  pot_ += bytes;
  if (bytes > options_.page_bytes_small) ++large_;
  return true;
}

void LogFeed::GiveBack(Stream* stream) {
  absl::MutexLock lock(&mu_);
  if (holding_.erase(stream) == 0) return;
  pot_ -= stream->held_;
  if (stream->held_ > options_.page_bytes_small) --large_;
  stream->held_ = 0;
  // Each woken stream reads its page anew, and wakes two more when it was written.
  WakeHungry(2);
}

void LogFeed::WakeHungry(int count) {
  for (; count > 0 && !hungry_.empty(); --count) MakeReady(*hungry_.begin());
}

void LogFeed::Leave(Stream* stream) {
  GiveBack(stream);
  auto untouched = [this, stream]()
                       ABSL_NO_THREAD_SAFETY_ANALYSIS { return cutting_off_ != stream; };
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&untouched));
}

void LogFeed::Serve() {
  while (true) {
    Stream* stream = nullptr;
    {
      absl::MutexLock lock(&mu_);
      auto ready = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !ready_.empty() || stopping_; };
      mu_.Await(absl::Condition(&ready));
      if (ready_.empty()) return;
      stream = ready_.front();
      ready_.pop_front();
      stream->state_ = Stream::State::kRunning;
    }
    const Next next = stream->Step();
    if (next == Next::kEnded) continue;
    absl::MutexLock lock(&mu_);
    // The event it waits for may have happened while it was running.
    const bool again =
        stream->state_ == Stream::State::kRunningAgain ||
        (next == Next::kCommit && (log_.head().position > stream->after_ || log_.stopped())) ||
        (next == Next::kRoom && large_ == 0);
    if (again) {
      MakeReady(stream);
      continue;
    }
    stream->state_ = Stream::State::kResting;
    if (next == Next::kCommit) {
      stream->life_due_ = absl::Now() + options_.sign_of_life;
      level_.insert(stream);
    } else if (next == Next::kRoom) {
      hungry_.insert(stream);
    }
  }
}

void LogFeed::WakeLevel(domain::Position head) {
  const bool all = log_.stopped();
  const absl::Time now = absl::Now();
  absl::MutexLock lock(&mu_);
  for (Stream* stream : std::vector<Stream*>(level_.begin(), level_.end())) {
    if (all || head > stream->after_ || now >= stream->life_due_) MakeReady(stream);
  }
}

void LogFeed::CutOffSlow() {
  std::vector<Stream*> slow;
  {
    absl::MutexLock lock(&mu_);
    if (hungry_.empty()) return;
    // The stream that was woken may have left and not taken the room.
    WakeHungry(1);
    for (Stream* stream : holding_) {
      if (stream->held_ > options_.page_bytes_small &&
          absl::Now() - stream->held_since_ > options_.patience)
        slow.push_back(stream);
    }
  }
  for (Stream* stream : slow) {
    {
      absl::MutexLock lock(&mu_);
      // It may have been written meanwhile, and be gone.
      if (!holding_.contains(stream)) continue;
      cutting_off_ = stream;
    }
    logging::Info("a reader of the log that takes nothing is cut off: others wait");
    stream->CutOff();
    absl::MutexLock lock(&mu_);
    cutting_off_ = nullptr;
  }
}

void LogFeed::Watch() {
  while (true) {
    const domain::Position head = log_.head().position;
    // Once the log has stopped nothing is committed any more: what is left is to wait for the end.
    if (log_.stopped()) {
      WakeLevel(head);
      absl::MutexLock lock(&mu_);
      mu_.AwaitWithTimeout(absl::Condition(&stopping_), kTick);
    } else {
      log_.WaitPast(head, absl::Now() + kTick);
      WakeLevel(log_.head().position);
    }
    CutOffSlow();
    absl::MutexLock lock(&mu_);
    if (stopping_) return;
  }
}

}  // namespace fiscal::services
