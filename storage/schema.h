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
//   left out       := 0x22                                        totals: positions not folded
//   cells          := 0x10 node chunk:u16 ~stride:u64             totals: a chunk or its changes
//   posting        := 0x12 position:u64                           totals: a Posting
//   stride         := 0x13 position:u64                           totals: nothing
//   status         := 0x14 year:u16 stage:u8 division:u32 agency NUL ~stride:u64
//                                                                 totals: a budget's status
//   end of group   := 0x15 position:u64                           totals: its group's last position
//   watermark      := 0x20                                        totals: position, hash, log id
//   ledger mark    := 0x21                                        ledger: what of the log it has
//   budget         := division:u32 year:u16 stage:u8 agency NUL
//   node           := year:u16 stage:u8 division:u32 type:u8 code NUL
//
// Kinds are permanent; a retired one keeps its line. A stride is named by its last position;
// `~stride` is inverted, so the newest comes first and a seek answers "as of". Codes and ids hold
// no NUL (validation), so a terminator keeps the order. A store of version 0.1 has the ledger's
// kinds beside the log's, and no groups: storage/upgrade.h.
#ifndef FISCAL_STORAGE_SCHEMA_H_
#define FISCAL_STORAGE_SCHEMA_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "domain/cells.h"
#include "domain/event.h"
#include "domain/types.h"

namespace fiscal::storage {

// A stride of positions ends with the one that makes it this many events, or this many cells that
// their postings change. History of a cell has at most one value a stride, and a position inside
// one is at most this far from a stored state; both numbers are part of the format.
constexpr uint64_t kStrideEvents = 256;
constexpr uint64_t kStrideCells = 4096;
// Kinds whose keys are only ever added at their end, as RocksOptions::ordered_kinds has them.
constexpr char kLogOrderedKinds[] = "\x01\x09\x0e";
constexpr char kTotalsOrderedKinds[] = "\x12\x13";
// Kinds of the ledger's store: all that can be made again from the log.
constexpr char kLedgerKinds[] = "\x02\x03\x04\x05\x06\x07\x08\x0c\x0d\x0f\x21";
// A larger record is cut into values of this size.
constexpr size_t kSegmentBytes = 32 << 10;

std::string EventKey(domain::Position position);
// `number` counts from 1; segment 0 is in the event's own value.
std::string EventSegmentKey(domain::Position position, uint32_t number);
std::string RequestKey(absl::string_view principal, absl::string_view request_id);
std::string HeadKey(const domain::BudgetKey& budget);
// Common to all heads of a division.
std::string HeadPrefix(domain::Code division);
// All head blocks of a budget start with HeadBlockKey(budget, "").
std::string HeadBlockKey(const domain::BudgetKey& budget, absl::string_view first_line_id);
std::string HeadProjectKey(const domain::BudgetKey& budget, absl::string_view project_code);
std::string RevisionKey(const domain::BudgetKey& budget, uint64_t revision);
// Common to all revisions of a budget, and of all budgets of a division, year and stage.
std::string RevisionsPrefix(const domain::BudgetKey& budget);
std::string RevisionsPrefix(domain::Code division, uint16_t year, domain::Stage stage);
std::string GrossKey(domain::Code division, uint16_t year, domain::Stage stage);
std::string ScopeKey(domain::Code division, uint16_t year, domain::Stage stage,
                     absl::string_view department);
std::string CatalogEventKey(domain::Position position);
std::string OperatorEventKey(domain::Position position);
std::string LogIdKey();
std::string GroupRecordKey(uint64_t group);
std::string LedgerMarkKey();
std::string TileKey(uint8_t level, uint64_t index);
std::string CellsKey(const domain::ChunkId& id, uint64_t stride);
// Common to all chunks and strides of a node.
std::string CellsNodePrefix(const domain::OrgNode& node, uint16_t year, domain::Stage stage);
std::string PostingKey(domain::Position position);
std::string StrideKey(domain::Position position);
// Year 0: all; division 0: all of the year and stage.
std::string StatusPrefix(uint16_t year, domain::Stage stage, domain::Code division);
std::string StatusKey(const domain::BudgetKey& budget, uint64_t stride);
std::string GroupKey(domain::Position position);
std::string WatermarkKey();
std::string LeftOutKey();
std::string UpstreamKey(absl::string_view name);
std::string OwnerKey(domain::Code division);

// DATA_LOSS when malformed. Of events, their segments, catalog events, postings and strides.
absl::StatusOr<domain::Position> DecodePositionKey(absl::string_view key);
absl::StatusOr<domain::BudgetKey> DecodeHeadKey(absl::string_view key);
absl::StatusOr<uint64_t> DecodeGroupRecordKey(absl::string_view key);
// The index of a tile.
absl::StatusOr<uint64_t> DecodeTileKey(absl::string_view key);
struct CellsKeyParts {
  domain::ChunkId id;
  uint64_t stride = 0;
};
absl::StatusOr<CellsKeyParts> DecodeCellsKey(absl::string_view key);
struct StatusKeyParts {
  domain::BudgetKey key;
  uint64_t stride = 0;
};
absl::StatusOr<StatusKeyParts> DecodeStatusKey(absl::string_view key);
absl::StatusOr<domain::Code> DecodeOwnerKey(absl::string_view key);

// The first key after all that start with `prefix`; empty when there is none.
std::string AfterPrefix(absl::string_view prefix);

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_SCHEMA_H_
