// Reads everything that is stored again and again, slowly, so that damage is found while there
// still is a whole copy to restore from.
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

// The result of one pass.
struct ScrubResult {
  int64_t bytes_read = 0;
  int64_t event_count = 0;
  // At most 100, such as "log/000012.sst: is missing".
  std::vector<std::string> damage;
};

class Scrubber {
 public:
  struct Store {
    // The name of its directory.
    std::string name;
    const storage::RocksKv* kv = nullptr;
  };
  struct Parts {
    std::vector<Store> stores;
    // The log, and the one of the stores that it is in.
    const storage::EventLog* log = nullptr;
    const storage::Kv* log_store = nullptr;
    storage::Anchor* anchor = nullptr;
  };
  // Makes a pass once a day at most, at this rate; with 0, only when it is asked.
  Scrubber(Parts parts, int64_t bytes_per_second);
  ~Scrubber();
  // Ends every pass soon; Run then returns CANCELLED.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  // Makes one pass now; rate 0 is as fast as possible. CHECK_RUNNING while another Run is under
  // way; CANCELLED when it was.
  absl::StatusOr<ScrubResult> Run(int64_t bytes_per_second, const std::function<bool()>& cancelled)
      ABSL_LOCKS_EXCLUDED(mu_);

  struct State {
    int64_t bytes_per_second = 0;
    // True while a pass is under way, its own or one asked for; the bytes that it has read, and
    // about how many it will read.
    bool running = false;
    int64_t bytes_done = 0;
    int64_t bytes_total = 0;
    // Bytes read by all passes since the start.
    int64_t bytes_read = 0;
    // The end of the last whole pass; InfinitePast for none.
    absl::Time last_pass = absl::InfinitePast();
    int64_t damage_count = 0;
  };
  State state() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  class Pass;
  void Loop();
  absl::StatusOr<ScrubResult> RunPass(int64_t bytes_per_second,
                                      const std::function<bool()>& cancelled);
  // Waits. False when it must stop.
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
