#include "storage/memory/memory_kv.h"

#include <algorithm>

#include "base/check.h"
#include "base/status_macros.h"

namespace fiscal::storage {
namespace {

MemoryFault Ask(Faults* faults, MemoryOp op) {
  return faults == nullptr ? MemoryFault{} : faults->Next(op);
}

}  // namespace

uint64_t NthFaults::count(MemoryOp op) const {
  const auto it = counts_.find(op);
  return it == counts_.end() ? 0 : it->second;
}

MemoryFault NthFaults::Next(MemoryOp op) {
  const auto it = plan_.find({op, ++counts_[op]});
  return it == plan_.end() ? MemoryFault{} : it->second;
}

const std::string* MemoryDisk::ValueAt(const std::vector<Version>& versions, uint64_t seq) {
  for (auto it = versions.rbegin(); it != versions.rend(); ++it) {
    if (it->seq <= seq) return it->value ? &*it->value : nullptr;
  }
  return nullptr;
}

absl::StatusOr<std::string> MemoryDisk::Get(KeyView key, uint64_t seq) const {
  const auto it = versions_.find(key);
  const std::string* value = it == versions_.end() ? nullptr : ValueAt(it->second, seq);
  if (value == nullptr) return absl::NotFoundError("no such key");
  return *value;
}

void MemoryDisk::Apply(Batch batch) {
  ++last_;
  for (Batch::Op& op : batch.Take()) {
    std::vector<Version>& versions = versions_[op.key];
    if (versions.empty() || versions.back().seq != last_) versions.push_back({last_, {}});
    versions.back().value = op.is_delete ? std::nullopt : std::make_optional(std::move(op.value));
    dirty_.insert(op.key);
  }
}

void MemoryDisk::RollBack(uint64_t seq) {
  for (auto key = dirty_.begin(); key != dirty_.end();) {
    const auto it = versions_.find(*key);
    std::vector<Version>& versions = it->second;
    while (!versions.empty() && versions.back().seq > seq) versions.pop_back();
    if (versions.empty()) {
      versions_.erase(it);
      key = dirty_.erase(key);
    } else {
      ++key;
    }
  }
  last_ = seq;
  MakeDurable();
}

void MemoryDisk::MakeDurable() {
  durable_ = last_;
  Prune();
}

void MemoryDisk::Prune() {
  const uint64_t floor = readers_.empty() ? durable_ : std::min(durable_, *readers_.begin());
  // With the same floor as the last time there is nothing new to drop, so a long-lived snapshot
  // doesn't make every write walk all that it holds back.
  if (floor <= pruned_floor_) return;
  pruned_floor_ = floor;
  for (auto key = dirty_.begin(); key != dirty_.end();) {
    const auto it = versions_.find(*key);
    std::vector<Version>& versions = it->second;
    auto keep = versions.begin();
    while (std::next(keep) != versions.end() && std::next(keep)->seq <= floor) ++keep;
    versions.erase(versions.begin(), keep);
    if (versions.size() > 1 || versions.front().seq > floor) {
      ++key;
      continue;
    }
    if (!versions.front().value) versions_.erase(it);
    key = dirty_.erase(key);
  }
}

absl::Status MemoryDisk::CheckEpoch(uint64_t epoch) const {
  if (epoch == epoch_) return absl::OkStatus();
  return absl::UnavailableError("the disk crashed under this store: open it anew");
}

void MemoryDisk::Crash(const Choose& choose) {
  absl::MutexLock lock(&mu_);
  const uint64_t undurable = last_ - durable_;
  const uint64_t kept = choose(undurable + 1);
  FISCAL_CHECK(kept <= undurable, "a crash keeps no more than was written");
  RollBack(durable_ + kept);
  ++epoch_;
  open_ = false;
}

uint64_t MemoryDisk::undurable_count() const {
  absl::MutexLock lock(&mu_);
  return last_ - durable_;
}

bool MemoryDisk::FlipByte(KeyView key, size_t offset) {
  absl::MutexLock lock(&mu_);
  const auto it = versions_.find(key);
  if (it == versions_.end()) return false;
  std::optional<std::string>& value = it->second.back().value;
  if (!value || offset >= value->size()) return false;
  (*value)[offset] = static_cast<char>(~(*value)[offset]);
  return true;
}

// Keeps its place as a key, so that pruning never takes the ground from under it.
class MemoryIterator : public KvIterator {
 public:
  // `seq` is registered with the disk's readers by the caller.
  MemoryIterator(MemoryDisk& disk, Faults* faults, uint64_t epoch, uint64_t seq, KeyView lower,
                 KeyView upper)
      : disk_(disk), faults_(faults), epoch_(epoch), seq_(seq), lower_(lower), upper_(upper) {}
  ~MemoryIterator() override {
    absl::MutexLock lock(&disk_.mu_);
    disk_.readers_.erase(disk_.readers_.find(seq_));
    disk_.Prune();
  }

  void Seek(KeyView key) override {
    absl::MutexLock lock(&disk_.mu_);
    if (!Begin(true)) return;
    Forward(disk_.versions_.lower_bound(std::max(key, KeyView(lower_), KeyLess())));
  }
  void SeekForPrev(KeyView key) override {
    absl::MutexLock lock(&disk_.mu_);
    if (!Begin(true)) return;
    Backward(!upper_.empty() && key >= upper_ ? disk_.versions_.lower_bound(upper_)
                                              : disk_.versions_.upper_bound(key));
  }
  void Next() override {
    FISCAL_CHECK(valid_, "Next needs a valid iterator");
    absl::MutexLock lock(&disk_.mu_);
    if (Begin(false)) Forward(disk_.versions_.upper_bound(key_));
  }
  void Prev() override {
    FISCAL_CHECK(valid_, "Prev needs a valid iterator");
    absl::MutexLock lock(&disk_.mu_);
    if (Begin(false)) Backward(disk_.versions_.lower_bound(key_));
  }
  bool Valid() const override { return valid_; }
  KeyView key() const override { return key_; }
  absl::string_view value() const override { return value_; }
  absl::Status status() const override { return status_; }

 private:
  using Place = MemoryDisk::Versions::const_iterator;

  bool Begin(bool is_seek) ABSL_EXCLUSIVE_LOCKS_REQUIRED(disk_.mu_) {
    valid_ = false;
    status_ = disk_.CheckEpoch(epoch_);
    if (status_.ok() && is_seek) status_ = Ask(faults_, MemoryOp::kSeek).status;
    return status_.ok();
  }
  // To the first visible key at or after `place`.
  void Forward(Place place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(disk_.mu_) {
    for (; place != disk_.versions_.end(); ++place) {
      if (!upper_.empty() && place->first >= upper_) return;
      if (Take(place)) return;
    }
  }
  // To the last visible key before `place`.
  void Backward(Place place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(disk_.mu_) {
    while (place != disk_.versions_.begin()) {
      --place;
      if (place->first < lower_) return;
      if (Take(place)) return;
    }
  }
  bool Take(Place place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(disk_.mu_) {
    const std::string* value = MemoryDisk::ValueAt(place->second, seq_);
    if (value == nullptr) return false;
    key_ = place->first;
    value_ = *value;
    valid_ = true;
    return true;
  }

  MemoryDisk& disk_;
  Faults* const faults_;
  const uint64_t epoch_;
  const uint64_t seq_;
  const Key lower_, upper_;
  bool valid_ = false;
  Key key_;
  std::string value_;
  absl::Status status_;
};

class MemorySnapshot : public KvSnapshot {
 public:
  // `seq` is registered with the disk's readers by the caller.
  MemorySnapshot(MemoryDisk& disk, Faults* faults, uint64_t epoch, uint64_t seq)
      : disk_(disk), faults_(faults), epoch_(epoch), seq_(seq) {}
  ~MemorySnapshot() override {
    absl::MutexLock lock(&disk_.mu_);
    disk_.readers_.erase(disk_.readers_.find(seq_));
    disk_.Prune();
  }
  absl::StatusOr<std::string> Get(KeyView key) const override {
    absl::MutexLock lock(&disk_.mu_);
    FISCAL_RETURN_IF_ERROR(disk_.CheckEpoch(epoch_));
    FISCAL_RETURN_IF_ERROR(Ask(faults_, MemoryOp::kGet).status);
    return disk_.Get(key, seq_);
  }
  std::unique_ptr<KvIterator> NewIterator(KeyView lower, KeyView upper) const override {
    absl::MutexLock lock(&disk_.mu_);
    disk_.readers_.insert(seq_);
    return std::make_unique<MemoryIterator>(disk_, faults_, epoch_, seq_, lower, upper);
  }

 private:
  MemoryDisk& disk_;
  Faults* const faults_;
  const uint64_t epoch_;
  const uint64_t seq_;
};

absl::StatusOr<std::unique_ptr<MemoryKv>> MemoryKv::Open(MemoryDisk& disk, const Options& options) {
  absl::MutexLock lock(&disk.mu_);
  if (disk.open_) return absl::FailedPreconditionError("another store uses this disk");
  disk.open_ = true;
  disk.MakeDurable();
  return std::unique_ptr<MemoryKv>(new MemoryKv(disk, options, disk.epoch_, disk.last_));
}

MemoryKv::~MemoryKv() {
  absl::MutexLock lock(&disk_.mu_);
  if (epoch_ != disk_.epoch_) return;
  disk_.open_ = false;
  if (options_.wal) return;
  // Without a log the end of the process flushes; a store that failed no longer can.
  if (poisoned_) {
    disk_.RollBack(disk_.durable_);
  } else {
    disk_.MakeDurable();
  }
}

MemoryFault MemoryKv::NextFault(MemoryOp op) const { return Ask(options_.faults, op); }

absl::Status MemoryKv::CheckWritable() const {
  FISCAL_RETURN_IF_ERROR(disk_.CheckEpoch(epoch_));
  if (poisoned_) {
    return absl::UnavailableError("an earlier write had an unknown outcome: open the store anew");
  }
  return absl::OkStatus();
}

absl::Status MemoryKv::Write(Batch batch, bool sync) {
  absl::MutexLock lock(&disk_.mu_);
  FISCAL_RETURN_IF_ERROR(CheckWritable());
  const MemoryFault fault = NextFault(MemoryOp::kWrite);
  if (!fault.status.ok()) {
    if (absl::IsResourceExhausted(fault.status)) {
      FISCAL_CHECK(!fault.applied, "a write refused for lack of space applies nothing");
      return fault.status;
    }
    poisoned_ = true;
    if (fault.applied) disk_.Apply(std::move(batch));
    return fault.status;
  }
  disk_.Apply(std::move(batch));
  visible_ = disk_.last_;
  if (sync) disk_.MakeDurable();
  return absl::OkStatus();
}

absl::StatusOr<StoreWitness> MemoryKv::Witness() {
  absl::MutexLock lock(&disk_.mu_);
  StoreWitness witness;
  witness.sequence = visible_;
  return witness;
}

absl::Status MemoryKv::Flush() {
  absl::MutexLock lock(&disk_.mu_);
  FISCAL_RETURN_IF_ERROR(CheckWritable());
  const MemoryFault fault = NextFault(MemoryOp::kFlush);
  if (fault.status.ok()) {
    disk_.MakeDurable();
    return absl::OkStatus();
  }
  if (fault.applied) disk_.MakeDurable();
  // A flush that found no space can be tried again: the batches are still in memory. A failed sync
  // of a log can't, whatever its reason.
  if (absl::IsResourceExhausted(fault.status) && !options_.wal) return fault.status;
  poisoned_ = true;
  return absl::IsResourceExhausted(fault.status) ? absl::UnavailableError(fault.status.message())
                                                 : fault.status;
}

absl::StatusOr<std::string> MemoryKv::Get(KeyView key) const {
  absl::MutexLock lock(&disk_.mu_);
  FISCAL_RETURN_IF_ERROR(disk_.CheckEpoch(epoch_));
  FISCAL_RETURN_IF_ERROR(NextFault(MemoryOp::kGet).status);
  return disk_.Get(key, visible_);
}

std::unique_ptr<KvIterator> MemoryKv::NewIterator(KeyView lower, KeyView upper) const {
  absl::MutexLock lock(&disk_.mu_);
  disk_.readers_.insert(visible_);
  return std::make_unique<MemoryIterator>(disk_, options_.faults, epoch_, visible_, lower, upper);
}

std::unique_ptr<KvSnapshot> MemoryKv::NewSnapshot() const {
  absl::MutexLock lock(&disk_.mu_);
  disk_.readers_.insert(visible_);
  return std::make_unique<MemorySnapshot>(disk_, options_.faults, epoch_, visible_);
}

}  // namespace fiscal::storage
