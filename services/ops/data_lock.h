// One process owns a data directory.
#ifndef FISCAL_SERVICES_OPS_DATA_LOCK_H_
#define FISCAL_SERVICES_OPS_DATA_LOCK_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace fiscal::services {

// Held until it is destroyed or the process ends, however it ends.
class DataLock {
 public:
  // FAILED_PRECONDITION: another process has it; names that process. INVALID_ARGUMENT: the
  // directory can't be written.
  static absl::StatusOr<std::unique_ptr<DataLock>> Take(const std::string& data_dir);
  ~DataLock();
  DataLock(const DataLock&) = delete;
  DataLock& operator=(const DataLock&) = delete;

 private:
  explicit DataLock(int fd) : fd_(fd) {}
  const int fd_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_OPS_DATA_LOCK_H_
