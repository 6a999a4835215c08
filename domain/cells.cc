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
  if (difference.zero()) return;
  key.project = Intern(project);
  auto [it, inserted] = cells_.try_emplace(key);
  it->second.Add(difference);
  if (it->second.zero()) cells_.erase(it);
}

// chunk := count:varint cell*
// cell  := mask:u8 fields that differ from the cell before (attributes functional revenue dept gov
// receiving project),
//          amount:signed count_mask:u8 counts:signed*
std::string Chunk::Encode() const {
  std::vector<std::pair<CellKey, const CellValue*>> sorted;
  sorted.reserve(cells_.size());
  for (const auto& [key, value] : cells_) sorted.emplace_back(key, &value);
  auto order = [this](const CellKey& k) {
    return std::make_tuple(k.attributes, k.functional, k.revenue, k.dept_economic, k.gov_economic,
                           k.receiving_division, absl::string_view(projects_[k.project]));
  };
  std::sort(sorted.begin(), sorted.end(),
            [&](const auto& a, const auto& b) { return order(a.first) < order(b.first); });
  std::string out;
  out.reserve(16 + sorted.size() * 16);
  PutVarint(&out, sorted.size());
  CellKey last;
  for (const auto& [key, value] : sorted) {
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
    PutSigned(&out, value->amount_fen);
    uint8_t count_mask = 0;
    for (int i = 0; i < kPrecisionClasses; ++i)
      count_mask |= static_cast<uint8_t>((value->counts[i] != 0) << i);
    PutU8(&out, count_mask);
    for (int i = 0; i < kPrecisionClasses; ++i) {
      if (value->counts[i] != 0) PutSigned(&out, value->counts[i]);
    }
    last = key;
  }
  return out;
}

absl::StatusOr<Chunk> Chunk::Decode(absl::string_view bytes) {
  ByteReader reader(bytes);
  Chunk chunk;
  const uint64_t count = reader.Varint();
  // A cell has at least 3 bytes: a wrong count can't make this reserve much.
  if (count > bytes.size()) return absl::DataLossError("chunk: more cells than bytes");
  chunk.cells_.reserve(count);
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
    if (!reader.ok() || !Attributes::Unpack(key.attributes, &attributes) || value.zero() ||
        mask > 127 || count_mask > 15) {
      return absl::DataLossError("chunk: malformed cell");
    }
    key.project = chunk.Intern(project);
    if (!chunk.cells_.emplace(key, value).second)
      return absl::DataLossError("chunk: a cell stands twice");
  }
  if (!reader.ok() || !reader.AtEnd()) return absl::DataLossError("chunk: malformed");
  return chunk;
}

}  // namespace fiscal::domain
