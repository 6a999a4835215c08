// How well the checker finds planted errors.
//
//   Sample --> CheckDocument --> report --> Score against the labels
//
// Definitions, the same for the benchmark and the test:
//
//   judged       a failed outcome counts, unless its rule is a warning that leaves the matter to a
//                reader: N-04, N-16, N-18, N-26, N-27, TX-*, F-04 to F-07, X-09*, X-12.
//   right        one of the outcome's cells is a planted one (same document line, same printed
//                text). A planted line is enough for rules on the narrative (N-, A-) and for rows
//                that changed places. For a lost row: a cell of its table, the same row in another
//                table, or a rule that can only see the loss (the label names them; X-04b for T1,
//                N-12 for T6, counts and forms of projects for T12).
//   precision    right outcomes of judged ones.
//   detected     some judged outcome has the planted cell among its cells; for a lost row a cell of
//                its table, where no other planted error explains the outcome.
//   recall       detected errors of planted ones. Errors in refused documents are missed.
//   in top three some failed outcome's first three diagnoses name the planted cell; for a lost row
//                omitted_row in its table. Counted among detected errors.
//   rounding     failed linear outcomes (equations between cells of tables) in clean documents:
//                each blames rounding.
//   refused      CheckDocument returned an error for a document that is made to be readable.
//
// Pure functions except Check, which reads the thread's processor clock.
#ifndef FISCAL_TESTS_CORPUS_SCORE_H_
#define FISCAL_TESTS_CORPUS_SCORE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "domain/articulation/report.h"
#include "tests/corpus/corpus.h"

namespace fiscal::corpus {

struct LabelScore {
  std::string kind;
  bool detected = false;
  bool in_top_three = false;
};

struct Score {
  absl::Status refusal;
  std::vector<LabelScore> labels;  // as in the sample
  int judged = 0;
  int right = 0;
  std::vector<std::string> wrong_rules;  // of judged outcomes that are not right
  int rounding_alarms = 0;
  double cpu_milliseconds = 0;
};

// True for rules whose failure is a judgement.
bool IsJudgement(const std::string& rule);
// True for equations between cells of tables and forms.
bool IsLinear(const std::string& rule);

Score ScoreReport(const Sample& sample, const absl::StatusOr<articulation::Report>& report);

// Runs the checker over a sample and scores what it says.
Score Check(const Sample& sample);

struct Totals {
  int documents = 0, clean = 0, refused = 0;
  int judged = 0, right = 0;
  int planted = 0, detected = 0, in_top_three = 0;
  int rounding_alarms = 0;

  void Add(const Score& score);
  double Precision() const { return judged == 0 ? 1 : double(right) / judged; }
  double Recall() const { return planted == 0 ? 1 : double(detected) / planted; }
  double TopThree() const { return detected == 0 ? 1 : double(in_top_three) / detected; }
};

}  // namespace fiscal::corpus

#endif  // FISCAL_TESTS_CORPUS_SCORE_H_
