// Lines as bytes: what events and heads keep. docs/storage-format.md describes them; golden tests
// hold them.
//
// A block is some lines ordered by line_id. Most lines of a statement share what they say beside
// id, amount and note with others, so a block first lists those combinations, and a line names one
// of them. Equal lines have equal bytes. Decoders check everything they read: malformed bytes give
// DATA_LOSS, never a crash, and never more than 64 times the input in memory.
#ifndef FISCAL_STORAGE_LINE_BLOCKS_H_
#define FISCAL_STORAGE_LINE_BLOCKS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "domain/cells.h"
#include "domain/types.h"

namespace fiscal::storage {

// Lines a block holds when written from scratch; a block grows to twice that before it is split.
constexpr size_t kBlockLines = 256;
// Bytes of a line_id: 64 characters.
constexpr size_t kLineIdBytesMax = 256;

// REQUIRES: ordered by line_id, none twice.
domain::EncodedBlocks EncodeBlocks(const domain::LineSet& set);
// One block of any number of lines.
std::string EncodeBlock(absl::Span<const domain::Line> lines);

// Where the blocks are in what EncodeBlocks gave, without making lines of them; `lines` receives
// how many there are. Views point into `bytes`.
absl::StatusOr<domain::EncodedBlocks> SplitBlocks(absl::string_view bytes, uint64_t* lines);
// Appends the block's lines to `set`, which receives an owner for their ids; all other views point
// into `bytes`.
absl::Status DecodeBlock(absl::string_view bytes, domain::LineSet* set);
// The same for blocks one behind the other; their lines must be in order throughout.
absl::Status DecodeBlocks(absl::string_view bytes, domain::LineSet* set);
// The same of those blocks alone that may have lines behind `after`, up to `until`; empty: up to
// the last.
absl::Status DecodeBlocksWithin(absl::string_view bytes, absl::string_view after,
                                absl::string_view until, domain::LineSet* set);

// Collects what lines add to the cells they count in, without making lines of them.
class BlockSums {
 public:
  // Appends to `table`, where a cell may then come several times.
  explicit BlockSums(domain::CellTable* table) : table_(table) {}

  // Blocks one behind the other, their amounts times `sign`. Views point into `bytes`.
  absl::Status Add(absl::string_view bytes, int sign);
  // The place in the table of a project, by its code.
  uint32_t ProjectNumber(absl::string_view code);

 private:
  domain::CellTable* const table_;
  absl::flat_hash_map<absl::string_view, uint32_t> projects_;
};

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_LINE_BLOCKS_H_
