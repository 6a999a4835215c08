#include "services/ledger/compare/verify_ledger.h"

#include <compare>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "storage/ledger.h"
#include "storage/schema.h"

namespace fiscal::services {
namespace {

// Keys between two looks whether somebody still wants the answer.
constexpr int kKeysPerLook = 4096;
// Of a large group, so much is written at once.
constexpr uint64_t kEventsPerWrite = 256;

}  // namespace

LedgerCheck::LedgerCheck(const storage::EventLog& log, const storage::Kv& log_store,
                         const storage::Kv& ledger, Differences& differences)
    : log_(log), ledger_(ledger), differences_(differences), scan_(log_store) {}

absl::StatusOr<uint64_t> LedgerCheck::Open() {
  // A group is in the ledger before it is the log's last.
  const uint64_t last = log_.head().group;
  snapshot_ = ledger_.NewSnapshot();
  const absl::StatusOr<std::string> bytes = snapshot_->Get(storage::LedgerMarkKey());
  if (!bytes.ok() && !absl::IsNotFound(bytes.status())) return bytes.status();
  absl::StatusOr<storage::LedgerMark> mark =
      bytes.ok() ? storage::DecodeLedgerMark(*bytes) : storage::LedgerMark();
  if (!mark.ok() || mark->group < last || !mark->position.zero() ||
      (mark->group > 0 && mark->log_id != log_.log_id())) {
    differences_.Add("the ledger's mark: not the same");
    return 0;
  }
  mark_ = *std::move(mark);
  return mark_.group;
}

absl::StatusOr<uint64_t> LedgerCheck::See(uint64_t group, storage::Kv& scratch,
                                          const std::function<absl::Status()>& cancelled) {
  FISCAL_ASSIGN_OR_RETURN(const storage::GroupRecord record, log_.ReadGroup(group));
  storage::Ledger ledger(scratch, log_, group);
  auto write = [&]() -> absl::Status {
    storage::Batch batch;
    ledger.MoveTo(&batch);
    return batch.empty() ? absl::OkStatus() : scratch.Write(std::move(batch), /*sync=*/false);
  };
  for (uint64_t i = 0; i < record.event_count; ++i) {
    FISCAL_ASSIGN_OR_RETURN(const storage::LogEntry entry, scan_.Read(record.first_position + i));
    FISCAL_RETURN_IF_ERROR(ledger.ApplyEvent(entry));
    if ((i + 1) % kEventsPerWrite != 0) continue;
    FISCAL_RETURN_IF_ERROR(cancelled());
    FISCAL_RETURN_IF_ERROR(write());
  }
  FISCAL_RETURN_IF_ERROR(ledger.ApplyGroup(record));
  FISCAL_RETURN_IF_ERROR(write());
  return record.event_count;
}

absl::Status LedgerCheck::Finish(const storage::Kv& scratch,
                                 const std::function<absl::Status()>& cancelled) {
  FISCAL_ASSIGN_OR_RETURN(const Digest groups, log_.GroupsHashAt(mark_.group));
  if (groups != mark_.groups_hash) differences_.Add("the ledger's mark: another history");
  int seen = 0;
  for (const storage::KeyKind kind : storage::kLedgerKinds) {
    if (kind == storage::KeyKind::kLedgerMark) continue;
    const storage::KeyRange range = storage::KeysOf(kind);
    const auto kept = snapshot_->NewIterator(range.lower, range.upper);
    const auto made = scratch.NewScan(range.lower, range.upper);
    kept->Seek(range.lower);
    made->Seek(range.lower);
    while (kept->Valid() || made->Valid()) {
      if (++seen % kKeysPerLook == 0) FISCAL_RETURN_IF_ERROR(cancelled());
      const auto order = !kept->Valid()   ? std::strong_ordering::greater
                         : !made->Valid() ? std::strong_ordering::less
                                          : kept->key() <=> made->key();
      if (order < 0) {
        differences_.Add(absl::StrCat(NameOf(kept->key()), ": surplus"));
      } else if (order > 0) {
        differences_.Add(absl::StrCat(NameOf(made->key()), ": missing"));
      } else if (kept->value() != made->value()) {
        differences_.Add(absl::StrCat(NameOf(kept->key()), ": not the same"));
      }
      if (order <= 0) kept->Next();
      if (order >= 0) made->Next();
    }
    FISCAL_RETURN_IF_ERROR(kept->status());
    FISCAL_RETURN_IF_ERROR(made->status());
  }
  return absl::OkStatus();
}

}  // namespace fiscal::services
