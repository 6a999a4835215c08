// What both forms have in common: tables by functional code, sentences with figures, and the two
// forms themselves.
#ifndef FISCAL_TESTS_CORPUS_LAYOUT_H_
#define FISCAL_TESTS_CORPUS_LAYOUT_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/corpus/document.h"
#include "tests/corpus/ledger.h"
#include "tests/corpus/random.h"

namespace fiscal::corpus {

Document LayOutShanxi(const Ledger& ledger, Random& random);
Document LayOutShanghai(const Ledger& ledger, Random& random);

// The cells of a table by functional code: rows for 类, 款 and 项; the row of all has the code "".
struct CodeTable {
  std::vector<std::string> codes;  // rising; without ""
  std::map<std::string, std::vector<int>> cells;

  int At(const std::string& code, size_t column) const;
};

// Makes the cells of one table and relates them: the tree under `tree_rule` ("T3" gives T3-H3 and
// T3-H5). `amount(code, column)` is the sum of the leaf lines under a code. An empty `tree_rule`
// relates nothing.
CodeTable AddCodeTable(Document& document, int table, const std::string& tree_rule,
                       const std::set<std::string>& items, const std::vector<std::string>& columns,
                       const MoneyStyle& style,
                       const std::function<int64_t(const std::string&, size_t)>& amount);

// What the lines of a table's rows allow: rows to leave out, neighbours to swap. `line_of` maps a
// code to its lines.
void AllowRowErrors(Document& document, int table, const CodeTable& cells,
                    const std::map<std::string, std::vector<int>>& line_of);

// A paragraph of words and figures.
class Sentence {
 public:
  Sentence(Document& document, bool from_printed)
      : document_(document), from_printed_(from_printed) {
    style_.zero = "0";
  }

  Sentence& operator<<(const std::string& words) {
    pieces_.push_back({words});
    return *this;
  }
  // An amount in 万元, without the unit.
  int Money(const std::string& row, const std::string& column, int64_t fen);
  int Count(const std::string& row, const std::string& column, int64_t count);
  // `part` of `whole` as a percentage, without the sign; `other` is a base that is wrong here.
  int Percent(const std::string& row, const std::string& column, int64_t part, int64_t whole,
              int64_t other);
  void UseCommas(bool commas) { style_.commas = commas; }
  void PrintWholeHundred(bool whole) { whole_hundred_ = whole; }
  const MoneyStyle& style() const { return style_; }
  std::vector<Piece> Take() { return std::move(pieces_); }

 private:
  Document& document_;
  const bool from_printed_;
  MoneyStyle style_;
  bool whole_hundred_ = false;
  std::vector<Piece> pieces_;
};

// Relates a percentage: |sum of terms| / |sum of base|.
void RelatePercent(Document& document, const std::string& rule, int percent,
                   const std::vector<Term>& terms, const std::vector<Term>& base);

std::string Padded(int number, int width);

}  // namespace fiscal::corpus

#endif  // FISCAL_TESTS_CORPUS_LAYOUT_H_
