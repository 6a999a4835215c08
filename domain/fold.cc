#include "domain/fold.h"

#include <algorithm>

#include "base/status_macros.h"

namespace fiscal::domain {
namespace {

// What one event adds to cells, before it is known to which node's.
using Differences = absl::flat_hash_map<CellKey, CellValue>;

void AddLines(const LineSet& set, int sign, Chunk* leaf) {
  for (const Line& line : set.lines) {
    CellKey key;
    key.functional = line.functional;
    key.revenue = line.revenue;
    key.dept_economic = line.dept_economic;
    key.gov_economic = line.gov_economic;
    key.receiving_division = line.receiving_division;
    key.attributes = line.attributes.Pack();
    CellValue value;
    value.amount_fen = sign * line.amount_fen;
    value.counts[line.precision_class] = sign;
    leaf->Add(key, line.project_code, value);
  }
}

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

}  // namespace

std::vector<OrgNode> PathOf(const StatementMeta& meta, const Catalog& catalog) {
  const Code division = meta.key.division;
  std::vector<OrgNode> path = {{OrgType::kAgency, division, meta.key.agency},
                               {OrgType::kDepartment, division, meta.department_code},
                               {OrgType::kOwnLevel, division, ""}};
  for (Code d : catalog.ChainOf(division, meta.key.year))
    path.push_back({OrgType::kDivision, d, ""});
  return path;
}

absl::Status Fold::Apply(const StatementEvent& event, const Catalog& catalog, int sign) {
  if (event.meta.control) return absl::OkStatus();
  Chunk leaf;
  AddLines(event.put, sign, &leaf);
  AddLines(event.removed, -sign, &leaf);
  if (leaf.empty()) return absl::OkStatus();

  const ChunkKind kinds[] = {ChunkKind::kNone, ChunkKind::kFunctional, ChunkKind::kRevenue,
                             ChunkKind::kDeptEconomic, ChunkKind::kGovEconomic};
  Differences by_kind[6];
  for (const auto& [key, value] : leaf.cells()) {
    Attributes attributes;
    Attributes::Unpack(key.attributes, &attributes);
    for (ChunkKind kind : kinds) {
      if (!Keeps(kind, attributes.direction)) continue;
      by_kind[static_cast<int>(kind)][KeyFor(kind, CodeOf(key, kind), key.attributes)].Add(value);
    }
  }

  // First every chunk is loaded, so that a failed read leaves all of them as they were.
  struct Step {
    Entry* entry;
    ChunkKind kind;
    uint16_t chunk;
    OrgType type;
  };
  std::vector<Step> steps;
  ChunkId id;
  id.year = event.meta.key.year;
  id.stage = event.meta.key.stage;
  auto load = [&](ChunkKind kind, uint16_t number) -> absl::Status {
    id.chunk = number;
    NodeChunks& node = chunks_[{id.node, id.year, id.stage}];
    auto it = node.find(number);
    if (it == node.end()) {
      FISCAL_ASSIGN_OR_RETURN(Chunk chunk, loader_(id));
      it = node.emplace(number, std::make_unique<Entry>(Entry{std::move(chunk), false})).first;
    }
    steps.push_back({it->second.get(), kind, number, id.node.type});
    return absl::OkStatus();
  };
  for (const OrgNode& node : PathOf(event.meta, catalog)) {
    if (wanted_ != nullptr && !wanted_(node)) continue;
    id.node = node;
    if (node.type == OrgType::kAgency) {
      FISCAL_RETURN_IF_ERROR(load(ChunkKind::kLeaf, ChunkNumber(ChunkKind::kLeaf, node.type, 0)));
      continue;
    }
    for (ChunkKind kind : kinds) {
      // In key order, so that chunks are made in an order the log alone decides.
      std::vector<uint16_t> numbers;
      for (const auto& [key, value] : by_kind[static_cast<int>(kind)]) {
        const uint16_t number = ChunkNumber(kind, node.type, CodeOf(key, kind));
        if (std::find(numbers.begin(), numbers.end(), number) == numbers.end())
          numbers.push_back(number);
      }
      std::sort(numbers.begin(), numbers.end());
      for (uint16_t number : numbers) FISCAL_RETURN_IF_ERROR(load(kind, number));
    }
  }
  for (const Step& step : steps) {
    step.entry->dirty = true;
    if (step.kind == ChunkKind::kLeaf) {
      for (const auto& [key, value] : leaf.cells())
        step.entry->chunk.Add(key, leaf.project(key.project), value);
      continue;
    }
    for (const auto& [key, value] : by_kind[static_cast<int>(step.kind)]) {
      if (ChunkNumber(step.kind, step.type, CodeOf(key, step.kind)) == step.chunk)
        step.entry->chunk.Add(key, "", value);
    }
  }
  return absl::OkStatus();
}

}  // namespace fiscal::domain
