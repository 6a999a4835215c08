#include "clients/sheets/number_format.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace fiscal::sheets {

NumberFormat BuiltInFormat(int id) {
  NumberFormat format;
  format.date = (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) ||
                (id >= 50 && id <= 58);
  format.scaled = id == 9 || id == 10;
  return format;
}

NumberFormat ReadFormat(absl::string_view code) {
  NumberFormat format;
  if (absl::StartsWithIgnoreCase(code, "General") || absl::StartsWith(code, "G/")) return format;
  int zeros = 0;
  bool fraction = false, placeholders = false, trailing_comma = false;
  for (size_t i = 0; i < code.size() && code[i] != ';'; ++i) {
    const char c = absl::ascii_tolower(static_cast<unsigned char>(code[i]));
    switch (c) {
      case '"': {  // literal text
        const size_t end = std::min(code.find('"', i + 1), code.size());
        if (placeholders && absl::StrContains(code.substr(i, end - i), ".")) format.scaled = true;
        i = end;
        break;
      }
      case '\\':
      case '!':  // the next character is literal; a point between digits divides by eye
        if (placeholders && i + 1 < code.size() && code[i + 1] == '.') format.scaled = true;
        ++i;
        break;
      case '_':
      case '*':
        ++i;
        break;
      case '[': {  // a colour, a locale, a condition, or a duration such as [h]
        const size_t end = std::min(code.find(']', i), code.size());
        const absl::string_view inside = code.substr(i + 1, end - i - 1);
        if (!inside.empty() && inside.find_first_not_of("hHmMsS") == absl::string_view::npos)
          format.date = true;
        i = end;
        break;
      }
      case 'y':
      case 'm':
      case 'd':
      case 'h':
      case 's':
        format.date = true;
        break;
      case '%':
        format.scaled = true;
        break;
      case '0':
      case '#':
      case '?':
        if (c == '0' && !fraction) ++zeros;
        placeholders = true;
        trailing_comma = false;
        break;
      case ',':
        trailing_comma = placeholders;
        break;
      case '.':
        if (trailing_comma) format.scaled = true;
        fraction = true;
        break;
      default:
        break;
    }
  }
  if (trailing_comma) format.scaled = true;
  format.whole_digits_min = std::max(1, zeros);
  return format;
}

}  // namespace fiscal::sheets
