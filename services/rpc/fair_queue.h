// A queue in which callers take turns: a caller that sends much waits behind its own requests, not
// before others'.
//
// Each caller has a queue, in order, and an account of what its turns cost. The caller with the
// lowest account is next. A caller that comes, or comes again, starts level with the last turn's
// account, so that a pause earns nothing. Not thread-safe.
#ifndef FISCAL_SERVICES_RPC_FAIR_QUEUE_H_
#define FISCAL_SERVICES_RPC_FAIR_QUEUE_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/node_hash_map.h"
#include "absl/strings/string_view.h"

namespace fiscal::services::rpc {

template <typename Item>
class FairQueue {
 public:
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t SizeOf(absl::string_view caller) const {
    const auto it = callers_.find(caller);
    return it == callers_.end() ? 0 : it->second.items.size();
  }

  void Push(absl::string_view caller, Item item) {
    auto [it, fresh] = callers_.try_emplace(caller);
    Account& account = it->second;
    if (account.items.empty()) {
      account.cost = std::max(account.cost, level_);
      account.order = ++pushes_;
      turns_.insert({account.cost, account.order, &it->first});
    }
    account.items.push_back(std::move(item));
    ++size_;
  }

  // The caller whose turn it is, among those that `may` lets through; null when it lets none.
  template <typename May>
  const std::string* Next(const May& may) const {
    for (const auto& [cost, order, caller] : turns_) {
      if (may(*caller)) return caller;
    }
    return nullptr;
  }
  const std::string* Next() const {
    return turns_.empty() ? nullptr : std::get<2>(*turns_.begin());
  }
  // REQUIRES: SizeOf(caller) > 0.
  const Item& Front(absl::string_view caller) const {
    return callers_.find(caller)->second.items.front();
  }

  // Takes a caller's first item, and puts `cost` on its account. REQUIRES: SizeOf(caller) > 0.
  Item Take(absl::string_view caller, uint64_t cost) {
    const auto it = callers_.find(caller);
    Account& account = it->second;
    turns_.erase({account.cost, account.order, &it->first});
    level_ = std::max(level_, account.cost);
    account.cost += cost;
    account.order = ++pushes_;
    Item item = std::move(account.items.front());
    account.items.pop_front();
    --size_;
    if (!account.items.empty()) turns_.insert({account.cost, account.order, &it->first});
    Forget();
    return item;
  }
  // Adds to an account: the cost of a turn is known only afterwards.
  void Charge(absl::string_view caller, uint64_t cost) {
    auto [it, fresh] = callers_.try_emplace(caller);
    Account& account = it->second;
    if (fresh) account.cost = level_;
    if (!account.items.empty()) turns_.erase({account.cost, account.order, &it->first});
    account.cost += cost;
    if (!account.items.empty()) turns_.insert({account.cost, account.order, &it->first});
  }

  // Removes, in order, a caller's items for which `drop` is true.
  template <typename Drop>
  std::vector<Item> Remove(absl::string_view caller, const Drop& drop) {
    std::vector<Item> out;
    const auto it = callers_.find(caller);
    if (it == callers_.end() || it->second.items.empty()) return out;
    std::deque<Item>& items = it->second.items;
    const auto kept = std::stable_partition(items.begin(), items.end(),
                                            [&](const Item& item) { return !drop(item); });
    for (auto at = kept; at != items.end(); ++at) out.push_back(std::move(*at));
    items.erase(kept, items.end());
    size_ -= out.size();
    if (items.empty()) turns_.erase({it->second.cost, it->second.order, &it->first});
    return out;
  }

 private:
  struct Account {
    std::deque<Item> items;
    uint64_t cost = 0;
    // Breaks ties: the caller that has waited longest is first.
    uint64_t order = 0;
  };

  // Drops the accounts of callers without items that are no higher than the level: they carry no
  // information.
  void Forget() {
    if (callers_.size() < forget_at_) return;
    for (auto it = callers_.begin(); it != callers_.end();) {
      if (it->second.items.empty() && it->second.cost <= level_) {
        callers_.erase(it++);
      } else {
        ++it;
      }
    }
    forget_at_ = std::max<size_t>(64, 2 * callers_.size());
  }

  absl::node_hash_map<std::string, Account> callers_;
  std::set<std::tuple<uint64_t, uint64_t, const std::string*>> turns_;
  size_t size_ = 0;
  // The account of the last turn.
  uint64_t level_ = 0;
  uint64_t pushes_ = 0;
  size_t forget_at_ = 64;
};

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_FAIR_QUEUE_H_
