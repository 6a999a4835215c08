#include "tests/support/script_words.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/check.h"

namespace fiscal::testing {

std::vector<Row> RowsOf(absl::string_view script) {
  std::vector<Row> rows;
  for (absl::string_view line : absl::StrSplit(script, '\n')) {
    line = absl::StripAsciiWhitespace(line.substr(0, line.find(" #")));
    if (line.empty() || line[0] == '#') continue;
    const size_t arrow = line.find("=>");
    Row row;
    row.said = std::string(absl::StripTrailingAsciiWhitespace(line.substr(0, arrow)));
    row.named = arrow != absl::string_view::npos;
    if (row.named) row.result = std::string(absl::StripAsciiWhitespace(line.substr(arrow + 2)));
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string Print(const Row& row) {
  return row.named ? absl::StrCat(row.said, "  => ", row.result, "\n") : row.said + "\n";
}

int64_t ParseFen(absl::string_view yuan) {
  const bool negative = absl::ConsumePrefix(&yuan, "-");
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(yuan, absl::MaxSplits('.', 1));
  int64_t whole = 0, cents = 0;
  FISCAL_CHECK(absl::SimpleAtoi(parts.first, &whole), "an amount is a number");
  if (!parts.second.empty()) {
    FISCAL_CHECK(parts.second.size() == 2 && absl::SimpleAtoi(parts.second, &cents),
                 "an amount has two decimals or none");
  }
  return (negative ? -1 : 1) * (whole * 100 + cents);
}

std::string Yuan(domain::Fen fen) {
  const domain::Fen size = fen < 0 ? -fen : fen;
  return absl::StrCat(fen < 0 ? "-" : "", domain::FormatFen(size / 100), ".",
                      absl::Dec(static_cast<int>(size % 100), absl::kZeroPad2));
}

std::string Counted(uint64_t n, absl::string_view what) {
  return absl::StrCat(n, " ", what, n == 1 ? "" : "s");
}

Words Until(absl::string_view mark, const Words& words, size_t* begin) {
  const auto from = words.begin() + static_cast<std::ptrdiff_t>(*begin);
  const auto to = std::find(from, words.end(), mark);
  *begin = static_cast<size_t>(to - words.begin()) + (to == words.end() ? 0 : 1);
  return {from, to};
}

const std::string* Find(const Words& words, absl::string_view name, std::string* out) {
  for (const std::string& word : words) {
    absl::string_view rest = word;
    if (!absl::ConsumePrefix(&rest, name) || !absl::ConsumePrefix(&rest, "=")) continue;
    *out = std::string(rest);
    return out;
  }
  return nullptr;
}
std::string Get(const Words& words, absl::string_view name, absl::string_view fallback) {
  std::string value;
  return Find(words, name, &value) != nullptr ? value : std::string(fallback);
}
bool Has(const Words& words, absl::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}
uint64_t Number(const Words& words, absl::string_view name, uint64_t fallback) {
  uint64_t value = fallback;
  const std::string text = Get(words, name);
  if (!text.empty()) FISCAL_CHECK(absl::SimpleAtoi(text, &value), "a number is expected");
  return value;
}

std::string SayViolations(const std::vector<domain::Violation>& violations) {
  return absl::StrJoin(violations, "; ", [](std::string* out, const domain::Violation& v) {
    absl::StrAppend(out, domain::InfoOf(v.reason).id, v.field.empty() ? "" : " ", v.field);
  });
}

std::string SayRefusal(const absl::Status& status) {
  const domain::Explained e = domain::Explain(status);
  if (!e.reason_known) return status.ToString();
  if (!e.refusal.violations.empty()) return SayViolations(e.refusal.violations);
  return std::string(domain::InfoOf(e.refusal.reason).id);
}

}  // namespace fiscal::testing
