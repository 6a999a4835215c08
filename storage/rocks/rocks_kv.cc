#include "storage/rocks/rocks_kv.h"

#include <fcntl.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/iterator.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "storage/rocks/rocks_scrub.h"
#include "storage/rocks/store_files.h"

namespace fiscal::storage {

struct RocksCache {
  std::shared_ptr<rocksdb::Cache> cache;
};

std::shared_ptr<RocksCache> NewRocksCache(size_t bytes) {
  return std::make_shared<RocksCache>(
      RocksCache{rocksdb::NewLRUCache(bytes, /*num_shard_bits=*/4)});
}

size_t BytesIn(const RocksCache& cache) { return cache.cache->GetUsage(); }

namespace {

rocksdb::Slice ToSlice(KeyView key) {
  return rocksdb::Slice(key.encoded().data(), key.encoded().size());
}
absl::string_view ToView(const rocksdb::Slice& s) { return absl::string_view(s.data(), s.size()); }

// Errors of reading and opening.
absl::Status ReadError(const rocksdb::Status& status, absl::string_view what) {
  if (status.ok()) return absl::OkStatus();
  if (status.IsNotFound()) return absl::NotFoundError("no such key");
  const std::string text = absl::StrCat(what, ": ", status.ToString());
  if (status.IsCorruption()) return absl::DataLossError(text);
  // A file that the manifest names and that is not there.
  if (status.IsPathNotFound()) return absl::DataLossError(text);
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(text);
  return absl::InternalError(text);
}

absl::Status OpenError(const rocksdb::Status& status, const RocksOptions& options) {
  const std::string text = status.ToString();
  // RocksDB has no code for a lock that is held; these are its words within a process and across.
  if (absl::StrContains(text, "lock hold by current process") ||
      absl::StrContains(text, "While lock file")) {
    return absl::FailedPreconditionError(absl::StrCat("another process uses ", options.path));
  }
  if (!options.create_if_missing && status.IsInvalidArgument() &&
      absl::StrContains(text, "create_if_missing is false")) {
    return absl::NotFoundError(absl::StrCat("there is no store in ", options.path));
  }
  return ReadError(status, absl::StrCat("open ", options.path));
}

absl::Status SyncDirectory(const std::filesystem::path& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) close(fd);
  if (synced) return absl::OkStatus();
  return absl::ErrnoToStatus(error, absl::StrCat("sync directory ", directory.string()));
}

// Makes the directories of `path` that are missing and syncs each one's parent: RocksDB syncs only
// what is inside its own.
absl::Status MakeDirectories(const std::filesystem::path& path) {
  std::error_code error;
  if (path.empty() || std::filesystem::is_directory(path, error)) return absl::OkStatus();
  const std::filesystem::path parent = path.parent_path();
  FISCAL_RETURN_IF_ERROR(MakeDirectories(parent));
  std::filesystem::create_directory(path, error);
  if (error) {
    return absl::ErrnoToStatus(error.value(), absl::StrCat("make directory ", path.string()));
  }
  return SyncDirectory(parent.empty() ? std::filesystem::path(".") : parent);
}

rocksdb::Options EngineOptions(const RocksOptions& options) {
  rocksdb::Options o;
  o.create_if_missing = options.create_if_missing;
  o.create_missing_column_families = options.create_if_missing;
  // Without a write-ahead log only files that were made together hold together. With one, no part
  // of a change is then left to older write-ahead files when the rest is in table files.
  o.atomic_flush = true;
  // Never begun anew while the store is open: ManifestWatch follows one.
  o.max_manifest_file_size = uint64_t{1} << 40;
  o.verify_sst_unique_id_in_manifest = true;
  // The default, kPointInTimeRecovery, drops acknowledged writes behind a damaged record silently.
  o.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // Raises false alarms about missing logs in this version after a log is synced by hand.
  o.track_and_verify_wals_in_manifest = false;
  o.paranoid_checks = true;
  // Reading every file again as soon as it is written costs a third of a flush. Blocks carry
  // checksums that each read looks at, files carry one that a scrub looks at.
  o.paranoid_file_checks = false;
  o.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  o.force_consistency_checks = true;
  o.flush_verify_memtable_count = true;
  o.wal_compression = rocksdb::kNoCompression;
  o.recycle_log_file_num = 0;
  o.allow_mmap_reads = false;
  o.allow_mmap_writes = false;
  o.unordered_write = false;
  o.manual_wal_flush = false;

  // Keys of a kind often come in order, and then go in where the last one went. The first byte is
  // the kind (storage/schema.h).
  o.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(1));
  o.write_buffer_size = options.write_buffer_bytes;
  o.max_write_buffer_number = 3;
  o.max_total_wal_size = std::max<uint64_t>(4 * options.write_buffer_bytes, uint64_t{64} << 20);
  o.max_background_jobs = 2;
  o.max_open_files = options.open_files_max;
  o.bytes_per_sync = 1 << 20;
  o.level_compaction_dynamic_level_bytes = true;
  // ZSTD would save a few bytes a line and took a fifth of the server's time.
  o.compression = options.compress ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;

  // The default level depends on how the library was compiled.
  o.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  o.keep_log_file_num = 4;
  o.max_log_file_size = 4 << 20;
  o.stats_dump_period_sec = 0;
  o.stats_persist_period_sec = 0;

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = options.block_cache ? options.block_cache->cache
                                          : rocksdb::NewLRUCache(options.block_cache_bytes);
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  // In parts: a large file's filter in one piece is larger than a shard of the cache and would be
  // read again at every look-up.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, /*use_block_based_builder=*/false));
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return o;
}

rocksdb::ReadOptions EngineReadOptions() {
  rocksdb::ReadOptions o;
  o.verify_checksums = true;
  return o;
}

// Hears which changes are in table files.
class FlushListener : public rocksdb::EventListener {
 public:
  void OnFlushCompleted(rocksdb::DB*, const rocksdb::FlushJobInfo& info) override {
    Raise(info.largest_seqno);
  }
  void Raise(uint64_t sequence) {
    uint64_t known = sequence_;
    while (sequence > known && !sequence_.compare_exchange_weak(known, sequence)) {
    }
  }
  // Flushes are of all families at once and in order: everything up to it is in tables.
  uint64_t sequence() const { return sequence_; }

 private:
  std::atomic<uint64_t> sequence_{0};
};

// Read ahead by a scan.
constexpr size_t kScanBytes = 1 << 20;

// A store's two column families.
struct Families {
  rocksdb::DB* db = nullptr;
  rocksdb::ColumnFamilyHandle* mixed = nullptr;
  rocksdb::ColumnFamilyHandle* ordered = nullptr;
  absl::Span<const KeyKind> ordered_kinds;
  std::function<void(const absl::Status&)> on_damage;

  // Of a read; damage is told on.
  absl::Status Error(const rocksdb::Status& status, absl::string_view what) const {
    absl::Status error = ReadError(status, what);
    if (on_damage && absl::IsDataLoss(error)) on_damage(error);
    return error;
  }
  rocksdb::ColumnFamilyHandle* Of(KeyView key) const {
    return absl::c_linear_search(ordered_kinds, key.kind()) ? ordered : mixed;
  }
};

// RocksDB keeps pointers to the bounds, so they live here, and so does what points to them.
class RocksIterator : public KvIterator {
 public:
  RocksIterator(const Families& families, const rocksdb::Snapshot* snapshot, KeyView lower,
                KeyView upper, bool once = false)
      : families_(families),
        lower_(lower),
        upper_(upper),
        lower_slice_(ToSlice(lower_)),
        upper_slice_(ToSlice(upper_)) {
    rocksdb::ReadOptions options = EngineReadOptions();
    options.snapshot = snapshot;
    if (once) {
      options.fill_cache = false;
      options.readahead_size = kScanBytes;
    }
    if (!lower_.empty()) options.iterate_lower_bound = &lower_slice_;
    if (!upper_.empty()) options.iterate_upper_bound = &upper_slice_;
    it_.reset(families.db->NewIterator(options, families.Of(lower_)));
  }
  void Seek(KeyView key) override { it_->Seek(ToSlice(key)); }
  void SeekForPrev(KeyView key) override { it_->SeekForPrev(ToSlice(key)); }
  void Next() override { it_->Next(); }
  void Prev() override { it_->Prev(); }
  bool Valid() const override { return it_->Valid(); }
  KeyView key() const override { return KeyView::Encoded(ToView(it_->key())); }
  absl::string_view value() const override { return ToView(it_->value()); }
  absl::Status status() const override {
    return it_->status().ok() ? absl::OkStatus() : families_.Error(it_->status(), "scan");
  }

 private:
  const Families& families_;
  const Key lower_, upper_;
  const rocksdb::Slice lower_slice_, upper_slice_;
  std::unique_ptr<rocksdb::Iterator> it_;
};

absl::StatusOr<std::string> GetFrom(const Families& families, const rocksdb::Snapshot* snapshot,
                                    KeyView key) {
  rocksdb::ReadOptions options = EngineReadOptions();
  options.snapshot = snapshot;
  std::string value;
  const rocksdb::Status status = families.db->Get(options, families.Of(key), ToSlice(key), &value);
  if (!status.ok()) return families.Error(status, "get");
  return value;
}

class RocksSnapshot : public KvSnapshot {
 public:
  explicit RocksSnapshot(const Families& families)
      : families_(families), snapshot_(families.db->GetSnapshot()) {}
  ~RocksSnapshot() override { families_.db->ReleaseSnapshot(snapshot_); }
  RocksSnapshot(const RocksSnapshot&) = delete;
  RocksSnapshot& operator=(const RocksSnapshot&) = delete;

  absl::StatusOr<std::string> Get(KeyView key) const override {
    return GetFrom(families_, snapshot_, key);
  }
  std::unique_ptr<KvIterator> NewIterator(KeyView lower, KeyView upper) const override {
    return std::make_unique<RocksIterator>(families_, snapshot_, lower, upper);
  }

 private:
  const Families& families_;
  const rocksdb::Snapshot* const snapshot_;
};

}  // namespace

struct RocksKv::Impl {
  std::string path;
  bool wal = true;
  bool temporary = false;
  std::function<void(absl::Duration)> on_sync;
  std::unique_ptr<rocksdb::DB> db;
  Families families;
  std::shared_ptr<FlushListener> listener;
  std::unique_ptr<ManifestWatch> manifest;

  absl::Mutex mu;
  // The first write or flush with an unknown outcome; later ones are refused with it.
  absl::Status poison ABSL_GUARDED_BY(mu);

  absl::Status CheckWritable() {
    absl::MutexLock lock(&mu);
    return poison;
  }
  absl::Status Poison(absl::Status status) {
    absl::MutexLock lock(&mu);
    if (poison.ok()) {
      poison = absl::Status(
          status.code(),
          absl::StrCat("the store refuses writes until it is opened anew: ", status.message()));
    }
    return status;
  }
  // REQUIRES: !status.ok().
  absl::Status WriteError(const rocksdb::Status& status, absl::string_view what) {
    const std::string text = absl::StrCat(what, " ", path, ": ", status.ToString());
    if (status.IsCorruption()) return Poison(absl::DataLossError(text));
    // Only an append that found no space is known to have changed nothing: a record cut short is
    // no record. When a sync finds none, the record may be whole.
    if (status.IsNoSpace() && !absl::StrContains(text, "sync")) {
      return absl::ResourceExhaustedError(text);
    }
    return Poison(absl::UnavailableError(text));
  }
};

RocksKv::RocksKv(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

RocksKv::~RocksKv() {
  const Families& f = impl_->families;
  // Written to files now, so that the next start has no log to go through. When that fails it has
  // one.
  if (!impl_->temporary && impl_->CheckWritable().ok())
    impl_->db->Flush(rocksdb::FlushOptions(), {f.mixed, f.ordered}).PermitUncheckedError();
  impl_->db->DestroyColumnFamilyHandle(f.mixed).PermitUncheckedError();
  impl_->db->DestroyColumnFamilyHandle(f.ordered).PermitUncheckedError();
  impl_->db->Close().PermitUncheckedError();
  std::error_code error;
  if (impl_->temporary) std::filesystem::remove_all(impl_->path, error);
}

absl::StatusOr<std::unique_ptr<RocksKv>> RocksKv::Open(const RocksOptions& options) {
  std::error_code error;
  if (options.temporary) std::filesystem::remove_all(options.path, error);
  if (options.create_if_missing) FISCAL_RETURN_IF_ERROR(MakeDirectories(options.path));
  rocksdb::DB* db = nullptr;
  rocksdb::Options engine = EngineOptions(options);
  auto listener = std::make_shared<FlushListener>();
  engine.listeners.push_back(listener);
  rocksdb::ColumnFamilyOptions ordered(engine), mixed(engine);
  // New files follow the old ones: they are moved down as they are, compressed once. Of the others
  // the first files are soon merged: they are not compressed.
  mixed.compression_per_level.assign(static_cast<size_t>(engine.num_levels), engine.compression);
  mixed.compression_per_level[0] = rocksdb::kNoCompression;
  // Keys of the others come in any order. Merging files of like size rewrites each byte a few times
  // over the store's life; merging into a level rewrites the level, more often the more there is.
  mixed.compaction_style = rocksdb::kCompactionStyleUniversal;
  mixed.compaction_options_universal.max_size_amplification_percent = 300;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const rocksdb::Status status = rocksdb::DB::Open(
      engine, options.path, {{rocksdb::kDefaultColumnFamilyName, mixed}, {"ordered", ordered}},
      &handles, &db);
  if (!status.ok()) return OpenError(status, options);
  auto impl = std::make_unique<Impl>();
  impl->path = options.path;
  impl->wal = options.wal;
  impl->temporary = options.temporary;
  impl->on_sync = options.on_sync;
  impl->db.reset(db);
  impl->families = {db, handles[0], handles[1], options.ordered_kinds, options.on_damage};
  // Opening writes what the write-ahead files held to table files.
  listener->Raise(db->GetLatestSequenceNumber());
  impl->listener = std::move(listener);
  FISCAL_ASSIGN_OR_RETURN(impl->manifest, ManifestWatch::Open(options.path));
  return std::unique_ptr<RocksKv>(new RocksKv(std::move(impl)));
}

absl::Status RocksKv::Write(Batch batch, bool sync) {
  FISCAL_RETURN_IF_ERROR(impl_->CheckWritable());
  // Header of a batch, then per change a tag and two lengths.
  rocksdb::WriteBatch engine_batch(12 + batch.bytes() + 11 * batch.ops().size());
  for (const Batch::Op& op : batch.ops()) {
    const rocksdb::Status added =
        op.is_delete ? engine_batch.Delete(impl_->families.Of(op.key), ToSlice(op.key))
                     : engine_batch.Put(impl_->families.Of(op.key), ToSlice(op.key), op.value);
    if (!added.ok()) return absl::InvalidArgumentError(added.ToString());
  }
  rocksdb::WriteOptions options;
  options.disableWAL = !impl_->wal;
  options.sync = sync && impl_->wal;
  const absl::Time start = absl::Now();
  const rocksdb::Status status = impl_->db->Write(options, &engine_batch);
  if (options.sync && impl_->on_sync) impl_->on_sync(absl::Now() - start);
  if (!status.ok()) return impl_->WriteError(status, "write");
  if (!sync || impl_->wal) return absl::OkStatus();
  absl::Status flushed = Flush();
  // The batch is applied, so lack of space can no longer mean that nothing happened.
  if (absl::IsResourceExhausted(flushed)) {
    return impl_->Poison(absl::UnavailableError(flushed.message()));
  }
  return flushed;
}

absl::Status RocksKv::Flush() {
  FISCAL_RETURN_IF_ERROR(impl_->CheckWritable());
  if (!impl_->wal) {
    rocksdb::FlushOptions options;
    options.wait = true;
    const rocksdb::Status status =
        impl_->db->Flush(options, {impl_->families.mixed, impl_->families.ordered});
    // Lack of space can be tried again: the memtable is still there, and what a table file lost in
    // a failed sync is written anew.
    if (status.IsNoSpace()) {
      return absl::ResourceExhaustedError(
          absl::StrCat("flush ", impl_->path, ": ", status.ToString()));
    }
    return status.ok() ? absl::OkStatus() : impl_->WriteError(status, "flush");
  }
  const rocksdb::Status status = impl_->db->FlushWAL(/*sync=*/true);
  if (status.ok()) return absl::OkStatus();
  // A log whose sync failed can't be synced again, whatever the reason: the system may have
  // forgotten the pages.
  const std::string text = absl::StrCat("sync log ", impl_->path, ": ", status.ToString());
  return impl_->Poison(status.IsCorruption() ? absl::DataLossError(text)
                                             : absl::UnavailableError(text));
}

absl::Status RocksKv::FlushTables() {
  FISCAL_RETURN_IF_ERROR(impl_->CheckWritable());
  const rocksdb::Status status =
      impl_->db->Flush(rocksdb::FlushOptions(), {impl_->families.mixed, impl_->families.ordered});
  if (!status.ok()) return ReadError(status, absl::StrCat("flush ", impl_->path));
  // With nothing to write there is nothing to hear of.
  impl_->listener->Raise(impl_->db->GetLatestSequenceNumber());
  return absl::OkStatus();
}

absl::StatusOr<StoreWitness> RocksKv::Witness() {
  StoreWitness witness;
  // Before the manifest is read: what this counts is then in what is read.
  witness.sequence_in_tables = impl_->listener->sequence();
  witness.sequence = impl_->db->GetLatestSequenceNumber();
  FISCAL_RETURN_IF_ERROR(impl_->manifest->Read(&witness));
  return witness;
}

absl::StatusOr<std::string> RocksKv::Get(KeyView key) const {
  return GetFrom(impl_->families, nullptr, key);
}

std::unique_ptr<KvIterator> RocksKv::NewIterator(KeyView lower, KeyView upper) const {
  return std::make_unique<RocksIterator>(impl_->families, nullptr, lower, upper);
}

std::unique_ptr<KvIterator> RocksKv::NewScan(KeyView lower, KeyView upper) const {
  return std::make_unique<RocksIterator>(impl_->families, nullptr, lower, upper, /*once=*/true);
}

absl::Status RocksKv::Scrub(const ScrubPace& pace, std::vector<FileDamage>* damage) const {
  return ScrubFiles(impl_->db.get(), impl_->path, pace, damage);
}

std::unique_ptr<KvSnapshot> RocksKv::NewSnapshot() const {
  return std::make_unique<RocksSnapshot>(impl_->families);
}

absl::Status RocksKv::Compact() {
  FISCAL_RETURN_IF_ERROR(impl_->CheckWritable());
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  for (rocksdb::ColumnFamilyHandle* family : {impl_->families.mixed, impl_->families.ordered}) {
    FISCAL_RETURN_IF_ERROR(
        ReadError(impl_->db->CompactRange(options, family, nullptr, nullptr), "compact"));
  }
  return absl::OkStatus();
}

StoreStats RocksKv::Stats() const {
  StoreStats stats;
  auto add = [this](const char* property, int64_t* sum, bool of_the_whole = false) {
    for (rocksdb::ColumnFamilyHandle* family : {impl_->families.mixed, impl_->families.ordered}) {
      uint64_t value = 0;
      if (impl_->db->GetIntProperty(family, property, &value)) *sum += static_cast<int64_t>(value);
      if (of_the_whole) return;
    }
  };
  using Properties = rocksdb::DB::Properties;
  add(Properties::kTotalSstFilesSize.c_str(), &stats.sst_bytes);
  add(Properties::kSizeAllMemTables.c_str(), &stats.memtable_bytes);
  add(Properties::kEstimateTableReadersMem.c_str(), &stats.table_readers_bytes);
  add(Properties::kEstimateNumKeys.c_str(), &stats.keys_estimate);
  add(Properties::kEstimatePendingCompactionBytes.c_str(), &stats.pending_compaction_bytes);
  add(Properties::kNumRunningCompactions.c_str(), &stats.running_compactions, true);
  add(Properties::kNumRunningFlushes.c_str(), &stats.running_flushes, true);
  add(Properties::kActualDelayedWriteRate.c_str(), &stats.delayed_write_rate_bytes, true);
  add(Properties::kBackgroundErrors.c_str(), &stats.background_errors, true);
  int64_t stopped = 0;
  add(Properties::kIsWriteStopped.c_str(), &stopped, true);
  stats.write_stopped = stopped != 0;
  for (rocksdb::ColumnFamilyHandle* family : {impl_->families.mixed, impl_->families.ordered}) {
    std::string files;
    int64_t count = 0;
    if (impl_->db->GetProperty(family, Properties::kNumFilesAtLevelPrefix + "0", &files) &&
        absl::SimpleAtoi(files, &count))
      stats.level0_files += count;
  }
  return stats;
}

int64_t RocksKv::ApproximateBytes() const {
  int64_t bytes = 0;
  std::error_code error;
  std::filesystem::directory_iterator it(impl_->path, error);
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    // Compaction deletes files while we look.
    std::error_code gone;
    const uintmax_t size = it->file_size(gone);
    if (!gone) bytes += static_cast<int64_t>(size);
  }
  return bytes;
}

}  // namespace fiscal::storage
