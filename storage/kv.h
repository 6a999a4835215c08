// The seam between what Fiscal keeps and the engine that keeps it.
//
//   EventLog, Ledger, TotalsStore  --->  Kv  --->  rocks/rocks_kv.h or memory/memory_kv.h
//
// A key is bytes that only schema.h makes (key.h), a value any bytes; order is bytewise unsigned.
// All implementations pass tests/contract/kv_contract_test.cc. Thread-safe unless a method says
// otherwise.
#ifndef FISCAL_STORAGE_KV_H_
#define FISCAL_STORAGE_KV_H_

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/sha256.h"
#include "storage/key.h"

namespace fiscal::storage {

// A lower bound of what a store's files hold. The anchor keeps it, and it is compared with the
// files before they are opened again. All zeros for stores without files.
struct StoreWitness {
  // The manifest in use, which names the table files; how many of its bytes are durable, and their
  // digest.
  uint64_t manifest_number = 0;
  uint64_t manifest_bytes = 0;
  Digest manifest_digest{};
  // The number of the last change.
  uint64_t sequence = 0;
  // Changes up to this one are in table files that the manifest names: no loss of a write-ahead
  // file can touch them.
  uint64_t sequence_in_tables = 0;

  friend bool operator==(const StoreWitness&, const StoreWitness&) = default;
};

// Changes that become visible and durable together or not at all. A later change to a key wins.
class Batch {
 public:
  struct Op {
    Key key;
    std::string value;
    bool is_delete;
  };

  void Put(Key key, std::string value) {
    bytes_ += key.size() + value.size();
    ops_.push_back({std::move(key), std::move(value), false});
  }
  void Delete(Key key) {
    bytes_ += key.size();
    ops_.push_back({std::move(key), {}, true});
  }
  // In order of keys, which stores take faster. REQUIRES: no key stands twice.
  void Sort() {
    std::sort(ops_.begin(), ops_.end(), [](const Op& a, const Op& b) { return a.key < b.key; });
  }
  void Clear() {
    ops_.clear();
    bytes_ = 0;
  }
  bool empty() const { return ops_.empty(); }
  size_t bytes() const { return bytes_; }
  const std::vector<Op>& ops() const { return ops_; }
  // The changes, and empty from then on.
  std::vector<Op> Take() {
    bytes_ = 0;
    return std::exchange(ops_, {});
  }

 private:
  std::vector<Op> ops_;
  size_t bytes_ = 0;
};

// An ordered walk over the keys of [lower, upper). Not thread-safe. After Valid() turns false,
// status() must be read: a damaged file is reported there and nowhere else.
class KvIterator {
 public:
  virtual ~KvIterator() = default;
  // To the first key >= `key` inside the range.
  virtual void Seek(KeyView key) = 0;
  // To the last key <= `key` inside the range.
  virtual void SeekForPrev(KeyView key) = 0;
  virtual void Next() = 0;
  virtual void Prev() = 0;
  virtual bool Valid() const = 0;
  // REQUIRES: Valid(). Views die with the next move.
  virtual KeyView key() const = 0;
  virtual absl::string_view value() const = 0;
  // OK while nothing went wrong; DATA_LOSS for damage.
  virtual absl::Status status() const = 0;
};

// The state at one moment; later writes don't show in it. Must be destroyed before its Kv.
class KvSnapshot {
 public:
  virtual ~KvSnapshot() = default;
  // NOT_FOUND when the key is absent, DATA_LOSS for damage.
  virtual absl::StatusOr<std::string> Get(KeyView key) const = 0;
  // Positioned nowhere. An empty `upper` means no bound.
  virtual std::unique_ptr<KvIterator> NewIterator(KeyView lower, KeyView upper) const = 0;
};

// The engine's own figures, for an operator; 0 where it has none.
struct StoreStats {
  int64_t sst_bytes = 0;
  int64_t memtable_bytes = 0;
  int64_t table_readers_bytes = 0;
  int64_t keys_estimate = 0;
  int64_t level0_files = 0;
  int64_t pending_compaction_bytes = 0;
  int64_t running_compactions = 0;
  int64_t running_flushes = 0;
  bool write_stopped = false;
  // Bytes a second that writes are slowed to; 0: not slowed.
  int64_t delayed_write_rate_bytes = 0;
  int64_t background_errors = 0;
};

class Kv {
 public:
  virtual ~Kv() = default;

  // Applies `batch` atomically. When a write with `sync` returns OK, this and every write before it
  // survive power loss. Without `sync` a crash may lose it, but only together with every write
  // after it. RESOURCE_EXHAUSTED: the disk is full, nothing was applied. Any other error leaves the
  // outcome unknown: the store refuses all further writes until it is opened anew.
  virtual absl::Status Write(Batch batch, bool sync) = 0;

  // Makes everything written so far durable. The only way for stores opened without a write-ahead
  // log.
  virtual absl::Status Flush() = 0;

  virtual absl::StatusOr<std::string> Get(KeyView key) const = 0;
  virtual std::unique_ptr<KvIterator> NewIterator(KeyView lower, KeyView upper) const = 0;
  // An iterator for one pass over a long range: does not fill caches.
  virtual std::unique_ptr<KvIterator> NewScan(KeyView lower, KeyView upper) const {
    return NewIterator(lower, upper);
  }
  virtual std::unique_ptr<KvSnapshot> NewSnapshot() const = 0;

  // Makes everything written so far part of table files, which takes longer than Flush.
  virtual absl::Status FlushTables() { return Flush(); }

  // REQUIRES: no write is under way.
  virtual absl::StatusOr<StoreWitness> Witness() { return StoreWitness(); }

  // Bytes on disk, roughly; 0 where the implementation has none.
  virtual int64_t ApproximateBytes() const = 0;

  virtual StoreStats Stats() const { return StoreStats(); }
};

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_KV_H_
