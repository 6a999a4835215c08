// The cells of some organisations at one position.
//
//   TotalsReader --> TotalsView --> nodes in memory of the Projector
//                               --> TotalsStore: whole states, and the postings between
#ifndef FISCAL_SERVICES_LEDGER_FOLD_TOTALS_VIEW_H_
#define FISCAL_SERVICES_LEDGER_FOLD_TOTALS_VIEW_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "domain/cells.h"
#include "services/ledger/fold/projector.h"
#include "services/ledger/work.h"

namespace fiscal::services {

// Nodes that a read found in the store: after a start none is in memory, and one without changes
// stays so. Thread-safe.
class NodeCache {
 public:
  using Node = std::shared_ptr<const domain::NodeCells>;

  // Null when it isn't there, was read before `since`, a position after which it may have changed,
  // or is of a later position than `at`.
  Node Find(const domain::NodeId& id, domain::Position since, domain::Position at)
      ABSL_LOCKS_EXCLUDED(mu_) {
    absl::ReaderMutexLock lock(&mu_);
    const auto it = nodes_.find(id);
    const bool good =
        it != nodes_.end() && since <= it->second.position && it->second.position <= at;
    return good ? it->second.node : nullptr;
  }
  // As it was at `position`.
  void Add(const domain::NodeId& id, domain::Position position, Node node)
      ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (cells_ + CellsOf(node) > kCellsMax) {
      nodes_.clear();
      cells_ = 0;
    }
    Entry& entry = nodes_[id];
    cells_ += CellsOf(node) - (entry.node == nullptr ? 0 : CellsOf(entry.node));
    entry = {position, std::move(node)};
  }

 private:
  // About 64 bytes each; an empty node costs as much as a few.
  static constexpr size_t kCellsMax = 300000;
  static size_t CellsOf(const Node& node) { return node->size() + 8; }
  struct Entry {
    domain::Position position;
    Node node;
  };
  absl::Mutex mu_;
  absl::flat_hash_map<domain::NodeId, Entry> nodes_ ABSL_GUARDED_BY(mu_);
  size_t cells_ ABSL_GUARDED_BY(mu_) = 0;
};

// An organisation that is read, with its place among the others.
struct Target {
  domain::OrgNode node;
  // For rows by organisation.
  std::string department;
  domain::Code division = 0;
};

// Sees the cells that answer a question: by tables or one by one, with the projects they refer to.
// A past state comes as a stored one and the differences posted between them, so a cell may come in
// parts, and a part may be negative.
class CellVisitor {
 public:
  virtual ~CellVisitor() = default;
  virtual void OnTable(const Target& target, const domain::CellTable& table) = 0;
  virtual void OnCell(const Target& target, const std::vector<domain::CellProject>& projects,
                      const domain::CellKey& key, const domain::CellValue& value) = 0;
  virtual void OnProjects(const std::vector<domain::CellProject>& projects) = 0;
  // The cost of one cell, in units of work.
  virtual uint64_t units() const { return 1; }
};

// The state at one position.
class TotalsView {
 public:
  TotalsView(const Projector& projector, NodeCache& cache, domain::Position position, uint16_t year,
             domain::Stage stage)
      : projector_(projector), cache_(cache), position_(position), year_(year), stage_(stage) {}

  // Visits every cell of `kind` with a code in `codes` of the targets; of differences, which are
  // those of leaf cells, each with such a code. kLeaf is for agencies, every other kind for the
  // nodes above. Spends a seek for each target and units() for each cell.
  absl::Status Visit(const std::vector<Target>& targets, domain::CellKind kind,
                     const domain::CodeClass& codes, CellVisitor& visit, Work& work) const;

 private:
  // A node that counts for a target.
  struct Part {
    domain::NodeId id;
    const Target* target;
  };
  class Past;

  // Of parts that were not in memory at position_; `forgotten` is of that moment.
  absl::Status VisitNow(const std::vector<Part>& parts, domain::Position forgotten,
                        domain::CellKind kind, const domain::CodeClass& codes, CellVisitor& visit,
                        Work& work) const;
  absl::Status VisitPast(const std::vector<Target>& targets, domain::CellKind kind,
                         const domain::CodeClass& codes, CellVisitor& visit, Work& work) const;

  const Projector& projector_;
  NodeCache& cache_;
  const domain::Position position_;
  const uint16_t year_;
  const domain::Stage stage_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_FOLD_TOTALS_VIEW_H_
