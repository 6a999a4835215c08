#include "clients/sheets/kept_text.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace fiscal::sheets {
namespace {

// Signs that begin what a spreadsheet may take for a formula, in either width.
constexpr absl::string_view kFormulaSigns[] = {"=", "+", "-", "@", "＝", "＋", "－", "＠"};

// Apostrophes in front don't change the answer, so that one more can be told from those of the
// text.
bool NeedsApostrophe(absl::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of('\''), text.size()));
  if (Trim(text).size() != text.size()) return true;
  return std::any_of(std::begin(kFormulaSigns), std::end(kFormulaSigns),
                     [text](absl::string_view sign) { return absl::StartsWith(text, sign); });
}

}  // namespace

absl::string_view Trim(absl::string_view text) {
  while (true) {
    const size_t before = text.size();
    text = absl::StripAsciiWhitespace(text);
    for (absl::string_view blank : {"\u3000", "\u00a0"}) {
      absl::ConsumePrefix(&text, blank);
      absl::ConsumeSuffix(&text, blank);
    }
    if (text.size() == before) return text;
  }
}

std::string KeptText(absl::string_view text) {
  return NeedsApostrophe(text) ? absl::StrCat("'", text) : std::string(text);
}

absl::string_view TextOf(absl::string_view cell) {
  absl::string_view text = cell;
  if (absl::ConsumePrefix(&text, "'") && NeedsApostrophe(text)) return text;
  return Trim(cell);
}

}  // namespace fiscal::sheets
