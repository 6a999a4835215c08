#include "storage/audit.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/coding.h"
#include "base/status_macros.h"

namespace fiscal::storage {
namespace {

using domain::AuditEntry;
using domain::AuditOutcome;

constexpr uint8_t kVersion = 1;
// Entries looked at for one page, and removed at once.
constexpr uint64_t kPageEntriesMax = 1 << 16;
constexpr uint64_t kPruneEntriesMax = 1 << 13;

constexpr int64_t kDayUs = int64_t{24} * 3600 * 1000000;
// Asia/Shanghai is ahead of UTC, the whole year.
constexpr int64_t kZoneUs = int64_t{8} * 3600 * 1000000;

absl::Time StartOfDay(absl::Time time) {
  const int64_t local = absl::ToUnixMicros(time) + kZoneUs;
  const int64_t into = ((local % kDayUs) + kDayUs) % kDayUs;
  return absl::FromUnixMicros(local - into - kZoneUs);
}

absl::Status Missing(uint64_t sequence) {
  return absl::DataLossError(absl::StrCat("audit log: entry ", sequence, " is missing"));
}

bool Matches(const AuditQuery& query, const AuditEntry& entry) {
  if (query.outcome.has_value() && entry.outcome != *query.outcome) return false;
  if (!query.method.empty() && entry.method != query.method) return false;
  return query.principal_prefix ? absl::StartsWith(entry.principal, query.principal)
                                : query.principal.empty() || entry.principal == query.principal;
}

}  // namespace

std::string EncodeAuditEntry(const AuditEntry& entry) {
  std::string bytes;
  PutU8(&bytes, kVersion);
  PutU8(&bytes, static_cast<uint8_t>(entry.outcome));
  PutSigned(&bytes, entry.time_us);
  if (entry.outcome == AuditOutcome::kLost) {
    PutVarint(&bytes, entry.lost_count);
    PutSigned(&bytes, entry.lost_from_us);
    PutSigned(&bytes, entry.lost_to_us);
    return bytes;
  }
  for (const std::string* text :
       {&entry.principal, &entry.connection, &entry.method, &entry.reason, &entry.missing_verb,
        &entry.scope, &entry.request_id, &entry.trace_id})
    PutString(&bytes, *text);
  return bytes;
}

absl::StatusOr<AuditEntry> DecodeAuditEntry(uint64_t sequence, absl::string_view bytes) {
  ByteReader reader(bytes);
  AuditEntry entry;
  entry.sequence = sequence;
  const uint8_t version = reader.U8(), outcome = reader.U8();
  entry.outcome = static_cast<AuditOutcome>(outcome);
  entry.time_us = reader.Signed();
  if (entry.outcome == AuditOutcome::kLost) {
    entry.lost_count = reader.Varint();
    entry.lost_from_us = reader.Signed();
    entry.lost_to_us = reader.Signed();
  } else {
    for (std::string* text :
         {&entry.principal, &entry.connection, &entry.method, &entry.reason, &entry.missing_verb,
          &entry.scope, &entry.request_id, &entry.trace_id})
      *text = std::string(reader.String());
  }
  if (!reader.ok() || !reader.AtEnd() || version != kVersion || outcome < 1 ||
      outcome > domain::kAuditOutcomes)
    return absl::DataLossError(absl::StrCat("audit log: entry ", sequence, " is malformed"));
  return entry;
}

Digest AuditLeafHash(absl::string_view bytes) {
  return Sha256({absl::string_view("\x00", 1), bytes});
}

absl::StatusOr<std::unique_ptr<AuditLog>> AuditLog::Open(Kv& kv) {
  std::unique_ptr<AuditLog> log(new AuditLog(kv));
  FISCAL_ASSIGN_OR_RETURN(Start start, DecodeStart(kv.Get(AuditStartKey())));
  {
    absl::MutexLock lock(&log->mu_);
    log->start_ = std::move(start);
  }
  FISCAL_RETURN_IF_ERROR(log->OpenTree());
  return log;
}

std::string AuditLog::EncodeStart(const Start& start) {
  std::string bytes;
  PutU8(&bytes, kVersion);
  PutVarint(&bytes, start.first);
  PutSigned(&bytes, start.time_us);
  for (const Digest& leaf : start.leaves) bytes.append(BytesOf(leaf).data(), 32);
  return bytes;
}

absl::StatusOr<AuditLog::Start> AuditLog::DecodeStart(const absl::StatusOr<std::string>& bytes) {
  Start start;
  if (absl::IsNotFound(bytes.status())) return start;
  FISCAL_RETURN_IF_ERROR(bytes.status());
  ByteReader reader(*bytes);
  const uint8_t version = reader.U8();
  start.first = reader.Varint();
  start.time_us = reader.Signed();
  while (reader.remaining() >= 32) start.leaves.push_back(DigestOf(reader.Bytes(32)));
  if (!reader.ok() || !reader.AtEnd() || version != kVersion ||
      start.leaves.size() >= std::min(start.first, kTileNodes))
    return absl::DataLossError("audit log: its start is malformed");
  return start;
}

absl::Status AuditLog::OpenTree() {
  const Start start = this->start();
  uint64_t size = start.first - 1;
  last_time_us_ = start.time_us;
  {
    const KeyRange all = KeysOf(KeyKind::kAuditEntry);
    const std::unique_ptr<KvIterator> it = kv_.NewIterator(all.lower, all.upper);
    it->SeekForPrev(AuditEntryKey(UINT64_MAX));
    if (it->Valid()) {
      FISCAL_ASSIGN_OR_RETURN(size, DecodeAuditEntryKey(it->key()));
      FISCAL_ASSIGN_OR_RETURN(const AuditEntry last, DecodeAuditEntry(size, it->value()));
      last_time_us_ = last.time_us;
    }
    FISCAL_RETURN_IF_ERROR(it->status());
  }
  if (size + 1 < start.first) return Missing(start.first);
  absl::StatusOr<std::unique_ptr<MerkleTree>> tree =
      MerkleTree::Open(kv_, size, [this](uint64_t index) { return LeafOf(index); });
  if (!tree.ok())
    return absl::Status(tree.status().code(), absl::StrCat("audit ", tree.status().message()));
  tree_ = *std::move(tree);
  return absl::OkStatus();
}

AuditLog::Start AuditLog::start() const {
  absl::ReaderMutexLock lock(&mu_);
  return start_;
}

absl::StatusOr<AuditEntry> AuditLog::Get(uint64_t sequence) const {
  const absl::StatusOr<std::string> bytes = kv_.Get(AuditEntryKey(sequence));
  if (absl::IsNotFound(bytes.status())) return Missing(sequence);
  FISCAL_RETURN_IF_ERROR(bytes.status());
  return DecodeAuditEntry(sequence, *bytes);
}

absl::StatusOr<Digest> AuditLog::LeafOf(uint64_t index) const {
  const Start start = this->start();
  const uint64_t removed = start.first - 1;
  if (index < removed) {
    if (removed - index > start.leaves.size()) return Missing(index + 1);
    return start.leaves[start.leaves.size() - (removed - index)];
  }
  const absl::StatusOr<std::string> bytes = kv_.Get(AuditEntryKey(index + 1));
  if (absl::IsNotFound(bytes.status())) return Missing(index + 1);
  FISCAL_RETURN_IF_ERROR(bytes.status());
  return AuditLeafHash(*bytes);
}

absl::Status AuditLog::Append(absl::Span<AuditEntry> entries) {
  Batch batch;
  std::vector<Digest> leaves;
  leaves.reserve(entries.size());
  uint64_t sequence = tree_->size();
  int64_t time_us = last_time_us_;
  for (AuditEntry& entry : entries) {
    entry.sequence = ++sequence;
    entry.time_us = time_us = std::max(time_us, entry.time_us);
    std::string bytes = EncodeAuditEntry(entry);
    leaves.push_back(AuditLeafHash(bytes));
    batch.Put(AuditEntryKey(sequence), std::move(bytes));
  }
  const MerkleTree::Growth growth = tree_->Stage(std::move(leaves), &batch);
  FISCAL_RETURN_IF_ERROR(kv_.Write(std::move(batch), /*sync=*/false));
  tree_->Adopt(growth);
  last_time_us_ = time_us;
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> AuditLog::FirstNotBefore(const KvSnapshot& snapshot, uint64_t first,
                                                  uint64_t end, absl::Time time) {
  const int64_t time_us = absl::ToUnixMicros(time);
  while (first < end) {
    const uint64_t middle = first + (end - first) / 2;
    const absl::StatusOr<std::string> bytes = snapshot.Get(AuditEntryKey(middle));
    if (absl::IsNotFound(bytes.status())) return Missing(middle);
    FISCAL_RETURN_IF_ERROR(bytes.status());
    FISCAL_ASSIGN_OR_RETURN(const AuditEntry entry, DecodeAuditEntry(middle, *bytes));
    if (entry.time_us < time_us) {
      first = middle + 1;
    } else {
      end = middle;
    }
  }
  return first;
}

absl::StatusOr<AuditPage> AuditLog::List(const AuditQuery& query,
                                         absl::FunctionRef<absl::Status(uint64_t)> spend) const {
  // What is appended after this is not looked at; what is removed after it still is.
  uint64_t end = tree_->size() + 1;
  const std::unique_ptr<KvSnapshot> snapshot = kv_.NewSnapshot();
  FISCAL_ASSIGN_OR_RETURN(const Start start, DecodeStart(snapshot->Get(AuditStartKey())));
  uint64_t low = start.first;
  if (query.from != absl::InfinitePast()) {
    FISCAL_ASSIGN_OR_RETURN(low, FirstNotBefore(*snapshot, low, end, query.from));
  }
  if (query.to != absl::InfiniteFuture()) {
    FISCAL_ASSIGN_OR_RETURN(end, FirstNotBefore(*snapshot, low, end, query.to));
  }
  if (query.after != 0 && query.oldest_first) low = std::max(low, query.after + 1);
  if (query.after != 0 && !query.oldest_first) end = std::min(end, query.after);
  AuditPage page;
  if (low >= end) return page;
  const Key lower = AuditEntryKey(low), upper = AuditEntryKey(end);
  const std::unique_ptr<KvIterator> it = snapshot->NewIterator(lower, upper);
  query.oldest_first ? it->Seek(lower) : it->SeekForPrev(AuditEntryKey(end - 1));
  for (uint64_t looked = 0; looked < end - low; ++looked) {
    const uint64_t sequence = query.oldest_first ? low + looked : end - 1 - looked;
    if (!it->Valid() || it->key() != AuditEntryKey(sequence)) {
      FISCAL_RETURN_IF_ERROR(it->status());
      return Missing(sequence);
    }
    FISCAL_RETURN_IF_ERROR(spend(1));
    FISCAL_ASSIGN_OR_RETURN(AuditEntry entry, DecodeAuditEntry(sequence, it->value()));
    if (Matches(query, entry)) page.rows.push_back({std::move(entry), AuditLeafHash(it->value())});
    const bool more = looked + 1 < end - low;
    if (more && (page.rows.size() == query.limit || looked + 1 == kPageEntriesMax)) {
      page.next = sequence;
      return page;
    }
    query.oldest_first ? it->Next() : it->Prev();
  }
  return page;
}

absl::StatusOr<AuditLog::Start> AuditLog::StartAt(uint64_t first) const {
  Start start;
  start.first = first;
  FISCAL_ASSIGN_OR_RETURN(const AuditEntry last, Get(first - 1));
  start.time_us = last.time_us;
  const uint64_t size = tree_->size();
  for (uint64_t leaf = size - size % kTileNodes; leaf + 1 < first; ++leaf) {
    FISCAL_ASSIGN_OR_RETURN(const Digest hash, LeafOf(leaf));
    start.leaves.push_back(hash);
  }
  return start;
}

absl::StatusOr<bool> AuditLog::Prune(absl::Time before) {
  const uint64_t first = start().first, end = tree_->size() + 1;
  FISCAL_ASSIGN_OR_RETURN(const uint64_t keep,
                          FirstNotBefore(*kv_.NewSnapshot(), first, end, StartOfDay(before)));
  if (keep == first) return false;
  const uint64_t next = std::min(keep, first + kPruneEntriesMax);
  FISCAL_ASSIGN_OR_RETURN(Start start, StartAt(next));
  Batch batch;
  for (uint64_t sequence = first; sequence < next; ++sequence)
    batch.Delete(AuditEntryKey(sequence));
  batch.Put(AuditStartKey(), EncodeStart(start));
  FISCAL_RETURN_IF_ERROR(kv_.Write(std::move(batch), /*sync=*/false));
  absl::MutexLock lock(&mu_);
  start_ = std::move(start);
  return next < keep;
}

absl::StatusOr<AuditLog::Head> AuditLog::head() const {
  Head head;
  head.size = tree_->size();
  FISCAL_ASSIGN_OR_RETURN(head.root, tree_->Root(head.size));
  head.first = start().first;
  return head;
}

}  // namespace fiscal::storage
