#include "domain/cells.h"

#include <algorithm>
#include <numeric>

namespace fiscal::domain {

ChunkKind TransferKindOf(const CellKey& key) {
  // 转移性支出, and 上解支出 within it.
  constexpr Code kTransfers = 230, kRemittances = 23006;
  const int level = LevelOf(key.functional);
  if (key.receiving_division == 0 || level == 0 || AncestorAt(key.functional, 1) != kTransfers)
    return ChunkKind::kNone;
  return level >= 2 && AncestorAt(key.functional, 2) == kRemittances ? ChunkKind::kTransferUp
                                                                     : ChunkKind::kTransferDown;
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
  std::sort(places.begin(), places.end(), [&items](const Place& a, const Place& b) {
    if (a.first != b.first) return a.first < b.first;
    if (a.second != b.second) return a.second < b.second;
    // Only income has a revenue code, and transfers are few.
    return items[a.index].key < items[b.index].key;
  });
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

uint32_t Chunk::Intern(absl::string_view code) {
  if (code.empty()) return 0;
  auto it = project_numbers_.find(code);
  if (it != project_numbers_.end()) return it->second;
  const uint32_t number = static_cast<uint32_t>(projects_.size());
  projects_.push_back({std::string(code), std::string(), CellProject::kMentioned, false});
  project_numbers_.emplace(std::string(code), number);
  return number;
}

void Chunk::Say(uint32_t number, const CellProject& project, bool change) {
  if (project.state == CellProject::kMentioned) return;
  Project& p = projects_[number];
  p.state = project.state;
  p.name = std::string(project.name);
  if (change && !p.changed) {
    p.changed = true;
    changed_projects_.push_back(number);
  }
}

void Chunk::AddTo(const CellKey& key, const CellValue& difference) {
  Cell& cell = cells_[key];
  if (cell.mark != mark_) {
    cell.mark = mark_;
    changed_.push_back(key);
  }
  cell.value.Add(difference);
  if (cell.value.zero()) zeros_.push_back(key);
}

void Chunk::Add(const CellTable& differences) {
  std::vector<uint32_t> numbers = {0};
  for (const CellProject& p : differences.projects) {
    numbers.push_back(Intern(p.code));
    Say(numbers.back(), p, /*change=*/true);
  }
  for (const CellTable::Item& item : differences.items) {
    CellKey key = item.key;
    key.project = numbers[key.project];
    AddTo(key, item.value);
  }
}

void Chunk::Tidy() {
  for (const CellKey& key : zeros_) {
    auto it = cells_.find(key);
    if (it != cells_.end() && it->second.value.zero()) cells_.erase(it);
  }
  zeros_.clear();
}

void Chunk::Mark() {
  changed_.clear();
  changed_.shrink_to_fit();
  for (uint32_t number : changed_projects_) projects_[number].changed = false;
  changed_projects_.clear();
  ++mark_;
}

CellTable Chunk::Sorted(std::vector<CellTable::Item> items, std::vector<bool> wanted) const {
  CellTable table;
  for (const CellTable::Item& item : items) {
    if (item.key.project != 0) wanted[item.key.project] = true;
  }
  std::vector<uint32_t> order;
  for (uint32_t i = 1; i < projects_.size(); ++i) {
    if (wanted[i]) order.push_back(i);
  }
  std::sort(order.begin(), order.end(),
            [this](uint32_t a, uint32_t b) { return projects_[a].code < projects_[b].code; });
  std::vector<uint32_t> number(projects_.size(), 0);
  for (uint32_t i : order) {
    table.projects.push_back({projects_[i].code, projects_[i].name, projects_[i].state});
    number[i] = static_cast<uint32_t>(table.projects.size());
  }
  for (CellTable::Item& item : items) item.key.project = number[item.key.project];
  std::sort(items.begin(), items.end(),
            [](const CellTable::Item& a, const CellTable::Item& b) { return a.key < b.key; });
  table.items = std::move(items);
  return table;
}

CellTable Chunk::Table() const {
  std::vector<CellTable::Item> items;
  items.reserve(cells_.size());
  for (const auto& [key, cell] : cells_) {
    if (!cell.value.zero()) items.push_back({key, cell.value});
  }
  std::vector<bool> wanted(projects_.size(), false);
  for (size_t i = 1; i < projects_.size(); ++i)
    wanted[i] = projects_[i].state == CellProject::kNamed;
  CellTable table = Sorted(std::move(items), std::move(wanted));
  // That a project went is news, not a state.
  for (CellProject& p : table.projects) {
    if (p.state == CellProject::kGone) p.state = CellProject::kMentioned;
  }
  return table;
}

CellTable Chunk::ChangedTable() const {
  std::vector<CellTable::Item> items;
  items.reserve(changed_.size());
  for (const CellKey& key : changed_) {
    auto it = cells_.find(key);
    items.push_back({key, it == cells_.end() ? CellValue() : it->second.value});
  }
  std::vector<bool> wanted(projects_.size(), false);
  for (uint32_t i : changed_projects_) wanted[i] = true;
  CellTable table = Sorted(std::move(items), std::move(wanted));
  for (CellProject& p : table.projects) {
    if (!projects_[project_numbers_.find(p.code)->second].changed) {
      p.state = CellProject::kMentioned;
      p.name = {};
    }
  }
  return table;
}

absl::Status Chunk::Load(const CellTable& state, absl::Span<const CellTable> newest_first) {
  cells_.reserve(state.items.size());
  for (const CellProject& p : state.projects) {
    if (p.state == CellProject::kGone) return absl::DataLossError("chunk: a project that went");
    Say(Intern(p.code), p, /*change=*/false);
  }
  // Numbers are those of the table: projects came in order.
  for (const CellTable::Item& item : state.items) {
    if (item.value.zero()) return absl::DataLossError("chunk: an empty cell");
    cells_.emplace(item.key, Cell{item.value, 0});
  }
  for (auto changes = newest_first.rbegin(); changes != newest_first.rend(); ++changes)
    ApplyChanges(*changes);
  return absl::OkStatus();
}

void Chunk::ApplyChanges(const CellTable& changes) {
  std::vector<uint32_t> numbers = {0};
  for (const CellProject& p : changes.projects) {
    numbers.push_back(Intern(p.code));
    Say(numbers.back(), p, /*change=*/false);
  }
  for (const CellTable::Item& item : changes.items) {
    CellKey key = item.key;
    key.project = numbers[key.project];
    if (item.value.zero()) {
      cells_.erase(key);
    } else {
      cells_[key].value = item.value;
    }
  }
}

CellKey NodeChunk::CellKeyOf(Key key) const {
  CellKey out;
  out.attributes = static_cast<uint32_t>(key >> 32);
  const Code code = static_cast<Code>(key);
  switch (kind_) {
    case ChunkKind::kFunctional:
      out.functional = code;
      break;
    case ChunkKind::kRevenue:
      out.revenue = code;
      break;
    case ChunkKind::kDeptEconomic:
      out.dept_economic = code;
      break;
    case ChunkKind::kGovEconomic:
      out.gov_economic = code;
      break;
    case ChunkKind::kTransferDown:
    case ChunkKind::kTransferUp:
      out.receiving_division = code;
      break;
    default:
      break;
  }
  return out;
}

void NodeChunk::Touch(size_t i) {
  if (cells_[i].mark == mark_) return;
  cells_[i].mark = mark_;
  ++changes_;
}

void NodeChunk::Add(Key key, const CellValue& difference) {
  // So that it is there.
  const Difference nothing(key, NarrowValue());
  Add(absl::MakeConstSpan(&nothing, 1));
  const size_t i =
      static_cast<size_t>(std::lower_bound(keys_.begin(), keys_.end(), key) - keys_.begin());
  if (!cells_[i].value.Add(difference)) wide_[key].Add(difference);
}

void NodeChunk::Add(absl::Span<const Difference> differences) {
  // Cells that are there are changed in place; new ones are gathered and merged in one walk.
  std::vector<const Difference*> fresh;
  size_t i = 0;
  const bool few = differences.size() * 8 < keys_.size();
  for (const Difference& d : differences) {
    if (few) {
      i = static_cast<size_t>(
          std::lower_bound(keys_.begin() + static_cast<ptrdiff_t>(i), keys_.end(), d.first) -
          keys_.begin());
    } else {
      while (i < keys_.size() && keys_[i] < d.first) ++i;
    }
    if (i < keys_.size() && keys_[i] == d.first) {
      Touch(i);
      if (!cells_[i].value.Add(d.second)) wide_[d.first].Add(d.second.Wide());
    } else {
      fresh.push_back(&d);
    }
  }
  if (fresh.empty()) return;
  size_t from = keys_.size(), to = from + fresh.size();
  keys_.resize(to);
  cells_.resize(to);
  // From the back, so that nothing is moved twice.
  for (size_t f = fresh.size(); f > 0;) {
    const Difference& d = *fresh[f - 1];
    while (from > 0 && keys_[from - 1] > d.first) {
      --from;
      --to;
      keys_[to] = keys_[from];
      cells_[to] = cells_[from];
    }
    --to;
    --f;
    keys_[to] = d.first;
    cells_[to] = {d.second, 0};
    Touch(to);
  }
}

void NodeChunk::Tidy() {
  size_t to = 0;
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (ZeroAt(i)) {
      gone_.push_back(keys_[i]);
      wide_.erase(keys_[i]);
      continue;
    }
    if (to != i) {
      keys_[to] = keys_[i];
      cells_[to] = cells_[i];
    }
    ++to;
  }
  keys_.resize(to);
  cells_.resize(to);
  std::sort(gone_.begin(), gone_.end());
}

CellTable NodeChunk::Table() const {
  CellTable table;
  table.items.reserve(keys_.size());
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (!ZeroAt(i)) table.items.push_back({CellKeyOf(keys_[i]), ValueAt(i)});
  }
  return table;
}

CellTable NodeChunk::ChangedTable() const {
  CellTable table;
  table.items.reserve(changes_);
  size_t g = 0;
  for (size_t i = 0; i <= keys_.size(); ++i) {
    while (g < gone_.size() && (i == keys_.size() || gone_[g] < keys_[i]))
      table.items.push_back({CellKeyOf(gone_[g++]), CellValue()});
    if (i < keys_.size() && cells_[i].mark == mark_)
      table.items.push_back({CellKeyOf(keys_[i]), ValueAt(i)});
  }
  return table;
}

absl::Status NodeChunk::ReadCells(const CellTable& table, std::vector<Read>* out) const {
  out->reserve(out->size() + table.items.size());
  for (const CellTable::Item& item : table.items) {
    Code code = 0;
    for (Code c : {item.key.functional, item.key.revenue, item.key.dept_economic,
                   item.key.gov_economic, item.key.receiving_division})
      code = c != 0 ? c : code;
    const Key key = KeyOf(item.key.attributes, code);
    if (!(CellKeyOf(key) == item.key)) return absl::DataLossError("chunk: cells of another kind");
    out->emplace_back(key, item.value);
  }
  return absl::OkStatus();
}

absl::Status NodeChunk::Load(const CellTable& state, absl::Span<const CellTable> newest_first) {
  std::vector<Read> cells;
  for (const CellTable& changes : newest_first) {
    const absl::Status status = ReadCells(changes, &cells);
    if (!status.ok()) return status;
  }
  const absl::Status status = ReadCells(state, &cells);
  if (!status.ok()) return status;
  // The first of a key is the newest.
  if (!newest_first.empty()) {
    std::stable_sort(cells.begin(), cells.end(),
                     [](const Read& a, const Read& b) { return a.first < b.first; });
  }
  keys_.reserve(cells.size());
  cells_.reserve(cells.size());
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i > 0 && cells[i].first == cells[i - 1].first) continue;
    if (cells[i].second.zero()) {
      if (newest_first.empty()) return absl::DataLossError("chunk: an empty cell");
      continue;
    }
    keys_.push_back(cells[i].first);
    if (!cells_.emplace_back().value.Add(cells[i].second))
      wide_.emplace(cells[i].first, cells[i].second);
  }
  return absl::OkStatus();
}

void NodeChunk::Mark() {
  gone_.clear();
  changes_ = 0;
  ++mark_;
}

}  // namespace fiscal::domain
