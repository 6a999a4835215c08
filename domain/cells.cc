#include "domain/cells.h"

#include <algorithm>

#include "base/check.h"
#include "base/coding.h"

namespace fiscal::domain {

void CellValue::Add(const CellValue& d) {
  FISCAL_CHECK(!__builtin_add_overflow(amount_fen, d.amount_fen, &amount_fen),
               "no cell overflows: intake bounds the gross amount of a year and stage");
  for (int i = 0; i < kPrecisionClasses; ++i) {
    FISCAL_CHECK(!__builtin_add_overflow(counts[i], d.counts[i], &counts[i]),
                 "a cell counts fewer than 2^31 lines");
  }
}

uint32_t Chunk::Intern(absl::string_view project) {
  if (project.empty()) return 0;
  auto it = project_numbers_.find(project);
  if (it != project_numbers_.end()) return it->second;
  const uint32_t number = static_cast<uint32_t>(projects_.size());
  projects_.emplace_back(project);
  project_numbers_.emplace(projects_.back(), number);
  return number;
}

void Chunk::Add(CellKey key, absl::string_view project, const CellValue& difference) {
  key.project = Intern(project);
  auto [it, inserted] = cells_.try_emplace(key);
  Cell& cell = it->second;
  if (cell.mark != mark_) {
    cell.mark = mark_;
    changed_.push_back(key);
  }
  cell.value.Add(difference);
}

void Chunk::Tidy() {
  for (const CellKey& key : changed_) {
    auto it = cells_.find(key);
    if (it != cells_.end() && it->second.value.zero()) cells_.erase(it);
  }
}

void Chunk::Mark() {
  changed_.clear();
  changed_.shrink_to_fit();
  ++mark_;
}

namespace {

bool Before(const CellItem& a, const CellItem& b) {
  if (a.key < b.key) return true;
  if (b.key < a.key) return false;
  return a.project < b.project;
}

bool Same(const CellItem& a, const CellItem& b) {
  return !(a.key < b.key) && !(b.key < a.key) && a.project == b.project;
}

}  // namespace

void Normalize(std::vector<CellItem>* items) {
  // Small keys in order first: moving the items themselves costs more.
  struct Place {
    uint64_t first, second;
    uint32_t index;
  };
  std::vector<Place> places;
  places.reserve(items->size());
  for (const CellItem& item : *items) {
    places.push_back({static_cast<uint64_t>(item.key.attributes) << 32 | item.key.functional,
                      static_cast<uint64_t>(item.key.dept_economic) << 32 | item.key.gov_economic,
                      static_cast<uint32_t>(places.size())});
  }
  std::sort(places.begin(), places.end(), [items](const Place& a, const Place& b) {
    if (a.first != b.first) return a.first < b.first;
    if (a.second != b.second) return a.second < b.second;
    return Before((*items)[a.index], (*items)[b.index]);
  });
  std::vector<CellItem> sorted;
  sorted.reserve(items->size());
  for (const Place& place : places) {
    const CellItem& item = (*items)[place.index];
    if (!sorted.empty() && Same(sorted.back(), item)) {
      sorted.back().value.Add(item.value);
      continue;
    }
    if (!sorted.empty() && sorted.back().value.zero()) sorted.pop_back();
    sorted.push_back(item);
    sorted.back().key.project = 0;
  }
  if (!sorted.empty() && sorted.back().value.zero()) sorted.pop_back();
  *items = std::move(sorted);
}

// chunk := count:varint cell*
// cell  := mask:u8 fields that differ from the cell before (attributes functional revenue dept gov
// receiving project),
//          amount:signed count_mask:u8 counts:signed*
// Among changes, a cell that went has amount 0 and no counts.
std::string EncodeCells(const std::vector<CellItem>& items) {
  std::string out;
  out.reserve(16 + items.size() * 20);
  PutVarint(&out, items.size());
  CellKey last;
  absl::string_view last_project;
  for (const CellItem& item : items) {
    const CellKey& key = item.key;
    const CellValue& value = item.value;
    const uint8_t mask = static_cast<uint8_t>(
        (key.attributes != last.attributes) | (key.functional != last.functional) << 1 |
        (key.revenue != last.revenue) << 2 | (key.dept_economic != last.dept_economic) << 3 |
        (key.gov_economic != last.gov_economic) << 4 |
        (key.receiving_division != last.receiving_division) << 5 |
        (item.project != last_project) << 6);
    // Everything but the project, whose text can be long, in one piece.
    char buffer[10 + 6 * 5 + 10 + 4 * 10];
    char* p = buffer;
    *p++ = static_cast<char>(mask);
    if (mask & 1) p = WriteVarint(p, key.attributes);
    if (mask & 2) p = WriteVarint(p, key.functional);
    if (mask & 4) p = WriteVarint(p, key.revenue);
    if (mask & 8) p = WriteVarint(p, key.dept_economic);
    if (mask & 16) p = WriteVarint(p, key.gov_economic);
    if (mask & 32) p = WriteVarint(p, key.receiving_division);
    if (mask & 64) {
      out.append(buffer, static_cast<size_t>(p - buffer));
      p = buffer;
      PutString(&out, item.project);
    }
    p = WriteVarint(p, ZigZag(value.amount_fen));
    uint8_t count_mask = 0;
    for (int i = 0; i < kPrecisionClasses; ++i)
      count_mask |= static_cast<uint8_t>((value.counts[i] != 0) << i);
    *p++ = static_cast<char>(count_mask);
    for (int i = 0; i < kPrecisionClasses; ++i) {
      if (value.counts[i] != 0) p = WriteVarint(p, ZigZag(value.counts[i]));
    }
    out.append(buffer, static_cast<size_t>(p - buffer));
    last = key;
    last_project = item.project;
  }
  return out;
}

CellItem Chunk::Item(const CellKey& key, const CellValue& value) const {
  return {key, projects_[key.project], value};
}

std::string Chunk::Encode() const {
  std::vector<CellItem> items;
  items.reserve(cells_.size());
  for (const auto& [key, cell] : cells_) {
    if (!cell.value.zero()) items.push_back(Item(key, cell.value));
  }
  std::sort(items.begin(), items.end(), Before);
  return EncodeCells(items);
}

std::string Chunk::EncodeChanges() const {
  std::vector<CellItem> items;
  items.reserve(changed_.size());
  for (const CellKey& key : changed_) {
    auto it = cells_.find(key);
    items.push_back(Item(key, it == cells_.end() ? CellValue() : it->second.value));
  }
  std::sort(items.begin(), items.end(), Before);
  return EncodeCells(items);
}

absl::Status Chunk::ForEachEncoded(
    absl::string_view bytes,
    absl::FunctionRef<void(const CellKey&, absl::string_view, const CellValue&)> visit) {
  ByteReader reader(bytes);
  const uint64_t count = reader.Varint();
  // A cell has at least 3 bytes.
  if (count > bytes.size()) return absl::DataLossError("chunk: more cells than bytes");
  CellKey key;
  absl::string_view project;
  for (uint64_t i = 0; i < count && reader.ok(); ++i) {
    const uint8_t mask = reader.U8();
    if (mask & 1) key.attributes = static_cast<uint32_t>(reader.Varint());
    if (mask & 2) key.functional = static_cast<Code>(reader.Varint());
    if (mask & 4) key.revenue = static_cast<Code>(reader.Varint());
    if (mask & 8) key.dept_economic = static_cast<Code>(reader.Varint());
    if (mask & 16) key.gov_economic = static_cast<Code>(reader.Varint());
    if (mask & 32) key.receiving_division = static_cast<Code>(reader.Varint());
    if (mask & 64) project = reader.String();
    CellValue value;
    value.amount_fen = reader.Signed();
    const uint8_t count_mask = reader.U8();
    for (int c = 0; c < kPrecisionClasses; ++c) {
      if (count_mask >> c & 1) value.counts[c] = static_cast<int32_t>(reader.Signed());
    }
    Attributes attributes;
    if (!reader.ok() || !Attributes::Unpack(key.attributes, &attributes) || mask > 127 ||
        count_mask > 15) {
      return absl::DataLossError("chunk: malformed cell");
    }
    visit(key, project, value);
  }
  if (!reader.ok() || !reader.AtEnd()) return absl::DataLossError("chunk: malformed");
  return absl::OkStatus();
}

absl::StatusOr<Chunk> Chunk::Decode(absl::string_view bytes) {
  Chunk chunk;
  ByteReader reader(bytes);
  const uint64_t count = reader.Varint();
  // A wrong count can't make this reserve much.
  if (count > bytes.size()) return absl::DataLossError("chunk: more cells than bytes");
  chunk.cells_.reserve(count);
  bool good = true;
  const absl::Status status =
      ForEachEncoded(bytes, [&](CellKey key, absl::string_view project, const CellValue& value) {
        key.project = chunk.Intern(project);
        good = good && !value.zero() && chunk.cells_.emplace(key, Cell{value, 0}).second;
      });
  if (!status.ok()) return status;
  if (!good) return absl::DataLossError("chunk: a cell is empty or stands twice");
  return chunk;
}

absl::Status Chunk::ApplyChanges(absl::string_view bytes) {
  return ForEachEncoded(bytes, [&](CellKey key, absl::string_view project, const CellValue& value) {
    key.project = Intern(project);
    if (value.zero()) {
      cells_.erase(key);
    } else {
      cells_[key].value = value;
    }
  });
}

}  // namespace fiscal::domain
