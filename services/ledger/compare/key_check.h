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
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
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

// The name of a key; the key may be any bytes.
using KeyName = std::function<std::string(absl::string_view key)>;

// Keys of [lower, upper), computed in the order in which the store has them.
class OrderedKeys {
 public:
  OrderedKeys(const storage::Kv& kv, std::string lower, std::string upper, KeyName name,
              Differences& differences);
  // REQUIRES: ascending keys inside the range.
  absl::Status Expect(absl::string_view key, absl::string_view value);
  // Ends: no key is expected any more.
  absl::Status Finish();

 private:
  // To the first key that was not compared yet. An iterator that stays for long would hold files
  // that were merged away.
  void Renew();

  const storage::Kv& kv_;
  std::string next_;
  const std::string upper_;
  const KeyName name_;
  Differences& differences_;
  std::unique_ptr<storage::KvIterator> it_;
  int compared_ = 0;
};

// Keys that end with an inverted stride, computed in any order. For each beginning of a key the sum
// of the hashes of its values is kept instead of the values.
class StateSums {
 public:
  // REQUIRES: the key ends with its stride.
  void Add(absl::string_view key, absl::string_view value);
  // Compares with the store's [lower, upper) up to `stride`; forgets everything. Asks `cancelled`
  // now and then.
  absl::Status Compare(const storage::Kv& kv, const std::string& lower, const std::string& upper,
                       uint64_t stride, const KeyName& name,
                       const std::function<absl::Status()>& cancelled, Differences* differences);
  // Forgets beginnings that are not `wanted`.
  void Forget(const std::function<bool(absl::string_view key)>& wanted);
  // Roughly.
  size_t bytes() const { return bytes_; }

 private:
  static uint64_t Hash(absl::string_view key, absl::string_view value);

  absl::flat_hash_map<std::string, uint64_t> sums_;
  size_t bytes_ = 0;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_COMPARE_KEY_CHECK_H_
