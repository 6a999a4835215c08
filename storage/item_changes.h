// What lists of lines or projects, ordered by id, are after some of them changed.
#ifndef FISCAL_STORAGE_ITEM_CHANGES_H_
#define FISCAL_STORAGE_ITEM_CHANGES_H_

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace fiscal::storage {

// Items after a change, in order of their ids: null for one that is removed.
template <typename Item>
using Changes = std::vector<std::pair<absl::string_view, const Item*>>;

// Both ordered by id; an id in both is put.
template <typename Item, typename Removed, typename IdOf, typename RemovedIdOf>
Changes<Item> ChangesOf(const std::vector<Item>& put, const std::vector<Removed>& removed,
                        IdOf id_of, RemovedIdOf removed_id_of) {
  Changes<Item> changes;
  changes.reserve(put.size() + removed.size());
  auto gone = removed.begin();
  for (const Item& item : put) {
    const absl::string_view id = id_of(item);
    for (; gone != removed.end() && removed_id_of(*gone) < id; ++gone)
      changes.emplace_back(removed_id_of(*gone), nullptr);
    if (gone != removed.end() && removed_id_of(*gone) == id) ++gone;
    changes.emplace_back(id, &item);
  }
  for (; gone != removed.end(); ++gone) changes.emplace_back(removed_id_of(*gone), nullptr);
  return changes;
}

// The items of a block, in order, after its changes.
template <typename Item, typename IdOf>
std::vector<Item> Merged(std::vector<Item> old,
                         absl::Span<const std::pair<absl::string_view, const Item*>> changes,
                         IdOf id_of) {
  std::vector<Item> merged;
  merged.reserve(old.size() + changes.size());
  auto item = old.begin();
  for (const auto& [id, put] : changes) {
    while (item != old.end() && id_of(*item) < id) merged.push_back(std::move(*item++));
    if (item != old.end() && id_of(*item) == id) ++item;
    if (put != nullptr) merged.push_back(*put);
  }
  std::move(item, old.end(), std::back_inserter(merged));
  return merged;
}

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_ITEM_CHANGES_H_
