#include "storage/paired_kv.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "storage/schema.h"

namespace fiscal::storage {
namespace {

class PairedSnapshot : public KvSnapshot {
 public:
  PairedSnapshot(const Kv& log, const Kv& ledger)
      : ledger_(ledger.NewSnapshot()), log_(log.NewSnapshot()) {}

  absl::StatusOr<std::string> Get(KeyView key) const override { return Of(key).Get(key); }
  std::unique_ptr<KvIterator> NewIterator(KeyView lower, KeyView upper) const override {
    return Of(lower).NewIterator(lower, upper);
  }

 private:
  const KvSnapshot& Of(KeyView key) const { return InLedger(key) ? *ledger_ : *log_; }

  // In the order they are taken.
  const std::unique_ptr<KvSnapshot> ledger_;
  const std::unique_ptr<KvSnapshot> log_;
};

}  // namespace

Kv& PairedKv::Of(KeyView key) const { return InLedger(key) ? ledger_ : log_; }

absl::Status PairedKv::Write(Batch batch, bool sync) {
  Batch log, ledger;
  for (Batch::Op& op : batch.Take()) {
    Batch& part = InLedger(op.key) ? ledger : log;
    if (op.is_delete) {
      part.Delete(std::move(op.key));
    } else {
      part.Put(std::move(op.key), std::move(op.value));
    }
  }
  const bool logged = !log.empty();
  if (logged) FISCAL_RETURN_IF_ERROR(log_.Write(std::move(log), sync));
  if (ledger.empty()) return absl::OkStatus();
  const absl::Status derived = ledger_.Write(std::move(ledger), /*sync=*/false);
  if (derived.ok() || !logged || !absl::IsResourceExhausted(derived)) return derived;
  // The log's part is written, so the error must not claim that nothing was applied.
  return absl::UnavailableError(absl::StrCat("the ledger: ", derived.message()));
}

absl::Status PairedKv::Flush() {
  FISCAL_RETURN_IF_ERROR(log_.Flush());
  return ledger_.Flush();
}

absl::Status PairedKv::FlushTables() {
  FISCAL_RETURN_IF_ERROR(log_.FlushTables());
  return ledger_.FlushTables();
}

std::unique_ptr<KvSnapshot> PairedKv::NewSnapshot() const {
  return std::make_unique<PairedSnapshot>(log_, ledger_);
}

}  // namespace fiscal::storage
