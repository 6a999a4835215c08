// Disclosures made from a seed, with errors whose places are known.
//
//   seed --> Ledger (exact fen) --> Document (printed figures) --> planted errors --> text, labels
//
// Same seed, same bytes. Shares no code with the importer, the rules or the checker. Thread-safe:
// free functions.
#ifndef FISCAL_TESTS_CORPUS_CORPUS_H_
#define FISCAL_TESTS_CORPUS_CORPUS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/corpus/document.h"
#include "tests/corpus/ledger.h"
#include "tests/corpus/plant.h"

namespace fiscal::corpus {

struct Place {
  int line = 0;  // from 1
  std::string printed;
};

struct Label {
  std::string kind;
  int line = 0;         // from 1; for omitted_row the line that now stands where the row stood
  std::string printed;  // what stands there now; empty for omitted_row
  std::string before;   // what stood there
  int table = 0;        // 1 to 13 as in the 13-table form, 0 narrative, 14 performance forms
  std::string row, column;
  std::vector<Place> also;         // further figures the same error moved (shifted_row)
  std::vector<std::string> rules;  // that can see it
};

struct Sample {
  uint64_t seed = 0;
  Form form = Form::kShanxi13;
  std::string text;
  std::vector<Label> labels;  // empty for a clean document
};

const char* FormName(Form form);

// The document before anything is planted, and the money it tells of.
struct Clean {
  Ledger ledger;
  Document document;
};
Clean MakeClean(uint64_t seed);

// A third of all seeds give clean documents, the others hold one to three errors.
Sample MakeSample(uint64_t seed);

// The seed of the nth document of a run.
uint64_t SampleSeed(uint64_t run_seed, uint64_t index);

// Labels of several documents as JSON; `names` are their files' names.
std::string LabelsJson(const std::vector<Sample>& samples, const std::vector<std::string>& names);

// Writes documents and labels.json into a folder that exists. False when a file cannot be written.
bool DumpSamples(const std::string& folder, uint64_t run_seed, int documents);

}  // namespace fiscal::corpus

#endif  // FISCAL_TESTS_CORPUS_CORPUS_H_
