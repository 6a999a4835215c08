// Every key of every store. docs/storage-format.md walks one record through it;
// tests/core/storage_test.cc holds the bytes.
//
//   key            := kind:u8 body                     numbers big-endian, fixed width
//   event          := 0x01 position:u64                           log: chain hash, size, record
//   event segment  := 0x01 position:u64 number:u32                log: the rest of a large record
//   request        := 0x02 principal NUL request_id               ledger: where its receipt is
//   head           := 0x03 budget                                 ledger: meta of what stands
//   head block     := 0x04 budget line_id-of-its-first-line       ledger: a block, or where it is
//   head projects  := 0x05 budget code-of-its-first-project       ledger: a block, or where it is
//   revision       := 0x06 budget revision:u64                    ledger: position
//   (retired)      := 0x07 year:u16 stage:u8                      ledger: |amount| of all divisions
//   scope          := 0x08 division:u32 year:u16 stage:u8 department ledger: statements by scope
//   catalog event  := 0x09 position:u64                           log: nothing; the event has it
//   log id         := 0x0a                                        log: 16 bytes, origin:u8
//   tile           := 0x0b level:u8 index:u64                     log: 256 hashes of its tree
//   upstream       := 0x0c name                                   ledger: how far it was taken over
//   owner          := 0x0d division:u32                           ledger: the upstream it is from
//   group          := 0x0e group:u64                              log: chain and a GroupRecord
//   gross          := 0x0f division:u32 year:u16 stage:u8         ledger: sum of |amount| of lines
//   operator event := 0x16 position:u64                           log: nothing; the event has it
//   kept lines     := 0x17 budget line_id NUL mark:u64            ledger: a head block as it stood
//   kept projects  := 0x18 budget code NUL mark:u64               ledger: a head block as it stood
//   left out       := 0x22                                        totals: positions not folded
//   cells          := 0x10 node ~position:u64                     totals: nothing, or all cells
//   posting        := 0x12 position:u64                           totals: a Posting
//   (retired)      := 0x13 position:u64                           totals: where a stride ended
//   status         := 0x14 year:u16 stage:u8 division:u32 agency NUL ~position:u64
//                                                                 totals: status, at times cells
//   end of group   := 0x15 position:u64                           totals: its group's last position
//   watermark      := 0x20                                        totals: position, hash, log id
//   ledger mark    := 0x21                                        ledger: what of the log it has
//   audit entry    := 0x30 sequence:u64                           audit: an AuditEntry
//   audit start    := 0x31                                        audit: what was removed
//   budget         := division:u32 year:u16 stage:u8 agency NUL
//   node           := year:u16 stage:u8 division:u32 type:u8 code NUL
//
// Kinds are permanent; a retired one keeps its line. `~position` is inverted, so the newest comes
// first and a seek answers "as of". Codes and ids hold
// no NUL (validation), so a terminator keeps the order. A store of version 0.1 has the ledger's
// kinds beside the log's, and no groups: storage/upgrade.h.
#ifndef FISCAL_STORAGE_SCHEMA_H_
#define FISCAL_STORAGE_SCHEMA_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/algorithm/container.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "domain/cells.h"
#include "domain/event.h"
#include "domain/types.h"
#include "storage/key.h"

namespace fiscal::storage {

enum class KeyKind : uint8_t {
  kEvent = 0x01,
  kRequest = 0x02,
  kHead = 0x03,
  kHeadBlock = 0x04,
  kHeadProject = 0x05,
  kRevision = 0x06,
  kRetiredGross = 0x07,
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
  kStatus = 0x14,
  kGroup = 0x15,
  kOperatorEvent = 0x16,
  kKeptLines = 0x17,
  kKeptProjects = 0x18,
  kWatermark = 0x20,
  kLedgerMark = 0x21,
  kLeftOut = 0x22,
  kAuditEntry = 0x30,
  kAuditStart = 0x31,
};

// Kinds whose keys are only ever added at their end, as RocksOptions::ordered_kinds has them.
constexpr KeyKind kLogOrderedKinds[] = {KeyKind::kEvent, KeyKind::kCatalogEvent,
                                        KeyKind::kGroupRecord};
constexpr KeyKind kTotalsOrderedKinds[] = {KeyKind::kPosting};
// Kinds of the ledger's store: all that can be made again from the log.
constexpr KeyKind kLedgerKinds[] = {
    KeyKind::kRequest,   KeyKind::kHead,         KeyKind::kHeadBlock, KeyKind::kHeadProject,
    KeyKind::kRevision,  KeyKind::kRetiredGross, KeyKind::kScope,     KeyKind::kUpstream,
    KeyKind::kOwner,     KeyKind::kGross,        KeyKind::kKeptLines, KeyKind::kKeptProjects,
    KeyKind::kLedgerMark};
inline bool InLedger(KeyView key) { return absl::c_linear_search(kLedgerKinds, key.kind()); }

// A larger record is cut into values of this size.
constexpr size_t kSegmentBytes = 32 << 10;

// The log.
Key EventKey(domain::Position position);
// `number` counts from 1; segment 0 is in the event's own value.
Key EventSegmentKey(domain::Position position, uint32_t number);
Key CatalogEventKey(domain::Position position);
Key OperatorEventKey(domain::Position position);
Key LogIdKey();
Key GroupRecordKey(uint64_t group);
Key TileKey(uint8_t level, uint64_t index);

// The ledger.
Key RequestKey(absl::string_view principal, absl::string_view request_id);
Key HeadKey(const domain::BudgetKey& budget);
KeyRange HeadsOf(domain::Code division);
Key RevisionKey(const domain::BudgetKey& budget, uint64_t revision);
KeyRange RevisionsOf(const domain::BudgetKey& budget);
// Of all budgets of a division, year and stage.
KeyRange RevisionsOf(domain::Code division, uint16_t year, domain::Stage stage);
Key GrossKey(domain::Code division, uint16_t year, domain::Stage stage);
Key ScopeKey(domain::Code division, uint16_t year, domain::Stage stage,
             absl::string_view department);
Key UpstreamKey(absl::string_view name);
Key OwnerKey(domain::Code division);
Key LedgerMarkKey();

// The blocks that one budget's head is kept in; a block's key ends with the first id in it. Beside
// them those that stood at earlier marks (heads.h).
class BlockKeys {
 public:
  // Ids are those of lines, or codes of projects.
  static BlockKeys OfLines(const domain::BudgetKey& budget);
  static BlockKeys OfProjects(const domain::BudgetKey& budget);

  const KeyRange& all() const { return all_; }
  Key At(absl::string_view first_id) const;
  // REQUIRES: a key of these. Lives as long as the key's bytes.
  absl::string_view FirstIdOf(KeyView key) const;

  // All kept blocks of the budget, by first id and then by mark.
  KeyRange kept() const;
  // A block that stood at `mark` and no longer at the next.
  Key KeptAt(absl::string_view first_id, uint64_t mark) const;
  // Before the first key of the next id.
  Key BehindKept(absl::string_view first_id) const;
  struct Kept {
    absl::string_view first_id;
    uint64_t mark = 0;
  };
  // DATA_LOSS when malformed. REQUIRES: a key of kept(). Lives as long as the key's bytes.
  absl::StatusOr<Kept> KeptOf(KeyView key) const;

 private:
  BlockKeys(std::string prefix, KeyKind kept);
  std::string KeptPrefix() const;
  KeyRange all_;
  KeyKind kept_;
};

// The totals.
Key CellsKey(const domain::NodeId& node, domain::Position position);
// Year 0: all; division 0: all of the year and stage.
KeyRange CellsOf(uint16_t year, domain::Stage stage, domain::Code division);
KeyRange StatusesOf(uint16_t year, domain::Stage stage, domain::Code division);
Key StatusKey(const domain::BudgetKey& budget, domain::Position position);
Key PostingKey(domain::Position position);
Key GroupKey(domain::Position position);
Key WatermarkKey();
Key LeftOutKey();

// The audit log, which has tiles beside these.
Key AuditEntryKey(uint64_t sequence);
Key AuditStartKey();

// All keys of a kind.
KeyRange KeysOf(KeyKind kind);
// The first key that can come after `key`.
Key Successor(KeyView key);

// A key of cells or of a status: of what it is a state, and at which position.
struct StateKey {
  // Common to all states of the same thing, the newest of which comes first; no key itself.
  KeyView of;
  domain::Position position;
};
// nullopt for a key too short to be one. Lives as long as the key's bytes.
std::optional<StateKey> SplitState(KeyView key);
// The first key after all states of the same thing; `of` as in StateKey.
Key AfterStates(KeyView of);
// What keys of cells and of statuses begin with, with or without their position. Zeros for a key
// that is too short.
struct StatePlace {
  uint16_t year = 0;
  domain::Stage stage = domain::Stage::kNone;
  domain::Code division = 0;
};
StatePlace PlaceOf(KeyView key);

// DATA_LOSS when malformed. Of events, their segments, catalog events, operators' events and
// postings.
absl::StatusOr<domain::Position> DecodePositionKey(KeyView key);
struct RequestKeyParts {
  std::string principal;
  std::string request_id;
};
absl::StatusOr<RequestKeyParts> DecodeRequestKey(KeyView key);
absl::StatusOr<domain::BudgetKey> DecodeHeadKey(KeyView key);
absl::StatusOr<uint64_t> DecodeGroupRecordKey(KeyView key);
struct TileKeyParts {
  uint8_t level = 0;
  uint64_t index = 0;
};
absl::StatusOr<TileKeyParts> DecodeTileKey(KeyView key);
struct CellsKeyParts {
  domain::NodeId id;
  domain::Position position;
};
absl::StatusOr<CellsKeyParts> DecodeCellsKey(KeyView key);
struct StatusKeyParts {
  domain::BudgetKey key;
  domain::Position position;
};
absl::StatusOr<StatusKeyParts> DecodeStatusKey(KeyView key);
absl::StatusOr<std::string> DecodeUpstreamKey(KeyView key);
absl::StatusOr<domain::Code> DecodeOwnerKey(KeyView key);
absl::StatusOr<uint64_t> DecodeAuditEntryKey(KeyView key);

// What a key names, for a person, as far as it can be read: any bytes get a name. Also of a
// StateKey's `of`.
std::string NameOf(KeyView key);

// A key as a caller keeps it in a page token, and what he hands back, which may be any bytes.
std::string ToToken(KeyView key);
Key FromToken(absl::string_view token);

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_SCHEMA_H_
