// Keys of stores as a type: bytes that schema.h makes and cuts, and that engines keep in order.
//
//   schema.h --(Key)--> Staged, Batch, Kv --(KeyView)--> schema.h
//
// Everybody else hands keys on, compares them and asks for their kind. What a key names, and which
// keys belong together, is for schema.h to say.
#ifndef FISCAL_STORAGE_KEY_H_
#define FISCAL_STORAGE_KEY_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"

namespace fiscal::storage {

// What a key is of: its first byte. schema.h lists them.
enum class KeyKind : uint8_t;

// A key whose bytes belong to somebody else.
class KeyView {
 public:
  // Empty: the first of all keys; as the upper bound of a walk, no bound.
  constexpr KeyView() = default;

  // The bytes, for schema.h and for the engines.
  static constexpr KeyView Encoded(absl::string_view bytes) {
    KeyView key;
    key.bytes_ = bytes;
    return key;
  }
  constexpr absl::string_view encoded() const { return bytes_; }

  constexpr bool empty() const { return bytes_.empty(); }
  constexpr size_t size() const { return bytes_.size(); }
  // 0 for an empty key, which is no kind.
  constexpr KeyKind kind() const {
    return static_cast<KeyKind>(bytes_.empty() ? '\0' : bytes_.front());
  }

 private:
  absl::string_view bytes_;
};

class Key {
 public:
  // Empty, as a KeyView may be.
  Key() = default;
  // A copy.
  explicit Key(KeyView key) : bytes_(key.encoded()) {}

  // The bytes, for schema.h and for the engines.
  static Key Encoded(std::string bytes) {
    Key key;
    key.bytes_ = std::move(bytes);
    return key;
  }
  absl::string_view encoded() const { return bytes_; }

  operator KeyView() const { return KeyView::Encoded(bytes_); }
  bool empty() const { return bytes_.empty(); }
  size_t size() const { return bytes_.size(); }
  KeyKind kind() const { return KeyView(*this).kind(); }

 private:
  std::string bytes_;
};

// Keys of [lower, upper).
struct KeyRange {
  Key lower, upper;
};

// Bytewise and unsigned, as the engines have it.
inline bool operator==(KeyView a, KeyView b) { return a.encoded() == b.encoded(); }
inline std::strong_ordering operator<=>(KeyView a, KeyView b) {
  return a.encoded().compare(b.encoded()) <=> 0;
}

template <typename H>
H AbslHashValue(H h, KeyView key) {
  return H::combine(std::move(h), key.encoded());
}

// For hashed containers of keys that are asked with a KeyView.
struct KeyHash {
  using is_transparent = void;
  size_t operator()(KeyView key) const { return absl::Hash<KeyView>()(key); }
};
struct KeyEqual {
  using is_transparent = void;
  bool operator()(KeyView a, KeyView b) const { return a == b; }
};

// For ordered containers of keys that are asked with a KeyView.
struct KeyLess {
  using is_transparent = void;
  bool operator()(KeyView a, KeyView b) const { return a.encoded() < b.encoded(); }
};

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_KEY_H_
