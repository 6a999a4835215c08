#include "services/ledger/compare/key_check.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "storage/schema.h"

namespace fiscal::services {
namespace {

// Keys between two looks whether somebody still wants the answer, and between two iterators.
constexpr int kKeysPerLook = 4096;
constexpr int kKeysPerIterator = 65536;
// Of a table's entry besides the bytes of its key.
constexpr size_t kEntryBytes = 80;

}  // namespace

OrderedKeys::OrderedKeys(const storage::Kv& kv, storage::KeyRange range, Differences& differences)
    : kv_(kv),
      next_(std::move(range.lower)),
      upper_(std::move(range.upper)),
      differences_(differences) {}

void OrderedKeys::Renew() {
  compared_ = 0;
  it_ = kv_.NewScan(next_, upper_);
  it_->Seek(next_);
}

absl::Status OrderedKeys::Expect(storage::KeyView key, absl::string_view value) {
  if (it_ == nullptr || ++compared_ == kKeysPerIterator) Renew();
  for (; it_->Valid() && it_->key() < key; it_->Next())
    differences_.Add(absl::StrCat(storage::NameOf(it_->key()), ": surplus"));
  FISCAL_RETURN_IF_ERROR(it_->status());
  if (!it_->Valid() || it_->key() != key) {
    differences_.Add(absl::StrCat(storage::NameOf(key), ": missing"));
  } else {
    if (it_->value() != value)
      differences_.Add(absl::StrCat(storage::NameOf(key), ": not the same"));
    it_->Next();
  }
  next_ = storage::Successor(key);
  return it_->status();
}

absl::Status OrderedKeys::Finish() {
  if (it_ == nullptr) Renew();
  for (; it_->Valid(); it_->Next())
    differences_.Add(absl::StrCat(storage::NameOf(it_->key()), ": surplus"));
  return it_->status();
}

uint64_t StateSums::Hash(storage::KeyView key, absl::string_view value) {
  return absl::HashOf(key, value);
}

size_t StateSums::SizeOf(const storage::Key& thing) { return thing.size() + kEntryBytes; }

void StateSums::Add(storage::KeyView key, absl::string_view value) {
  const std::optional<storage::StateKey> state = storage::SplitState(key);
  FISCAL_CHECK(state.has_value(), "the key of a state has a position");
  const auto [it, fresh] = sums_.try_emplace(state->of, 0);
  if (fresh) bytes_ += SizeOf(it->first);
  it->second += Hash(key, value);
}

void StateSums::Forget(const std::function<bool(storage::KeyView key)>& wanted) {
  for (auto it = sums_.begin(); it != sums_.end();) {
    auto sum = it++;
    if (wanted(sum->first)) continue;
    bytes_ -= SizeOf(sum->first);
    sums_.erase(sum);
  }
}

absl::Status StateSums::Compare(const storage::Kv& kv, const storage::KeyRange& range,
                                domain::Position position,
                                const std::function<absl::Status()>& cancelled,
                                Differences* differences) {
  std::unique_ptr<storage::KvIterator> it = kv.NewScan(range.lower, range.upper);
  storage::Key thing;
  uint64_t sum = 0;
  bool any = false;
  auto end_thing = [&] {
    if (!any) return;
    auto computed = sums_.find(thing);
    if (computed == sums_.end()) {
      differences->Add(absl::StrCat(storage::NameOf(thing), ": surplus"));
    } else {
      if (computed->second != sum)
        differences->Add(absl::StrCat(storage::NameOf(thing), ": not the same"));
      sums_.erase(computed);
    }
    sum = 0;
    any = false;
  };
  int seen = 0;
  for (it->Seek(range.lower); it->Valid(); it->Next()) {
    if (++seen % kKeysPerLook == 0) FISCAL_RETURN_IF_ERROR(cancelled());
    const std::optional<storage::StateKey> state = storage::SplitState(it->key());
    if (!state.has_value()) {
      differences->Add("a malformed key");
      continue;
    }
    if (state->of != thing) {
      end_thing();
      thing = storage::Key(state->of);
    }
    if (state->position > position) continue;
    sum += Hash(it->key(), it->value());
    any = true;
  }
  FISCAL_RETURN_IF_ERROR(it->status());
  end_thing();
  std::vector<storage::Key> missing;
  for (const auto& [key, computed] : sums_) missing.push_back(key);
  std::sort(missing.begin(), missing.end());
  for (const storage::Key& key : missing)
    differences->Add(absl::StrCat(storage::NameOf(key), ": missing"));
  sums_.clear();
  bytes_ = 0;
  return absl::OkStatus();
}

}  // namespace fiscal::services
