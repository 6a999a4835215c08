#include "services/ledger/compare/verify_ledger.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "storage/ledger.h"
#include "storage/schema.h"

namespace fiscal::services {
namespace {

// Keys between two looks whether somebody still wants the answer.
constexpr int kKeysPerLook = 4096;
// Of a large group, so much is written at once.
constexpr uint64_t kEventsPerWrite = 256;

// The log, with another ledger than it has: the one in the making.
class WithAnotherLedger final : public storage::Kv {
 public:
  WithAnotherLedger(const storage::Kv& log, storage::Kv& ledger) : log_(log), ledger_(ledger) {}
  absl::Status Write(const storage::Batch& batch, bool sync) override {
    return ledger_.Write(batch, sync);
  }
  absl::Status Flush() override { return ledger_.Flush(); }
  absl::StatusOr<std::string> Get(absl::string_view key) const override { return Of(key).Get(key); }
  std::unique_ptr<storage::KvIterator> NewIterator(absl::string_view lower,
                                                   absl::string_view upper) const override {
    return Of(lower).NewIterator(lower, upper);
  }
  std::unique_ptr<storage::KvSnapshot> NewSnapshot() const override {
    return ledger_.NewSnapshot();
  }
  int64_t ApproximateBytes() const override { return ledger_.ApproximateBytes(); }

 private:
  const storage::Kv& Of(absl::string_view key) const {
    const bool derived = !key.empty() && absl::string_view(storage::kLedgerKinds).find(key[0]) !=
                                             absl::string_view::npos;
    return derived ? ledger_ : log_;
  }
  const storage::Kv& log_;
  storage::Kv& ledger_;
};

// A name for a key of the ledger, as far as the key can be read.
std::string Name(absl::string_view key) {
  ByteReader reader(key);
  const uint8_t kind = reader.U8();
  auto budget = [&](const char* what) {
    const uint32_t division = reader.U32();
    const uint16_t year = reader.U16();
    const uint8_t stage = reader.U8();
    const absl::string_view agency = reader.Terminated();
    return absl::StrCat(what, " of year ", year, " stage ", int{stage}, " division ", division,
                        " agency ", agency);
  };
  auto sums = [&](const char* what) {
    const uint32_t division = reader.U32();
    const uint16_t year = reader.U16();
    const uint8_t stage = reader.U8();
    return absl::StrCat(what, " of year ", year, " stage ", int{stage}, " division ", division, " ",
                        reader.Bytes(reader.remaining()));
  };
  switch (kind) {
    case 0x02: {
      const absl::string_view principal = reader.Terminated();
      return absl::StrCat("answer to ", principal, " ", reader.Bytes(reader.remaining()));
    }
    case 0x03:
      return budget("head");
    case 0x04: {
      const std::string name = budget("head's lines");
      return absl::StrCat(name, " from ", reader.Bytes(reader.remaining()));
    }
    case 0x05: {
      const std::string name = budget("head's projects");
      return absl::StrCat(name, " from ", reader.Bytes(reader.remaining()));
    }
    case 0x06: {
      const std::string name = budget("revision");
      return absl::StrCat(name, " number ", reader.U64());
    }
    case 0x08:
      return sums("scopes");
    case 0x0c:
      return absl::StrCat("upstream ", reader.Bytes(reader.remaining()));
    case 0x0d:
      return absl::StrCat("owner of division ", reader.U32());
    case 0x0f:
      return sums("gross");
    default:
      return absl::StrCat("a key of kind ", int{kind});
  }
}

}  // namespace

LedgerCheck::LedgerCheck(const storage::EventLog& log, const storage::Kv& ledger,
                         Differences& differences)
    : log_(log), ledger_(ledger), differences_(differences), scan_(log) {}

absl::StatusOr<uint64_t> LedgerCheck::Open() {
  // A group is in the ledger before it is the log's last.
  const uint64_t last = log_.head().group;
  snapshot_ = ledger_.NewSnapshot();
  const absl::StatusOr<std::string> bytes = snapshot_->Get(storage::LedgerMarkKey());
  if (!bytes.ok() && !absl::IsNotFound(bytes.status())) return bytes.status();
  absl::StatusOr<storage::LedgerMark> mark =
      bytes.ok() ? storage::DecodeLedgerMark(*bytes) : storage::LedgerMark();
  if (!mark.ok() || mark->group < last || mark->position != 0 ||
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
  WithAnotherLedger store(log_.kv(), scratch);
  storage::Ledger ledger(store, group);
  auto write = [&]() -> absl::Status {
    storage::Batch batch;
    ledger.staged().MoveTo(&batch);
    return batch.empty() ? absl::OkStatus() : scratch.Write(batch, /*sync=*/false);
  };
  const auto origin =
      log_.copied() ? storage::EventLog::Origin::kCopied : storage::EventLog::Origin::kWritten;
  for (uint64_t i = 0; i < record.event_count; ++i) {
    FISCAL_ASSIGN_OR_RETURN(const storage::LogEntry entry, scan_.Read(record.first_position + i));
    FISCAL_RETURN_IF_ERROR(ledger.ApplyEvent(entry, origin));
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
  for (const char kind : absl::string_view(storage::kLedgerKinds)) {
    const std::string lower(1, kind), upper = storage::AfterPrefix(lower);
    if (lower == storage::LedgerMarkKey()) continue;
    const auto kept = snapshot_->NewIterator(lower, upper);
    const auto made = scratch.NewScan(lower, upper);
    kept->Seek(lower);
    made->Seek(lower);
    while (kept->Valid() || made->Valid()) {
      if (++seen % kKeysPerLook == 0) FISCAL_RETURN_IF_ERROR(cancelled());
      const int order = !kept->Valid() ? 1 : !made->Valid() ? -1 : kept->key().compare(made->key());
      if (order < 0) {
        differences_.Add(absl::StrCat(Name(kept->key()), ": surplus"));
      } else if (order > 0) {
        differences_.Add(absl::StrCat(Name(made->key()), ": missing"));
      } else if (kept->value() != made->value()) {
        differences_.Add(absl::StrCat(Name(kept->key()), ": not the same"));
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
