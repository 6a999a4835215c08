// SHA-256 by OpenSSL, which uses the processor's instructions where it has them. Thread-safe.
#ifndef FISCAL_BASE_SHA256_H_
#define FISCAL_BASE_SHA256_H_

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace fiscal {

using Digest = std::array<uint8_t, 32>;

// The digest of the parts' concatenation.
Digest Sha256(absl::Span<const absl::string_view> parts);
inline Digest Sha256(std::initializer_list<absl::string_view> parts) {
  return Sha256(absl::MakeConstSpan(parts.begin(), parts.size()));
}

// The digest of bytes that come in pieces. Not thread-safe.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;

  void Add(absl::string_view bytes);
  // The digest of all bytes so far; more may follow.
  Digest digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

inline absl::string_view BytesOf(const Digest& d) {
  return absl::string_view(reinterpret_cast<const char*>(d.data()), d.size());
}
// REQUIRES: bytes.size() == 32.
Digest DigestOf(absl::string_view bytes);

}  // namespace fiscal

#endif  // FISCAL_BASE_SHA256_H_
