// Watches the free space of the data directory's file system.
//
// A full disk in the middle of a log's write costs a restart, and a store without room for
// compactions can't be made smaller: writes are refused before that. One thread calls Check now and
// then; any thread calls the rest.
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
    // The bytes that a process other than root may still take, and the size of the file system.
    int64_t free_bytes = 0;
    int64_t size_bytes = 0;
  };
  using Measure = std::function<absl::StatusOr<Space>()>;

  // Low below `free_bytes_min`; no longer low with `free_bytes_margin` more than that.
  DiskGuard(int64_t free_bytes_min, int64_t free_bytes_margin, Measure measure);

  // Measures. True when low() changed. A file system that can't be measured changes nothing.
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
