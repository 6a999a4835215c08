// The log's store and the ledger's, read and written as one.
//
//   EventLog, Ledger, Heads --> PairedKv --(kLedgerKinds)--> the ledger's Kv: no write-ahead log
//                                        --(all others)----> the log's Kv
//
// The log is the truth and the ledger follows it: a write reaches the log, synced, before the
// ledger. A crash in between leaves a ledger that is behind; its mark says how far
// (storage/ledger.h). Thread-safe.
#ifndef FISCAL_STORAGE_PAIRED_KV_H_
#define FISCAL_STORAGE_PAIRED_KV_H_

#include <memory>
#include <string>

#include "storage/kv.h"

namespace fiscal::storage {

class PairedKv : public Kv {
 public:
  // Both outlive it.
  PairedKv(Kv& log, Kv& ledger) : log_(log), ledger_(ledger) {}

  // `sync` is of the log's part. RESOURCE_EXHAUSTED: nothing was applied to either. Any other
  // error: the outcome is unknown, and the ledger may miss what the log has.
  absl::Status Write(Batch batch, bool sync) override;
  // Flushes both.
  absl::Status Flush() override;
  absl::Status FlushTables() override;
  // The log's witness; the ledger needs none.
  absl::StatusOr<StoreWitness> Witness() override { return log_.Witness(); }
  absl::StatusOr<std::string> Get(KeyView key) const override { return Of(key).Get(key); }
  // The kind of `lower` says which store is walked.
  std::unique_ptr<KvIterator> NewIterator(KeyView lower, KeyView upper) const override {
    return Of(lower).NewIterator(lower, upper);
  }
  std::unique_ptr<KvIterator> NewScan(KeyView lower, KeyView upper) const override {
    return Of(lower).NewScan(lower, upper);
  }
  // Takes the ledger's snapshot first, so that the log's has all that the ledger refers to.
  std::unique_ptr<KvSnapshot> NewSnapshot() const override;
  int64_t ApproximateBytes() const override {
    return log_.ApproximateBytes() + ledger_.ApproximateBytes();
  }

 private:
  Kv& Of(KeyView key) const;

  Kv& log_;
  Kv& ledger_;
};

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_PAIRED_KV_H_
