#include "storage/schema.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/coding.h"

namespace fiscal::storage {
namespace {

constexpr size_t kPositionBytes = 8;

std::string Start(KeyKind kind) { return std::string(1, static_cast<char>(kind)); }
Key KeyOf(KeyKind kind) { return Key::Encoded(Start(kind)); }

void Append(std::string* key, absl::string_view s) { key->append(s.data(), s.size()); }

// The first key after all that start with `prefix`; empty when there is none.
std::string AfterPrefix(std::string prefix) {
  while (!prefix.empty()) {
    if (static_cast<uint8_t>(prefix.back()) != 0xff) {
      prefix.back() = static_cast<char>(static_cast<uint8_t>(prefix.back()) + 1);
      return prefix;
    }
    prefix.pop_back();
  }
  return prefix;
}

KeyRange RangeOf(std::string prefix) {
  std::string after = AfterPrefix(prefix);
  return {Key::Encoded(std::move(prefix)), Key::Encoded(std::move(after))};
}

std::string BudgetPart(KeyKind kind, const domain::BudgetKey& b) {
  std::string key = Start(kind);
  key.reserve(48);
  PutU32(&key, b.division);
  PutU16(&key, b.year);
  PutU8(&key, static_cast<uint8_t>(b.stage));
  key += b.agency;
  key.push_back('\0');
  return key;
}

std::string DivisionPart(KeyKind kind, domain::Code division, uint16_t year, domain::Stage stage) {
  std::string key = Start(kind);
  PutU32(&key, division);
  PutU16(&key, year);
  PutU8(&key, static_cast<uint8_t>(stage));
  return key;
}

std::string StatePart(KeyKind kind, uint16_t year, domain::Stage stage, domain::Code division) {
  std::string key = Start(kind);
  if (year == 0) return key;
  PutU16(&key, year);
  PutU8(&key, static_cast<uint8_t>(stage));
  if (division != 0) PutU32(&key, division);
  return key;
}

Key NumberKey(KeyKind kind, uint64_t number) {
  std::string key = Start(kind);
  PutU64(&key, number);
  return Key::Encoded(std::move(key));
}

// Reads a key of a kind; ok() is false for one of another.
class KeyReader : public ByteReader {
 public:
  KeyReader(KeyView key, KeyKind kind) : ByteReader(key.encoded()), right_(key.kind() == kind) {
    U8();
  }
  bool Whole() const { return right_ && ok() && AtEnd(); }

 private:
  const bool right_;
};

}  // namespace

Key EventKey(domain::Position position) { return NumberKey(KeyKind::kEvent, position.value()); }

Key EventSegmentKey(domain::Position position, uint32_t number) {
  std::string key = Start(KeyKind::kEvent);
  PutU64(&key, position.value());
  PutU32(&key, number);
  return Key::Encoded(std::move(key));
}

Key CatalogEventKey(domain::Position position) {
  return NumberKey(KeyKind::kCatalogEvent, position.value());
}
Key OperatorEventKey(domain::Position position) {
  return NumberKey(KeyKind::kOperatorEvent, position.value());
}
Key LogIdKey() { return KeyOf(KeyKind::kLogId); }
Key GroupRecordKey(uint64_t group) { return NumberKey(KeyKind::kGroupRecord, group); }

Key TileKey(uint8_t level, uint64_t index) {
  std::string key = Start(KeyKind::kTile);
  PutU8(&key, level);
  PutU64(&key, index);
  return Key::Encoded(std::move(key));
}

Key RequestKey(absl::string_view principal, absl::string_view request_id) {
  std::string key = Start(KeyKind::kRequest);
  Append(&key, principal);
  key.push_back('\0');
  Append(&key, request_id);
  return Key::Encoded(std::move(key));
}

Key HeadKey(const domain::BudgetKey& budget) {
  return Key::Encoded(BudgetPart(KeyKind::kHead, budget));
}

KeyRange HeadsOf(domain::Code division) {
  std::string prefix = Start(KeyKind::kHead);
  PutU32(&prefix, division);
  return RangeOf(std::move(prefix));
}

Key RevisionKey(const domain::BudgetKey& budget, uint64_t revision) {
  std::string key = BudgetPart(KeyKind::kRevision, budget);
  PutU64(&key, revision);
  return Key::Encoded(std::move(key));
}

KeyRange RevisionsOf(const domain::BudgetKey& budget) {
  return RangeOf(BudgetPart(KeyKind::kRevision, budget));
}

KeyRange RevisionsOf(domain::Code division, uint16_t year, domain::Stage stage) {
  return RangeOf(DivisionPart(KeyKind::kRevision, division, year, stage));
}

Key GrossKey(domain::Code division, uint16_t year, domain::Stage stage) {
  return Key::Encoded(DivisionPart(KeyKind::kGross, division, year, stage));
}

Key ScopeKey(domain::Code division, uint16_t year, domain::Stage stage,
             absl::string_view department) {
  std::string key = DivisionPart(KeyKind::kScope, division, year, stage);
  Append(&key, department);
  return Key::Encoded(std::move(key));
}

Key UpstreamKey(absl::string_view name) {
  std::string key = Start(KeyKind::kUpstream);
  Append(&key, name);
  return Key::Encoded(std::move(key));
}

Key OwnerKey(domain::Code division) {
  std::string key = Start(KeyKind::kOwner);
  PutU32(&key, division);
  return Key::Encoded(std::move(key));
}

Key LedgerMarkKey() { return KeyOf(KeyKind::kLedgerMark); }

BlockKeys::BlockKeys(std::string prefix, KeyKind kept)
    : all_(RangeOf(std::move(prefix))), kept_(kept) {}

BlockKeys BlockKeys::OfLines(const domain::BudgetKey& budget) {
  return BlockKeys(BudgetPart(KeyKind::kHeadBlock, budget), KeyKind::kKeptLines);
}

BlockKeys BlockKeys::OfProjects(const domain::BudgetKey& budget) {
  return BlockKeys(BudgetPart(KeyKind::kHeadProject, budget), KeyKind::kKeptProjects);
}

Key BlockKeys::At(absl::string_view first_id) const {
  const absl::string_view prefix = all_.lower.encoded();
  std::string key;
  key.reserve(prefix.size() + first_id.size());
  Append(&key, prefix);
  Append(&key, first_id);
  return Key::Encoded(std::move(key));
}

absl::string_view BlockKeys::FirstIdOf(KeyView key) const {
  const absl::string_view prefix = all_.lower.encoded();
  FISCAL_CHECK(absl::StartsWith(key.encoded(), prefix), "a block of this budget's head");
  return key.encoded().substr(prefix.size());
}

std::string BlockKeys::KeptPrefix() const {
  std::string prefix(all_.lower.encoded());
  prefix[0] = static_cast<char>(kept_);
  return prefix;
}

KeyRange BlockKeys::kept() const { return RangeOf(KeptPrefix()); }

Key BlockKeys::KeptAt(absl::string_view first_id, uint64_t mark) const {
  std::string key = KeptPrefix();
  Append(&key, first_id);
  key.push_back('\0');
  PutU64(&key, mark);
  return Key::Encoded(std::move(key));
}

Key BlockKeys::BehindKept(absl::string_view first_id) const {
  std::string key = KeptPrefix();
  Append(&key, first_id);
  key.push_back('\1');
  return Key::Encoded(std::move(key));
}

absl::StatusOr<BlockKeys::Kept> BlockKeys::KeptOf(KeyView key) const {
  ByteReader reader(key.encoded());
  reader.Bytes(all_.lower.size());
  Kept kept;
  kept.first_id = reader.Terminated();
  kept.mark = reader.U64();
  if (!reader.ok() || !reader.AtEnd())
    return absl::DataLossError("ledger: the key of a kept block is malformed");
  return kept;
}

Key CellsKey(const domain::NodeId& id, domain::Position position) {
  std::string key;
  key.reserve(48);
  PutU8(&key, static_cast<uint8_t>(KeyKind::kCells));
  PutU16(&key, id.year);
  PutU8(&key, static_cast<uint8_t>(id.stage));
  PutU32(&key, id.node.division);
  PutU8(&key, static_cast<uint8_t>(id.node.type));
  key += id.node.code;
  key.push_back('\0');
  PutU64(&key, ~position.value());
  return Key::Encoded(std::move(key));
}

KeyRange CellsOf(uint16_t year, domain::Stage stage, domain::Code division) {
  return RangeOf(StatePart(KeyKind::kCells, year, stage, division));
}

KeyRange StatusesOf(uint16_t year, domain::Stage stage, domain::Code division) {
  return RangeOf(StatePart(KeyKind::kStatus, year, stage, division));
}

Key StatusKey(const domain::BudgetKey& budget, domain::Position position) {
  std::string key = StatePart(KeyKind::kStatus, budget.year, budget.stage, budget.division);
  key += budget.agency;
  key.push_back('\0');
  PutU64(&key, ~position.value());
  return Key::Encoded(std::move(key));
}

Key PostingKey(domain::Position position) { return NumberKey(KeyKind::kPosting, position.value()); }
Key GroupKey(domain::Position position) { return NumberKey(KeyKind::kGroup, position.value()); }
Key WatermarkKey() { return KeyOf(KeyKind::kWatermark); }
Key LeftOutKey() { return KeyOf(KeyKind::kLeftOut); }
Key AuditEntryKey(uint64_t sequence) { return NumberKey(KeyKind::kAuditEntry, sequence); }
Key AuditStartKey() { return KeyOf(KeyKind::kAuditStart); }

KeyRange KeysOf(KeyKind kind) { return RangeOf(Start(kind)); }

Key Successor(KeyView key) {
  std::string bytes;
  bytes.reserve(key.encoded().size() + 1);
  Append(&bytes, key.encoded());
  bytes.push_back('\0');
  return Key::Encoded(std::move(bytes));
}

std::optional<StateKey> SplitState(KeyView key) {
  const absl::string_view bytes = key.encoded();
  if (bytes.size() < kPositionBytes) return std::nullopt;
  const size_t of = bytes.size() - kPositionBytes;
  return StateKey{KeyView::Encoded(bytes.substr(0, of)),
                  domain::Position(~ByteReader(bytes.substr(of)).U64())};
}

Key AfterStates(KeyView of) { return Key::Encoded(AfterPrefix(std::string(of.encoded()))); }

StatePlace PlaceOf(KeyView key) {
  ByteReader reader(key.encoded());
  reader.U8();
  StatePlace place;
  place.year = reader.U16();
  place.stage = static_cast<domain::Stage>(reader.U8());
  place.division = reader.U32();
  return reader.ok() ? place : StatePlace();
}

absl::StatusOr<domain::Position> DecodePositionKey(KeyView key) {
  ByteReader reader(key.encoded());
  const auto kind = static_cast<KeyKind>(reader.U8());
  const domain::Position position(reader.U64());
  if (kind == KeyKind::kEvent && reader.ok() && !reader.AtEnd()) reader.U32();
  if (!reader.ok() || !reader.AtEnd() ||
      (kind != KeyKind::kEvent && kind != KeyKind::kCatalogEvent &&
       kind != KeyKind::kOperatorEvent && kind != KeyKind::kPosting)) {
    return absl::DataLossError("malformed key of a position");
  }
  return position;
}

absl::StatusOr<RequestKeyParts> DecodeRequestKey(KeyView key) {
  KeyReader reader(key, KeyKind::kRequest);
  RequestKeyParts parts;
  parts.principal = std::string(reader.Terminated());
  parts.request_id = std::string(reader.Bytes(reader.remaining()));
  if (!reader.Whole()) return absl::DataLossError("malformed key of a request");
  return parts;
}

absl::StatusOr<domain::BudgetKey> DecodeHeadKey(KeyView key) {
  KeyReader reader(key, KeyKind::kHead);
  domain::BudgetKey budget;
  budget.division = reader.U32();
  budget.year = reader.U16();
  const uint8_t stage = reader.U8();
  budget.agency = std::string(reader.Terminated());
  if (!reader.Whole() || stage > 7) return absl::DataLossError("malformed head key");
  budget.stage = static_cast<domain::Stage>(stage);
  return budget;
}

absl::StatusOr<uint64_t> DecodeGroupRecordKey(KeyView key) {
  KeyReader reader(key, KeyKind::kGroupRecord);
  const uint64_t group = reader.U64();
  if (!reader.Whole()) return absl::DataLossError("malformed key of a group");
  return group;
}

absl::StatusOr<TileKeyParts> DecodeTileKey(KeyView key) {
  KeyReader reader(key, KeyKind::kTile);
  TileKeyParts parts;
  parts.level = reader.U8();
  parts.index = reader.U64();
  if (!reader.Whole()) return absl::DataLossError("malformed tile key");
  return parts;
}

absl::StatusOr<CellsKeyParts> DecodeCellsKey(KeyView key) {
  KeyReader reader(key, KeyKind::kCells);
  CellsKeyParts parts;
  parts.id.year = reader.U16();
  const uint8_t stage = reader.U8();
  parts.id.node.division = reader.U32();
  const uint8_t type = reader.U8();
  parts.id.node.code = std::string(reader.Terminated());
  parts.position = domain::Position(~reader.U64());
  if (!reader.Whole() || stage > 7 || type < 1 || type > 3)
    return absl::DataLossError("malformed cells key");
  parts.id.stage = static_cast<domain::Stage>(stage);
  parts.id.node.type = static_cast<domain::OrgType>(type);
  return parts;
}

absl::StatusOr<StatusKeyParts> DecodeStatusKey(KeyView key) {
  KeyReader reader(key, KeyKind::kStatus);
  StatusKeyParts parts;
  parts.key.year = reader.U16();
  const uint8_t stage = reader.U8();
  parts.key.division = reader.U32();
  parts.key.agency = std::string(reader.Terminated());
  parts.position = domain::Position(~reader.U64());
  if (!reader.Whole() || stage > 7) return absl::DataLossError("malformed status key");
  parts.key.stage = static_cast<domain::Stage>(stage);
  return parts;
}

absl::StatusOr<std::string> DecodeUpstreamKey(KeyView key) {
  KeyReader reader(key, KeyKind::kUpstream);
  std::string name(reader.Bytes(reader.remaining()));
  if (!reader.Whole()) return absl::DataLossError("malformed key of an upstream");
  return name;
}

absl::StatusOr<domain::Code> DecodeOwnerKey(KeyView key) {
  KeyReader reader(key, KeyKind::kOwner);
  const domain::Code division = reader.U32();
  if (!reader.Whole()) return absl::DataLossError("malformed owner key");
  return division;
}

absl::StatusOr<uint64_t> DecodeAuditEntryKey(KeyView key) {
  KeyReader reader(key, KeyKind::kAuditEntry);
  const uint64_t sequence = reader.U64();
  if (!reader.Whole()) return absl::DataLossError("malformed key of an audit entry");
  return sequence;
}

namespace {

std::string PlaceName(uint16_t year, uint8_t stage, domain::Code division) {
  return absl::StrCat(" of year ", year, " stage ", int{stage}, " division ", division);
}

// The place in a key of the ledger, which begins with the division.
std::string LedgerPlace(ByteReader& reader) {
  const domain::Code division = reader.U32();
  const uint16_t year = reader.U16();
  return PlaceName(year, reader.U8(), division);
}

// What is left.
absl::string_view Rest(ByteReader& reader) { return reader.Bytes(reader.remaining()); }

std::string NameOfLedger(KeyKind kind, ByteReader& reader) {
  const auto budget = [&](const char* what) {
    const std::string place = LedgerPlace(reader);
    return absl::StrCat(what, place, " agency ", reader.Terminated());
  };
  const auto sums = [&](const char* what) {
    const std::string place = LedgerPlace(reader);
    const absl::string_view department = Rest(reader);
    return absl::StrCat(what, place, department.empty() ? "" : " ", department);
  };
  switch (kind) {
    case KeyKind::kRequest: {
      const absl::string_view principal = reader.Terminated();
      return absl::StrCat("answer to ", principal, " ", Rest(reader));
    }
    case KeyKind::kHead:
      return budget("head");
    case KeyKind::kHeadBlock: {
      const std::string name = budget("head's lines");
      return absl::StrCat(name, " from ", Rest(reader));
    }
    case KeyKind::kHeadProject: {
      const std::string name = budget("head's projects");
      return absl::StrCat(name, " from ", Rest(reader));
    }
    case KeyKind::kKeptLines:
    case KeyKind::kKeptProjects: {
      const std::string name = budget(kind == KeyKind::kKeptLines ? "kept lines" : "kept projects");
      const absl::string_view first = reader.Terminated();
      return absl::StrCat(name, " from ", first, " mark ", reader.U64());
    }
    case KeyKind::kRevision: {
      const std::string name = budget("revision");
      return absl::StrCat(name, " number ", reader.U64());
    }
    case KeyKind::kScope:
      return sums("scopes");
    case KeyKind::kGross:
      return sums("gross");
    case KeyKind::kUpstream:
      return absl::StrCat("upstream ", Rest(reader));
    case KeyKind::kOwner:
      return absl::StrCat("owner of division ", reader.U32());
    default:
      return absl::StrCat("a key of kind ", static_cast<int>(kind));
  }
}

// Of cells and statuses, with or without their position.
std::string NameOfState(KeyKind kind, ByteReader& reader) {
  const uint16_t year = reader.U16();
  const uint8_t stage = reader.U8();
  const std::string place = PlaceName(year, stage, reader.U32());
  const bool cells = kind == KeyKind::kCells;
  const uint8_t type = cells ? reader.U8() : 0;
  const absl::string_view code = reader.Terminated();
  if (!reader.ok() || (!reader.AtEnd() && reader.remaining() != kPositionBytes))
    return cells ? "cells with a malformed key" : "a status with a malformed key";
  if (!cells) return absl::StrCat("status", place, " agency ", code);
  return absl::StrCat("cells", place, " node ", int{type}, " ", code);
}

std::string NameOfNumber(const char* what, ByteReader& reader) {
  const uint64_t number = reader.U64();
  return reader.ok() && reader.AtEnd() ? absl::StrCat(what, " ", number)
                                       : absl::StrCat(what, " with a malformed key");
}

}  // namespace

std::string NameOf(KeyView key) {
  ByteReader reader(key.encoded());
  reader.U8();
  switch (key.kind()) {
    case KeyKind::kCells:
    case KeyKind::kStatus:
      return NameOfState(key.kind(), reader);
    case KeyKind::kEvent:
      return NameOfNumber("event", reader);
    case KeyKind::kCatalogEvent:
      return NameOfNumber("catalog at", reader);
    case KeyKind::kOperatorEvent:
      return NameOfNumber("operator's event at", reader);
    case KeyKind::kPosting:
      return NameOfNumber("posting", reader);
    case KeyKind::kGroup:
      return NameOfNumber("group", reader);
    case KeyKind::kAuditEntry:
      return NameOfNumber("audit entry", reader);
    case KeyKind::kTile: {
      const auto parts = DecodeTileKey(key);
      if (!parts.ok()) return "a tile with a malformed key";
      return absl::StrCat("tile ", int{parts->level}, "/", parts->index, " of the log's tree");
    }
    default:
      return NameOfLedger(key.kind(), reader);
  }
}

std::string ToToken(KeyView key) { return std::string(key.encoded()); }
Key FromToken(absl::string_view token) { return Key::Encoded(std::string(token)); }

}  // namespace fiscal::storage
