// Totals on disk, every state they ever had.
//
//   Projector --(CommitStride)--> TotalsStore --> Kv without a write-ahead log;  readers --(Load,
//   ForEachChunk, ForEachPosting)
//
// Positions are grouped into strides (kStrideEvents, kStrideCells). At the end of a stride every
// chunk it touched is written under the stride's last position: the cells that changed, or the
// whole chunk when as many changes have gathered upon the last whole one. With them go the stride's
// postings and the watermark; nothing is ever overwritten. So a state is named by a stride, bytes
// depend on the log alone, and a position inside a stride is the state before it plus its postings.
// A crash loses the strides since the last flush, never a part of one: they are folded again. One
// writer; readers from any thread.
#ifndef FISCAL_STORAGE_TOTALS_STORE_H_
#define FISCAL_STORAGE_TOTALS_STORE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/sha256.h"
#include "domain/cells.h"
#include "domain/event.h"
#include "domain/fold.h"
#include "storage/kv.h"
#include "storage/posting_codec.h"
#include "storage/schema.h"

namespace fiscal::storage {

struct Watermark {
  // The last position of a whole stride; 0 when nothing was folded.
  domain::Position position;
  Digest chain_hash{};
  std::string log_id;
};

// The bounds that end a stride. Stores made with different bounds have different bytes.
struct StrideBounds {
  uint64_t events = kStrideEvents;
  uint64_t cells = kStrideCells;
};

class TotalsStore {
 public:
  // Reads where strides end.
  static absl::StatusOr<std::unique_ptr<TotalsStore>> Open(Kv& kv);

  // A zero watermark when the store is new.
  absl::StatusOr<Watermark> ReadWatermark() const;

  // The `left_out` of the last CommitStride. NOT_FOUND in a new store, and in one of a version
  // without quarantine.
  absl::StatusOr<std::vector<domain::Position>> ReadLeftOut() const;

  // The last stride that ends at or before `position`; 0 when none does.
  domain::Position StrideAt(domain::Position position) const ABSL_LOCKS_EXCLUDED(mu_);

  // All chunks of a node after `stride`.
  absl::StatusOr<domain::Fold::NodeChunks> LoadNode(const domain::Fold::NodeId& node,
                                                    domain::Position stride) const;

  // Every chunk of a node with `first` <= number <= `last` after `stride`.
  absl::Status ForEachChunk(
      const domain::Fold::NodeId& node, uint16_t first, uint16_t last, domain::Position stride,
      const std::function<void(uint16_t, const domain::CellTable&)>& visit) const;

  // Every chunk of the store after `stride`.
  absl::Status ForEach(
      domain::Position stride,
      const std::function<void(const domain::ChunkId&, const domain::CellTable&)>& visit) const;

  // Postings of whole strides with `after` < position <= `last`, in order; positions that are no
  // statement's are left out.
  absl::Status ForEachPosting(
      domain::Position after, domain::Position last,
      const std::function<absl::Status(const StoredPosting&, absl::string_view bytes)>& visit)
      const;

  // The last position of what was committed with `position`, which lies in a whole stride; mostly
  // itself.
  absl::StatusOr<domain::Position> EndOfGroup(domain::Position position) const;

  // The status after `stride` of every budget of a year and stage that was ever stated, in one
  // division or, with 0, in all; ordered by division and agency. Year 0 visits every year and
  // stage.
  absl::Status ForEachStatus(
      uint16_t year, domain::Stage stage, domain::Code division, domain::Position stride,
      const std::function<void(const domain::BudgetKey&, const domain::StatementStatus&)>& visit)
      const;

  // An agency's chunk, and how it was last stored.
  struct Leaves {
    domain::Chunk chunk;
    domain::Fold::Chain chain;
  };
  // Gives an agency's chunk as it stood before a stride; empty when `first`, which says that there
  // is none. Null: what the chunk becomes is of no interest.
  using GetLeaves = std::function<absl::StatusOr<Leaves*>(const domain::ChunkId&, bool first)>;
  // The batch that CommitStride writes, in order of keys. Asks for the chunk of each agency whose
  // first state is not a single posting, and adds to it what was posted.
  static absl::StatusOr<Batch> StageStride(
      const domain::Fold::Changed& changed,
      const std::vector<std::shared_ptr<const domain::Posting>>& postings,
      const Watermark& watermark, const GetLeaves& get_leaves);

  // Writes what the stride that ends with watermark.position changed, in one batch: `changed`
  // chunks above the agencies, `postings`, and with them the agencies' chunks. `left_out` are the
  // positions up to there that an operator had left out.
  absl::Status CommitStride(const domain::Fold::Changed& changed,
                            const std::vector<std::shared_ptr<const domain::Posting>>& postings,
                            const Watermark& watermark,
                            const std::vector<domain::Position>& left_out) ABSL_LOCKS_EXCLUDED(mu_);

  absl::Status Flush() { return kv_.Flush(); }
  int64_t ApproximateBytes() const { return kv_.ApproximateBytes(); }
  // For verification, which compares bytes.
  const Kv& kv() const { return kv_; }

 private:
  // An agency's chunk after `stride`, into an empty one; it stays empty when there was none.
  absl::Status LoadLeaves(const domain::ChunkId& id, domain::Position stride, domain::Chunk* chunk,
                          domain::Fold::Chain* chain) const;
  explicit TotalsStore(Kv& kv) : kv_(kv) {}

  Kv& kv_;
  mutable absl::Mutex mu_;
  // Last positions of whole strides, ascending.
  std::vector<domain::Position> strides_ ABSL_GUARDED_BY(mu_);
};

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_TOTALS_STORE_H_
