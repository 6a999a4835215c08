// Bytes of numbers and strings: big-endian fixed width for keys, varints for values.
//
// Writers append to a string. ByteReader never reads past its end: the first malformed field makes
// ok() false and every later read give zero, so a decoder checks once at its end.
#ifndef FISCAL_BASE_CODING_H_
#define FISCAL_BASE_CODING_H_

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/base/attributes.h"
#include "absl/strings/string_view.h"

namespace fiscal {

template <typename T>
inline void PutFixed(std::string* out, T v) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>((static_cast<uint64_t>(v) >> shift) & 0xff));
  }
}
inline void PutU8(std::string* out, uint8_t v) { out->push_back(static_cast<char>(v)); }
inline void PutU16(std::string* out, uint16_t v) { PutFixed(out, v); }
inline void PutU32(std::string* out, uint32_t v) { PutFixed(out, v); }
inline void PutU64(std::string* out, uint64_t v) { PutFixed(out, v); }

// At most 10 bytes from `p` on; returns the end.
inline char* WriteVarint(char* p, uint64_t v) {
  while (v >= 0x80) {
    *p++ = static_cast<char>(v | 0x80);
    v >>= 7;
  }
  *p++ = static_cast<char>(v);
  return p;
}
inline void PutVarint(std::string* out, uint64_t v) {
  char buffer[10];
  out->append(buffer, static_cast<size_t>(WriteVarint(buffer, v) - buffer));
}
// Small magnitudes of either sign are short.
inline uint64_t ZigZag(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}
inline void PutSigned(std::string* out, int64_t v) { PutVarint(out, ZigZag(v)); }
// Writes a number of 128 bits: the bytes of PutSigned when it fits, else longer ones in the same
// form. At most 19 bytes from `p` on; returns the end.
inline char* WriteWide(char* p, __int128 v) {
  if (v == static_cast<int64_t>(v)) return WriteVarint(p, ZigZag(static_cast<int64_t>(v)));
  using Bits = unsigned __int128;
  Bits bits = (static_cast<Bits>(v) << 1) ^ static_cast<Bits>(v >> 127);
  for (; bits >= 0x80; bits >>= 7) *p++ = static_cast<char>(static_cast<uint8_t>(bits) | 0x80);
  *p++ = static_cast<char>(bits);
  return p;
}
inline void PutWide(std::string* out, __int128 v) {
  char buffer[19];
  out->append(buffer, static_cast<size_t>(WriteWide(buffer, v) - buffer));
}
inline void PutString(std::string* out, absl::string_view s) {
  PutVarint(out, s.size());
  out->append(s.data(), s.size());
}

class ByteReader {
 public:
  explicit ByteReader(absl::string_view bytes) : p_(bytes.data()), end_(p_ + bytes.size()) {}

  bool ok() const { return ok_; }
  bool AtEnd() const { return p_ == end_; }
  size_t remaining() const { return static_cast<size_t>(end_ - p_); }

  template <typename T>
  T Fixed() {
    if (remaining() < sizeof(T)) return static_cast<T>(Fail());
    uint64_t v = 0;
    for (size_t i = 0; i < sizeof(T); ++i) v = (v << 8) | static_cast<uint8_t>(*p_++);
    return static_cast<T>(v);
  }
  uint8_t U8() { return Fixed<uint8_t>(); }
  uint16_t U16() { return Fixed<uint16_t>(); }
  uint32_t U32() { return Fixed<uint32_t>(); }
  uint64_t U64() { return Fixed<uint64_t>(); }

  uint64_t Varint() {
    if (p_ != end_ && static_cast<uint8_t>(*p_) < 0x80) return static_cast<uint8_t>(*p_++);
    uint64_t v = 0;
    return WordVarint(&v) ? v : Take(LongVarint<uint64_t, 9>(p_, end_));
  }
  int64_t Signed() {
    const uint64_t v = Varint();
    return static_cast<int64_t>((v >> 1) ^ (~(v & 1) + 1));
  }
  // Reads a number that PutWide wrote.
  __int128 Wide() {
    uint64_t v = 0;
    // Nearly always less than a word.
    if (WordVarint(&v)) return static_cast<int64_t>((v >> 1) ^ (~(v & 1) + 1));
    const unsigned __int128 w = Take(LongVarint<unsigned __int128, 18>(p_, end_));
    return static_cast<__int128>((w >> 1) ^ (~(w & 1) + 1));
  }
  absl::string_view String() { return Bytes(Varint()); }
  absl::string_view Bytes(uint64_t size) {
    if (size > remaining()) {
      Fail();
      return {};
    }
    absl::string_view s(p_, size);
    p_ += size;
    return s;
  }
  // Up to and over a terminating NUL.
  absl::string_view Terminated() {
    const char* q = p_;
    while (q != end_ && *q != '\0') ++q;
    if (q == end_) {
      Fail();
      return {};
    }
    absl::string_view s(p_, static_cast<size_t>(q - p_));
    p_ = q + 1;
    return s;
  }

 private:
  // Reads a varint of at most eight bytes, all at once and without a branch for each. False, and
  // nothing is read, when it is longer, malformed or near the end.
  bool WordVarint(uint64_t* v) {
    if (remaining() < 8) return false;
    uint64_t w;
    std::memcpy(&w, p_, 8);
    if constexpr (std::endian::native == std::endian::big) w = __builtin_bswap64(w);
    const uint64_t last = ~w & 0x8080808080808080u;
    if (last == 0) return false;
    const int size = __builtin_ctzll(last) / 8 + 1;
    // Up to the last byte, which is zero only in a number of one byte.
    w &= last ^ (last - 1);
    if (size > 1 && w >> (8 * size - 8) == 0) return false;
    w &= 0x7f7f7f7f7f7f7f7fu;
    w = (w & 0x007f007f007f007fu) | (w & 0x7f007f007f007f00u) >> 1;
    w = (w & 0x00003fff00003fffu) | (w & 0x3fff00003fff0000u) >> 2;
    *v = (w & 0x000000000fffffffu) | (w & 0x0fffffff00000000u) >> 4;
    p_ += size;
    return true;
  }
  // A varint of any length, byte by byte; `end` null when malformed. Its byte number `kLast`, from
  // 0, has the highest bits. Takes no reader, so that a reader can live in registers.
  template <typename Bits>
  struct Long {
    Bits value;
    const char* end;
  };
  template <typename Bits, int kLast>
  ABSL_ATTRIBUTE_NOINLINE static Long<Bits> LongVarint(const char* p, const char* end) {
    constexpr int kBits = static_cast<int>(sizeof(Bits)) * 8 - 7 * kLast;
    Bits v = 0;
    for (int i = 0; i <= kLast && p != end; ++i) {
      const uint8_t byte = static_cast<uint8_t>(*p++);
      if (i == kLast && byte >> kBits != 0) break;
      v |= static_cast<Bits>(byte & 0x7f) << (7 * i);
      if (byte >= 0x80) continue;
      // The shortest form is the only one, so that equal values have equal bytes.
      if (byte == 0 && i > 0) break;
      return {v, p};
    }
    return {0, nullptr};
  }
  template <typename Bits>
  Bits Take(const Long<Bits>& read) {
    if (read.end == nullptr) return Fail();
    p_ = read.end;
    return read.value;
  }
  uint64_t Fail() {
    ok_ = false;
    p_ = end_;
    return 0;
  }
  const char* p_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace fiscal

#endif  // FISCAL_BASE_CODING_H_
