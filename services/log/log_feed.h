// Serves all streams of the log with a few threads. A stream that is level costs an entry in a set;
// one whose reader is slow, a page.
//
//   commit --> watcher: wakes level streams --> ready queue --> a thread: LogFeed::Stream::Step
//     --> gRPC writes one page --> ready queue
//
// Pages under way share a bounded pot. While there is room they are large, which makes copying
// fast; when many readers don't take theirs, they become small. A page that can't be small, because
// an event is large, waits for room. A reader that keeps room from others without reading is cut
// off. Thread-safe.
#ifndef FISCAL_SERVICES_LOG_LOG_FEED_H_
#define FISCAL_SERVICES_LOG_LOG_FEED_H_

#include <deque>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/event_log.h"

namespace fiscal::services {

class LogFeed {
 public:
  struct Options {
    int threads = 2;
    // Bytes of pages under way.
    size_t pot_bytes = 48 << 20;
    size_t page_bytes_max = 1 << 20;
    size_t page_bytes_min = 16 << 10;
    // The page that every stream may have under way, whatever the others have: this many bytes and
    // the last record.
    size_t page_bytes_small = 64 << 10;
    // The time within which a reader must take a larger page while others wait for room.
    absl::Duration patience = absl::Seconds(10);
    // The interval at which an empty page is sent while the log is quiet.
    absl::Duration sign_of_life = absl::Seconds(10);
  };

  enum class Next { kWritten, kCommit, kRoom, kEnded };

  class Stream {
   public:
    virtual ~Stream() = default;

   protected:
    // Starts writing a page, on a thread of the feed, and returns what it waits for next. kEnded:
    // the call was finished, and the stream may be gone. Never called twice at once.
    virtual Next Step() = 0;
    // Ends the call whatever it is doing. Does not wait.
    virtual void CutOff() = 0;

    // The last position that was read; only Step changes it.
    domain::Position after_;

   private:
    friend class LogFeed;
    enum class State { kResting, kReady, kRunning, kRunningAgain };
    // Guarded by the feed's lock.
    State state_ = State::kResting;
    size_t held_ = 0;
    absl::Time held_since_;
    absl::Time life_due_;
  };

  LogFeed(const storage::EventLog& log, Options options);
  // REQUIRES: no stream is left.
  ~LogFeed();

  const storage::EventLog& log() const { return log_; }

  // Lets `stream` take a step. Streams call it when something happened that they may wait for.
  void Wake(Stream* stream) ABSL_LOCKS_EXCLUDED(mu_);
  // The size of the next page.
  size_t PageBytes() const ABSL_LOCKS_EXCLUDED(mu_);
  // Takes room for a page. False when it is large and there is none: the stream waits for kRoom.
  bool Take(Stream* stream, size_t bytes) ABSL_LOCKS_EXCLUDED(mu_);
  // Returns the room of a page that was written or never will be.
  void GiveBack(Stream* stream) ABSL_LOCKS_EXCLUDED(mu_);
  // Forgets the stream and does not touch it again. Called before the call is finished.
  void Leave(Stream* stream) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Serve() ABSL_LOCKS_EXCLUDED(mu_);
  void Watch() ABSL_LOCKS_EXCLUDED(mu_);
  void MakeReady(Stream* stream) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void WakeHungry(int count) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Wakes those that are behind `head`, and those whose sign of life is due.
  void WakeLevel(domain::Position head) ABSL_LOCKS_EXCLUDED(mu_);
  void CutOffSlow() ABSL_LOCKS_EXCLUDED(mu_);

  const storage::EventLog& log_;
  const Options options_;
  mutable absl::Mutex mu_;
  std::deque<Stream*> ready_ ABSL_GUARDED_BY(mu_);
  // Streams that are level with the log; that wait for room; that have a page under way.
  absl::flat_hash_set<Stream*> level_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_set<Stream*> hungry_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_set<Stream*> holding_ ABSL_GUARDED_BY(mu_);
  size_t pot_ ABSL_GUARDED_BY(mu_) = 0;
  // Pages that are not small.
  size_t large_ ABSL_GUARDED_BY(mu_) = 0;
  Stream* cutting_off_ ABSL_GUARDED_BY(mu_) = nullptr;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LOG_LOG_FEED_H_
