#include "domain/cells.h"

#include <algorithm>
#include <numeric>

#include "base/sort_words.h"

namespace fiscal::domain {

CellKind TransferKindOf(const CellKey& key) {
  // 转移性支出, and 上解支出 within it.
  constexpr Code kTransfers = 230, kRemittances = 23006;
  const int level = LevelOf(key.functional);
  if (key.receiving_division == 0 || level == 0 || AncestorAt(key.functional, 1) != kTransfers)
    return CellKind::kNone;
  return level >= 2 && AncestorAt(key.functional, 2) == kRemittances ? CellKind::kTransferUp
                                                                     : CellKind::kTransferDown;
}

void Normalize(CellTable* table) {
  std::vector<uint32_t> order(table->projects.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [table](uint32_t a, uint32_t b) {
    return table->projects[a].code < table->projects[b].code;
  });
  std::vector<uint32_t> number(order.size() + 1, 0);
  std::vector<CellProject> projects;
  projects.reserve(order.size());
  for (uint32_t i : order) {
    projects.push_back(table->projects[i]);
    number[i + 1] = static_cast<uint32_t>(projects.size());
  }
  table->projects = std::move(projects);

  // Small keys in order first: moving the items themselves costs more.
  struct Place {
    uint64_t first, second;
    uint32_t project, index;
  };
  std::vector<CellTable::Item>& items = table->items;
  std::vector<Place> places;
  places.reserve(items.size());
  for (CellTable::Item& item : items) {
    item.key.project = number[item.key.project];
    places.push_back({static_cast<uint64_t>(item.key.attributes) << 32 | item.key.functional,
                      static_cast<uint64_t>(item.key.dept_economic) << 32 | item.key.gov_economic,
                      item.key.project, static_cast<uint32_t>(places.size())});
  }
  SortByWord(&places, [](const Place& place) { return place.first; });
  for (auto begin = places.begin(); begin != places.end();) {
    auto end = begin + 1;
    while (end != places.end() && end->first == begin->first) ++end;
    std::sort(begin, end, [&items](const Place& a, const Place& b) {
      if (a.second != b.second) return a.second < b.second;
      // Only income has a revenue code, and transfers are few.
      return items[a.index].key < items[b.index].key;
    });
    begin = end;
  }
  std::vector<CellTable::Item> sorted;
  sorted.reserve(items.size());
  for (const Place& place : places) {
    const CellTable::Item& item = items[place.index];
    if (!sorted.empty() && sorted.back().key == item.key) {
      sorted.back().value.Add(item.value);
      continue;
    }
    if (!sorted.empty() && sorted.back().value.zero()) sorted.pop_back();
    sorted.push_back(item);
  }
  if (!sorted.empty() && sorted.back().value.zero()) sorted.pop_back();
  items = std::move(sorted);
}

uint32_t LeafCells::Intern(absl::string_view code) {
  if (code.empty()) return 0;
  auto it = project_numbers_.find(code);
  if (it != project_numbers_.end()) return it->second;
  const uint32_t number = static_cast<uint32_t>(projects_.size());
  projects_.push_back({std::string(code), std::string(), CellProject::kMentioned});
  project_numbers_.emplace(std::string(code), number);
  return number;
}

void LeafCells::Add(const CellTable& differences) {
  std::vector<uint32_t> numbers = {0};
  for (const CellProject& p : differences.projects) {
    numbers.push_back(Intern(p.code));
    if (p.state == CellProject::kMentioned) continue;
    Project& project = projects_[numbers.back()];
    project.state = p.state;
    project.name = std::string(p.name);
  }
  for (const CellTable::Item& item : differences.items) {
    CellKey key = item.key;
    key.project = numbers[key.project];
    const auto it = cells_.try_emplace(key).first;
    it->second.Add(item.value);
    if (it->second.zero()) cells_.erase(it);
  }
}

CellTable LeafCells::Table() const {
  CellTable table;
  table.items.reserve(cells_.size());
  std::vector<bool> wanted(projects_.size(), false);
  for (size_t i = 1; i < projects_.size(); ++i)
    wanted[i] = projects_[i].state == CellProject::kNamed;
  for (const auto& [key, value] : cells_) {
    table.items.push_back({key, value});
    if (key.project != 0) wanted[key.project] = true;
  }
  std::vector<uint32_t> order;
  for (uint32_t i = 1; i < projects_.size(); ++i) {
    if (wanted[i]) order.push_back(i);
  }
  std::sort(order.begin(), order.end(),
            [this](uint32_t a, uint32_t b) { return projects_[a].code < projects_[b].code; });
  std::vector<uint32_t> number(projects_.size(), 0);
  for (uint32_t i : order) {
    const Project& p = projects_[i];
    // That a project went is news, not a state.
    const bool named = p.state == CellProject::kNamed;
    table.projects.push_back({p.code, p.name, named ? p.state : CellProject::kMentioned});
    number[i] = static_cast<uint32_t>(table.projects.size());
  }
  for (CellTable::Item& item : table.items) item.key.project = number[item.key.project];
  std::sort(table.items.begin(), table.items.end(),
            [](const CellTable::Item& a, const CellTable::Item& b) { return a.key < b.key; });
  return table;
}

CellKey NodeCells::CellKeyOf(CellKind kind, Key key) {
  CellKey out;
  out.attributes = static_cast<uint32_t>(key >> 32);
  const Code code = static_cast<Code>(key);
  switch (kind) {
    case CellKind::kFunctional:
      out.functional = code;
      break;
    case CellKind::kRevenue:
      out.revenue = code;
      break;
    case CellKind::kDeptEconomic:
      out.dept_economic = code;
      break;
    case CellKind::kGovEconomic:
      out.gov_economic = code;
      break;
    case CellKind::kTransferDown:
    case CellKind::kTransferUp:
      out.receiving_division = code;
      break;
    default:
      break;
  }
  return out;
}

void NodeCells::Grow(Table& table, CellKind kind, size_t more) {
  std::vector<Slot> old = std::move(table.slots);
  size_t kept = 0;
  for (const Slot& slot : old) kept += slot.key != kFree && !ValueOf(kind, slot).zero();
  size_t size = 8;
  while (size * 3 < (kept + more) * 5) size *= 2;
  table.slots.assign(size, Slot());
  table.used = kept;
  for (const Slot& slot : old) {
    if (slot.key == kFree) continue;
    if (ValueOf(kind, slot).zero()) {
      // A wide part may be all that made it zero.
      if (!wide_.empty()) wide_.erase({kind, slot.key});
      continue;
    }
    size_t i = HashOf(slot.key) & (size - 1);
    while (table.slots[i].key != kFree) i = (i + 1) & (size - 1);
    table.slots[i] = slot;
  }
}

NodeCells::Slot& NodeCells::SlotOf(Table& table, CellKind kind, Key key, uint64_t hash) {
  if (table.slots.empty()) Grow(table, kind);
  while (true) {
    const size_t mask = table.slots.size() - 1;
    size_t i = hash & mask;
    while (table.slots[i].key != key && table.slots[i].key != kFree) i = (i + 1) & mask;
    if (table.slots[i].key == key) return table.slots[i];
    // At most three quarters are used.
    if ((table.used + 1) * 4 > table.slots.size() * 3) {
      Grow(table, kind);
      continue;
    }
    ++table.used;
    table.slots[i].key = key;
    return table.slots[i];
  }
}

void NodeCells::AddTo(Table& table, CellKind kind, Key key, uint64_t hash,
                      const NarrowValue& difference) {
  Slot& slot = SlotOf(table, kind, key, hash);
  if (!wide_.empty()) return AddWide(slot, kind, difference.Wide());
  const bool before = !slot.value.zero();
  if (!slot.value.Add(difference)) return AddWide(slot, kind, difference.Wide());
  size_ += !slot.value.zero();
  size_ -= before;
}

void NodeCells::Add(CellKind kind, Key key, const CellValue& difference) {
  AddWide(SlotOf(TableOf(kind), kind, key, HashOf(key)), kind, difference);
}

void NodeCells::AddWide(Slot& slot, CellKind kind, const CellValue& difference) {
  const bool before = !ValueOf(kind, slot).zero();
  if (!slot.value.Add(difference)) wide_[{kind, slot.key}].Add(difference);
  size_ += !ValueOf(kind, slot).zero();
  size_ -= before;
}

std::vector<NodeCells::Place> NodeCells::InOrder(CellKind kind) const {
  const std::vector<Slot>& slots = TableOf(kind).slots;
  std::vector<Place> places;
  places.reserve(TableOf(kind).used);
  for (size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].key == kFree || ValueOf(kind, slots[i]).zero()) continue;
    places.push_back({slots[i].key, static_cast<uint32_t>(i)});
  }
  SortByWord(&places, [](const Place& place) { return place.key; });
  return places;
}

CellTable NodeCells::TableOfKind(CellKind kind) const {
  CellTable table;
  ForEachInOrder(
      kind, [&table](size_t cells) { table.items.reserve(cells); },
      [&table](const CellKey& key, const CellValue& value) {
        table.items.push_back({key, value});
      });
  return table;
}

absl::Status NodeCells::Load(CellKind kind, const CellTable& table) {
  if (!table.projects.empty()) return absl::DataLossError("cells: a node keeps no projects");
  Reserve(kind, table.items.size());
  for (const CellTable::Item& item : table.items) {
    Code code = 0;
    for (Code c : {item.key.functional, item.key.revenue, item.key.dept_economic,
                   item.key.gov_economic, item.key.receiving_division})
      code = c != 0 ? c : code;
    const Key key = KeyOf(item.key.attributes, code);
    if (!(CellKeyOf(kind, key) == item.key)) return absl::DataLossError("cells: of another kind");
    if (item.value.zero()) return absl::DataLossError("cells: an empty one");
    Add(kind, key, item.value);
  }
  return absl::OkStatus();
}

}  // namespace fiscal::domain
