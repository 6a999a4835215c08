// Plants errors that happen in practice into the printed figures of a document.
//
// Only a figure that some relation can see is changed, and only by more than rounding explains:
// after each plant, every error planted so far still breaks a relation that holds its cell. No two
// errors share a line.
#ifndef FISCAL_TESTS_CORPUS_PLANT_H_
#define FISCAL_TESTS_CORPUS_PLANT_H_

#include <string>
#include <vector>

#include "tests/corpus/document.h"
#include "tests/corpus/random.h"

namespace fiscal::corpus {

struct Planted {
  std::string kind;
  std::vector<int>
      cells;  // the changed ones, the telling one first; for omitted_row those that are gone
  std::string before;              // what stood in the first
  std::vector<std::string> rules;  // that see it, judged by the corpus itself
};

// The kinds, in the order reports print them.
const std::vector<std::string>& ErrorKinds();

// Plants up to `count` errors; fewer where the document is too small for more.
std::vector<Planted> Plant(Document& document, Random& random, int count);

}  // namespace fiscal::corpus

#endif  // FISCAL_TESTS_CORPUS_PLANT_H_
