// Whether the data directory's file system has room for more.
//
// A log that meets a full disk in the middle of a write costs a restart, and a store without room
// for its compactions can't be made smaller: so writes end before. Check is asked now and then by
// one thread; the rest by any.
#ifndef FISCAL_SERVICES_OPS_DISK_GUARD_H_
#define FISCAL_SERVICES_OPS_DISK_GUARD_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"

namespace fiscal::services {

class DiskGuard {
 public:
  struct Space {
    // What a process that is not root may still take, and all there is.
    int64_t free_bytes = 0;
    int64_t size_bytes = 0;
  };
  using Measure = std::function<absl::StatusOr<Space>()>;

  // Low below `free_bytes_min`; no longer low with `free_bytes_margin` more than that.
  DiskGuard(int64_t free_bytes_min, int64_t free_bytes_margin, Measure measure);

  // Looks. True when low() changed. A file system that can't be asked leaves everything as it was.
  bool Check();
  bool low() const { return low_.load(std::memory_order_relaxed); }
  Space space() const { return {free_.load(), size_.load()}; }
  int64_t free_bytes_min() const { return min_; }

 private:
  const int64_t min_, margin_;
  const Measure measure_;
  std::atomic<bool> low_{false};
  std::atomic<int64_t> free_{0}, size_{0};
};

// The file system `path` is on.
DiskGuard::Measure MeasureOf(std::string path);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_OPS_DISK_GUARD_H_
