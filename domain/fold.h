// From postings to cells: the only place where totals are computed.
//
//   StatementEvent --(storage::ReadPosting)--> Posting --(Prepare, Apply)--> the cells of the
//   department, the own level and the divisions above it, and States of them
//
// A division's own level and the divisions below it are kept apart: its total is the sum of its own
// level and of what the node kDivision keeps, which is what came from below. An agency's own cells
// are its postings; they are added up where they are stored (storage/totals_store.h).
//
// A node has a state at each posting that changes it. Most are told by the posting; a few are
// whole, so that any state is the newest whole one before it and a bounded number of postings since
// (WholeRule). Which are whole depends on the postings alone, so that a rebuild from the first
// event gives identical states. Reads nothing but its own nodes.
//
// Not thread-safe, but what it does may be done in parts beside each other (DoBeside): each posting
// is summed by itself, and what postings add to one node one part adds, in their order.
#ifndef FISCAL_DOMAIN_FOLD_H_
#define FISCAL_DOMAIN_FOLD_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
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
// wrong place.
std::string FoldFault(const Posting& posting);

// The agency as a node of its year and stage.
inline NodeId AgencyId(const BudgetKey& key) {
  return {{OrgType::kAgency, key.division, key.agency}, key.year, key.stage};
}

// The nodes that count an agency's money: agency, department, own level, then divisions upwards.
std::vector<OrgNode> PathOf(const BudgetKey& key, absl::string_view department,
                            const Catalog& catalog);

// The nodes whose cells add up to the total of `node`.
std::vector<OrgNode> PartsOf(const OrgNode& node);

// Adds an agency's cells, or differences of them, to the cells of a node that counts its money.
void AddLeaves(const std::vector<CellTable::Item>& leaves, NodeCells* cells);

// When a node's state is whole: once the postings since the last whole one weigh `factor` times the
// node's cells, so that reading any state takes at most about so much more than a whole one. An
// agency's states follow it too. Part of the format.
struct WholeRule {
  uint64_t factor = 2;
  // Of finding a posting, in cells.
  uint64_t posting = 16;
  // The size of a node that is smaller.
  uint64_t size_min = 64;

  // Of a posting with so many cells.
  uint64_t WeightOf(size_t cells) const { return posting + cells; }
  bool Whole(uint64_t gathered, uint64_t size) const {
    return gathered >= factor * std::max(size, size_min);
  }
};

class Fold {
 public:
  struct Node {
    NodeCells cells;
    // The weight of the postings since the last whole state.
    uint64_t gathered = 0;
    // The Apply that changed it last; not part of its value.
    uint64_t used = 0;
  };
  // The state of a node at a posting.
  struct State {
    NodeId id;
    Position position;
    // Null when it is told by its posting.
    std::unique_ptr<const NodeCells> whole;
  };
  using Nodes = absl::flat_hash_map<NodeId, std::unique_ptr<Node>>;

  // A node as it stood before what this fold has applied.
  using Loader = std::function<absl::StatusOr<std::unique_ptr<Node>>(const NodeId&)>;

  // True for nodes that are folded. Without one all are.
  using Wanted = std::function<bool(const NodeId&)>;

  // Calls the function with each number below `parts`, perhaps on several threads, and returns when
  // all calls have.
  using Beside = std::function<void(size_t parts, const std::function<void(size_t)>& part)>;

  explicit Fold(Loader loader, WholeRule rule = {}, Wanted wanted = nullptr);
  ~Fold();

  // From now on work is done in up to `parts` parts, of about `cells_of_part` cells of postings at
  // least.
  void DoBeside(size_t parts, size_t cells_of_part, Beside beside);

  // Reads what Apply needs of these postings, and changes nothing that nodes() shows: others may
  // read that meanwhile. DATA_LOSS when one has a FoldFault; a later Prepare begins anew.
  absl::Status Prepare(absl::Span<const Posting* const> postings, const Catalog& catalog);
  // Applies what was prepared, in order, and appends the states that its postings made.
  void Apply(std::vector<State>* states);

  // Cells of all nodes, and some for each node itself.
  size_t cell_count() const { return cells_ + nodes_.size() * kCellsOfNode; }
  // Nodes loaded or made so far.
  const Nodes& nodes() const { return nodes_; }

  // The nodes that were not used for longest, so many that three quarters of `cells_max` are left
  // without them.
  std::vector<NodeId> Unused(size_t cells_max) const;
  // Forgets nodes, which are loaded again when needed, and hands them out. REQUIRES: their states
  // can be loaded.
  std::vector<std::unique_ptr<Node>> Drop(const std::vector<NodeId>& ids);
  // Forgets the nodes that are not wanted any more.
  void ForgetUnwanted();

 private:
  // A cell's difference; by kind in a list.
  struct Difference {
    NodeCells::Key key;
    uint64_t hash;
    NarrowValue value;
  };
  // A node that a posting changes, and the part that changes it.
  struct Reached {
    NodeId id;
    Node* node;
    uint32_t part = 0;
  };
  class Sums;
  struct Prepared {
    Position position;
    uint64_t weight = 0;
    const Posting* posting = nullptr;
    // Where its differences are, and the ends of the kinds there.
    const Sums* sums = nullptr;
    std::array<uint32_t, kNodeKindCount> ends{}, rest_ends{};
    uint32_t begin = 0, rest_begin = 0;
    std::vector<Reached> nodes;
  };

  // What a node's tables take beside its cells, in cells.
  static constexpr size_t kCellsOfNode = 16;

  absl::StatusOr<Node*> Get(const NodeId& id);
  // The parts that so many cells are worth.
  size_t PartsFor(size_t cells) const;
  void Run(size_t parts, const std::function<void(size_t)>& part);
  // Gives each node that is reached to a part, so that all have about the same to do.
  void ShareOut(size_t parts);
  // Applies what was prepared to the nodes of one part.
  void ApplyPart(uint32_t part, std::vector<State>* states, int64_t* cells);
  static void AddTo(const Prepared& prepared, Node* node);

  const Loader loader_;
  const WholeRule rule_;
  const Wanted wanted_;
  Nodes nodes_;
  size_t cells_ = 0;
  uint64_t applied_ = 0;
  size_t parts_ = 1;
  size_t cells_of_part_ = 1;
  Beside beside_;
  // Of Prepare: loaded and not among nodes_ yet, and what Apply adds.
  Nodes fresh_;
  std::vector<Prepared> prepared_;
  size_t prepared_cells_ = 0;
  // By part of what was prepared.
  std::vector<std::unique_ptr<Sums>> sums_;
};

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_FOLD_H_
