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

// chunk := count:varint cell*
// cell  := mask:u8 fields that differ from the cell before (attributes functional revenue dept gov
// receiving project),
//          amount:signed count_mask:u8 counts:signed*
// Among changes, a cell that went has amount 0 and no counts.
std::string Chunk::Encode(std::vector<CellKey> keys) const {
  std::sort(keys.begin(), keys.end(), [this](const CellKey& a, const CellKey& b) {
    if (a.attributes != b.attributes) return a.attributes < b.attributes;
    if (a.functional != b.functional) return a.functional < b.functional;
    if (a.revenue != b.revenue) return a.revenue < b.revenue;
    if (a.dept_economic != b.dept_economic) return a.dept_economic < b.dept_economic;
    if (a.gov_economic != b.gov_economic) return a.gov_economic < b.gov_economic;
    if (a.receiving_division != b.receiving_division)
      return a.receiving_division < b.receiving_division;
    return a.project != b.project && projects_[a.project] < projects_[b.project];
  });
  std::string out;
  out.reserve(16 + keys.size() * 16);
  PutVarint(&out, keys.size());
  CellKey last;
  static const CellValue kGone;
  for (const CellKey& key : keys) {
    auto it = cells_.find(key);
    const CellValue& value = it == cells_.end() ? kGone : it->second.value;
    const uint8_t mask = static_cast<uint8_t>(
        (key.attributes != last.attributes) | (key.functional != last.functional) << 1 |
        (key.revenue != last.revenue) << 2 | (key.dept_economic != last.dept_economic) << 3 |
        (key.gov_economic != last.gov_economic) << 4 |
        (key.receiving_division != last.receiving_division) << 5 |
        (key.project != last.project) << 6);
    PutU8(&out, mask);
    if (mask & 1) PutVarint(&out, key.attributes);
    if (mask & 2) PutVarint(&out, key.functional);
    if (mask & 4) PutVarint(&out, key.revenue);
    if (mask & 8) PutVarint(&out, key.dept_economic);
    if (mask & 16) PutVarint(&out, key.gov_economic);
    if (mask & 32) PutVarint(&out, key.receiving_division);
    if (mask & 64) PutString(&out, projects_[key.project]);
    PutSigned(&out, value.amount_fen);
    uint8_t count_mask = 0;
    for (int i = 0; i < kPrecisionClasses; ++i)
      count_mask |= static_cast<uint8_t>((value.counts[i] != 0) << i);
    PutU8(&out, count_mask);
    for (int i = 0; i < kPrecisionClasses; ++i) {
      if (value.counts[i] != 0) PutSigned(&out, value.counts[i]);
    }
    last = key;
  }
  return out;
}

std::string Chunk::Encode() const {
  std::vector<CellKey> keys;
  keys.reserve(cells_.size());
  for (const auto& [key, cell] : cells_) {
    if (!cell.value.zero()) keys.push_back(key);
  }
  return Encode(std::move(keys));
}

std::string Chunk::EncodeChanges() const { return Encode(changed_); }

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
