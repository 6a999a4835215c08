#include "storage/staged.h"

#include "base/status_macros.h"
#include "storage/schema.h"

namespace fiscal::storage {

void Staged::Remember(KeyView key) {
  if (!undo_.has_value()) return;
  auto it = staged_.find(key);
  undo_->emplace_back(Key(key),
                      it == staged_.end() ? std::nullopt : std::make_optional(it->second));
}

void Staged::Put(Key key, std::string value) {
  Remember(key);
  staged_[std::move(key)] = std::move(value);
}

void Staged::Delete(Key key) {
  Remember(key);
  staged_[std::move(key)] = std::nullopt;
}

void Staged::Begin() { undo_.emplace(); }

void Staged::Rollback() {
  for (auto it = undo_->rbegin(); it != undo_->rend(); ++it) {
    if (it->second.has_value()) {
      staged_[it->first] = *std::move(it->second);
    } else {
      staged_.erase(it->first);
    }
  }
  undo_.reset();
}

absl::StatusOr<std::string> Staged::Get(KeyView key) const {
  auto it = staged_.find(key);
  if (it != staged_.end()) {
    if (!it->second.has_value()) return absl::NotFoundError("deleted in this group");
    return *it->second;
  }
  if (const auto known = read_.find(key); known != read_.end()) {
    if (!known->second.has_value()) return absl::NotFoundError("no such key");
    return *known->second;
  }
  absl::StatusOr<std::string> found = kv_.Get(key);
  if (found.ok()) {
    read_.emplace(Key(key), *found);
  } else if (absl::IsNotFound(found.status())) {
    read_.emplace(Key(key), std::nullopt);
  }
  return found;
}

absl::StatusOr<std::vector<Staged::Item>> Staged::Scan(const KeyRange& range) const {
  std::vector<Item> items;
  auto staged = staged_.lower_bound(range.lower);
  const auto end = staged_.lower_bound(range.upper);
  std::unique_ptr<KvIterator> it = kv_.NewIterator(range.lower, range.upper);
  it->Seek(range.lower);
  while (it->Valid() || staged != end) {
    if (staged == end || (it->Valid() && it->key() < staged->first)) {
      items.emplace_back(Key(it->key()), std::string(it->value()));
      it->Next();
      continue;
    }
    if (it->Valid() && it->key() == staged->first) it->Next();
    if (staged->second.has_value()) items.emplace_back(staged->first, *staged->second);
    ++staged;
  }
  FISCAL_RETURN_IF_ERROR(it->status());
  return items;
}

absl::StatusOr<std::optional<Staged::Item>> Staged::FindLast(KeyView lower, KeyView key) const {
  std::unique_ptr<KvIterator> it = kv_.NewIterator(lower, Successor(key));
  it->SeekForPrev(key);
  auto staged = staged_.upper_bound(key);
  // Walks both backwards; a staged key hides the stored one.
  while (true) {
    const bool has_staged = staged != staged_.begin() && std::prev(staged)->first >= lower;
    if (!it->Valid()) FISCAL_RETURN_IF_ERROR(it->status());
    if (!it->Valid() && !has_staged) return std::optional<Item>();
    if (!has_staged || (it->Valid() && it->key() > std::prev(staged)->first)) {
      return std::optional<Item>(Item(it->key(), std::string(it->value())));
    }
    const auto candidate = std::prev(staged);
    if (candidate->second.has_value())
      return std::optional<Item>(Item(candidate->first, *candidate->second));
    if (it->Valid() && it->key() == candidate->first) it->Prev();
    staged = candidate;
  }
}

absl::StatusOr<std::optional<Staged::Item>> Staged::FindFirst(KeyView key, KeyView upper) const {
  std::unique_ptr<KvIterator> it = kv_.NewIterator(key, upper);
  it->Seek(key);
  auto staged = staged_.lower_bound(key);
  const auto end = staged_.lower_bound(upper);
  while (true) {
    if (!it->Valid()) FISCAL_RETURN_IF_ERROR(it->status());
    if (!it->Valid() && staged == end) return std::optional<Item>();
    if (staged == end || (it->Valid() && it->key() < staged->first)) {
      return std::optional<Item>(Item(it->key(), std::string(it->value())));
    }
    if (staged->second.has_value())
      return std::optional<Item>(Item(staged->first, *staged->second));
    if (it->Valid() && it->key() == staged->first) it->Next();
    ++staged;
  }
}

void Staged::MoveTo(Batch* batch) {
  for (auto& [key, value] : staged_) {
    if (value.has_value()) {
      batch->Put(key, *std::move(value));
    } else {
      batch->Delete(key);
    }
  }
  staged_.clear();
  read_.clear();
}

}  // namespace fiscal::storage
