#include "domain/fold.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status_macros.h"

namespace fiscal::domain {
namespace {

constexpr ChunkKind kKinds[] = {ChunkKind::kNone,        ChunkKind::kFunctional,
                                ChunkKind::kRevenue,     ChunkKind::kDeptEconomic,
                                ChunkKind::kGovEconomic, ChunkKind::kTransferDown,
                                ChunkKind::kTransferUp};
constexpr size_t kKindCount = std::size(kKinds);

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

// Revenue codes are of income only, economic codes of expenditure only.
bool Keeps(ChunkKind kind, Direction direction) {
  if (kind == ChunkKind::kRevenue) return direction == Direction::kIncome;
  if (kind == ChunkKind::kDeptEconomic || kind == ChunkKind::kGovEconomic)
    return direction == Direction::kExpenditure;
  return true;
}

// Differences by NodeChunk::Key: open addressing, with the values in a list of their own in the
// order they came. Filled and emptied for every call, which a general hash table pays for in
// growing.
class Differences {
 public:
  template <typename Value>
  void Add(NodeChunk::Key key, const Value& value) {
    if (!At(key).Add(value)) AddRest(key, value);
  }
  bool empty() const { return items_.empty(); }
  const std::vector<NodeChunk::Difference>& items() const { return items_; }
  // The parts of values that do not fit into the items. Nearly always empty.
  const std::map<NodeChunk::Key, CellValue>& rest() const { return rest_; }
  // In order of keys, for as long as nothing is added.
  void Sort() {
    std::sort(items_.begin(), items_.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    slots_.clear();
  }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }

 private:
  NarrowValue& At(NodeChunk::Key key) {
    if (items_.size() * 2 >= slots_.size()) Grow();
    size_t i = Hash(key) & (slots_.size() - 1);
    while (slots_[i] != 0) {
      auto& item = items_[slots_[i] - 1];
      if (item.first == key) return item.second;
      i = (i + 1) & (slots_.size() - 1);
    }
    items_.emplace_back(key, NarrowValue());
    slots_[i] = static_cast<uint32_t>(items_.size());
    return items_.back().second;
  }
  void AddRest(NodeChunk::Key key, const CellValue& value) { rest_[key].Add(value); }
  void AddRest(NodeChunk::Key key, const NarrowValue& value) { rest_[key].Add(value.Wide()); }
  static size_t Hash(NodeChunk::Key key) { return MixWords(key, 0); }
  void Grow() {
    slots_.assign(slots_.empty() ? 64 : slots_.size() * 4, 0);
    for (size_t k = 0; k < items_.size(); ++k) {
      size_t i = Hash(items_[k].first) & (slots_.size() - 1);
      while (slots_[i] != 0) i = (i + 1) & (slots_.size() - 1);
      slots_[i] = static_cast<uint32_t>(k + 1);
    }
  }
  std::vector<uint32_t> slots_;
  std::vector<NodeChunk::Difference> items_;
  std::map<NodeChunk::Key, CellValue> rest_;
};
// By index into kKinds.
using DifferencesByKind = std::array<Differences, kKindCount>;

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

// Cells come in order, so that those that differ only in economic codes and projects stand
// together: what they add to the functional and unclassified cells is added up first.
void Derive(const std::vector<CellTable::Item>& cells, DifferencesByKind* out) {
  for (size_t i = 0; i < cells.size();) {
    const uint32_t attributes = cells[i].key.attributes;
    const Direction direction = static_cast<Direction>(attributes >> 16 & 15);
    CellValue unclassified;
    while (i < cells.size() && cells[i].key.attributes == attributes) {
      const Code functional = cells[i].key.functional;
      CellValue sum;
      for (; i < cells.size() && cells[i].key.attributes == attributes &&
             cells[i].key.functional == functional;
           ++i) {
        sum.Add(cells[i].value);
        for (size_t k = 2; k < 5; ++k) {
          if (!Keeps(kKinds[k], direction)) continue;
          (*out)[k].Add(NodeChunk::KeyOf(attributes, CodeOf(cells[i].key, kKinds[k])),
                        cells[i].value);
        }
        const CellKey& key = cells[i].key;
        if (key.receiving_division == 0 || direction != Direction::kExpenditure) continue;
        const ChunkKind transfer = TransferKindOf(key);
        if (transfer == ChunkKind::kNone) continue;
        (*out)[transfer == ChunkKind::kTransferUp ? 6 : 5].Add(
            NodeChunk::KeyOf(attributes, key.receiving_division), cells[i].value);
      }
      (*out)[1].Add(NodeChunk::KeyOf(attributes, functional), sum);
      unclassified.Add(sum);
    }
    (*out)[0].Add(NodeChunk::KeyOf(attributes, 0), unclassified);
  }
}

void AddAll(const DifferencesByKind& from, DifferencesByKind* to) {
  for (size_t k = 0; k < kKindCount; ++k) {
    for (const auto& [key, value] : from[k]) (*to)[k].Add(key, value);
    for (const auto& [key, value] : from[k].rest()) (*to)[k].Add(key, value);
  }
}

// The sums of all postings for each department and own level, in order of keys.
std::map<OwnLevelKey, OwnLevel> SumUp(absl::Span<const Posting* const> postings) {
  std::map<OwnLevelKey, OwnLevel> own_levels;
  for (const Posting* p : postings) {
    if (p->cells.items.empty()) continue;
    OwnLevel& own = own_levels[{p->key.division, p->key.year, p->key.stage}];
    Derive(p->cells.items, &own.departments[p->department]);
  }
  for (auto& [key, own] : own_levels) {
    for (auto& [code, differences] : own.departments) {
      AddAll(differences, &own.sum);
      for (Differences& d : differences) d.Sort();
    }
    for (Differences& d : own.sum) d.Sort();
  }
  return own_levels;
}

// A chunk that a step changes.
struct Target {
  uint16_t number;
  Fold::Entry* entry;
};
// The differences that go to the chunks of one kind of a node.
struct Step {
  Fold::NodeId node;
  ChunkKind kind;
  const Differences* differences;
  std::vector<Target> targets;
};

// Adds the steps that bring `by_kind` into the chunks of a node; chunks that are new are made.
void Plan(const Fold::NodeId& id, const DifferencesByKind& by_kind, Fold::NodeChunks* chunks,
          std::vector<Step>* steps) {
  for (size_t k = 0; k < kKindCount; ++k) {
    if (by_kind[k].empty()) continue;
    Step& step = steps->emplace_back(Step{id, kKinds[k], &by_kind[k], {}});
    uint16_t last = UINT16_MAX;
    for (const auto& [short_key, value] : by_kind[k]) {
      const uint16_t number = ChunkNumber(kKinds[k], id.node.type, static_cast<Code>(short_key));
      if (number == last) continue;
      last = number;
      if (std::any_of(step.targets.begin(), step.targets.end(),
                      [number](const Target& t) { return t.number == number; }))
        continue;
      std::unique_ptr<Fold::Entry>& entry = (*chunks)[number];
      if (entry == nullptr) entry = std::make_unique<Fold::Entry>(kKinds[k]);
      step.targets.push_back({number, entry.get()});
    }
  }
}

// Adds a step's differences to its chunks.
void Take(const Step& step) {
  if (step.targets.size() == 1) {
    step.targets[0].entry->chunk.Add(step.differences->items());
  } else {
    // By class; each class's keys stay in order.
    std::vector<std::vector<NodeChunk::Difference>> parts(step.targets.size());
    size_t last = 0;
    for (const NodeChunk::Difference& d : *step.differences) {
      const uint16_t number =
          ChunkNumber(step.kind, step.node.node.type, static_cast<Code>(d.first));
      if (step.targets[last].number != number) {
        for (last = 0; step.targets[last].number != number;) ++last;
      }
      parts[last].push_back(d);
    }
    for (size_t i = 0; i < parts.size(); ++i) step.targets[i].entry->chunk.Add(parts[i]);
  }
  for (const auto& [key, value] : step.differences->rest()) {
    const uint16_t number = ChunkNumber(step.kind, step.node.node.type, static_cast<Code>(key));
    const auto target = std::find_if(step.targets.begin(), step.targets.end(),
                                     [number](const Target& t) { return t.number == number; });
    target->entry->chunk.Add(key, value);
  }
}

}  // namespace

std::string FoldFault(const Posting& posting) {
  const BudgetKey& key = posting.key;
  if (key.stage < Stage::kRequested || key.stage > Stage::kReallocation || key.division == 0)
    return "its budget has no division or no stage that is stated";
  // Keys end with them.
  if (key.agency.empty() || key.agency.find('\0') != std::string::npos ||
      posting.department.find('\0') != std::string::npos)
    return "its agency or department is no code";
  Code good = 0;
  for (const CellTable::Item& item : posting.cells.items) {
    for (const Code code :
         {item.key.functional, item.key.revenue, item.key.dept_economic, item.key.gov_economic}) {
      if (code == 0 || code == good) continue;
      if (LevelOf(code) == 0) return absl::StrCat(code, " is a code of no level");
      good = code;
    }
  }
  return "";
}

std::vector<OrgNode> PathOf(const BudgetKey& key, absl::string_view department,
                            const Catalog& catalog) {
  std::vector<OrgNode> path = {{OrgType::kAgency, key.division, key.agency},
                               {OrgType::kDepartment, key.division, std::string(department)},
                               {OrgType::kOwnLevel, key.division, ""}};
  for (Code d : catalog.ChainOf(key.division, key.year))
    path.push_back({OrgType::kDivision, d, ""});
  return path;
}

absl::StatusOr<Fold::NodeChunks*> Fold::Get(const NodeId& node) {
  auto it = chunks_.find(node);
  if (it == chunks_.end()) {
    FISCAL_ASSIGN_OR_RETURN(NodeChunks loaded, loader_(node));
    for (const auto& [number, entry] : loaded) cells_ += entry->chunk.size();
    it = chunks_.emplace(node, std::move(loaded)).first;
  }
  return &it->second;
}

absl::Status Fold::Apply(absl::Span<const Posting* const> postings, const Catalog& catalog) {
  for (const Posting* p : postings) {
    const std::string fault = FoldFault(*p);
    if (!fault.empty())
      return absl::DataLossError(absl::StrCat("fold: event ", p->position.value(), ": ", fault));
  }
  const std::map<OwnLevelKey, OwnLevel> own_levels = SumUp(postings);

  // First every chunk is loaded, so that a failed read leaves all of them as they were.
  std::vector<Step> steps;
  auto load = [&](const OwnLevelKey& key, OrgNode node,
                  const DifferencesByKind& by_kind) -> absl::Status {
    const NodeId id{std::move(node), key.year, key.stage};
    if (wanted_ && !wanted_(id)) return absl::OkStatus();
    FISCAL_ASSIGN_OR_RETURN(NodeChunks * chunks, Get(id));
    Plan(id, by_kind, chunks, &steps);
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
    for (const Target& t : step.targets) cells_ -= t.entry->chunk.size();
    Take(step);
    for (const Target& t : step.targets) {
      cells_ += t.entry->chunk.size();
      // Once for a chunk, however many steps change it.
      if (t.entry->chunk.changes() > 0 && !t.entry->listed) {
        t.entry->listed = true;
        changed_.emplace_back(ChunkId{step.node.node, step.node.year, step.node.stage, t.number},
                              t.entry);
      }
    }
  }
  return absl::OkStatus();
}

const Fold::Changed& Fold::Changes() {
  for (auto& [id, entry] : changed_) {
    const size_t before = entry->chunk.size();
    entry->chunk.Tidy();
    cells_ -= before - entry->chunk.size();
  }
  return changed_;
}

void Fold::ForgetUnwanted() {
  auto unwanted = [this](const auto& changed) {
    const ChunkId& id = changed.first;
    return !wanted_({id.node, id.year, id.stage});
  };
  changed_.erase(std::remove_if(changed_.begin(), changed_.end(), unwanted), changed_.end());
  for (auto it = chunks_.begin(); it != chunks_.end();) {
    auto node = it++;
    if (wanted_(node->first)) continue;
    for (const auto& [number, entry] : node->second) cells_ -= entry->chunk.size();
    chunks_.erase(node);
  }
}

bool Fold::Settle(size_t cells_max) {
  for (auto& [id, entry] : changed_) {
    entry->chunk.Mark();
    entry->listed = false;
  }
  changed_.clear();
  if (cells_ <= cells_max) return false;
  chunks_.clear();
  cells_ = 0;
  return true;
}

}  // namespace fiscal::domain
