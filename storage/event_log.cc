#include "storage/event_log.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "storage/record_codec.h"
#include "storage/schema.h"

namespace fiscal::storage {
namespace {

// Records kept in memory behind the head.
constexpr size_t kRecentBytes = 16 << 20;
// Before the record in an event's value: chain hash and size.
constexpr size_t kEntryHead = 32 + 4;

absl::StatusOr<uint32_t> RecordSize(domain::Position position, absl::string_view value) {
  if (value.size() < kEntryHead)
    return absl::DataLossError(absl::StrCat("log: record ", position, " is too short"));
  ByteReader reader(value.substr(32));
  return reader.U32();
}

// The record in an event's value, up to its payload. Headers are small: they end in the first
// segment.
absl::StatusOr<std::string> HeadOf(domain::Position position, absl::string_view value,
                                   domain::EventHeader* header) {
  FISCAL_RETURN_IF_ERROR(RecordSize(position, value).status());
  const absl::string_view record = value.substr(kEntryHead);
  absl::string_view payload;
  FISCAL_ASSIGN_OR_RETURN(*header, DecodeHeader(record, &payload));
  return std::string(record.substr(0, record.size() - payload.size()));
}

}  // namespace

absl::StatusOr<LogEntry> ReadRecord(const GetValue& get, domain::Position position) {
  FISCAL_ASSIGN_OR_RETURN(std::string value, get(EventKey(position)));
  FISCAL_ASSIGN_OR_RETURN(uint32_t size, RecordSize(position, value));
  LogEntry entry;
  entry.position = position;
  entry.chain_hash = DigestOf(absl::string_view(value).substr(0, 32));
  value.erase(0, kEntryHead);
  for (uint32_t n = 1; value.size() < size; ++n) {
    absl::StatusOr<std::string> more = get(EventSegmentKey(position, n));
    if (!more.ok() || more->empty()) {
      return absl::DataLossError(absl::StrCat("log: record ", position, " lacks its segment ", n));
    }
    value += *more;
  }
  if (value.size() != size)
    return absl::DataLossError(absl::StrCat("log: record ", position, " has another size"));
  entry.record = std::make_shared<const std::string>(std::move(value));
  return entry;
}

absl::StatusOr<std::string> ReadRecordBytes(const GetValue& get, domain::Position position,
                                            uint64_t offset, uint64_t size) {
  std::string bytes;
  while (size > 0) {
    const uint64_t number = offset / kSegmentBytes, skip = offset % kSegmentBytes;
    FISCAL_ASSIGN_OR_RETURN(
        std::string value,
        get(number == 0 ? EventKey(position)
                        : EventSegmentKey(position, static_cast<uint32_t>(number))));
    const absl::string_view segment =
        number == 0 ? absl::ClippedSubstr(value, kEntryHead) : absl::string_view(value);
    const absl::string_view piece = absl::ClippedSubstr(segment, skip, size);
    if (piece.empty()) {
      return absl::OutOfRangeError(absl::StrCat("log: record ", position, " is shorter"));
    }
    bytes.append(piece.data(), piece.size());
    offset += piece.size();
    size -= piece.size();
  }
  return bytes;
}

absl::StatusOr<std::unique_ptr<EventLog>> EventLog::Open(Kv& kv, Anchor& anchor,
                                                         absl::string_view new_log_id,
                                                         Origin origin) {
  absl::StatusOr<std::string> id = kv.Get(LogIdKey());
  const absl::StatusOr<AnchorState> anchored = anchor.Read();
  if (!anchored.ok() && !absl::IsNotFound(anchored.status())) return anchored.status();
  if (absl::IsNotFound(id.status())) {
    if (anchored.ok()) {
      return absl::DataLossError(
          "log: the anchor names a log that is not in the store: the store was lost or replaced");
    }
    FISCAL_CHECK(new_log_id.size() == 16, "a log id has 16 bytes");
    id = std::string(new_log_id);
    id->push_back(static_cast<char>(origin));
    Batch batch;
    batch.Put(LogIdKey(), *id);
    FISCAL_RETURN_IF_ERROR(kv.Write(batch, /*sync=*/true));
  } else if (!id.ok()) {
    return id.status();
  }
  if (id->size() != 17) return absl::DataLossError("log: its id has another size");
  if (id->back() != static_cast<char>(origin)) {
    return absl::FailedPreconditionError(
        origin == Origin::kWritten
            ? "log: it is a copy of another process's log and can't be written to: it serves the "
              "role aggregation"
            : "log: it is written here and is no copy: it serves the roles all and submission");
  }
  id->pop_back();
  std::unique_ptr<EventLog> log(new EventLog(kv, anchor, *id, origin));

  Head head;
  std::unique_ptr<KvIterator> it = kv.NewIterator(EventKey(0), EventKey(UINT64_MAX));
  it->SeekForPrev(EventKey(UINT64_MAX));
  if (it->Valid()) {
    FISCAL_ASSIGN_OR_RETURN(head.position, DecodePositionKey(it->key()));
    FISCAL_ASSIGN_OR_RETURN(LogEntry entry, log->Read(head.position));
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
  // The tree's last leaves, which must be those of the chain.
  Digest chain{};
  auto leaf_at = [&](uint64_t index) -> absl::StatusOr<Digest> {
    if (chain == Digest{} && index > 0) {
      FISCAL_ASSIGN_OR_RETURN(std::string before, kv.Get(EventKey(index)));
      FISCAL_RETURN_IF_ERROR(RecordSize(index, before).status());
      chain = DigestOf(absl::string_view(before).substr(0, 32));
    }
    FISCAL_ASSIGN_OR_RETURN(std::string value, kv.Get(EventKey(index + 1)));
    domain::EventHeader header;
    FISCAL_ASSIGN_OR_RETURN(std::string bytes, HeadOf(index + 1, value, &header));
    const Digest leaf = LeafHashOfHeader(bytes);
    chain = ChainHash(chain, leaf);
    if (BytesOf(chain) != absl::string_view(value).substr(0, 32))
      return absl::DataLossError(absl::StrCat("log: the hash chain breaks at ", index + 1));
    return leaf;
  };
  FISCAL_ASSIGN_OR_RETURN(log->tree_, MerkleTree::Open(kv, head.position, leaf_at));
  absl::MutexLock lock(&log->mu_);
  log->head_ = head;
  return log;
}

EventLog::Head EventLog::head() const {
  absl::MutexLock lock(&mu_);
  return head_;
}

void EventLog::Stage(const LogEntry& entry, domain::EventKind kind,
                     const std::function<void(std::string key, std::string value)>& put) {
  const absl::string_view record(*entry.record);
  std::string value;
  value.reserve(kEntryHead + std::min(record.size(), kSegmentBytes));
  value.append(BytesOf(entry.chain_hash).data(), 32);
  PutU32(&value, static_cast<uint32_t>(record.size()));
  value.append(record.data(), std::min(record.size(), kSegmentBytes));
  put(EventKey(entry.position), std::move(value));
  for (uint32_t n = 1; uint64_t{n} * kSegmentBytes < record.size(); ++n) {
    put(EventSegmentKey(entry.position, n),
        std::string(record.substr(n * kSegmentBytes, kSegmentBytes)));
  }
  if (kind == domain::EventKind::kCatalog) put(CatalogEventKey(entry.position), "");
}

absl::Status EventLog::Commit(Batch batch, std::vector<LogEntry> entries, int64_t commit_time_us) {
  Digest chain = head().chain_hash;
  std::vector<Digest> leaves;
  leaves.reserve(entries.size());
  for (const LogEntry& entry : entries) {
    chain = ChainHash(chain, entry.leaf_hash);
    FISCAL_CHECK(chain == entry.chain_hash, "tree and chain are over the same leaves");
    leaves.push_back(entry.leaf_hash);
  }
  const MerkleTree::Growth growth = tree_->Stage(std::move(leaves), &batch);
  FISCAL_RETURN_IF_ERROR(kv_.Write(batch, /*sync=*/true));
  if (entries.empty()) return absl::OkStatus();
  const Head head{entries.back().position, entries.back().chain_hash, commit_time_us};
  const absl::Status anchored = anchor_.Write({log_id_, head.position, head.chain_hash});
  if (!anchored.ok()) {
    // The records are in the store and will be found there: nobody may hear that nothing changed.
    return absl::UnavailableError(
        absl::StrCat("the anchor could not be written: ", anchored.message()));
  }
  std::vector<LogEntry> forgotten;  // freed outside the lock
  absl::MutexLock lock(&mu_);
  FISCAL_CHECK(entries.front().position == head_.position + 1, "the log goes on where it ended");
  tree_->Adopt(growth);
  head_ = head;
  for (LogEntry& entry : entries) {
    recent_bytes_ += entry.record->size();
    recent_.push_back(std::move(entry));
  }
  while (recent_bytes_ > kRecentBytes) {
    recent_bytes_ -= recent_.front().record->size();
    forgotten.push_back(std::move(recent_.front()));
    recent_.pop_front();
  }
  return absl::OkStatus();
}

absl::StatusOr<LogEntry> EventLog::Read(domain::Position position) const {
  {
    absl::ReaderMutexLock lock(&mu_);
    if (!recent_.empty() && position >= recent_.front().position &&
        position <= recent_.back().position)
      return recent_[position - recent_.front().position];
  }
  return ReadRecord([this](const std::string& key) { return kv_.Get(key); }, position);
}

absl::StatusOr<Digest> EventLog::ChainAt(domain::Position position) const {
  if (position == 0) return Digest{};
  {
    absl::ReaderMutexLock lock(&mu_);
    if (head_.position == position) return head_.chain_hash;
    if (!recent_.empty() && position >= recent_.front().position &&
        position <= recent_.back().position)
      return recent_[position - recent_.front().position].chain_hash;
  }
  FISCAL_ASSIGN_OR_RETURN(const std::string value, kv_.Get(EventKey(position)));
  if (value.size() < 32)
    return absl::DataLossError(absl::StrCat("log: record ", position, " is too short"));
  return DigestOf(absl::string_view(value).substr(0, 32));
}

absl::StatusOr<std::string> EventLog::ReadRecordHead(domain::Position position,
                                                     domain::EventHeader* header) const {
  FISCAL_ASSIGN_OR_RETURN(std::string value, kv_.Get(EventKey(position)));
  return HeadOf(position, value, header);
}

absl::StatusOr<domain::Position> EventLog::AsOf(int64_t time_us) const {
  // Times never decrease along the log.
  domain::Position low = 0, high = head().position;
  while (low < high) {
    const domain::Position middle = low + (high - low + 1) / 2;
    domain::EventHeader header;
    FISCAL_RETURN_IF_ERROR(ReadRecordHead(middle, &header).status());
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
    FISCAL_ASSIGN_OR_RETURN(domain::Position p, DecodePositionKey(it->key()));
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
