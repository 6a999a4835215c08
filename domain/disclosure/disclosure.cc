#include "domain/disclosure/disclosure.h"

#include <algorithm>

namespace fiscal::disclosure {

int Table::ColumnOf(absl::string_view key) const {
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i] == key) return static_cast<int>(i);
  }
  return -1;
}

const Row* Table::Find(absl::string_view key) const {
  for (const Row& row : rows) {
    if (row.key == key) return &row;
  }
  return nullptr;
}

Row* Table::Find(absl::string_view key) {
  return const_cast<Row*>(static_cast<const Table*>(this)->Find(key));
}

const Cell* Table::At(absl::string_view row, absl::string_view column) const {
  const int c = ColumnOf(column);
  if (c < 0) return nullptr;
  const Row* r = Find(row);
  return r == nullptr ? nullptr : &r->cells[static_cast<size_t>(c)];
}

int64_t Table::Value(absl::string_view row, absl::string_view column) const {
  const Cell* cell = At(row, column);
  return cell == nullptr ? 0 : cell->value;
}

bool Table::AnyIn(size_t column) const {
  return std::any_of(rows.begin(), rows.end(),
                     [column](const Row& row) { return !row.cells[column].blank(); });
}

int Disclosure::LineAt(size_t offset) const {
  auto after = std::upper_bound(
      narrative_lines.begin(), narrative_lines.end(), offset,
      [](size_t at, const std::pair<size_t, int>& part) { return at < part.first; });
  return after == narrative_lines.begin() ? 0 : std::prev(after)->second;
}

void SetInterval(int64_t place, Cell* cell) {
  // A figure stands for the amounts that round to it: [v - half, v + half) where it is positive,
  // mirrored where negative.
  const int64_t half = place / 2;
  if (place <= 1) {
    cell->low = cell->high = cell->value;
  } else if (cell->value > 0) {
    cell->low = cell->value - half;
    cell->high = cell->value + half - 1;
  } else if (cell->value < 0) {
    cell->low = cell->value - half + 1;
    cell->high = cell->value + half;
  } else {
    cell->low = -half + 1;
    cell->high = half - 1;
  }
}

}  // namespace fiscal::disclosure
