#include "base/text.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace fiscal {
namespace {

// More of a value than this says nothing more about what is wrong with it.
constexpr size_t kShownBytesMax = 120;

// Decodes one code point; returns its length or 0 for malformed, overlong, surrogate or too large.
size_t Decode(const unsigned char* p, size_t left, uint32_t* cp) {
  if (p[0] < 0x80) {
    *cp = p[0];
    return 1;
  }
  size_t n;
  uint32_t v, min;
  if ((p[0] & 0xe0) == 0xc0) {
    n = 2, v = p[0] & 0x1f, min = 0x80;
  } else if ((p[0] & 0xf0) == 0xe0) {
    n = 3, v = p[0] & 0x0f, min = 0x800;
  } else if ((p[0] & 0xf8) == 0xf0) {
    n = 4, v = p[0] & 0x07, min = 0x10000;
  } else {
    return 0;
  }
  if (left < n) return 0;
  for (size_t i = 1; i < n; ++i) {
    if ((p[i] & 0xc0) != 0x80) return 0;
    v = (v << 6) | (p[i] & 0x3f);
  }
  if (v < min || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff)) return 0;
  *cp = v;
  return n;
}

constexpr uint64_t kHighBits = 0x8080808080808080u;

template <typename Word>
Word Load(const char* p) {
  Word word;
  std::memcpy(&word, p, sizeof(word));
  return word;
}

// Most text is. Words at a time, of which the last two may overlap.
bool IsAscii(absl::string_view text) {
  const char* p = text.data();
  size_t n = text.size();
  uint64_t bits = 0;
  if (n >= 8) {
    for (; n > 8; n -= 8, p += 8) bits |= Load<uint64_t>(p);
    bits |= Load<uint64_t>(p + n - 8);
  } else if (n >= 4) {
    bits = Load<uint32_t>(p) | Load<uint32_t>(p + n - 4);
  } else {
    for (size_t i = 0; i < n; ++i) bits |= static_cast<uint8_t>(p[i]);
  }
  return (bits & kHighBits) == 0;
}

TextFault FaultOf(uint32_t cp, bool multiline) {
  if (cp < 0x20) {
    const bool space = cp == '\t' || cp == '\n' || cp == '\r';
    return space && multiline ? TextFault::kNone : TextFault::kControl;
  }
  if (cp >= 0x7f && cp < 0xa0) return TextFault::kControl;
  if (cp == 0x2028 || cp == 0x2029) return TextFault::kControl;
  if (cp == 0x61c || cp == 0x200e || cp == 0x200f || (cp >= 0x202a && cp <= 0x202e) ||
      (cp >= 0x2066 && cp <= 0x2069)) {
    return TextFault::kBidi;
  }
  if ((cp >= 0xfdd0 && cp <= 0xfdef) || (cp & 0xfffe) == 0xfffe) return TextFault::kNoncharacter;
  return TextFault::kNone;
}

}  // namespace

TextFault CheckText(absl::string_view text, bool multiline) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* end = p + text.size();
  while (p != end) {
    uint32_t cp;
    const size_t n = Decode(p, static_cast<size_t>(end - p), &cp);
    if (n == 0) return TextFault::kInvalidUtf8;
    const TextFault fault = FaultOf(cp, multiline);
    if (fault != TextFault::kNone) return fault;
    p += n;
  }
  return TextFault::kNone;
}

bool IsUtf8(absl::string_view text) {
  if (IsAscii(text)) return true;
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* end = p + text.size();
  while (p != end) {
    uint32_t cp;
    const size_t n = Decode(p, static_cast<size_t>(end - p), &cp);
    if (n == 0) return false;
    p += n;
  }
  return true;
}

absl::string_view Describe(TextFault fault) {
  switch (fault) {
    case TextFault::kNone:
      return "nothing wrong";
    case TextFault::kInvalidUtf8:
      return "bytes that are not UTF-8";
    case TextFault::kControl:
      return "a control character";
    case TextFault::kBidi:
      return "a bidirectional control";
    case TextFault::kNoncharacter:
      return "a Unicode noncharacter";
  }
  return "";
}

absl::string_view DescribeZh(TextFault fault) {
  switch (fault) {
    case TextFault::kNone:
      return "正常字符";
    case TextFault::kInvalidUtf8:
      return "非UTF-8的字节";
    case TextFault::kControl:
      return "控制字符";
    case TextFault::kBidi:
      return "双向文字控制符";
    case TextFault::kNoncharacter:
      return "Unicode非字符";
  }
  return "";
}

bool IsIdentifier(absl::string_view text) {
  // Of bytes below 0x80, those of 0x21 and more carry into the high bit, and 0x7f with one more.
  constexpr uint64_t kEach = 0x0101010101010101u;
  const char* p = text.data();
  size_t n = text.size();
  for (; n >= 8; n -= 8, p += 8) {
    const uint64_t word = Load<uint64_t>(p);
    if (((word | ~(word + 0x5f * kEach) | (word + kEach)) & kHighBits) != 0) return false;
  }
  return std::all_of(p, p + n, [](char c) { return c > 0x20 && c < 0x7f; });
}

size_t CountCharacters(absl::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string Shown(absl::string_view text) {
  const bool utf8 = IsUtf8(text);
  std::string shown;
  for (size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    const bool starts = (c & 0xc0) != 0x80;
    if (shown.size() >= kShownBytesMax && (starts || !utf8)) return shown + "...";
    if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8)) {
      absl::StrAppend(&shown, absl::CHexEscape(text.substr(i, 1)));
    } else {
      shown.push_back(text[i]);
    }
  }
  return shown;
}

std::string Cut(std::string text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return absl::StrCat(absl::string_view(text).substr(0, end), "...");
}

}  // namespace fiscal
