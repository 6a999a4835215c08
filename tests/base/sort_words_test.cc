// Sorting by words.
#include "base/sort_words.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace fiscal {
namespace {

struct Item {
  uint64_t word = 0;
  uint32_t number = 0;
};

TEST(SortWords, PutsInOrderAndKeepsEachItem) {
  std::mt19937_64 random(7);
  // Masks leave bytes in which words don't differ, and words that are equal.
  for (const uint64_t mask : {UINT64_MAX, uint64_t{0}, uint64_t{0xff}, uint64_t{0xff00ff0000000100},
                              uint64_t{0x8000000000000001}}) {
    for (const size_t size : {0, 1, 2, 127, 128, 129, 5000}) {
      std::vector<Item> items;
      std::vector<std::pair<uint64_t, uint32_t>> expected;
      for (uint32_t i = 0; i < size; ++i) {
        items.push_back({0x5500000000000000 ^ (random() & mask), i});
        expected.emplace_back(items.back().word, i);
      }
      std::sort(expected.begin(), expected.end());
      SortByWord(&items, [](const Item& item) { return item.word; });
      std::vector<std::pair<uint64_t, uint32_t>> got;
      for (const Item& item : items) {
        EXPECT_TRUE(got.empty() || got.back().first <= item.word);
        got.emplace_back(item.word, item.number);
      }
      std::sort(got.begin(), got.end());
      EXPECT_EQ(got, expected) << size << " " << mask;
    }
  }
}

}  // namespace
}  // namespace fiscal
