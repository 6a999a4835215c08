// A log's store as files, before it is opened and while it is not yet known to be whole.
//
//   Settle --> CheckManifest, CheckWriteAheadFiles --> Shelter --> RocksKv::Open, LocalLog::Open
//     --> Release, or Restore
//
// Opening a store writes to it and deletes what its manifest does not name, so a damaged manifest
// would cost files that are whole. Everything in the directory is therefore first linked into a
// directory beside it; the links go when the log was found to fit its anchor, and come back when it
// was not. Not thread-safe.
#ifndef FISCAL_STORAGE_ROCKS_STORE_FILES_H_
#define FISCAL_STORAGE_ROCKS_STORE_FILES_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/sha256.h"
#include "storage/kv.h"

namespace fiscal::storage {

class StoreFiles {
 public:
  // Looks at the store in `directory`, which need not exist.
  explicit StoreFiles(std::string directory);

  // Finishes what a start that was cut short left: puts the links back unless `anchored` speaks of
  // a later state than theirs. INTERNAL: the disk answers with an error.
  absl::Status Settle(const StoreWitness& anchored);
  // DATA_LOSS when the manifest is not the one that `anchored` names or lost bytes or has others.
  // Nothing is changed.
  absl::Status CheckManifest(const StoreWitness& anchored) const;
  // DATA_LOSS when a write-ahead file starts with a change that is not after the start of the one
  // before it: one of them stands in the other's place. The engine would stop the process with an
  // assertion. Nothing is changed.
  absl::Status CheckWriteAheadFiles() const;
  // Links, or where the file system has no links copies, all files into <directory>.before.
  absl::Status Shelter();
  // Removes the links: the store is whole.
  absl::Status Release();
  // Puts the directory back as it was: the store is not whole. REQUIRES: no store has it open.
  absl::Status Restore();

 private:
  const std::string directory_, before_, passing_;
};

// The number in CURRENT. DATA_LOSS when it is missing or names no manifest.
absl::StatusOr<uint64_t> ReadManifestNumber(const std::string& directory);
std::string ManifestPath(const std::string& directory, uint64_t number);

// Follows a manifest as it grows.
class ManifestWatch {
 public:
  // REQUIRES: the store in `directory` is open.
  static absl::StatusOr<std::unique_ptr<ManifestWatch>> Open(const std::string& directory);
  ~ManifestWatch();
  ManifestWatch(const ManifestWatch&) = delete;
  ManifestWatch& operator=(const ManifestWatch&) = delete;

  // Makes the manifest durable, then reads its number, size and digest. Costs one system call when
  // nothing was added.
  absl::Status Read(StoreWitness* witness);

 private:
  ManifestWatch(int fd, uint64_t number) : fd_(fd), number_(number) {}

  const int fd_;
  const uint64_t number_;
  uint64_t bytes_ = 0;
  Sha256Stream stream_;
  Digest digest_ = Sha256({});
};

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_ROCKS_STORE_FILES_H_
