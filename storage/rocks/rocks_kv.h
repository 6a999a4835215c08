// A Kv on disk, over RocksDB.
//
//   EventLog (with a write-ahead log), TotalsStore (without) --> RocksKv --> files in one directory
//
// Opens with the recovery mode that refuses a log damaged in its middle; RocksDB's default opens
// with what comes before the damage and says nothing. No mode notices a log that lost its end, nor
// a manifest that did: anchor.h does. All of a store is written to table files together, so that
// files lost of a write-ahead log cost changes of one stretch and never some keys of a change.
// Thread-safe.
#ifndef FISCAL_STORAGE_ROCKS_ROCKS_KV_H_
#define FISCAL_STORAGE_ROCKS_ROCKS_KV_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "storage/kv.h"

namespace fiscal::storage {

// A cache of blocks that several stores can share, so that one number bounds them all.
struct RocksCache;
std::shared_ptr<RocksCache> NewRocksCache(size_t bytes);
// Bytes in the cache now.
size_t BytesIn(const RocksCache& cache);

struct RocksOptions {
  std::string path;  // a directory of its own
  // True for a write-ahead log. Without one only Flush, a write with `sync`, which flushes, or a
  // clean end makes writes durable.
  bool wal = true;
  bool create_if_missing = true;
  // True: the directory is removed before the store is opened and again when it is closed.
  bool temporary = false;
  // Kinds whose keys are only ever added at the end of their kind. They are kept apart (in a column
  // family of their own), so that merging the others doesn't rewrite them again and again; a scan
  // then stays within keys of one kind. The same each time the store is opened; a constant.
  absl::Span<const KeyKind> ordered_kinds;
  // Blocks, indexes and filters together. `block_cache`, when given, is used instead.
  size_t block_cache_bytes = size_t{64} << 20;
  std::shared_ptr<RocksCache> block_cache;
  // The size of one memtable. There are two kinds, and up to three of each can be in memory.
  size_t write_buffer_bytes = size_t{32} << 20;
  int open_files_max = 512;
  // False for stores whose values are already compressed.
  bool compress = true;
  // Called by the writing thread after each synced write, with its duration. May be empty.
  std::function<void(absl::Duration)> on_sync;
  // Called by the reading thread when something it read is damaged. May be empty.
  std::function<void(const absl::Status&)> on_damage;
};

// Bytes that were found damaged.
struct FileDamage {
  // Inside the store's directory.
  std::string file;
  std::string what;
};
// Called after each piece with the bytes read; an error ends the walk.
using ScrubPace = std::function<absl::Status(size_t bytes)>;

class RocksKv : public Kv {
 public:
  // NOT_FOUND: not there and not to be made. FAILED_PRECONDITION: another store, here or in another
  // process, has it open. DATA_LOSS: it is damaged. INTERNAL: the disk answers with an error.
  static absl::StatusOr<std::unique_ptr<RocksKv>> Open(const RocksOptions& options);
  ~RocksKv() override;

  absl::Status Write(Batch batch, bool sync) override;
  absl::Status Flush() override;
  absl::Status FlushTables() override;
  absl::StatusOr<StoreWitness> Witness() override;
  absl::StatusOr<std::string> Get(KeyView key) const override;
  std::unique_ptr<KvIterator> NewIterator(KeyView lower, KeyView upper) const override;
  std::unique_ptr<KvIterator> NewScan(KeyView lower, KeyView upper) const override;
  std::unique_ptr<KvSnapshot> NewSnapshot() const override;
  // Reads every byte of the files that the store lives in, from the disk where that can be had, and
  // compares it with the checksums kept with it. The store is in use meanwhile. What is wrong goes
  // to `damage`; an error is that of `pace`.
  absl::Status Scrub(const ScrubPace& pace, std::vector<FileDamage>* damage) const;
  // Merges all files, so that only what is still needed takes space.
  absl::Status Compact();
  StoreStats Stats() const override;
  // The sizes of the store's files, its own log messages included.
  int64_t ApproximateBytes() const override;

 private:
  struct Impl;
  explicit RocksKv(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_ROCKS_ROCKS_KV_H_
