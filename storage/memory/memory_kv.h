// A Kv in memory that can crash, be damaged and fail, the same way every time.
//
//   simulation --(Crash, FlipByte)--> MemoryDisk <--(Open)-- MemoryKv <-- EventLog, TotalsStore
//                          Faults --(fails the nth operation)--^
//
// The disk outlives the store as a disk outlives a process. Every batch gets a sequence number;
// what is durable is a prefix of them, and a crash keeps any prefix that is no shorter. Keys keep
// the versions that a snapshot or a crash may still want, so a snapshot costs one number.
// Thread-safe: one mutex on the disk guards all. Nothing here draws random numbers or knows time.
#ifndef FISCAL_STORAGE_MEMORY_MEMORY_KV_H_
#define FISCAL_STORAGE_MEMORY_MEMORY_KV_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/kv.h"

namespace fiscal::storage {

enum class MemoryOp { kWrite, kFlush, kGet, kSeek };

// A failure of an operation. RESOURCE_EXHAUSTED of a write means nothing was applied; any other
// status of a write or flush leaves the outcome unknown and `applied` says what really happened:
// the batch reached the disk, without being synced, or what was written is durable.
struct MemoryFault {
  absl::Status status;
  bool applied = false;
};

// Decides which operations fail. Called under the disk's lock: must not use the store.
class Faults {
 public:
  virtual ~Faults() = default;
  // An OK status lets the operation go on.
  virtual MemoryFault Next(MemoryOp op) = 0;
};

// Fails chosen operations, counted from 1 for each kind of operation.
class NthFaults : public Faults {
 public:
  void Fail(MemoryOp op, uint64_t nth, MemoryFault fault) { plan_[{op, nth}] = std::move(fault); }
  uint64_t count(MemoryOp op) const;
  MemoryFault Next(MemoryOp op) override;

 private:
  std::map<MemoryOp, uint64_t> counts_;
  std::map<std::pair<MemoryOp, uint64_t>, MemoryFault> plan_;
};

// The state that outlives a process. REQUIRES: outlives every MemoryKv opened over it.
class MemoryDisk {
 public:
  // Gives a number below its argument.
  using Choose = std::function<uint64_t(uint64_t)>;

  // The machine stops. Of the batches not yet durable, a prefix of `choose` many stays; a torn one
  // is dropped whole. The open store answers UNAVAILABLE from now on.
  void Crash(const Choose& choose) ABSL_LOCKS_EXCLUDED(mu_);
  // Batches a crash may lose.
  uint64_t undurable_count() const ABSL_LOCKS_EXCLUDED(mu_);
  // Inverts the byte at `offset` of the newest value of `key`. False when there is none.
  bool FlipByte(KeyView key, size_t offset) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  friend class MemoryKv;
  friend class MemoryIterator;
  friend class MemorySnapshot;

  struct Version {
    uint64_t seq;
    std::optional<std::string> value;  // none: deleted
  };
  using Versions = std::map<Key, std::vector<Version>, KeyLess>;

  static const std::string* ValueAt(const std::vector<Version>& versions, uint64_t seq);
  absl::StatusOr<std::string> Get(KeyView key, uint64_t seq) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Apply(Batch batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Forgets every batch after `seq`.
  void RollBack(uint64_t seq) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void MakeDurable() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Drops versions that neither a reader nor a crash can want.
  void Prune() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status CheckEpoch(uint64_t epoch) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  Versions versions_ ABSL_GUARDED_BY(mu_);
  // Keys that Prune or RollBack may have work with.
  std::set<Key, KeyLess> dirty_ ABSL_GUARDED_BY(mu_);
  std::multiset<uint64_t> readers_ ABSL_GUARDED_BY(mu_);
  uint64_t last_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t durable_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t pruned_floor_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t epoch_ ABSL_GUARDED_BY(mu_) = 0;  // crashes so far
  bool open_ ABSL_GUARDED_BY(mu_) = false;
};

class MemoryKv : public Kv {
 public:
  struct Options {
    // True for a write-ahead log. Without one only Flush, a write with `sync`, which flushes, or a
    // clean end makes writes durable.
    bool wal = true;
    // May be null; outlives the store.
    Faults* faults = nullptr;
  };

  // Opens the disk and makes its contents durable, as recovery does. FAILED_PRECONDITION while
  // another store has the disk open.
  static absl::StatusOr<std::unique_ptr<MemoryKv>> Open(MemoryDisk& disk, const Options& options);
  ~MemoryKv() override;

  absl::Status Write(Batch batch, bool sync) override;
  absl::Status Flush() override;
  absl::StatusOr<std::string> Get(KeyView key) const override;
  std::unique_ptr<KvIterator> NewIterator(KeyView lower, KeyView upper) const override;
  std::unique_ptr<KvSnapshot> NewSnapshot() const override;
  // Has no files; only the number of the last change.
  absl::StatusOr<StoreWitness> Witness() override;
  int64_t ApproximateBytes() const override { return 0; }

 private:
  MemoryKv(MemoryDisk& disk, const Options& options, uint64_t epoch, uint64_t visible)
      : disk_(disk), options_(options), epoch_(epoch), visible_(visible) {}

  MemoryFault NextFault(MemoryOp op) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(disk_.mu_);
  absl::Status CheckWritable() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(disk_.mu_);

  MemoryDisk& disk_;
  const Options options_;
  const uint64_t epoch_;
  // A batch that failed with unknown outcome is after this one and shows when opened anew.
  uint64_t visible_ ABSL_GUARDED_BY(disk_.mu_);
  bool poisoned_ ABSL_GUARDED_BY(disk_.mu_) = false;
};

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_MEMORY_MEMORY_KV_H_
