// Mixing of 64-bit words for tables in memory. Never stored: bytes on disk don't depend on it.
#ifndef FISCAL_BASE_HASH_H_
#define FISCAL_BASE_HASH_H_

#include <cstdint>

namespace fiscal {

// All bits of both words bear on all bits of the result.
inline uint64_t MixWords(uint64_t a, uint64_t b) {
  const unsigned __int128 m =
      static_cast<unsigned __int128>(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd6e8feb86659fd93u);
  return static_cast<uint64_t>(m) ^ static_cast<uint64_t>(m >> 64);
}

}  // namespace fiscal

#endif  // FISCAL_BASE_HASH_H_
