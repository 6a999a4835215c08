// Reads all events in order, from the store that the log is in and past all caches.
#ifndef FISCAL_SERVICES_LEDGER_COMPARE_LOG_SCAN_H_
#define FISCAL_SERVICES_LEDGER_COMPARE_LOG_SCAN_H_

#include <memory>
#include <string>

#include "storage/kv.h"
#include "storage/log_records.h"
#include "storage/schema.h"

namespace fiscal::services {

// Not thread-safe.
class LogScan {
 public:
  explicit LogScan(const storage::Kv& log_store) : log_store_(log_store) {}

  // Fastest when positions ascend.
  absl::StatusOr<storage::LogEntry> Read(domain::Position position) {
    // An iterator that stays for long would hold files that were merged away.
    if (it_ == nullptr || ++read_ % kEventsPerIterator == 0) Renew(position);
    absl::StatusOr<storage::LogEntry> entry = ReadHere(position);
    // Written since.
    if (!entry.ok()) {
      Renew(position);
      entry = ReadHere(position);
    }
    return entry;
  }

 private:
  static constexpr uint64_t kEventsPerIterator = 16384;

  void Renew(domain::Position position) {
    const storage::Key lower = storage::EventKey(position);
    it_ = log_store_.NewScan(lower, storage::KeysOf(storage::KeyKind::kEvent).upper);
    it_->Seek(lower);
  }
  absl::StatusOr<storage::LogEntry> ReadHere(domain::Position position) {
    return storage::ReadRecord(
        [this](storage::KeyView key) -> absl::StatusOr<std::string> {
          if (!it_->Valid() || it_->key() != key) it_->Seek(key);
          if (!it_->Valid() || it_->key() != key)
            return it_->status().ok() ? absl::NotFoundError("no such event") : it_->status();
          std::string value(it_->value());
          it_->Next();
          return value;
        },
        position);
  }

  const storage::Kv& log_store_;
  std::unique_ptr<storage::KvIterator> it_;
  uint64_t read_ = 0;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_COMPARE_LOG_SCAN_H_
