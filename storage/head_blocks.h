// The values of a head's blocks: the block itself, or where in the log it is, and the revision that
// it stands since.
#ifndef FISCAL_STORAGE_HEAD_BLOCKS_H_
#define FISCAL_STORAGE_HEAD_BLOCKS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "domain/position.h"
#include "domain/types.h"
#include "storage/kv.h"
#include "storage/schema.h"

namespace fiscal::storage {

// Reads a part of a record, as EventLog::ReadBytes.
using ReadRecordPart = std::function<absl::StatusOr<std::string>(domain::Position position,
                                                                 uint64_t offset, uint64_t size)>;

// A block as a head keeps it. Views point into the value.
struct HeadBlock {
  // The revision that put it there.
  uint64_t since = 0;
  // The block, or with a position where it is.
  absl::string_view block;
  domain::Position position;
  uint64_t offset = 0;
  uint64_t size = 0;
};
// value := since:varint (0 block | 1 position:varint offset:varint size:varint)
std::string EncodeHeadBlock(const HeadBlock& block);
// DATA_LOSS when malformed.
absl::StatusOr<HeadBlock> DecodeHeadBlock(absl::string_view value);
// Appends what is in the block of a value. Lines keep its bytes.
absl::Status AppendLines(const ReadRecordPart& read, absl::string_view value, domain::LineSet* set);
absl::Status AppendProjects(const ReadRecordPart& read, absl::string_view value,
                            std::vector<domain::ProjectEntry>* projects);

// Walks the blocks that a budget's head has, or had at an earlier mark, in order of their ids. Not
// thread-safe.
class HeadBlockWalk {
 public:
  // Without a mark: those that stand. REQUIRES: `snapshot` outlives it.
  HeadBlockWalk(const KvSnapshot& snapshot, BlockKeys keys, std::optional<uint64_t> mark);

  // To the block that holds `id`, or would; empty: to the first.
  absl::Status Seek(absl::string_view id);
  // The value of the block it is at, and goes on; nullopt behind the last.
  absl::StatusOr<std::optional<std::string>> Next();

 private:
  // True when the block stood at the mark already.
  absl::StatusOr<bool> StoodSince(absl::string_view value) const;
  // Moves to the last block at or before `id`; false when there is none.
  absl::StatusOr<bool> FindKept(absl::string_view id);
  // Not before `least`.
  absl::StatusOr<bool> FindStanding(absl::string_view id, absl::string_view least);
  // Moves forward, from where it is, to the next block that counts.
  absl::Status SettleStanding();
  absl::Status SettleKept();
  // Empty behind the last.
  absl::StatusOr<absl::string_view> KeptId() const;
  absl::string_view StandingId() const;

  const BlockKeys keys_;
  const KeyRange kept_range_;
  const std::optional<uint64_t> mark_;
  const std::unique_ptr<KvIterator> standing_;
  // Null without a mark.
  const std::unique_ptr<KvIterator> kept_;
};

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_HEAD_BLOCKS_H_
