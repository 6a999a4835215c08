// The anchor: how far the log was acknowledged, kept apart from the store that holds the log.
//
//   LocalLog::Append --(after the synced batch)--> Anchor::Write --> receipt
//   LocalLog::Open   <------------------------------ Anchor::Read
//
// No recovery mode of the store notices a log that lost its end, nor a manifest that did: comparing
// with the anchor does, before the store is opened (rocks/store_files.h) and after (local_log.h).
// It is two slots of 4096 bytes in one file, written in turn, each with a generation and a digest:
// a write torn by a crash leaves the other slot, which is the state before. Thread-safe; one
// process at a time, which the lock of the store beside it sees to.
#ifndef FISCAL_STORAGE_ANCHOR_H_
#define FISCAL_STORAGE_ANCHOR_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "base/sha256.h"
#include "domain/position.h"
#include "storage/kv.h"

namespace fiscal::storage {

struct AnchorState {
  std::string log_id;  // 16 bytes
  domain::Position position;
  Digest chain_hash{};
  // False for an anchor of version 0.1, which has nothing of what follows.
  bool has_groups = true;
  // The last group, and the chain over all of them (storage/group_record.h).
  uint64_t group = 0;
  Digest groups_hash{};
  // Groups up to this one are in table files that the manifest below names.
  uint64_t group_in_tables = 0;
  // A lower bound of the log's store when this was written.
  StoreWitness store;

  friend bool operator==(const AnchorState&, const AnchorState&) = default;
};

class Anchor {
 public:
  virtual ~Anchor() = default;
  // NOT_FOUND when there never was one, DATA_LOSS when neither slot is whole.
  virtual absl::StatusOr<AnchorState> Read() = 0;
  // Writes both slots, so that no older state is left to fall back to.
  absl::Status WriteTwice(const AnchorState& state) {
    const absl::Status first = Write(state);
    return first.ok() ? Write(state) : first;
  }
  // Durable when it returns OK. After an error the outcome is unknown and every later write is
  // refused. REQUIRES: state.log_id has 16 bytes.
  virtual absl::Status Write(const AnchorState& state) = 0;
};

constexpr size_t kAnchorSlotBytes = 4096;
constexpr size_t kAnchorFileBytes = 2 * kAnchorSlotBytes;

// The anchor as a file. It appears whole: made beside its place, synced, renamed, and the
// directory synced. REQUIRES: the directory exists.
class FileAnchor : public Anchor {
 public:
  explicit FileAnchor(std::string path) : path_(std::move(path)) {}
  ~FileAnchor() override;
  FileAnchor(const FileAnchor&) = delete;
  FileAnchor& operator=(const FileAnchor&) = delete;

  absl::StatusOr<AnchorState> Read() override ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Write(const AnchorState& state) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Opens the file if it isn't open yet and takes the newest whole slot.
  absl::StatusOr<AnchorState> Load() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Create(const AnchorState& state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status WriteSlot(const AnchorState& state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string path_;
  absl::Mutex mu_;
  int fd_ ABSL_GUARDED_BY(mu_) = -1;
  uint64_t generation_ ABSL_GUARDED_BY(mu_) = 0;
  bool poisoned_ ABSL_GUARDED_BY(mu_) = false;
};

// The state that outlives a MemoryAnchor's process. REQUIRES: outlives every anchor over it.
class MemoryAnchorDisk {
 public:
  // The `nth` write from now, counted from 1, fails with `status` after `bytes` of its slot reached
  // the disk: 0 leaves the old state, kAnchorSlotBytes the new one, anything between a torn slot.
  void FailWrite(uint64_t nth, absl::Status status, size_t bytes) ABSL_LOCKS_EXCLUDED(mu_);
  // The file's bytes, empty when there is none; to damage them, set them.
  std::string image() const ABSL_LOCKS_EXCLUDED(mu_);
  void set_image(std::string image) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  friend class MemoryAnchor;
  struct Fault {
    uint64_t write;
    absl::Status status;
    size_t bytes;
  };
  mutable absl::Mutex mu_;
  std::string image_ ABSL_GUARDED_BY(mu_);
  uint64_t writes_ ABSL_GUARDED_BY(mu_) = 0;
  std::optional<Fault> fault_ ABSL_GUARDED_BY(mu_);
};

class MemoryAnchor : public Anchor {
 public:
  explicit MemoryAnchor(MemoryAnchorDisk& disk) : disk_(disk) {}
  absl::StatusOr<AnchorState> Read() override;
  absl::Status Write(const AnchorState& state) override;

 private:
  MemoryAnchorDisk& disk_;
  bool poisoned_ ABSL_GUARDED_BY(disk_.mu_) = false;
};

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_ANCHOR_H_
