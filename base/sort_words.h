// Sorting of small items by a word each, where comparing is what costs.
#ifndef FISCAL_BASE_SORT_WORDS_H_
#define FISCAL_BASE_SORT_WORDS_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace fiscal {

// In order of `word`, a function of an item; items with equal words in any order. Many items are
// dealt out byte by byte, lowest first, over the bytes in which their words differ: no branch
// depends on what they are.
template <typename Item, typename Word>
void SortByWord(std::vector<Item>* items, Word word) {
  // Dealing costs some 300 steps a byte whatever there is to deal.
  constexpr size_t kMany = 128;
  if (items->size() < kMany) {
    std::sort(items->begin(), items->end(),
              [&word](const Item& a, const Item& b) { return word(a) < word(b); });
    return;
  }
  uint64_t differs = 0;
  const uint64_t first = word(items->front());
  for (const Item& item : *items) differs |= word(item) ^ first;
  std::vector<Item> other(items->size());
  for (int shift = 0; shift < 64; shift += 8) {
    if ((differs >> shift & 255) == 0) continue;
    std::array<uint32_t, 256> places{};
    for (const Item& item : *items) ++places[word(item) >> shift & 255];
    uint32_t place = 0;
    for (uint32_t& n : places) {
      const uint32_t count = n;
      n = place;
      place += count;
    }
    for (const Item& item : *items) other[places[word(item) >> shift & 255]++] = item;
    items->swap(other);
  }
}

}  // namespace fiscal

#endif  // FISCAL_BASE_SORT_WORDS_H_
