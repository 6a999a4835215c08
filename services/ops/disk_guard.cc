#include "services/ops/disk_guard.h"

#include <sys/statvfs.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/log.h"

namespace fiscal::services {

DiskGuard::DiskGuard(int64_t free_bytes_min, int64_t free_bytes_margin, Measure measure)
    : min_(free_bytes_min), margin_(free_bytes_margin), measure_(std::move(measure)) {}

bool DiskGuard::Check() {
  const absl::StatusOr<Space> space = measure_();
  if (!space.ok()) {
    logging::Error("the free disk can't be read", {{"status", space.status().ToString()}});
    return false;
  }
  free_ = space->free_bytes;
  size_ = space->size_bytes;
  const bool was = low_;
  const bool is = was ? space->free_bytes < min_ + margin_ : space->free_bytes < min_;
  low_ = is;
  return is != was;
}

DiskGuard::Measure MeasureOf(std::string path) {
  return [path = std::move(path)]() -> absl::StatusOr<DiskGuard::Space> {
    struct statvfs f {};
    if (statvfs(path.c_str(), &f) != 0)
      return absl::ErrnoToStatus(errno, absl::StrCat("statvfs ", path));
    const auto unit = static_cast<int64_t>(f.f_frsize);
    return DiskGuard::Space{static_cast<int64_t>(f.f_bavail) * unit,
                            static_cast<int64_t>(f.f_blocks) * unit};
  };
}

}  // namespace fiscal::services
