// The cells of some nodes at one position.
//
//   TotalsReader --> TotalsView --> live chunks of the Projector
//                               --> TotalsStore: a stored state, and the postings after it
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

// Chunks above agencies that a read found in the store: after a start nothing is live, and a chunk
// without changes stays so. Thread-safe.
class ChunkCache {
 public:
  using Cells = std::vector<domain::CellTable::Item>;

  // Null when it isn't there, or was read before `since`, a stride after which it may have changed.
  std::shared_ptr<const Cells> Find(const domain::ChunkId& id, domain::Position since)
      ABSL_LOCKS_EXCLUDED(mu_) {
    absl::ReaderMutexLock lock(&mu_);
    auto it = chunks_.find(id);
    return it == chunks_.end() || it->second.stride < since ? nullptr : it->second.cells;
  }
  void Add(const domain::ChunkId& id, domain::Position stride, std::shared_ptr<const Cells> cells)
      ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (cells_ + cells->size() > kCellsMax) {
      chunks_.clear();
      cells_ = 0;
    }
    Entry& entry = chunks_[id];
    cells_ += cells->size() - (entry.cells == nullptr ? 0 : entry.cells->size());
    entry = {stride, std::move(cells)};
  }

 private:
  // About 80 bytes each.
  static constexpr size_t kCellsMax = 300000;
  struct Entry {
    domain::Position stride;
    std::shared_ptr<const Cells> cells;
  };
  absl::Mutex mu_;
  absl::flat_hash_map<domain::ChunkId, Entry> chunks_ ABSL_GUARDED_BY(mu_);
  size_t cells_ ABSL_GUARDED_BY(mu_) = 0;
};

// A node that is read, with its place in the organisation.
struct Target {
  domain::OrgNode node;
  // Of the node, for rows by organisation.
  std::string department;
  domain::Code division = 0;
};

// Sees the cells that answer a question: by tables or one by one, with the projects they refer to.
// A past state comes as a stored one and the differences posted after it, so a cell may come in
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

// The state at one position: live, or a whole stride and the postings after it.
class TotalsView {
 public:
  TotalsView(const Projector& projector, ChunkCache& cache, domain::Position position,
             uint16_t year, domain::Stage stage)
      : projector_(projector), cache_(cache), position_(position), year_(year), stage_(stage) {}

  // Visits every cell of the targets' chunks of `kind` whose number lies within the class of `code`
  // (0: all); of differences, which are those of leaf cells, all. Spends a seek for each target and
  // units() for each cell.
  absl::Status Visit(const std::vector<Target>& targets, domain::ChunkKind kind, domain::Code code,
                     CellVisitor& visit, Work& work) const;

 private:
  absl::Status VisitPast(const std::vector<Target>& targets, domain::Position stride,
                         const Projector::Postings& open, domain::Position open_from,
                         CellVisitor& visit, Work& work) const;

  const Projector& projector_;
  ChunkCache& cache_;
  const domain::Position position_;
  const uint16_t year_;
  const domain::Stage stage_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_FOLD_TOTALS_VIEW_H_
