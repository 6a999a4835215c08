#include "services/ledger/compare/key_check.h"

#include <algorithm>
#include <tuple>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "base/coding.h"
#include "base/status_macros.h"

namespace fiscal::services {
namespace {

constexpr size_t kStrideBytes = 8;
// Keys between two looks whether somebody still wants the answer, and between two iterators.
constexpr int kKeysPerLook = 4096;
constexpr int kKeysPerIterator = 65536;
// Of a table's entry besides the bytes of its key.
constexpr size_t kEntryBytes = 80;

}  // namespace

OrderedKeys::OrderedKeys(const storage::Kv& kv, std::string lower, std::string upper, KeyName name,
                         Differences& differences)
    : kv_(kv),
      next_(std::move(lower)),
      upper_(std::move(upper)),
      name_(std::move(name)),
      differences_(differences) {}

void OrderedKeys::Renew() {
  compared_ = 0;
  it_ = kv_.NewScan(next_, upper_);
  it_->Seek(next_);
}

absl::Status OrderedKeys::Expect(absl::string_view key, absl::string_view value) {
  if (it_ == nullptr || ++compared_ == kKeysPerIterator) Renew();
  for (; it_->Valid() && it_->key() < key; it_->Next())
    differences_.Add(absl::StrCat(name_(it_->key()), ": surplus"));
  FISCAL_RETURN_IF_ERROR(it_->status());
  if (!it_->Valid() || it_->key() != key) {
    differences_.Add(absl::StrCat(name_(key), ": missing"));
  } else {
    if (it_->value() != value) differences_.Add(absl::StrCat(name_(key), ": not the same"));
    it_->Next();
  }
  next_.assign(key.data(), key.size());
  next_.push_back('\0');
  return it_->status();
}

absl::Status OrderedKeys::Finish() {
  if (it_ == nullptr) Renew();
  for (; it_->Valid(); it_->Next()) differences_.Add(absl::StrCat(name_(it_->key()), ": surplus"));
  return it_->status();
}

uint64_t StateSums::Hash(absl::string_view key, absl::string_view value) {
  return absl::Hash<std::tuple<absl::string_view, absl::string_view>>()({key, value});
}

void StateSums::Add(absl::string_view key, absl::string_view value) {
  const auto [it, fresh] = sums_.try_emplace(key.substr(0, key.size() - kStrideBytes), 0);
  if (fresh) bytes_ += it->first.size() + kEntryBytes;
  it->second += Hash(key, value);
}

void StateSums::Forget(const std::function<bool(absl::string_view key)>& wanted) {
  for (auto it = sums_.begin(); it != sums_.end();) {
    auto sum = it++;
    if (wanted(sum->first)) continue;
    bytes_ -= sum->first.size() + kEntryBytes;
    sums_.erase(sum);
  }
}

absl::Status StateSums::Compare(const storage::Kv& kv, const std::string& lower,
                                const std::string& upper, uint64_t stride, const KeyName& name,
                                const std::function<absl::Status()>& cancelled,
                                Differences* differences) {
  std::unique_ptr<storage::KvIterator> it = kv.NewScan(lower, upper);
  std::string part;
  uint64_t sum = 0;
  bool any = false;
  auto end_part = [&] {
    if (!any) return;
    auto computed = sums_.find(part);
    if (computed == sums_.end()) {
      differences->Add(absl::StrCat(name(part), ": surplus"));
    } else {
      if (computed->second != sum) differences->Add(absl::StrCat(name(part), ": not the same"));
      sums_.erase(computed);
    }
    sum = 0;
    any = false;
  };
  int seen = 0;
  for (it->Seek(lower); it->Valid(); it->Next()) {
    if (++seen % kKeysPerLook == 0) FISCAL_RETURN_IF_ERROR(cancelled());
    const absl::string_view key = it->key();
    if (key.size() < kStrideBytes) {
      differences->Add("a malformed key");
      continue;
    }
    const absl::string_view of = key.substr(0, key.size() - kStrideBytes);
    if (of != part) {
      end_part();
      part.assign(of.data(), of.size());
    }
    ByteReader reader(key.substr(of.size()));
    if (~reader.U64() > stride) continue;
    sum += Hash(key, it->value());
    any = true;
  }
  FISCAL_RETURN_IF_ERROR(it->status());
  end_part();
  std::vector<std::string> missing;
  for (const auto& [key, computed] : sums_) missing.push_back(key);
  std::sort(missing.begin(), missing.end());
  for (const std::string& key : missing) differences->Add(absl::StrCat(name(key), ": missing"));
  sums_.clear();
  bytes_ = 0;
  return absl::OkStatus();
}

}  // namespace fiscal::services
