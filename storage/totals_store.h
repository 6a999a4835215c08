// Totals on disk, every state they ever had.
//
//   Projector --(CommitStride)--> TotalsStore --> Kv without a write-ahead log;  readers --(Load,
//   ForEachChunk)
//
// Positions come in strides of kStridePositions. At the end of a stride every chunk it touched is
// written whole under that stride's number, together with the watermark; nothing is ever
// overwritten. So a state is named by a stride, bytes depend on the log alone, and a position
// inside a stride is the state before it plus a bounded replay. A crash loses the strides since the
// last flush, never a part of one: they are folded again. One writer; readers from any thread.
#ifndef FISCAL_STORAGE_TOTALS_STORE_H_
#define FISCAL_STORAGE_TOTALS_STORE_H_

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/sha256.h"
#include "domain/cells.h"
#include "domain/event.h"
#include "domain/fold.h"
#include "storage/kv.h"
#include "storage/schema.h"

namespace fiscal::storage {

struct Watermark {
  // The last position of a whole stride; 0 when nothing was folded.
  domain::Position position = 0;
  Digest chain_hash{};
  std::string log_id;
};

// The stride a position is in, counted from 1, and the last whole stride at a position.
inline uint64_t StrideOf(domain::Position position) {
  return (position + kStridePositions - 1) / kStridePositions;
}
inline uint64_t WholeStridesAt(domain::Position position) { return position / kStridePositions; }

class TotalsStore {
 public:
  explicit TotalsStore(Kv& kv) : kv_(kv) {}

  // A zero watermark when the store is new.
  absl::StatusOr<Watermark> ReadWatermark() const;

  // The chunk after `stride`; empty when it had none.
  absl::StatusOr<domain::Chunk> Load(const domain::ChunkId& id, uint64_t stride) const;

  // Every chunk of a node with `first` <= number <= `last` after `stride`, except those in `skip`.
  absl::Status ForEachChunk(const domain::Fold::NodeId& node, uint16_t first, uint16_t last,
                            uint64_t stride, const std::set<uint16_t>& skip,
                            const std::function<void(uint16_t, const domain::Chunk&)>& visit) const;

  // Every chunk of the store after `stride`.
  absl::Status ForEach(
      uint64_t stride,
      const std::function<void(const domain::ChunkId&, const domain::Chunk&)>& visit) const;

  // Names of projects by ProjectNameKey, as last stated: labels, not part of any state.
  using ProjectNames = std::map<std::string, std::string>;
  absl::StatusOr<ProjectNames> ReadProjectNames() const;

  // Writes the dirty chunks of `chunks` as the state after `stride`, with the watermark and the names
  // `stated` in it, in one batch.
  absl::Status CommitStride(uint64_t stride, const domain::Fold::Chunks& chunks,
                            const Watermark& watermark, const ProjectNames& stated);

  absl::Status Flush() { return kv_.Flush(); }
  int64_t ApproximateBytes() const { return kv_.ApproximateBytes(); }

 private:
  Kv& kv_;
};

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_TOTALS_STORE_H_
