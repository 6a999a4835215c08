#include "storage/schema.h"

#include "base/coding.h"

namespace fiscal::storage {
namespace {

enum Kind : uint8_t {
  kEvent = 0x01,
  kRequest = 0x02,
  kHead = 0x03,
  kHeadBlock = 0x04,
  kHeadProject = 0x05,
  kRevision = 0x06,
  kScope = 0x08,
  kCatalogEvent = 0x09,
  kLogId = 0x0a,
  kTile = 0x0b,
  kUpstream = 0x0c,
  kOwner = 0x0d,
  kGroupRecord = 0x0e,
  kGross = 0x0f,
  kCells = 0x10,
  kPosting = 0x12,
  kStride = 0x13,
  kStatus = 0x14,
  kGroup = 0x15,
  kOperatorEvent = 0x16,
  kWatermark = 0x20,
  kLedgerMark = 0x21,
  kLeftOut = 0x22,
};

std::string Start(Kind kind) { return std::string(1, static_cast<char>(kind)); }

std::string BudgetPart(Kind kind, const domain::BudgetKey& b) {
  std::string key = Start(kind);
  key.reserve(48);
  PutU32(&key, b.division);
  PutU16(&key, b.year);
  PutU8(&key, static_cast<uint8_t>(b.stage));
  key += b.agency;
  key.push_back('\0');
  return key;
}

std::string PositionKey(Kind kind, domain::Position position) {
  std::string key = Start(kind);
  PutU64(&key, position);
  return key;
}

void Append(std::string* key, absl::string_view s) { key->append(s.data(), s.size()); }

}  // namespace

std::string EventKey(domain::Position position) { return PositionKey(kEvent, position); }

std::string EventSegmentKey(domain::Position position, uint32_t number) {
  std::string key = PositionKey(kEvent, position);
  PutU32(&key, number);
  return key;
}

std::string RequestKey(absl::string_view principal, absl::string_view request_id) {
  std::string key = Start(kRequest);
  Append(&key, principal);
  key.push_back('\0');
  Append(&key, request_id);
  return key;
}

std::string HeadPrefix(domain::Code division) {
  std::string key = Start(kHead);
  PutU32(&key, division);
  return key;
}

std::string HeadKey(const domain::BudgetKey& budget) { return BudgetPart(kHead, budget); }

std::string HeadBlockKey(const domain::BudgetKey& budget, absl::string_view first_line_id) {
  std::string key = BudgetPart(kHeadBlock, budget);
  Append(&key, first_line_id);
  return key;
}

std::string HeadProjectKey(const domain::BudgetKey& budget, absl::string_view project_code) {
  std::string key = BudgetPart(kHeadProject, budget);
  Append(&key, project_code);
  return key;
}

std::string RevisionsPrefix(const domain::BudgetKey& budget) {
  return BudgetPart(kRevision, budget);
}

std::string RevisionsPrefix(domain::Code division, uint16_t year, domain::Stage stage) {
  std::string key = Start(kRevision);
  PutU32(&key, division);
  PutU16(&key, year);
  PutU8(&key, static_cast<uint8_t>(stage));
  return key;
}

std::string RevisionKey(const domain::BudgetKey& budget, uint64_t revision) {
  std::string key = RevisionsPrefix(budget);
  PutU64(&key, revision);
  return key;
}

std::string GrossKey(domain::Code division, uint16_t year, domain::Stage stage) {
  std::string key = Start(kGross);
  PutU32(&key, division);
  PutU16(&key, year);
  PutU8(&key, static_cast<uint8_t>(stage));
  return key;
}

std::string ScopeKey(domain::Code division, uint16_t year, domain::Stage stage,
                     absl::string_view department) {
  std::string key = Start(kScope);
  PutU32(&key, division);
  PutU16(&key, year);
  PutU8(&key, static_cast<uint8_t>(stage));
  Append(&key, department);
  return key;
}

std::string CatalogEventKey(domain::Position position) {
  return PositionKey(kCatalogEvent, position);
}

std::string OperatorEventKey(domain::Position position) {
  return PositionKey(kOperatorEvent, position);
}

std::string LogIdKey() { return Start(kLogId); }
std::string LedgerMarkKey() { return Start(kLedgerMark); }

std::string GroupRecordKey(uint64_t group) {
  std::string key = Start(kGroupRecord);
  PutU64(&key, group);
  return key;
}

absl::StatusOr<uint64_t> DecodeGroupRecordKey(absl::string_view key) {
  ByteReader reader(key);
  const uint8_t kind = reader.U8();
  const uint64_t group = reader.U64();
  if (!reader.ok() || !reader.AtEnd() || kind != kGroupRecord)
    return absl::DataLossError("malformed key of a group");
  return group;
}

std::string TileKey(uint8_t level, uint64_t index) {
  std::string key = Start(kTile);
  PutU8(&key, level);
  PutU64(&key, index);
  return key;
}

std::string CellsNodePrefix(const domain::OrgNode& node, uint16_t year, domain::Stage stage) {
  std::string key = Start(kCells);
  key.reserve(48);
  PutU16(&key, year);
  PutU8(&key, static_cast<uint8_t>(stage));
  PutU32(&key, node.division);
  PutU8(&key, static_cast<uint8_t>(node.type));
  key += node.code;
  key.push_back('\0');
  return key;
}

std::string CellsKey(const domain::ChunkId& id, uint64_t stride) {
  std::string key = CellsNodePrefix(id.node, id.year, id.stage);
  PutU16(&key, id.chunk);
  PutU64(&key, ~stride);
  return key;
}

std::string PostingKey(domain::Position position) { return PositionKey(kPosting, position); }
std::string StrideKey(domain::Position position) { return PositionKey(kStride, position); }
std::string GroupKey(domain::Position position) { return PositionKey(kGroup, position); }
std::string LeftOutKey() { return Start(kLeftOut); }

std::string WatermarkKey() { return Start(kWatermark); }

std::string StatusPrefix(uint16_t year, domain::Stage stage, domain::Code division) {
  std::string key = Start(kStatus);
  if (year == 0) return key;
  PutU16(&key, year);
  PutU8(&key, static_cast<uint8_t>(stage));
  if (division != 0) PutU32(&key, division);
  return key;
}

std::string StatusKey(const domain::BudgetKey& budget, uint64_t stride) {
  std::string key = StatusPrefix(budget.year, budget.stage, budget.division);
  key += budget.agency;
  key.push_back('\0');
  PutU64(&key, ~stride);
  return key;
}

std::string UpstreamKey(absl::string_view name) {
  std::string key = Start(kUpstream);
  Append(&key, name);
  return key;
}

std::string OwnerKey(domain::Code division) {
  std::string key = Start(kOwner);
  PutU32(&key, division);
  return key;
}

absl::StatusOr<domain::Position> DecodePositionKey(absl::string_view key) {
  ByteReader reader(key);
  const uint8_t kind = reader.U8();
  const domain::Position position = reader.U64();
  if (kind == kEvent && reader.ok() && !reader.AtEnd()) reader.U32();
  if (!reader.ok() || !reader.AtEnd() ||
      (kind != kEvent && kind != kCatalogEvent && kind != kOperatorEvent && kind != kPosting &&
       kind != kStride)) {
    return absl::DataLossError("malformed key of a position");
  }
  return position;
}

absl::StatusOr<domain::BudgetKey> DecodeHeadKey(absl::string_view key) {
  ByteReader reader(key);
  const uint8_t kind = reader.U8();
  domain::BudgetKey budget;
  budget.division = reader.U32();
  budget.year = reader.U16();
  const uint8_t stage = reader.U8();
  budget.agency = std::string(reader.Terminated());
  if (!reader.ok() || !reader.AtEnd() || kind != kHead || stage > 7)
    return absl::DataLossError("malformed head key");
  budget.stage = static_cast<domain::Stage>(stage);
  return budget;
}

absl::StatusOr<uint64_t> DecodeTileKey(absl::string_view key) {
  ByteReader reader(key);
  const uint8_t kind = reader.U8();
  reader.U8();
  const uint64_t index = reader.U64();
  if (!reader.ok() || !reader.AtEnd() || kind != kTile)
    return absl::DataLossError("malformed tile key");
  return index;
}

absl::StatusOr<CellsKeyParts> DecodeCellsKey(absl::string_view key) {
  ByteReader reader(key);
  CellsKeyParts parts;
  const uint8_t kind = reader.U8();
  parts.id.year = reader.U16();
  const uint8_t stage = reader.U8();
  parts.id.node.division = reader.U32();
  const uint8_t type = reader.U8();
  parts.id.node.code = std::string(reader.Terminated());
  parts.id.chunk = reader.U16();
  parts.stride = ~reader.U64();
  if (!reader.ok() || !reader.AtEnd() || kind != kCells || stage > 7 || type < 1 || type > 4) {
    return absl::DataLossError("malformed cells key");
  }
  parts.id.stage = static_cast<domain::Stage>(stage);
  parts.id.node.type = static_cast<domain::OrgType>(type);
  return parts;
}

absl::StatusOr<StatusKeyParts> DecodeStatusKey(absl::string_view key) {
  ByteReader reader(key);
  StatusKeyParts parts;
  const uint8_t kind = reader.U8();
  parts.key.year = reader.U16();
  const uint8_t stage = reader.U8();
  parts.key.division = reader.U32();
  parts.key.agency = std::string(reader.Terminated());
  parts.stride = ~reader.U64();
  if (!reader.ok() || !reader.AtEnd() || kind != kStatus || stage > 7)
    return absl::DataLossError("malformed status key");
  parts.key.stage = static_cast<domain::Stage>(stage);
  return parts;
}

absl::StatusOr<domain::Code> DecodeOwnerKey(absl::string_view key) {
  ByteReader reader(key);
  const uint8_t kind = reader.U8();
  const domain::Code division = reader.U32();
  if (!reader.ok() || !reader.AtEnd() || kind != kOwner)
    return absl::DataLossError("malformed owner key");
  return division;
}

std::string AfterPrefix(absl::string_view prefix) {
  std::string s(prefix);
  while (!s.empty()) {
    if (static_cast<uint8_t>(s.back()) != 0xff) {
      s.back() = static_cast<char>(static_cast<uint8_t>(s.back()) + 1);
      return s;
    }
    s.pop_back();
  }
  return s;
}

}  // namespace fiscal::storage
