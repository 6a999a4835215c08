#include "services/ledger/fold/totals_view.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "storage/cell_codec.h"

namespace fiscal::services {

using domain::CellKey;
using domain::CellKind;
using domain::CellValue;
using domain::CodeClass;
using domain::OrgNode;
using domain::Position;

// A stored state in two steps: whole ones are visited as they are found, and postings are gathered,
// to be read in the order they stand in, whichever target they are for.
class TotalsView::Past {
 public:
  Past(const Projector& projector, CellKind kind, const CodeClass& codes, CellVisitor& visit,
       Work& work)
      : store_(projector.store()),
        posting_units_(projector.rule().posting),
        kind_(kind),
        codes_(codes),
        visit_(visit),
        units_(visit.units()),
        work_(work) {}

  absl::Status Add(const Target& target, const storage::StoredState& state) {
    for (const Position position : state.postings)
      postings_.push_back({position, state.later, &target});
    FISCAL_RETURN_IF_ERROR(work_.Spend(Work::kSeek + state.postings.size() * posting_units_));
    absl::string_view bytes = state.whole;
    if (kind_ != CellKind::kLeaf && !bytes.empty()) {
      FISCAL_ASSIGN_OR_RETURN(bytes, storage::KindOfNode(bytes, kind_));
    }
    return bytes.empty() ? absl::OkStatus() : Scan(target, bytes, /*away=*/false);
  }

  absl::Status ReadPostings() {
    std::stable_sort(postings_.begin(), postings_.end(),
                     [](const Part& a, const Part& b) { return a.position < b.position; });
    std::vector<Position> positions;
    positions.reserve(postings_.size());
    for (const Part& part : postings_) positions.push_back(part.position);
    return store_.ReadPostings(positions, [&](size_t i, const storage::StoredPosting& posting) {
      return Scan(*postings_[i].target, posting.cells, postings_[i].away);
    });
  }

 private:
  // A posting of a target.
  struct Part {
    Position position;
    // To be taken away.
    bool away;
    const Target* target;
  };

  absl::Status Scan(const Target& target, absl::string_view cells, bool away) {
    FISCAL_ASSIGN_OR_RETURN(const uint64_t seen,
                            storage::ScanCells(cells, kind_, codes_, &projects_,
                                               [&](const CellKey& key, const CellValue& value) {
                                                 visit_.OnCell(target, projects_, key,
                                                               away ? -value : value);
                                               }));
    if (!away) visit_.OnProjects(projects_);
    return work_.Spend(1 + seen * units_);
  }

  const storage::TotalsStore& store_;
  // The cost of finding a posting.
  const uint64_t posting_units_;
  const CellKind kind_;
  const CodeClass codes_;
  CellVisitor& visit_;
  const uint64_t units_;
  Work& work_;
  std::vector<Part> postings_;
  std::vector<domain::CellProject> projects_;
};

absl::Status TotalsView::Visit(const std::vector<Target>& targets, CellKind kind,
                               const CodeClass& codes, CellVisitor& visit, Work& work) const {
  FISCAL_RETURN_IF_ERROR(work.Expect(targets.size() * Work::kSeek));
  if (kind == CellKind::kLeaf) return VisitPast(targets, kind, codes, visit, work);
  const uint64_t units = visit.units();
  bool now = false;
  Position forgotten;
  std::vector<Part> rest;
  absl::Status spent;
  projector_.ReadLive([&](const Projector::Live& live) {
    now = live.position == position_;
    forgotten = live.forgotten;
    if (!now) return;
    for (const Target& t : targets) {
      for (OrgNode& node : domain::PartsOf(t.node)) {
        domain::NodeId id{std::move(node), year_, stage_};
        const auto found = live.nodes.find(id);
        if (found == live.nodes.end()) {
          rest.push_back({std::move(id), &t});
          continue;
        }
        uint64_t cells = 0;
        found->second->cells.ForEach(
            kind,
            [&](const CellKey& key, const CellValue& value) {
              ++cells;
              visit.OnCell(t, {}, key, value);
            },
            codes);
        spent = work.Spend(1 + cells * units);
        if (!spent.ok()) return;
      }
    }
  });
  FISCAL_RETURN_IF_ERROR(spent);
  return now ? VisitNow(rest, forgotten, kind, codes, visit, work)
             : VisitPast(targets, kind, codes, visit, work);
}

absl::Status TotalsView::VisitNow(const std::vector<Part>& parts, Position forgotten, CellKind kind,
                                  const CodeClass& codes, CellVisitor& visit, Work& work) const {
  const uint64_t units = visit.units();
  for (const Part& part : parts) {
    NodeCache::Node cells = cache_.Find(part.id, forgotten, position_);
    if (cells == nullptr) {
      FISCAL_ASSIGN_OR_RETURN(const std::unique_ptr<domain::Fold::Node> node,
                              projector_.store().LoadNode(part.id, position_, projector_.rule()));
      cells = std::make_shared<const domain::NodeCells>(std::move(node->cells));
      cache_.Add(part.id, position_, cells);
      FISCAL_RETURN_IF_ERROR(work.Spend(Work::kSeek + node->gathered + cells->size()));
    }
    uint64_t visited = 0;
    cells->ForEach(
        kind,
        [&](const CellKey& key, const CellValue& value) {
          ++visited;
          visit.OnCell(*part.target, {}, key, value);
        },
        codes);
    FISCAL_RETURN_IF_ERROR(work.Spend(1 + visited * units));
  }
  return absl::OkStatus();
}

absl::Status TotalsView::VisitPast(const std::vector<Target>& targets, CellKind kind,
                                   const CodeClass& codes, CellVisitor& visit, Work& work) const {
  Position written;
  Projector::Postings unwritten;
  std::shared_ptr<const domain::Catalog> catalog;
  projector_.ReadLive([&](const Projector::Live& live) {
    written = live.written;
    catalog = live.catalog;
    for (const auto& posting : live.unwritten) {
      if (posting->position > position_) break;
      if (posting->key.year == year_ && posting->key.stage == stage_) unwritten.push_back(posting);
    }
  });
  const Position stored = std::min(position_, written);
  Past past(projector_, kind, codes, visit, work);
  if (kind == CellKind::kLeaf) {
    storage::AgencyReader reader(projector_.store());
    for (const Target& t : targets) {
      FISCAL_ASSIGN_OR_RETURN(const storage::StoredState state,
                              reader.Read({t.node.division, year_, stage_, t.node.code}, stored));
      FISCAL_RETURN_IF_ERROR(past.Add(t, state));
    }
  } else {
    for (const Target& t : targets) {
      for (OrgNode& node : domain::PartsOf(t.node)) {
        FISCAL_ASSIGN_OR_RETURN(
            const storage::StoredState state,
            projector_.store().ReadNode({std::move(node), year_, stage_}, stored));
        FISCAL_RETURN_IF_ERROR(past.Add(t, state));
      }
    }
  }
  FISCAL_RETURN_IF_ERROR(past.ReadPostings());
  if (unwritten.empty()) return absl::OkStatus();

  absl::flat_hash_map<OrgNode, const Target*> nodes;
  for (const Target& t : targets) nodes.emplace(t.node, &t);
  const uint64_t units = visit.units();
  for (const auto& posting : unwritten) {
    // Several targets count it when they stand one above the other.
    for (const OrgNode& node : domain::PathOf(posting->key, posting->department, *catalog)) {
      const auto target = nodes.find(node);
      if (target == nodes.end()) continue;
      visit.OnTable(*target->second, posting->cells);
      FISCAL_RETURN_IF_ERROR(work.Spend(1 + posting->cells.items.size() * units));
    }
  }
  return absl::OkStatus();
}

}  // namespace fiscal::services
