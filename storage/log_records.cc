#include "storage/log_records.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "storage/record_codec.h"
#include "storage/schema.h"

namespace fiscal::storage {
namespace {

constexpr size_t kChainBytes = 32;
// Before the record in an event's value: chain hash and size.
constexpr size_t kEntryHead = kChainBytes + 4;

absl::StatusOr<uint32_t> RecordSize(domain::Position position, absl::string_view value) {
  if (value.size() < kEntryHead)
    return absl::DataLossError(absl::StrCat("log: record ", position.value(), " is too short"));
  ByteReader reader(value.substr(kChainBytes));
  return reader.U32();
}

}  // namespace

bool IsOperators(domain::EventKind kind) {
  return kind >= domain::EventKind::kQuarantine && kind <= domain::EventKind::kClock;
}

void StageRecord(const LogEntry& entry, Batch* batch) {
  const absl::string_view record(*entry.record);
  std::string value;
  value.reserve(kEntryHead + std::min(record.size(), kSegmentBytes));
  value.append(BytesOf(entry.chain_hash).data(), kChainBytes);
  PutU32(&value, static_cast<uint32_t>(record.size()));
  value.append(record.data(), std::min(record.size(), kSegmentBytes));
  batch->Put(EventKey(entry.position), std::move(value));
  for (uint32_t n = 1; uint64_t{n} * kSegmentBytes < record.size(); ++n) {
    batch->Put(EventSegmentKey(entry.position, n),
               std::string(record.substr(n * kSegmentBytes, kSegmentBytes)));
  }
  const domain::EventKind kind = KindOf(record);
  if (kind == domain::EventKind::kCatalog) batch->Put(CatalogEventKey(entry.position), "");
  if (IsOperators(kind)) batch->Put(OperatorEventKey(entry.position), "");
}

absl::StatusOr<LogEntry> ReadRecord(const GetValue& get, domain::Position position) {
  FISCAL_ASSIGN_OR_RETURN(std::string value, get(EventKey(position)));
  FISCAL_ASSIGN_OR_RETURN(uint32_t size, RecordSize(position, value));
  LogEntry entry;
  entry.position = position;
  entry.chain_hash = DigestOf(absl::string_view(value).substr(0, kChainBytes));
  value.erase(0, kEntryHead);
  for (uint32_t n = 1; value.size() < size; ++n) {
    absl::StatusOr<std::string> more = get(EventSegmentKey(position, n));
    if (!more.ok() || more->empty()) {
      return absl::DataLossError(
          absl::StrCat("log: record ", position.value(), " lacks its segment ", n));
    }
    value += *more;
  }
  if (value.size() != size)
    return absl::DataLossError(absl::StrCat("log: record ", position.value(), " has another size"));
  entry.record = std::make_shared<const std::string>(std::move(value));
  return entry;
}

absl::StatusOr<std::string> ReadRecordBytes(const GetValue& get, domain::Position position,
                                            uint64_t offset, uint64_t size) {
  std::string bytes;
  while (size > 0) {
    const uint64_t number = offset / kSegmentBytes, skip = offset % kSegmentBytes;
    const absl::StatusOr<std::string> value =
        get(number == 0 ? EventKey(position)
                        : EventSegmentKey(position, static_cast<uint32_t>(number)));
    if (number > 0 && absl::IsNotFound(value.status()))
      return absl::OutOfRangeError(absl::StrCat("log: record ", position.value(), " is shorter"));
    if (!value.ok()) return value.status();
    const absl::string_view segment =
        number == 0 ? absl::ClippedSubstr(*value, kEntryHead) : absl::string_view(*value);
    const absl::string_view piece = absl::ClippedSubstr(segment, skip, size);
    if (piece.empty()) {
      return absl::OutOfRangeError(absl::StrCat("log: record ", position.value(), " is shorter"));
    }
    bytes.append(piece.data(), piece.size());
    offset += piece.size();
    size -= piece.size();
  }
  return bytes;
}

absl::StatusOr<Digest> ChainOf(domain::Position position, absl::string_view value) {
  FISCAL_RETURN_IF_ERROR(RecordSize(position, value).status());
  return DigestOf(value.substr(0, kChainBytes));
}

// Headers are small: they end in the first segment.
absl::StatusOr<std::string> HeadOf(domain::Position position, absl::string_view value,
                                   domain::EventHeader* header) {
  FISCAL_RETURN_IF_ERROR(RecordSize(position, value).status());
  const absl::string_view record = value.substr(kEntryHead);
  absl::string_view payload;
  FISCAL_ASSIGN_OR_RETURN(*header, DecodeHeader(record, &payload));
  return std::string(record.substr(0, record.size() - payload.size()));
}

absl::Status CheckRecords(const Kv& kv, domain::Position from, domain::Position to, Digest* chain) {
  std::unique_ptr<KvIterator> it = kv.NewIterator(EventKey(from), EventKey(to + 1));
  it->Seek(EventKey(from));
  for (domain::Position p = from; p <= to; ++p) {
    if (!it->Valid() || it->key() != EventKey(p)) {
      FISCAL_RETURN_IF_ERROR(it->status());
      return absl::DataLossError(absl::StrCat("log: event ", p.value(), " is missing"));
    }
    FISCAL_ASSIGN_OR_RETURN(const uint32_t size, RecordSize(p, it->value()));
    domain::EventHeader header;
    FISCAL_ASSIGN_OR_RETURN(const std::string head, HeadOf(p, it->value(), &header));
    *chain = ChainHash(*chain, LeafHashOfHeader(head));
    if (header.position != p || BytesOf(*chain) != it->value().substr(0, kChainBytes))
      return absl::DataLossError(absl::StrCat("log: the hash chain breaks at ", p.value()));
    size_t have = it->value().size() - kEntryHead;
    it->Next();
    for (uint32_t n = 1; have < size; ++n) {
      if (!it->Valid() || it->key() != EventSegmentKey(p, n)) {
        FISCAL_RETURN_IF_ERROR(it->status());
        return absl::DataLossError(
            absl::StrCat("log: event ", p.value(), " lacks its segment ", n));
      }
      have += it->value().size();
      it->Next();
    }
    if (have != size)
      return absl::DataLossError(absl::StrCat("log: event ", p.value(), " has another size"));
  }
  return it->status();
}

}  // namespace fiscal::storage
