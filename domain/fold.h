// From events to cells: the only place where totals are computed.
//
//   StatementEvent + path of the agency --(Apply)--> chunks of the agency, its department, own
//   level and divisions
//
// Reads nothing but its own chunks, so that a rebuild from the first event gives identical chunks.
// Not thread-safe.
#ifndef FISCAL_DOMAIN_FOLD_H_
#define FISCAL_DOMAIN_FOLD_H_

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "domain/catalog.h"
#include "domain/cells.h"
#include "domain/event.h"

namespace fiscal::domain {

// The nodes that count an agency's money: agency, department, own level, then divisions upwards.
std::vector<OrgNode> PathOf(const StatementMeta& meta, const Catalog& catalog);

class Fold {
 public:
  // The chunk as it stood before what this fold has applied; an empty one where there is none.
  using Loader = std::function<absl::StatusOr<Chunk>(const ChunkId&)>;
  // Which nodes to fold; null folds all.
  using Wanted = std::function<bool(const OrgNode&)>;

  struct Entry {
    Chunk chunk;
    bool dirty = false;
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

  explicit Fold(Loader loader, Wanted wanted = nullptr)
      : loader_(std::move(loader)), wanted_(std::move(wanted)) {}

  // Applies the event to every chunk it touches, or to none when one can't be loaded. `sign` is 1;
  // -1 takes it back.
  absl::Status Apply(const StatementEvent& event, const Catalog& catalog, int sign = 1);

  // Chunks loaded or made so far.
  const Chunks& chunks() const { return chunks_; }
  Chunks& chunks() { return chunks_; }

 private:
  Loader loader_;
  Wanted wanted_;
  Chunks chunks_;
};

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_FOLD_H_
