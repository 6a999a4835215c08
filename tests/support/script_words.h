// Rows of text: how a script is cut into words, and how amounts and refusals are said.
//
//   RowsOf(script) --> a Row for each line: what it says, and the result it names behind =>
#ifndef FISCAL_TESTS_SUPPORT_SCRIPT_WORDS_H_
#define FISCAL_TESTS_SUPPORT_SCRIPT_WORDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "domain/fen.h"
#include "domain/reason.h"

namespace fiscal::testing {

using Words = std::vector<std::string>;

// A row without its comment, and its result; `named` is false without "=>".
struct Row {
  std::string said, result;
  bool named = false;
};
std::vector<Row> RowsOf(absl::string_view script);
std::string Print(const Row& row);

// The words between `begin` and the next `mark` behind it; `begin` is then behind the mark.
Words Until(absl::string_view mark, const Words& words, size_t* begin);

// The word that stands behind "name=" among the words.
const std::string* Find(const Words& words, absl::string_view name, std::string* out);
std::string Get(const Words& words, absl::string_view name, absl::string_view fallback = "");
uint64_t Number(const Words& words, absl::string_view name, uint64_t fallback);
// True when one of the words is `word`.
bool Has(const Words& words, absl::string_view word);

// "-1000.00" or "-1000"; the process ends on anything else.
int64_t ParseFen(absl::string_view yuan);
std::string Yuan(domain::Fen fen);
// "1 line", "2 lines".
std::string Counted(uint64_t n, absl::string_view what);

std::string SayViolations(const std::vector<domain::Violation>& violations);
// Its violations, or its reason; whole where it has none.
std::string SayRefusal(const absl::Status& status);

}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_SUPPORT_SCRIPT_WORDS_H_
