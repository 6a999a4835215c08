#include "domain/fold.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/status_macros.h"

namespace fiscal::domain {
namespace {

// Revenue codes are of income only, economic codes of expenditure only.
bool Keeps(CellKind kind, Direction direction) {
  if (kind == CellKind::kRevenue) return direction == Direction::kIncome;
  if (kind == CellKind::kDeptEconomic || kind == CellKind::kGovEconomic)
    return direction == Direction::kExpenditure;
  return true;
}

// Calls `add` with each cell of a node that leaf cells change, and the difference. Leaf cells come
// in order, so that those that differ only in economic codes and projects stand together: what they
// add to the functional and unclassified cells is added up first.
template <typename Add>
void Classify(const std::vector<CellTable::Item>& cells, Add add) {
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
        const auto& [key, value] = cells[i];
        sum.Add(value);
        for (const CellKind kind :
             {CellKind::kRevenue, CellKind::kDeptEconomic, CellKind::kGovEconomic}) {
          if (Keeps(kind, direction))
            add(kind, NodeCells::KeyOf(attributes, CodeOf(key, kind)), value);
        }
        if (key.receiving_division == 0 || direction != Direction::kExpenditure) continue;
        const CellKind transfer = TransferKindOf(key);
        if (transfer != CellKind::kNone)
          add(transfer, NodeCells::KeyOf(attributes, key.receiving_division), value);
      }
      add(CellKind::kFunctional, NodeCells::KeyOf(attributes, functional), sum);
      unclassified.Add(sum);
    }
    add(CellKind::kNone, NodeCells::KeyOf(attributes, 0), unclassified);
  }
}

// Differences of one kind, by key: open addressing, with the values in a list of their own in the
// order they came. Filled and emptied for every posting, which a general hash table pays for in
// growing.
struct Item {
  NodeCells::Key key;
  uint64_t hash;
  NarrowValue value;
};
class Differences {
 public:
  void Add(NodeCells::Key key, const CellValue& value) {
    if (!At(key).Add(value)) rest_[key].Add(value);
  }
  const std::vector<Item>& items() const { return items_; }
  const std::map<NodeCells::Key, CellValue>& rest() const { return rest_; }
  void Clear() {
    for (const Item& item : items_) {
      // Of a run of slots each is some item's first.
      for (size_t i = item.hash & mask(); slots_[i] != 0; i = (i + 1) & mask()) slots_[i] = 0;
    }
    items_.clear();
    rest_.clear();
  }

 private:
  size_t mask() const { return slots_.size() - 1; }
  NarrowValue& At(NodeCells::Key key) {
    if (items_.size() * 2 >= slots_.size()) Grow();
    const uint64_t hash = NodeCells::HashOf(key);
    size_t i = hash & mask();
    while (slots_[i] != 0) {
      Item& item = items_[slots_[i] - 1];
      if (item.key == key) return item.value;
      i = (i + 1) & mask();
    }
    items_.push_back({key, hash, NarrowValue()});
    slots_[i] = static_cast<uint32_t>(items_.size());
    return items_.back().value;
  }
  void Grow() {
    slots_.assign(slots_.empty() ? 64 : slots_.size() * 4, 0);
    for (size_t k = 0; k < items_.size(); ++k) {
      size_t i = items_[k].hash & mask();
      while (slots_[i] != 0) i = (i + 1) & mask();
      slots_[i] = static_cast<uint32_t>(k + 1);
    }
  }
  std::vector<uint32_t> slots_;
  std::vector<Item> items_;
  std::map<NodeCells::Key, CellValue> rest_;
};

}  // namespace

// The sums of postings' cells by kind.
class Fold::Sums {
 public:
  void Clear() {
    differences_.clear();
    rest_.clear();
  }
  void Add(Prepared* prepared) {
    Classify(prepared->posting->cells.items,
             [this](CellKind kind, NodeCells::Key key, const CellValue& value) {
               kinds_[static_cast<size_t>(kind) - 1].Add(key, value);
             });
    prepared->sums = this;
    prepared->begin = static_cast<uint32_t>(differences_.size());
    prepared->rest_begin = static_cast<uint32_t>(rest_.size());
    for (size_t k = 0; k < kNodeKindCount; ++k) {
      for (const Item& item : kinds_[k].items())
        differences_.push_back({item.key, item.hash, item.value});
      for (const auto& rest : kinds_[k].rest()) rest_.push_back(rest);
      prepared->ends[k] = static_cast<uint32_t>(differences_.size());
      prepared->rest_ends[k] = static_cast<uint32_t>(rest_.size());
      kinds_[k].Clear();
    }
  }
  const std::vector<Difference>& differences() const { return differences_; }
  // The parts of differences that NarrowValue does not hold. Nearly always empty.
  const std::vector<std::pair<NodeCells::Key, CellValue>>& rest() const { return rest_; }

 private:
  std::array<Differences, kNodeKindCount> kinds_;
  std::vector<Difference> differences_;
  std::vector<std::pair<NodeCells::Key, CellValue>> rest_;
};

Fold::Fold(Loader loader, WholeRule rule, Wanted wanted)
    : loader_(std::move(loader)), rule_(rule), wanted_(std::move(wanted)) {
  sums_.push_back(std::make_unique<Sums>());
}

Fold::~Fold() = default;

void Fold::DoBeside(size_t parts, size_t cells_of_part, Beside beside) {
  FISCAL_CHECK(parts > 0 && cells_of_part > 0 && beside != nullptr, "there is something to do it");
  parts_ = parts;
  cells_of_part_ = cells_of_part;
  beside_ = std::move(beside);
  while (sums_.size() < parts_) sums_.push_back(std::make_unique<Sums>());
}

size_t Fold::PartsFor(size_t cells) const { return std::min(parts_, 1 + cells / cells_of_part_); }

void Fold::Run(size_t parts, const std::function<void(size_t)>& part) {
  if (parts > 1) return beside_(parts, part);
  part(0);
}

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

std::vector<OrgNode> PartsOf(const OrgNode& node) {
  if (node.type != OrgType::kDivision) return {node};
  return {{OrgType::kOwnLevel, node.division, ""}, node};
}

void AddLeaves(const std::vector<CellTable::Item>& leaves, NodeCells* cells) {
  Classify(leaves, [cells](CellKind kind, NodeCells::Key key, const CellValue& value) {
    cells->Add(kind, key, value);
  });
}

absl::StatusOr<Fold::Node*> Fold::Get(const NodeId& id) {
  auto it = nodes_.find(id);
  if (it != nodes_.end()) return it->second.get();
  auto [fresh, missing] = fresh_.try_emplace(id, nullptr);
  if (missing) {
    absl::StatusOr<std::unique_ptr<Node>> loaded = loader_(id);
    if (!loaded.ok()) {
      fresh_.erase(fresh);
      return loaded.status();
    }
    fresh->second = *std::move(loaded);
  }
  return fresh->second.get();
}

absl::Status Fold::Prepare(absl::Span<const Posting* const> postings, const Catalog& catalog) {
  prepared_.clear();
  prepared_cells_ = 0;
  fresh_.clear();
  for (const Posting* p : postings) {
    const std::string fault = FoldFault(*p);
    if (!fault.empty())
      return absl::DataLossError(absl::StrCat("fold: event ", p->position.value(), ": ", fault));
    if (p->cells.items.empty()) continue;
    Prepared prepared;
    prepared.position = p->position;
    prepared.posting = p;
    prepared.weight = rule_.WeightOf(p->cells.items.size());
    const BudgetKey& key = p->key;
    auto reach = [&](OrgNode node) -> absl::Status {
      NodeId id{std::move(node), key.year, key.stage};
      if (wanted_ && !wanted_(id)) return absl::OkStatus();
      FISCAL_ASSIGN_OR_RETURN(Node * found, Get(id));
      prepared.nodes.push_back({std::move(id), found});
      return absl::OkStatus();
    };
    FISCAL_RETURN_IF_ERROR(reach({OrgType::kDepartment, key.division, p->department}));
    FISCAL_RETURN_IF_ERROR(reach({OrgType::kOwnLevel, key.division, ""}));
    // Not PathOf's: its own division counts it by its own level.
    for (const Code division : catalog.ChainOf(key.division, key.year)) {
      if (division == key.division) continue;
      FISCAL_RETURN_IF_ERROR(reach({OrgType::kDivision, division, ""}));
    }
    if (prepared.nodes.empty()) continue;
    prepared_cells_ += p->cells.items.size();
    prepared_.push_back(std::move(prepared));
  }
  const size_t parts = std::min(PartsFor(prepared_cells_), std::max<size_t>(1, prepared_.size()));
  Run(parts, [this, parts](size_t part) {
    Sums& sums = *sums_[part];
    sums.Clear();
    for (size_t i = prepared_.size() * part / parts; i < prepared_.size() * (part + 1) / parts; ++i)
      sums.Add(&prepared_[i]);
  });
  return absl::OkStatus();
}

void Fold::AddTo(const Prepared& prepared, Node* node) {
  const std::vector<Difference>& differences = prepared.sums->differences();
  const auto& rest = prepared.sums->rest();
  // So far ahead of its use that a slot has come.
  constexpr uint32_t kAhead = 12;
  const uint32_t end = prepared.ends.back();
  uint32_t ahead = prepared.begin;
  size_t ahead_kind = 0;
  auto look_ahead = [&](uint32_t until) {
    for (until = std::min(until, end); ahead < until; ++ahead) {
      while (ahead >= prepared.ends[ahead_kind]) ++ahead_kind;
      node->cells.Prefetch(kNodeKinds[ahead_kind], differences[ahead].hash);
    }
  };
  uint32_t i = prepared.begin, r = prepared.rest_begin;
  look_ahead(i + kAhead);
  for (size_t k = 0; k < kNodeKindCount; ++k) {
    const CellKind kind = kNodeKinds[k];
    if (i < prepared.ends[k]) node->cells.Reserve(kind, prepared.ends[k] - i);
    for (; i < prepared.ends[k]; ++i) {
      look_ahead(i + 1 + kAhead);
      const Difference& d = differences[i];
      node->cells.Add(kind, d.key, d.hash, d.value);
    }
    for (; r < prepared.rest_ends[k]; ++r) node->cells.Add(kind, rest[r].first, rest[r].second);
  }
}

void Fold::ShareOut(size_t parts) {
  absl::flat_hash_map<const Node*, uint64_t> weights;
  for (const Prepared& prepared : prepared_) {
    for (const Reached& reached : prepared.nodes)
      weights[reached.node] += prepared.ends.back() - prepared.begin;
  }
  std::vector<std::pair<uint64_t, const Node*>> order;
  order.reserve(weights.size());
  for (const auto& [node, weight] : weights) order.emplace_back(weight, node);
  std::sort(order.rbegin(), order.rend());
  std::vector<uint64_t> loads(parts, 0);
  for (const auto& [weight, node] : order) {
    const auto least = std::min_element(loads.begin(), loads.end());
    *least += weight;
    weights[node] = static_cast<uint64_t>(least - loads.begin());
  }
  for (Prepared& prepared : prepared_) {
    for (Reached& reached : prepared.nodes)
      reached.part = static_cast<uint32_t>(weights[reached.node]);
  }
}

void Fold::Apply(std::vector<State>* states) {
  ++applied_;
  for (auto& [id, node] : fresh_) {
    cells_ += node->cells.size();
    nodes_.emplace(id, std::move(node));
  }
  fresh_.clear();
  const size_t parts = PartsFor(prepared_cells_);
  if (parts > 1) ShareOut(parts);
  struct Done {
    std::vector<State> states;
    int64_t cells = 0;
  };
  std::vector<Done> done(parts);
  Run(parts, [this, &done](size_t part) {
    ApplyPart(static_cast<uint32_t>(part), &done[part].states, &done[part].cells);
  });
  for (Done& part : done) {
    cells_ = static_cast<size_t>(static_cast<int64_t>(cells_) + part.cells);
    std::move(part.states.begin(), part.states.end(), std::back_inserter(*states));
  }
  prepared_.clear();
}

void Fold::ApplyPart(uint32_t part, std::vector<State>* states, int64_t* cells) {
  for (size_t p = 0; p < prepared_.size(); ++p) {
    Prepared& prepared = prepared_[p];
    if (p + 1 < prepared_.size()) {
      for (const Reached& next : prepared_[p + 1].nodes) {
        if (next.part == part) next.node->cells.PrefetchTables();
      }
    }
    for (Reached& reached : prepared.nodes) {
      if (reached.part != part) continue;
      Node* const node = reached.node;
      *cells -= static_cast<int64_t>(node->cells.size());
      AddTo(prepared, node);
      *cells += static_cast<int64_t>(node->cells.size());
      node->used = applied_;
      node->gathered += prepared.weight;
      State& state = states->emplace_back(State{std::move(reached.id), prepared.position, nullptr});
      if (!rule_.Whole(node->gathered, node->cells.size())) continue;
      state.whole = std::make_unique<const NodeCells>(node->cells);
      node->gathered = 0;
    }
  }
}

std::vector<NodeId> Fold::Unused(size_t cells_max) const {
  std::vector<std::pair<uint64_t, const NodeId*>> order;
  order.reserve(nodes_.size());
  for (const auto& [id, node] : nodes_) order.emplace_back(node->used, &id);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : *a.second < *b.second;
  });
  std::vector<NodeId> unused;
  size_t left = cell_count();
  for (const auto& [used, id] : order) {
    // Room for some time.
    if (left <= cells_max / 4 * 3) break;
    left -= nodes_.find(*id)->second->cells.size() + kCellsOfNode;
    unused.push_back(*id);
  }
  return unused;
}

std::vector<std::unique_ptr<Fold::Node>> Fold::Drop(const std::vector<NodeId>& ids) {
  std::vector<std::unique_ptr<Node>> dropped;
  for (const NodeId& id : ids) {
    const auto it = nodes_.find(id);
    cells_ -= it->second->cells.size();
    dropped.push_back(std::move(it->second));
    nodes_.erase(it);
  }
  return dropped;
}

void Fold::ForgetUnwanted() {
  for (auto it = nodes_.begin(); it != nodes_.end();) {
    auto node = it++;
    if (wanted_(node->first)) continue;
    cells_ -= node->second->cells.size();
    nodes_.erase(node);
  }
}

}  // namespace fiscal::domain
