#include "clients/cli/read/nearest.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace fiscal::cli {

size_t EditDistance(absl::string_view a, absl::string_view b) {
  // Three rows of the usual table: a swap looks back two.
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::string Nearest(absl::string_view typed, const std::vector<std::string>& words) {
  // What is longer than any name was never one, and would cost its length squared.
  constexpr size_t kTypedMax = 64;
  if (typed.empty() || typed.size() > kTypedMax) return "";
  const std::string folded = absl::AsciiStrToLower(typed);
  const std::string* nearest = nullptr;
  size_t least = std::max<size_t>(1, typed.size() / 3) + 1;
  std::vector<const std::string*> begun;
  for (const std::string& word : words) {
    const std::string folded_word = absl::AsciiStrToLower(word);
    if (absl::StartsWith(folded_word, folded)) begun.push_back(&word);
    const size_t distance = EditDistance(folded, folded_word);
    if (distance < least) {
      least = distance;
      nearest = &word;
    }
  }
  if (nearest != nullptr) return *nearest;
  return begun.size() == 1 ? *begun[0] : "";
}

std::string DidYouMean(absl::string_view typed, const std::vector<std::string>& words) {
  const std::string nearest = Nearest(typed, words);
  return nearest.empty() ? "" : absl::StrCat("; did you mean ", nearest, "?");
}

}  // namespace fiscal::cli
