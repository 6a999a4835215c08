#include "storage/event_log.h"

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "storage/record_codec.h"
#include "storage/schema.h"

namespace fiscal::storage {
namespace {

absl::StatusOr<LogEntry> DecodeEntry(domain::Position position, std::string value) {
  if (value.size() < 32)
    return absl::DataLossError(absl::StrCat("log: record ", position, " is too short"));
  LogEntry entry;
  entry.position = position;
  entry.chain_hash = DigestOf(absl::string_view(value).substr(0, 32));
  value.erase(0, 32);
  entry.record = std::make_shared<const std::string>(std::move(value));
  return entry;
}

}  // namespace

absl::StatusOr<std::unique_ptr<EventLog>> EventLog::Open(Kv& kv, Anchor& anchor,
                                                         absl::string_view new_log_id) {
  absl::StatusOr<std::string> id = kv.Get(LogIdKey());
  const absl::StatusOr<AnchorState> anchored = anchor.Read();
  if (!anchored.ok() && !absl::IsNotFound(anchored.status())) return anchored.status();
  if (absl::IsNotFound(id.status())) {
    if (anchored.ok()) {
      return absl::DataLossError(
          "log: the anchor names a log that is not in the store: the store was lost or replaced");
    }
    FISCAL_CHECK(new_log_id.size() == 16, "a log id has 16 bytes");
    Batch batch;
    batch.Put(LogIdKey(), std::string(new_log_id));
    FISCAL_RETURN_IF_ERROR(kv.Write(batch, /*sync=*/true));
    id = std::string(new_log_id);
  } else if (!id.ok()) {
    return id.status();
  }
  std::unique_ptr<EventLog> log(new EventLog(kv, anchor, *id));

  Head head;
  std::unique_ptr<KvIterator> it = kv.NewIterator(EventKey(0), EventKey(UINT64_MAX));
  it->SeekForPrev(EventKey(UINT64_MAX));
  if (it->Valid()) {
    FISCAL_ASSIGN_OR_RETURN(head.position, DecodeEventKey(it->key()));
    FISCAL_ASSIGN_OR_RETURN(LogEntry entry, DecodeEntry(head.position, std::string(it->value())));
    absl::string_view payload;
    FISCAL_ASSIGN_OR_RETURN(domain::EventHeader header, DecodeHeader(*entry.record, &payload));
    head.chain_hash = entry.chain_hash;
    head.commit_time_us = header.commit_time_us;
  }
  FISCAL_RETURN_IF_ERROR(it->status());

  if (!anchored.ok()) {
    if (head.position != 0)
      return absl::DataLossError("log: the store has events but its anchor is missing");
    FISCAL_RETURN_IF_ERROR(anchor.Write({log->log_id_, 0, Digest{}}));
  } else {
    if (anchored->log_id != log->log_id_)
      return absl::DataLossError("log: the anchor belongs to another log");
    if (anchored->position > head.position) {
      return absl::DataLossError(absl::StrCat("log: it ends at ", head.position, " but ",
                                              anchored->position,
                                              " was acknowledged: the end of the log is lost"));
    }
    // What was written after the last anchored record must continue it.
    Digest chain = anchored->chain_hash;
    if (anchored->position > 0) {
      FISCAL_ASSIGN_OR_RETURN(LogEntry entry, log->Read(anchored->position));
      if (entry.chain_hash != chain)
        return absl::DataLossError("log: the hash chain does not fit the anchor");
    }
    for (domain::Position p = anchored->position + 1; p <= head.position; ++p) {
      FISCAL_ASSIGN_OR_RETURN(LogEntry entry, log->Read(p));
      FISCAL_ASSIGN_OR_RETURN(Digest leaf, LeafHash(*entry.record));
      chain = ChainHash(chain, leaf);
      if (chain != entry.chain_hash)
        return absl::DataLossError(absl::StrCat("log: the hash chain breaks at ", p));
    }
    if (head.position > anchored->position) {
      FISCAL_RETURN_IF_ERROR(anchor.Write({log->log_id_, head.position, head.chain_hash}));
    }
  }
  absl::MutexLock lock(&log->mu_);
  log->head_ = head;
  return log;
}

EventLog::Head EventLog::head() const {
  absl::MutexLock lock(&mu_);
  return head_;
}

void EventLog::Stage(const LogEntry& entry, domain::EventKind kind, Batch* batch) {
  std::string value;
  value.reserve(32 + entry.record->size());
  value.append(BytesOf(entry.chain_hash).data(), 32);
  value += *entry.record;
  batch->Put(EventKey(entry.position), std::move(value));
  if (kind == domain::EventKind::kCatalog) batch->Put(CatalogEventKey(entry.position), "");
}

absl::Status EventLog::Commit(const Batch& batch, const Head& head) {
  FISCAL_RETURN_IF_ERROR(kv_.Write(batch, /*sync=*/true));
  {
    absl::MutexLock lock(&mu_);
    FISCAL_CHECK(head.position >= head_.position, "the log never goes back");
    if (head.position == head_.position) return absl::OkStatus();
  }
  const absl::Status anchored = anchor_.Write({log_id_, head.position, head.chain_hash});
  if (!anchored.ok()) {
    // The records are in the store and will be found there: nobody may hear that nothing changed.
    return absl::UnavailableError(
        absl::StrCat("the anchor could not be written: ", anchored.message()));
  }
  absl::MutexLock lock(&mu_);
  head_ = head;
  return absl::OkStatus();
}

absl::StatusOr<LogEntry> EventLog::Read(domain::Position position) const {
  FISCAL_ASSIGN_OR_RETURN(std::string value, kv_.Get(EventKey(position)));
  return DecodeEntry(position, std::move(value));
}

absl::StatusOr<domain::Position> EventLog::AsOf(int64_t time_us) const {
  // Times never decrease along the log.
  domain::Position low = 0, high = head().position;
  while (low < high) {
    const domain::Position middle = low + (high - low + 1) / 2;
    FISCAL_ASSIGN_OR_RETURN(LogEntry entry, Read(middle));
    absl::string_view payload;
    FISCAL_ASSIGN_OR_RETURN(domain::EventHeader header, DecodeHeader(*entry.record, &payload));
    if (header.commit_time_us <= time_us) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

absl::StatusOr<std::vector<domain::Position>> EventLog::CatalogEvents(domain::Position last) const {
  std::vector<domain::Position> positions;
  std::unique_ptr<KvIterator> it =
      kv_.NewIterator(CatalogEventKey(0), CatalogEventKey(last == UINT64_MAX ? last : last + 1));
  for (it->Seek(CatalogEventKey(0)); it->Valid(); it->Next()) {
    FISCAL_ASSIGN_OR_RETURN(domain::Position p, DecodeEventKey(it->key()));
    positions.push_back(p);
  }
  FISCAL_RETURN_IF_ERROR(it->status());
  return positions;
}

bool EventLog::WaitPast(domain::Position position, absl::Time deadline) const {
  absl::MutexLock lock(&mu_);
  auto past = [&]() { return head_.position > position || stopped_; };
  mu_.AwaitWithDeadline(absl::Condition(&past), deadline);
  return head_.position > position;
}

bool EventLog::stopped() const {
  absl::MutexLock lock(&mu_);
  return stopped_;
}

void EventLog::StopWaiting() {
  absl::MutexLock lock(&mu_);
  stopped_ = true;
}

}  // namespace fiscal::storage
