#include "domain/fold.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "base/status_macros.h"

namespace fiscal::domain {
namespace {

constexpr ChunkKind kKinds[] = {ChunkKind::kNone, ChunkKind::kFunctional, ChunkKind::kRevenue,
                                ChunkKind::kDeptEconomic, ChunkKind::kGovEconomic};

Code CodeOf(const CellKey& key, ChunkKind kind) {
  switch (kind) {
    case ChunkKind::kFunctional:
      return key.functional;
    case ChunkKind::kRevenue:
      return key.revenue;
    case ChunkKind::kDeptEconomic:
      return key.dept_economic;
    case ChunkKind::kGovEconomic:
      return key.gov_economic;
    default:
      return 0;
  }
}

CellKey KeyFor(ChunkKind kind, Code code, uint32_t attributes) {
  CellKey key;
  key.attributes = attributes;
  switch (kind) {
    case ChunkKind::kFunctional:
      key.functional = code;
      break;
    case ChunkKind::kRevenue:
      key.revenue = code;
      break;
    case ChunkKind::kDeptEconomic:
      key.dept_economic = code;
      break;
    case ChunkKind::kGovEconomic:
      key.gov_economic = code;
      break;
    default:
      break;
  }
  return key;
}

// Revenue codes are of income only, economic codes of expenditure only.
bool Keeps(ChunkKind kind, Direction direction) {
  if (kind == ChunkKind::kRevenue) return direction == Direction::kIncome;
  if (kind == ChunkKind::kDeptEconomic || kind == ChunkKind::kGovEconomic)
    return direction == Direction::kExpenditure;
  return true;
}

// A code and the attributes: all that a cell above the agencies has.
using ShortKey = uint64_t;
using Differences = absl::flat_hash_map<ShortKey, CellValue>;
// By index into kKinds.
using DifferencesByKind = std::array<Differences, 5>;

// One node of a year and stage, as far as the postings of one call go.
struct OwnLevelKey {
  Code division;
  uint16_t year;
  Stage stage;
  auto tie() const { return std::tie(year, stage, division); }
  friend bool operator<(const OwnLevelKey& a, const OwnLevelKey& b) { return a.tie() < b.tie(); }
};
struct OwnLevel {
  std::map<std::string, DifferencesByKind, std::less<>> departments;
  DifferencesByKind sum;
};

void Derive(const Chunk& leaf, DifferencesByKind* out) {
  for (const auto& [key, cell] : leaf.cells()) {
    const Direction direction = static_cast<Direction>(key.attributes >> 16 & 15);
    for (size_t k = 0; k < 5; ++k) {
      if (!Keeps(kKinds[k], direction)) continue;
      (*out)[k][ShortKey{CodeOf(key, kKinds[k])} << 32 | key.attributes].Add(cell.value);
    }
  }
}

void AddAll(const DifferencesByKind& from, DifferencesByKind* to) {
  for (size_t k = 0; k < 5; ++k) {
    for (const auto& [key, value] : from[k]) (*to)[k][key].Add(value);
  }
}

}  // namespace

std::vector<OrgNode> PathOf(const BudgetKey& key, absl::string_view department,
                            const Catalog& catalog) {
  std::vector<OrgNode> path = {{OrgType::kAgency, key.division, key.agency},
                               {OrgType::kDepartment, key.division, std::string(department)},
                               {OrgType::kOwnLevel, key.division, ""}};
  for (Code d : catalog.ChainOf(key.division, key.year))
    path.push_back({OrgType::kDivision, d, ""});
  return path;
}

absl::StatusOr<Fold::Entry*> Fold::Get(const NodeId& node, uint16_t number, bool fresh) {
  NodeChunks& chunks = chunks_[node];
  auto it = chunks.find(number);
  if (it == chunks.end()) {
    auto entry = std::make_unique<Entry>();
    if (!fresh) {
      FISCAL_ASSIGN_OR_RETURN(*entry, loader_({node.node, node.year, node.stage, number}));
    }
    cells_ += entry->chunk.cells().size();
    it = chunks.emplace(number, std::move(entry)).first;
  }
  return it->second.get();
}

absl::Status Fold::Apply(absl::Span<const Posting* const> postings, const Catalog& catalog) {
  // What each department and own level gets from all postings together.
  std::map<OwnLevelKey, OwnLevel> own_levels;
  for (const Posting* p : postings) {
    if (p->cells.empty()) continue;
    OwnLevel& own = own_levels[{p->key.division, p->key.year, p->key.stage}];
    Derive(p->cells, &own.departments[p->department]);
  }
  for (auto& [key, own] : own_levels) {
    for (const auto& [code, differences] : own.departments) AddAll(differences, &own.sum);
  }

  // First every chunk is loaded, so that a failed read leaves all of them as they were.
  struct Step {
    Entry* entry;
    ChunkId id;
    const Posting* leaf;             // an agency's posting, or
    const Differences* differences;  // those of one kind, of which the chunk takes its own
    size_t kind;
  };
  std::vector<Step> steps;
  for (const Posting* p : postings) {
    if (p->cells.empty()) continue;
    const ChunkId id{{OrgType::kAgency, p->key.division, p->key.agency},
                     p->key.year,
                     p->key.stage,
                     ChunkNumber(ChunkKind::kLeaf, OrgType::kAgency, 0)};
    FISCAL_ASSIGN_OR_RETURN(Entry * entry, Get({id.node, id.year, id.stage}, id.chunk, p->first));
    steps.push_back({entry, id, p, nullptr, 0});
  }
  auto load = [&](const OwnLevelKey& key, OrgNode node,
                  const DifferencesByKind& differences) -> absl::Status {
    const NodeId id{std::move(node), key.year, key.stage};
    for (size_t k = 0; k < 5; ++k) {
      std::vector<uint16_t> numbers;
      uint16_t last = UINT16_MAX;
      for (const auto& [short_key, value] : differences[k]) {
        const uint16_t number =
            ChunkNumber(kKinds[k], id.node.type, static_cast<Code>(short_key >> 32));
        if (number == last) continue;
        last = number;
        if (std::find(numbers.begin(), numbers.end(), number) == numbers.end())
          numbers.push_back(number);
      }
      for (uint16_t number : numbers) {
        FISCAL_ASSIGN_OR_RETURN(Entry * entry, Get(id, number, /*fresh=*/false));
        steps.push_back({entry, {id.node, id.year, id.stage, number}, nullptr, &differences[k], k});
      }
    }
    return absl::OkStatus();
  };
  for (const auto& [key, own] : own_levels) {
    for (const auto& [code, differences] : own.departments)
      FISCAL_RETURN_IF_ERROR(load(key, {OrgType::kDepartment, key.division, code}, differences));
    FISCAL_RETURN_IF_ERROR(load(key, {OrgType::kOwnLevel, key.division, ""}, own.sum));
    for (Code d : catalog.ChainOf(key.division, key.year))
      FISCAL_RETURN_IF_ERROR(load(key, {OrgType::kDivision, d, ""}, own.sum));
  }

  for (const Step& step : steps) {
    Chunk& chunk = step.entry->chunk;
    const bool unchanged = chunk.changes() == 0;
    const size_t before = chunk.cells().size();
    if (step.leaf != nullptr) {
      const Chunk& leaf = step.leaf->cells;
      for (const auto& [key, cell] : leaf.cells())
        chunk.Add(key, leaf.project(key.project), cell.value);
    } else {
      const ChunkKind kind = kKinds[step.kind];
      const OrgType type = step.id.node.type;
      for (const auto& [short_key, value] : *step.differences) {
        const Code code = static_cast<Code>(short_key >> 32);
        if (ChunkNumber(kind, type, code) == step.id.chunk)
          chunk.Add(KeyFor(kind, code, static_cast<uint32_t>(short_key)), "", value);
      }
    }
    cells_ += chunk.cells().size() - before;
    if (unchanged && chunk.changes() > 0) changed_.emplace_back(step.id, step.entry);
  }
  return absl::OkStatus();
}

const Fold::Changed& Fold::Changes() {
  for (auto& [id, entry] : changed_) {
    const size_t before = entry->chunk.cells().size();
    entry->chunk.Tidy();
    cells_ -= before - entry->chunk.cells().size();
  }
  return changed_;
}

void Fold::Settle(size_t cells_max) {
  for (auto& [id, entry] : changed_) entry->chunk.Mark();
  changed_.clear();
  if (cells_ <= cells_max) return;
  for (auto it = chunks_.begin(); it != chunks_.end();) {
    if (it->first.node.type != OrgType::kAgency) {
      ++it;
      continue;
    }
    for (const auto& [number, entry] : it->second) cells_ -= entry->chunk.cells().size();
    chunks_.erase(it++);
  }
  if (cells_ > cells_max / 4 * 3) {
    chunks_.clear();
    cells_ = 0;
  }
}

}  // namespace fiscal::domain
