// Compares a store with what was computed from the log, key by key, byte by byte.
//
//   verify_log.h, verify_totals.h --(key and value that must be there)--> OrderedKeys, StateSums
//   OrderedKeys, StateSums --> Differences
//
// Not thread-safe.
#ifndef FISCAL_SERVICES_LEDGER_COMPARE_KEY_CHECK_H_
#define FISCAL_SERVICES_LEDGER_COMPARE_KEY_CHECK_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "domain/position.h"
#include "storage/key.h"
#include "storage/kv.h"

namespace fiscal::services {

// Differences, as text for a person.
class Differences {
 public:
  static constexpr size_t kMax = 100;
  // Drops those after the first kMax.
  void Add(std::string what) {
    if (list_.size() < kMax) list_.push_back(std::move(what));
  }
  const std::vector<std::string>& list() const { return list_; }

 private:
  std::vector<std::string> list_;
};

// Keys of a range, computed in the order in which the store has them.
class OrderedKeys {
 public:
  OrderedKeys(const storage::Kv& kv, storage::KeyRange range, Differences& differences);
  // REQUIRES: ascending keys inside the range.
  absl::Status Expect(storage::KeyView key, absl::string_view value);
  // Ends: no key is expected any more.
  absl::Status Finish();

 private:
  // To the first key that was not compared yet. An iterator that stays for long would hold files
  // that were merged away.
  void Renew();

  const storage::Kv& kv_;
  storage::Key next_;
  const storage::Key upper_;
  Differences& differences_;
  std::unique_ptr<storage::KvIterator> it_;
  int compared_ = 0;
};

// Keys of states (storage::StateKey), computed in any order. For each thing the sum of the hashes
// of its states is kept instead of them.
class StateSums {
 public:
  // REQUIRES: the key of a state.
  void Add(storage::KeyView key, absl::string_view value);
  // Compares with the states in the store's range up to `position`; forgets everything. Asks
  // `cancelled` now and then.
  absl::Status Compare(const storage::Kv& kv, const storage::KeyRange& range,
                       domain::Position position, const std::function<absl::Status()>& cancelled,
                       Differences* differences);
  // Forgets things that are not `wanted`; their keys are those of StateKey::of.
  void Forget(const std::function<bool(storage::KeyView key)>& wanted);
  // Roughly.
  size_t bytes() const { return bytes_; }

 private:
  // Tables of keys are asked with views.
  struct HashOfKey {
    using is_transparent = void;
    size_t operator()(storage::KeyView key) const { return absl::HashOf(key); }
  };
  struct SameKey {
    using is_transparent = void;
    bool operator()(storage::KeyView a, storage::KeyView b) const { return a == b; }
  };
  static uint64_t Hash(storage::KeyView key, absl::string_view value);
  static size_t SizeOf(const storage::Key& thing);

  absl::flat_hash_map<storage::Key, uint64_t, HashOfKey, SameKey> sums_;
  size_t bytes_ = 0;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_COMPARE_KEY_CHECK_H_
