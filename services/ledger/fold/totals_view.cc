#include "services/ledger/fold/totals_view.h"

#include <utility>

#include "base/status_macros.h"
#include "storage/cell_codec.h"

namespace fiscal::services {

using domain::Catalog;
using domain::CellKey;
using domain::CellValue;
using domain::ChunkKind;
using domain::Code;
using domain::Fold;
using domain::OrgNode;

absl::Status TotalsView::Visit(const std::vector<Target>& targets, ChunkKind kind, Code code,
                               CellVisitor& visit, Work& work) const {
  FISCAL_RETURN_IF_ERROR(work.Expect(targets.size() * Work::kSeek));
  const uint64_t units = visit.units();
  std::vector<const Target*> rest;
  auto range = [&](const Target& t) {
    const uint16_t all = static_cast<uint16_t>(static_cast<uint16_t>(kind) << 10);
    // One chunk holds all of the kind, or all of the class.
    if (kind == ChunkKind::kNone || kind == ChunkKind::kLeaf || domain::IsTransfer(kind) ||
        !domain::SplitsByClass(t.node.type))
      return std::pair<uint16_t, uint16_t>(all, all);
    if (code == 0) return std::pair<uint16_t, uint16_t>(all, all | 1023);
    const uint16_t one = domain::ChunkNumber(kind, t.node.type, code);
    return std::pair<uint16_t, uint16_t>(one, one);
  };
  domain::Position stride, live_stride, forgotten;
  bool live_position = false;
  absl::Status spent;
  Projector::Postings open;
  projector_.ReadLive([&](const Projector::Live& live) {
    live_stride = live.stride;
    forgotten = live.forgotten;
    // Agencies' cells are as those of the past: a stored state and postings.
    live_position = live.position == position_ && kind != ChunkKind::kLeaf;
    if (!live_position) {
      if (position_ > live.stride) open = live.postings;
      return;
    }
    stride = live.stride;
    for (const Target& t : targets) {
      const auto [first, last] = range(t);
      auto node = live.chunks.find(Fold::NodeId{t.node, year_, stage_});
      if (node == live.chunks.end()) {
        rest.push_back(&t);
        continue;
      }
      uint64_t cells = 0;
      for (auto it = node->second.lower_bound(first); it != node->second.end() && it->first <= last;
           ++it) {
        it->second->chunk.ForEach([&](const CellKey& key, const CellValue& value) {
          ++cells;
          visit.OnCell(t, {}, key, value);
        });
      }
      spent = work.Spend(1 + cells * units);
      if (!spent.ok()) return;
    }
  });
  FISCAL_RETURN_IF_ERROR(spent);
  if (!live_position) {
    stride = position_ >= live_stride ? live_stride : projector_.store().StrideAt(position_);
    for (const Target& t : targets) rest.push_back(&t);
  }
  for (const Target* t : rest) {
    const auto [first, last] = range(*t);
    if (live_position && first == last) {
      const domain::ChunkId id{t->node, year_, stage_, first};
      std::shared_ptr<const ChunkCache::Cells> cells = cache_.Find(id, forgotten);
      if (cells == nullptr) {
        auto read = std::make_shared<ChunkCache::Cells>();
        FISCAL_RETURN_IF_ERROR(projector_.store().ForEachChunk(
            {t->node, year_, stage_}, first, last, stride,
            [&](uint16_t, const domain::CellTable& table) { *read = table.items; }));
        cache_.Add(id, stride, read);
        cells = std::move(read);
      }
      for (const domain::CellTable::Item& item : *cells) visit.OnCell(*t, {}, item.key, item.value);
      FISCAL_RETURN_IF_ERROR(work.Spend(1 + cells->size() * units));
      continue;
    }
    uint64_t cells = 0;
    FISCAL_RETURN_IF_ERROR(
        projector_.store().ForEachChunk({t->node, year_, stage_}, first, last, stride,
                                        [&](uint16_t, const domain::CellTable& table) {
                                          cells += table.items.size();
                                          visit.OnTable(*t, table);
                                        }));
    FISCAL_RETURN_IF_ERROR(work.Spend(Work::kSeek + cells * units));
  }
  return live_position ? absl::OkStatus()
                       : VisitPast(targets, stride, open, live_stride, visit, work);
}

absl::Status TotalsView::VisitPast(const std::vector<Target>& targets, domain::Position stride,
                                   const Projector::Postings& open, domain::Position open_from,
                                   CellVisitor& visit, Work& work) const {
  const uint64_t units = visit.units();
  if (position_ == stride) return absl::OkStatus();
  absl::flat_hash_map<OrgNode, const Target*> nodes;
  for (const Target& t : targets) nodes.emplace(t.node, &t);
  const std::shared_ptr<const Catalog> catalog = projector_.catalog();
  // The targets that count the money of a budget: several when they stand one above the other.
  auto counting = [&](const domain::BudgetKey& key, absl::string_view department) {
    std::vector<const Target*> found;
    if (key.year != year_ || key.stage != stage_) return found;
    for (const OrgNode& node : domain::PathOf(key, department, *catalog)) {
      auto it = nodes.find(node);
      if (it != nodes.end()) found.push_back(it->second);
    }
    return found;
  };
  if (stride == open_from) {
    for (const auto& posting : open) {
      if (posting->position > position_) break;
      const std::vector<const Target*> found = counting(posting->key, posting->department);
      for (const Target* t : found) visit.OnTable(*t, posting->cells);
      FISCAL_RETURN_IF_ERROR(work.Spend(1 + found.size() * posting->cells.items.size() * units));
    }
    return absl::OkStatus();
  }
  std::vector<domain::CellProject> projects;
  return projector_.store().ForEachPosting(
      stride, position_,
      [&](const storage::StoredPosting& posting, absl::string_view) -> absl::Status {
        const std::vector<const Target*> found =
            counting(posting.posting.key, posting.posting.department);
        if (found.empty()) return work.Spend(1);
        uint64_t cells = 0;
        FISCAL_RETURN_IF_ERROR(storage::ScanCells(posting.cells, &projects,
                                                  [&](const CellKey& key, const CellValue& value) {
                                                    ++cells;
                                                    for (const Target* t : found)
                                                      visit.OnCell(*t, projects, key, value);
                                                  }));
        visit.OnProjects(projects);
        return work.Spend(1 + found.size() * cells * units);
      });
}

}  // namespace fiscal::services
