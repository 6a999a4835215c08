#include "domain/disclosure/names.h"

#include <utf8proc.h>

#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace fiscal::disclosure {
namespace {

constexpr absl::string_view kNumbers[] = {"一", "二", "三", "四", "五",
                                          "六", "七", "八", "九", "十"};

bool IsBlankCharacter(absl::string_view s) {
  return s == "\xc2\xa0" || s == "\xe3\x80\x80" || s == "\xef\xbb\xbf" || s == "\xe2\x80\x8b" ||
         s == "\xe2\x80\x8c" || s == "\xe2\x80\x8d";
}

// The characters most text is made of, which NFKC leaves as they are: CJK ideographs of the main
// block, 、 。 《 》 and quotes.
bool IsPlain(absl::string_view s) {
  if (s.size() != 3) return false;
  const unsigned a = static_cast<unsigned char>(s[0]), b = static_cast<unsigned char>(s[1]);
  if (a >= 0xe5 && a <= 0xe9) return a < 0xe9 || b < 0xbf;
  if (a == 0xe4) return b >= 0xb8;
  return s == "、" || s == "。" || s == "“" || s == "”" || s == "《" || s == "》";
}

}  // namespace

std::string FoldName(absl::string_view name) {
  std::string out;
  out.reserve(name.size());
  bool plain = true;
  for (size_t i = 0; i < name.size();) {
    const unsigned char c = static_cast<unsigned char>(name[i]);
    if (c < 0x80) {
      if (c > ' ' && c != 0x7f) out += static_cast<char>(c);
      ++i;
      continue;
    }
    const size_t n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    const absl::string_view s = name.substr(i, n);
    i += n;
    if (IsBlankCharacter(s)) continue;
    plain = plain && IsPlain(s);
    out.append(s.data(), s.size());
  }
  if (plain) return out;
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t size = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(out.data()),
      static_cast<utf8proc_ssize_t>(out.size()), &mapped,
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT));
  // Bytes that are not UTF-8 are compared as they are.
  if (size < 0) return out;
  std::string folded;
  folded.reserve(static_cast<size_t>(size));
  for (utf8proc_ssize_t i = 0; i < size; ++i) {
    if (mapped[i] != ' ') folded += static_cast<char>(mapped[i]);
  }
  std::free(mapped);
  return folded;
}

bool HasChineseOrdinal(absl::string_view text) {
  size_t i = 0;
  while (i + 3 <= text.size()) {
    bool number = false;
    for (absl::string_view n : kNumbers) number = number || text.substr(i, 3) == n;
    if (!number) break;
    i += 3;
  }
  return i > 0 && absl::StartsWith(text.substr(i), "、");
}

absl::string_view WithoutOrdinal(absl::string_view folded) {
  if (HasChineseOrdinal(folded)) return folded.substr(folded.find("、") + 3);
  if (absl::StartsWith(folded, "(")) {
    const size_t close = folded.find(')');
    if (close != absl::string_view::npos && close <= 8 && close + 1 < folded.size()) {
      bool counts = true;
      for (size_t i = 1; i < close;) {
        if (absl::ascii_isdigit(folded[i])) {
          ++i;
          continue;
        }
        bool number = false;
        for (absl::string_view n : kNumbers) number = number || folded.substr(i, 3) == n;
        counts = counts && number;
        i += 3;
      }
      if (counts) return WithoutOrdinal(folded.substr(close + 1));
    }
  }
  size_t digits = 0;
  while (digits < folded.size() && absl::ascii_isdigit(folded[digits])) ++digits;
  if (digits > 0 && digits <= 2 && digits < folded.size()) {
    const absl::string_view rest = folded.substr(digits);
    if (rest[0] == '.') return rest.substr(1);
    if (absl::StartsWith(rest, "、")) return rest.substr(3);
    // A circled digit, as NFKC leaves it.
    if (digits == 1 && static_cast<unsigned char>(rest[0]) >= 0xe4) return rest;
  }
  if (absl::StartsWith(folded, "其中:")) return folded.substr(absl::string_view("其中:").size());
  return folded;
}

std::string ChineseNumber(int n) {
  std::string out;
  if (n >= 20) out.append(kNumbers[n / 10 - 1].data(), 3);
  if (n >= 10) out += "十";
  if (n % 10 != 0) out.append(kNumbers[n % 10 - 1].data(), 3);
  return out;
}

}  // namespace fiscal::disclosure
