// Reads everything that is stored once more, slowly and for ever, so that damage is found while
// there still is a whole copy to restore from.
//
//   Scrubber --(RocksKv::Scrub)--> files of each store
//            --(every event)-----> the hash chain
//            --------------------> the anchor
//            --> a line of the log, metrics, AdminService.Scrub
//
// Thread-safe.
#ifndef FISCAL_SERVICES_ADMIN_SCRUBBER_H_
#define FISCAL_SERVICES_ADMIN_SCRUBBER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/anchor.h"
#include "storage/event_log.h"
#include "storage/rocks/rocks_kv.h"

namespace fiscal::services {

// What one pass read and found.
struct ScrubResult {
  int64_t bytes_read = 0;
  int64_t event_count = 0;
  // At most 100, such as "log/000012.sst: is missing".
  std::vector<std::string> damage;
};

class Scrubber {
 public:
  struct Store {
    // Of its directory.
    std::string name;
    const storage::RocksKv* kv = nullptr;
  };
  struct Parts {
    std::vector<Store> stores;
    const storage::EventLog* log = nullptr;
    storage::Anchor* anchor = nullptr;
  };
  // Goes over everything once a day at most, at this rate; 0: only when it is asked.
  Scrubber(Parts parts, int64_t bytes_per_second);
  ~Scrubber();
  // Ends every pass soon; those who asked for one hear CANCELLED.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  // One pass now; 0 for as fast as it goes. CHECK_RUNNING while another one who asked waits for
  // his; CANCELLED when it was.
  absl::StatusOr<ScrubResult> Run(int64_t bytes_per_second, const std::function<bool()>& cancelled)
      ABSL_LOCKS_EXCLUDED(mu_);

  struct State {
    int64_t bytes_per_second = 0;
    // Passes under way: by itself and asked for; the bytes that one of them has read, and about
    // what it will.
    bool running = false;
    int64_t bytes_done = 0;
    int64_t bytes_total = 0;
    // Of all passes since the start.
    int64_t bytes_read = 0;
    // Of the last pass that came to its end; InfinitePast for none.
    absl::Time last_pass = absl::InfinitePast();
    int64_t damage_count = 0;
  };
  State state() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  class Pass;
  void Loop();
  absl::StatusOr<ScrubResult> RunPass(int64_t bytes_per_second,
                                      const std::function<bool()>& cancelled);
  // Waits; false when it is to stop.
  bool Sleep(absl::Duration duration) ABSL_LOCKS_EXCLUDED(mu_);

  const Parts parts_;
  const int64_t bytes_per_second_;
  mutable absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool asked_ ABSL_GUARDED_BY(mu_) = false;
  State state_ ABSL_GUARDED_BY(mu_);
  int passes_ ABSL_GUARDED_BY(mu_) = 0;
  std::thread thread_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_ADMIN_SCRUBBER_H_
