// A batch in the making and the store below it, read as one: a group of submissions is applied one
// after the other, each seeing what those before it will have written.
//
// Not thread-safe. Nothing reaches the store before its owner writes what MoveTo gives, and nobody
// else writes the keys it reads meanwhile: what Get found is remembered.
#ifndef FISCAL_STORAGE_STAGED_H_
#define FISCAL_STORAGE_STAGED_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/kv.h"

namespace fiscal::storage {

class Staged {
 public:
  using Item = std::pair<Key, std::string>;

  explicit Staged(const Kv& kv) : kv_(kv) {}

  void Put(Key key, std::string value);
  void Delete(Key key);
  // NOT_FOUND when absent. A decision reads a key, and so does what keeps it: the store is asked
  // once.
  absl::StatusOr<std::string> Get(KeyView key) const;
  // All keys of the range, in order.
  absl::StatusOr<std::vector<Item>> Scan(const KeyRange& range) const;
  // The last key <= `key` and >= `lower`.
  absl::StatusOr<std::optional<Item>> FindLast(KeyView lower, KeyView key) const;
  // The first key >= `key` and < `upper`.
  absl::StatusOr<std::optional<Item>> FindFirst(KeyView key, KeyView upper) const;

  // From Begin on changes can be undone: Rollback undoes them, Keep lets them stand.
  void Begin();
  void Keep() { undo_.reset(); }
  void Rollback();

  // Moves everything staged into `batch` and starts anew.
  void MoveTo(Batch* batch);

 private:
  using Map = absl::btree_map<Key, std::optional<std::string>, KeyLess>;
  void Remember(KeyView key);

  const Kv& kv_;
  // nullopt is a deletion.
  Map staged_;
  // What the store answered; nullopt for NOT_FOUND.
  mutable absl::flat_hash_map<Key, std::optional<std::string>, KeyHash, KeyEqual> read_;
  // The staged value of each changed key at Begin; nullopt when none was staged.
  std::optional<std::vector<std::pair<Key, std::optional<std::optional<std::string>>>>> undo_;
};

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_STAGED_H_
