#include "tests/corpus/score.h"

#include <algorithm>
#include <ctime>

#include "clients/importer/check.h"

namespace fiscal::corpus {
namespace {

using articulation::CellRef;
using articulation::Diagnosis;
using articulation::Outcome;
using articulation::RuleOutcome;

bool Names(const CellRef& cell, const Label& label) {
  const auto at = [&](int line, const std::string& printed) {
    return cell.line == line && cell.printed == printed;
  };
  if (label.kind == "omitted_row") return false;
  if (at(label.line, label.printed)) return true;
  return std::any_of(label.also.begin(), label.also.end(),
                     [&](const Place& place) { return at(place.line, place.printed); });
}

bool EndsWith(const std::string& text, const std::string& suffix) {
  return text.size() >= suffix.size() &&
         text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

bool AnyNames(const RuleOutcome& outcome, const Label& label) {
  return std::any_of(outcome.cells.begin(), outcome.cells.end(),
                     [&](const CellRef& cell) { return Names(cell, label); });
}

// Where a line is enough: figures of a sentence hang together, and so do those of a row that
// changed places.
bool OnLine(const RuleOutcome& outcome, const Label& label) {
  const bool sentence = StartsWith(outcome.rule, "N-") || StartsWith(outcome.rule, "A-");
  const bool shifted = label.kind == "shifted_row";
  if (label.kind == "omitted_row" || (!sentence && !shifted)) return false;
  return std::any_of(outcome.cells.begin(), outcome.cells.end(), [&](const CellRef& cell) {
    return cell.line == label.line ||
           (shifted && std::any_of(label.also.begin(), label.also.end(),
                                   [&](const Place& place) { return place.line == cell.line; }));
  });
}

bool InTable(const RuleOutcome& outcome, int table) {
  return std::any_of(outcome.cells.begin(), outcome.cells.end(),
                     [&](const CellRef& cell) { return cell.table == table; });
}

// Whether the loss of a row explains the outcome.
bool Misses(const RuleOutcome& outcome, const Label& label) {
  if (label.kind != "omitted_row") return false;
  if (InTable(outcome, label.table)) return true;
  if (std::find(label.rules.begin(), label.rules.end(), outcome.rule) != label.rules.end())
    return true;
  // A sister table or a sentence that still has the row, by its code or name.
  for (const CellRef& cell : outcome.cells) {
    if (EndsWith(cell.row, label.row)) return true;
  }
  if (label.table == 1 && outcome.rule == "X-04b") return true;
  if (label.table == 6 && outcome.rule == "N-12") return true;
  static const char* const kProjectRules[] = {"N-22", "N-23", "N-25", "F-01", "F-03", "F-08"};
  return label.table == 12 && std::find(std::begin(kProjectRules), std::end(kProjectRules),
                                        outcome.rule) != std::end(kProjectRules);
}

bool Detects(const Sample& sample, const RuleOutcome& outcome, const Label& label) {
  if (label.kind != "omitted_row") return AnyNames(outcome, label);
  if (!InTable(outcome, label.table)) return false;
  const bool own =
      std::find(label.rules.begin(), label.rules.end(), outcome.rule) != label.rules.end();
  const bool other = std::any_of(sample.labels.begin(), sample.labels.end(),
                                 [&](const Label& one) { return AnyNames(outcome, one); });
  return own || !other;
}

bool TopThreeNames(const RuleOutcome& outcome, const Label& label) {
  for (size_t i = 0; i < outcome.diagnoses.size() && i < 3; ++i) {
    const Diagnosis& diagnosis = outcome.diagnoses[i];
    if (label.kind == "omitted_row"
            ? diagnosis.kind == "omitted_row" && diagnosis.cell.table == label.table
            : Names(diagnosis.cell, label)) {
      return true;
    }
  }
  return false;
}

double ThreadMilliseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) * 1e3 + double(now.tv_nsec) / 1e6;
}

}  // namespace

bool IsJudgement(const std::string& rule) {
  for (const char* const exact :
       {"N-04", "N-16", "N-18", "N-26", "N-27", "F-04", "F-05", "F-06", "F-07", "X-12"}) {
    if (rule == exact) return true;
  }
  return StartsWith(rule, "TX-") || StartsWith(rule, "X-09");
}

bool IsLinear(const std::string& rule) {
  if (rule == "F-02" || rule == "F-03") return true;
  for (const char* const other : {"T1-07", "T2-02", "X-04b", "X-10", "X-11", "X-12", "X-15"}) {
    if (rule == other) return false;
  }
  if (StartsWith(rule, "TX-") || StartsWith(rule, "X-09")) return false;
  if (rule.find("TREE") != std::string::npos || rule.find("-00") != std::string::npos) return false;
  return StartsWith(rule, "X-") || StartsWith(rule, "T");
}

Score ScoreReport(const Sample& sample, const absl::StatusOr<articulation::Report>& report) {
  Score score;
  for (const Label& label : sample.labels) score.labels.push_back({label.kind});
  if (!report.ok()) {
    score.refusal = report.status();
    return score;
  }
  for (const RuleOutcome& outcome : report->outcomes) {
    if (outcome.outcome != Outcome::kFailed) continue;
    for (size_t i = 0; i < sample.labels.size(); ++i) {
      score.labels[i].in_top_three |= TopThreeNames(outcome, sample.labels[i]);
    }
    if (IsJudgement(outcome.rule)) continue;
    ++score.judged;
    bool right = false;
    for (size_t i = 0; i < sample.labels.size(); ++i) {
      const Label& label = sample.labels[i];
      right |= AnyNames(outcome, label) || OnLine(outcome, label) || Misses(outcome, label);
      score.labels[i].detected |= Detects(sample, outcome, label);
    }
    score.right += right;
    if (!right) score.wrong_rules.push_back(outcome.rule);
    if (sample.labels.empty() && IsLinear(outcome.rule)) ++score.rounding_alarms;
  }
  return score;
}

Score Check(const Sample& sample) {
  const double before = ThreadMilliseconds();
  const absl::StatusOr<articulation::Report> report = importer::CheckDocument(sample.text);
  const double after = ThreadMilliseconds();
  Score score = ScoreReport(sample, report);
  score.cpu_milliseconds = after - before;
  return score;
}

void Totals::Add(const Score& score) {
  ++documents;
  clean += score.labels.empty();
  refused += !score.refusal.ok();
  judged += score.judged;
  right += score.right;
  rounding_alarms += score.rounding_alarms;
  for (const LabelScore& label : score.labels) {
    ++planted;
    detected += label.detected;
    in_top_three += label.detected && label.in_top_three;
  }
}

}  // namespace fiscal::corpus
