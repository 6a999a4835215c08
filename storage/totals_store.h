// Totals on disk, every state they ever had.
//
//   Projector --(Commit)--> TotalsStore --> Kv without a write-ahead log;  readers --(ReadNode,
//   AgencyReader, ReadPostings)
//
// A node or an agency has a state at each posting that changes it, under a key of its own: for most
// nothing but that the posting is one of its own, for a few all cells (domain::WholeRule). So a
// state is a whole one near it and the postings between, and one walk over neighbouring keys finds
// them; nothing is ever overwritten, and bytes depend on the log alone. What is committed together
// goes with the watermark into one batch, of any size. A crash loses the batches since the last
// flush, never a part of one: they are folded again. One writer; readers from any thread.
#ifndef FISCAL_STORAGE_TOTALS_STORE_H_
#define FISCAL_STORAGE_TOTALS_STORE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/sha256.h"
#include "domain/cells.h"
#include "domain/event.h"
#include "domain/fold.h"
#include "storage/kv.h"
#include "storage/posting_codec.h"
#include "storage/schema.h"

namespace fiscal::storage {

struct Watermark {
  // The last position that was folded; 0 for none.
  domain::Position position;
  Digest chain_hash{};
  std::string log_id;
};

// What is stored of a node's or an agency's cells at a position.
struct StoredState {
  // A whole state: its bytes (EncodeNode, or EncodeCells of an agency), and where it is; empty and
  // 0 when there is none.
  std::string whole;
  domain::Position whole_at;
  // The postings between it and the state, ascending: those since or, with `later`, those after the
  // state up to it, which are to be taken away from it.
  std::vector<domain::Position> postings;
  bool later = false;
};

// What decides whether an agency's next state is whole: the cells of its last whole state, or of
// its first posting, and the weight of what was posted since.
struct AgencyWeight {
  uint64_t size = 0;
  uint64_t gathered = 0;
};

class TotalsStore {
 public:
  explicit TotalsStore(Kv& kv) : kv_(kv) {}

  // A zero watermark when the store is new. ABORTED for a store of another format.
  absl::StatusOr<Watermark> ReadWatermark() const;

  // The `left_out` of the last Commit. NOT_FOUND in a new store.
  absl::StatusOr<std::vector<domain::Position>> ReadLeftOut() const;

  // The state of a node at `at`, by the whole one that is nearer: that before it or that after it.
  absl::StatusOr<StoredState> ReadNode(const domain::NodeId& id, domain::Position at) const;
  // Its cells there, and what was posted since the whole one before it.
  absl::StatusOr<std::unique_ptr<domain::Fold::Node>> LoadNode(const domain::NodeId& id,
                                                               domain::Position at,
                                                               const domain::WholeRule& rule) const;

  // An agency's leaf cells at `at`, into ones that are none; they stay so when it has none. Returns
  // the cells that were read for it.
  absl::StatusOr<uint64_t> LoadLeaves(const domain::BudgetKey& budget, domain::Position at,
                                      domain::LeafCells* cells) const;

  // The postings at these positions, ascending. DATA_LOSS when one is missing.
  absl::Status ReadPostings(
      absl::Span<const domain::Position> positions,
      absl::FunctionRef<absl::Status(size_t index, const StoredPosting&)> visit) const;

  // Postings with `after` < position <= `last`, in order; positions that are no statement's are
  // left out.
  absl::Status ForEachPosting(
      domain::Position after, domain::Position last,
      const std::function<absl::Status(const StoredPosting&, absl::string_view bytes)>& visit)
      const;

  // The last position of what was committed with `position`; mostly itself.
  absl::StatusOr<domain::Position> EndOfGroup(domain::Position position) const;

  // The status at `at` of every budget of a year and stage that was ever stated, in one division
  // or, with 0, in all; ordered by division and agency. Year 0 visits every year and stage.
  absl::Status ForEachStatus(
      uint16_t year, domain::Stage stage, domain::Code division, domain::Position at,
      const std::function<void(const domain::BudgetKey&, const domain::StatementStatus&)>& visit)
      const;

  // The parts of a batch. An agency's posting: its status, and its cells after it, which `leaves`
  // gives, when they are stored whole; `weight` is the agency's, and moves on.
  static absl::Status StageAgency(const domain::Posting& posting, const domain::WholeRule& rule,
                                  AgencyWeight* weight,
                                  absl::FunctionRef<absl::StatusOr<domain::LeafCells>()> leaves,
                                  Batch* batch);
  static void StageState(const domain::Fold::State& state, Batch* batch);
  // The postings themselves, and the ends of groups. REQUIRES: no group is cut.
  static void StagePostings(absl::Span<const std::shared_ptr<const domain::Posting>> postings,
                            Batch* batch);

  // Writes what the log up to the watermark changed since the one before, in one batch: `postings`,
  // and the `states` they made above the agencies. `left_out` are all positions up to there that an
  // operator had left out. REQUIRES as StagePostings.
  absl::Status Commit(absl::Span<const std::shared_ptr<const domain::Posting>> postings,
                      absl::Span<const domain::Fold::State> states, const domain::WholeRule& rule,
                      const Watermark& watermark, const std::vector<domain::Position>& left_out);

  absl::Status Flush() { return kv_.Flush(); }
  int64_t ApproximateBytes() const { return kv_.ApproximateBytes(); }
  // For verification, which compares bytes.
  const Kv& kv() const { return kv_; }

 private:
  Kv& kv_;
};

// Reads agencies' states; those that stand together in keys take no seek each. Not thread-safe.
class AgencyReader {
 public:
  explicit AgencyReader(const TotalsStore& store);
  // The state of an agency at `at`; nothing when it stated nothing by then.
  absl::StatusOr<StoredState> Read(const domain::BudgetKey& budget, domain::Position at);
  // Its weight there.
  absl::StatusOr<AgencyWeight> ReadWeight(const domain::BudgetKey& budget, domain::Position at);

 private:
  // To the newest status at `at` or, when there is none, another's.
  void MoveTo(KeyView first);

  std::unique_ptr<KvIterator> it_;
};

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_TOTALS_STORE_H_
