// From postings to cells: the only place where totals are computed.
//
//   StatementEvent --(storage::ReadPosting)--> Posting --(Apply, many at once)--> chunks of the
//   department, own level and divisions above the agency
//
// Postings of one call are summed on the way up: a division gets the sum of what its departments
// got, not each line. An agency's own cells are its postings; they are added up where they are
// stored (storage/totals_store.h). Reads nothing but its own chunks, so that a rebuild from the
// first event gives identical chunks. Not thread-safe.
#ifndef FISCAL_DOMAIN_FOLD_H_
#define FISCAL_DOMAIN_FOLD_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "domain/catalog.h"
#include "domain/cells.h"
#include "domain/event.h"

namespace fiscal::domain {

// A statement as far as totals know it.
struct StatementStatus {
  Position position;
  uint64_t revision = 0;
  std::string department;
  Scope scope = Scope::kOwn;
  bool certified = false;
  bool withdrawn = false;
  bool control = false;
  // The upstream it was taken over from; empty for a statement made here.
  std::string upstream;
  Position upstream_position;

  // True when its lines count.
  bool counts() const { return !withdrawn && !control; }
  auto tie() const {
    return std::tie(position, revision, department, scope, certified, withdrawn, control, upstream,
                    upstream_position);
  }
  friend bool operator==(const StatementStatus& a, const StatementStatus& b) {
    return a.tie() == b.tie();
  }
};

// The changes of one statement's event: its status, and the differences of its agency's leaf cells.
struct Posting {
  Position position;
  BudgetKey key;
  std::string department;
  uint64_t revision = 0;
  Scope scope = Scope::kOwn;
  bool certified = false;
  bool withdrawn = false;
  bool control = false;
  // True when the next posting was committed with this one: readers see both or neither.
  bool more = false;
  // Known while the event is at hand; not part of what is stored of a posting.
  std::string upstream;
  Position upstream_position;
  // True for the first posting of its budget.
  bool first() const { return revision == 1; }
  StatementStatus status() const {
    return {position, revision, department,       scope, certified, withdrawn,
            control,  upstream, upstream_position};
  }
  // Normalized, with the names of the projects it states; views are kept by `owner`.
  CellTable cells;
  std::shared_ptr<const void> owner;
};

// The reason why the fold can't take a posting, as part of a sentence; empty when it can. Finds
// fewer faults than PostingFault (domain/posting_check.h): those that would put a cell into the
// wrong chunk.
std::string FoldFault(const Posting& posting);

// The id of an agency's chunk of leaf cells.
inline ChunkId LeafChunkOf(const BudgetKey& key) {
  return {{OrgType::kAgency, key.division, key.agency},
          key.year,
          key.stage,
          ChunkNumber(ChunkKind::kLeaf, OrgType::kAgency, 0)};
}

// The nodes that count an agency's money: agency, department, own level, then divisions upwards.
std::vector<OrgNode> PathOf(const BudgetKey& key, absl::string_view department,
                            const Catalog& catalog);

class Fold {
 public:
  // How a chunk was last stored: the number of changes since it was stored whole, and their cells.
  struct Chain {
    // False for a chunk that never was stored.
    bool stored = false;
    uint32_t length = 0;
    uint64_t cells = 0;
  };
  struct Entry {
    explicit Entry(ChunkKind kind) : chunk(kind) {}
    NodeChunk chunk;
    Chain chain;
    // True when it is among Changes().
    bool listed = false;
  };
  // The chunks of a node, year and stage, by number.
  struct NodeId {
    OrgNode node;
    uint16_t year = 0;
    Stage stage = Stage::kNone;
    friend bool operator==(const NodeId& a, const NodeId& b) {
      return a.node == b.node && a.year == b.year && a.stage == b.stage;
    }
    template <typename H>
    friend H AbslHashValue(H h, const NodeId& n) {
      return H::combine(std::move(h), n.node, n.year, n.stage);
    }
  };
  using NodeChunks = std::map<uint16_t, std::unique_ptr<Entry>>;
  using Chunks = absl::flat_hash_map<NodeId, NodeChunks>;
  using Changed = std::vector<std::pair<ChunkId, Entry*>>;

  // All chunks of a node as they stood before what this fold has applied; none where it is new.
  using Loader = std::function<absl::StatusOr<NodeChunks>(const NodeId&)>;

  // True for nodes that are folded. Without one all are.
  using Wanted = std::function<bool(const NodeId&)>;

  explicit Fold(Loader loader, Wanted wanted = nullptr)
      : loader_(std::move(loader)), wanted_(std::move(wanted)) {}

  // Applies the postings to every chunk they touch, or to none when one can't be loaded. DATA_LOSS
  // when one has a FoldFault.
  absl::Status Apply(absl::Span<const Posting* const> postings, const Catalog& catalog);

  // Cells of all chunks, as of the last Settle.
  size_t cell_count() const { return cells_; }
  // Nodes loaded or made so far, each with all its chunks.
  const Chunks& chunks() const { return chunks_; }
  // The chunks that changed since the last Settle(), tidied.
  const Changed& Changes();

  // Counts everything as unchanged, after it was stored. Forgets all chunks when there are more
  // than `cells_max` cells, and loads them again when needed. Returns true when it did.
  bool Settle(size_t cells_max);
  // Forgets the nodes that are not wanted any more, with their changes.
  void ForgetUnwanted();

 private:
  absl::StatusOr<NodeChunks*> Get(const NodeId& node);

  const Loader loader_;
  const Wanted wanted_;
  Chunks chunks_;
  Changed changed_;
  size_t cells_ = 0;
};

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_FOLD_H_
