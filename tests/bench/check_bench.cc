// fiscal-check-bench: how well the checker finds errors planted into made disclosures, and what it
// costs.
//
//   --documents N   how many documents (2000)
//   --seed S        of the run (1); the same run gives the same documents
//   --dump DIR      also writes the documents and labels.json there
//   --json FILE     also writes the figures as JSON
//   --explain SEED  one document by its own seed, and no run: its text, its labels and what the
//                   checker said
//
// About a third of the documents are clean, the others hold one to three errors. What counts as
// detected, right, refused and so on is defined in tests/corpus/score.h and explained in
// tests/corpus/README.md. The worst misses are listed with their seeds, to be taken apart by
// --explain.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <system_error>
#include <vector>

#include "clients/importer/check.h"
#include "tests/corpus/corpus.h"
#include "tests/corpus/score.h"

namespace fiscal::corpus {
namespace {

constexpr size_t kMissesListedMax = 10;

struct Options {
  int documents = 2000;
  uint64_t seed = 1;
  std::string dump, json;
  bool explains = false;
  uint64_t explain = 0;
};

struct KindTotals {
  int planted = 0, detected = 0, in_top_three = 0;
};

struct FormTotals {
  Totals totals;
  std::map<std::string, KindTotals> kinds;
  std::map<std::string, int> wrong_rules;  // rule -> outcomes that blame no planted cell
  std::vector<double> cpu_milliseconds;

  void Add(const Score& score) {
    totals.Add(score);
    for (const LabelScore& label : score.labels) {
      KindTotals& kind = kinds[label.kind];
      ++kind.planted;
      kind.detected += label.detected;
      kind.in_top_three += label.detected && label.in_top_three;
    }
    for (const std::string& rule : score.wrong_rules) ++wrong_rules[rule];
    cpu_milliseconds.push_back(score.cpu_milliseconds);
  }
  double Quantile(double q) const {
    if (cpu_milliseconds.empty()) return 0;
    std::vector<double> sorted = cpu_milliseconds;
    std::sort(sorted.begin(), sorted.end());
    return sorted[std::min(sorted.size() - 1, size_t(q * double(sorted.size())))];
  }
};

// One document that went worse than it should.
struct Miss {
  uint64_t seed = 0;
  Form form = Form::kShanxi13;
  int weight = 0;
  std::string what;
};

Miss MissOf(const Sample& sample, const Score& score) {
  Miss miss{sample.seed, sample.form, 0, ""};
  const auto add = [&](int weight, const std::string& what) {
    miss.weight += weight;
    miss.what += (miss.what.empty() ? "" : "; ") + what;
  };
  if (!score.refusal.ok()) add(100, "refused: " + std::string(score.refusal.message()));
  if (score.rounding_alarms > 0) {
    add(20 * score.rounding_alarms, std::to_string(score.rounding_alarms) + " rounding alarms");
  }
  std::map<std::string, int> wrong;
  for (const std::string& rule : score.wrong_rules) ++wrong[rule];
  for (const auto& [rule, count] : wrong) {
    add(3 * count, rule + " wrongly" + (count > 1 ? " " + std::to_string(count) + " times" : ""));
  }
  for (size_t i = 0; i < score.labels.size() && score.refusal.ok(); ++i) {
    const Label& label = sample.labels[i];
    const std::string where =
        label.kind + " in T" + std::to_string(label.table) + " line " + std::to_string(label.line);
    if (!score.labels[i].detected) {
      add(10, "missed " + where);
    } else if (!score.labels[i].in_top_three) {
      add(1, "not in top three: " + where);
    }
  }
  return miss;
}

std::string Percent(double share) {
  char text[16];
  std::snprintf(text, sizeof text, "%.2f%%", 100 * share);
  return text;
}

void PrintForm(const std::string& name, const FormTotals& form) {
  const Totals& t = form.totals;
  std::printf("| %s | %d | %d | %d | %s | %s | %s | %d | %.2f | %.2f |\n", name.c_str(),
              t.documents, t.clean, t.refused, Percent(t.Precision()).c_str(),
              Percent(t.Recall()).c_str(), Percent(t.TopThree()).c_str(), t.rounding_alarms,
              form.Quantile(0.5), form.Quantile(0.99));
}

void PrintKinds(const std::map<std::string, FormTotals>& forms) {
  std::printf("\n| error | form | planted | recall | in top three |\n|---|---|---|---|---|\n");
  for (const std::string& kind : ErrorKinds()) {
    for (const auto& [name, form] : forms) {
      const auto it = form.kinds.find(kind);
      if (it == form.kinds.end()) continue;
      const KindTotals& k = it->second;
      std::printf("| %s | %s | %d | %s | %s |\n", kind.c_str(), name.c_str(), k.planted,
                  Percent(double(k.detected) / k.planted).c_str(),
                  k.detected == 0 ? "-" : Percent(double(k.in_top_three) / k.detected).c_str());
    }
  }
}

std::string FormJson(const FormTotals& form) {
  const Totals& t = form.totals;
  char text[512];
  std::snprintf(
      text, sizeof text,
      "{\"documents\": %d, \"clean\": %d, \"refused\": %d, \"judged\": %d, \"right\": %d, "
      "\"planted\": %d, "
      "\"detected\": %d, \"in_top_three\": %d, \"precision\": %.5f, \"recall\": %.5f, "
      "\"top_three\": %.5f, "
      "\"rounding_alarms\": %d, \"cpu_ms_median\": %.4f, \"cpu_ms_p99\": %.4f, \"kinds\": {",
      t.documents, t.clean, t.refused, t.judged, t.right, t.planted, t.detected, t.in_top_three,
      t.Precision(), t.Recall(), t.TopThree(), t.rounding_alarms, form.Quantile(0.5),
      form.Quantile(0.99));
  std::string json = text;
  bool first = true;
  for (const auto& [kind, k] : form.kinds) {
    json += std::string(first ? "" : ", ") + "\"" + kind +
            "\": {\"planted\": " + std::to_string(k.planted) +
            ", \"detected\": " + std::to_string(k.detected) +
            ", \"in_top_three\": " + std::to_string(k.in_top_three) + "}";
    first = false;
  }
  return json + "}}";
}

int Run(const Options& options) {
  if (!options.dump.empty()) {
    std::error_code error;
    std::filesystem::create_directories(options.dump, error);
    if (!DumpSamples(options.dump, options.seed, options.documents)) {
      std::fprintf(stderr, "cannot write into %s\n", options.dump.c_str());
      return 1;
    }
  }
  std::map<std::string, FormTotals> forms;
  FormTotals all;
  std::vector<Miss> misses;
  for (int i = 0; i < options.documents; ++i) {
    const Sample sample = MakeSample(SampleSeed(options.seed, uint64_t(i)));
    const Score score = Check(sample);
    forms[FormName(sample.form)].Add(score);
    all.Add(score);
    const Miss miss = MissOf(sample, score);
    if (miss.weight > 0) misses.push_back(miss);
  }
  std::printf(
      "| form | documents | clean | refused | precision | recall | in top three | rounding alarms "
      "| "
      "CPU ms median | p99 |\n|---|---|---|---|---|---|---|---|---|---|\n");
  for (const auto& [name, form] : forms) PrintForm(name, form);
  PrintForm("all", all);
  PrintKinds(forms);
  if (!all.wrong_rules.empty()) {
    std::printf("\n| rule | outcomes that blame no planted cell |\n|---|---|\n");
    for (const auto& [rule, count] : all.wrong_rules)
      std::printf("| %s | %d |\n", rule.c_str(), count);
  }
  std::stable_sort(misses.begin(), misses.end(),
                   [](const Miss& a, const Miss& b) { return a.weight > b.weight; });
  if (misses.size() > kMissesListedMax) misses.resize(kMissesListedMax);
  if (!misses.empty()) std::printf("\nThe worst misses; take one apart with --explain SEED:\n\n");
  for (const Miss& miss : misses) {
    std::printf("    %llu  %s  %s\n", static_cast<unsigned long long>(miss.seed),
                FormName(miss.form), miss.what.c_str());
  }
  if (!options.json.empty()) {
    std::string json = "{\"seed\": " + std::to_string(options.seed);
    for (const auto& [name, form] : forms) json += ",\n \"" + name + "\": " + FormJson(form);
    std::ofstream file(options.json, std::ios::binary);
    file << json << ",\n \"all\": " << FormJson(all) << "}\n";
    if (!file.good()) {
      std::fprintf(stderr, "cannot write %s\n", options.json.c_str());
      return 1;
    }
  }
  return 0;
}

const char* OutcomeName(articulation::Outcome outcome) {
  switch (outcome) {
    case articulation::Outcome::kPassed:
      return "passed";
    case articulation::Outcome::kRoundingOnly:
      return "rounding only";
    case articulation::Outcome::kFailed:
      return "FAILED";
    case articulation::Outcome::kNotApplicable:
      return "not applicable";
    case articulation::Outcome::kInsufficientData:
      return "insufficient data";
  }
  return "?";
}

void PrintCell(const char* before, const articulation::CellRef& cell) {
  std::printf("%s line %d T%d %s / %s: %s\n", before, cell.line, cell.table, cell.row.c_str(),
              cell.column.c_str(), cell.printed.c_str());
}

int Explain(uint64_t seed) {
  const Sample sample = MakeSample(seed);
  int number = 1;
  for (size_t at = 0; at < sample.text.size(); ++number) {
    const size_t end = std::min(sample.text.find('\n', at), sample.text.size());
    std::printf("%5d  %s\n", number, sample.text.substr(at, end - at).c_str());
    at = end + 1;
  }
  const absl::StatusOr<articulation::Report> report = importer::CheckDocument(sample.text);
  const Score score = ScoreReport(sample, report);
  std::printf("\n%s, seed %llu, %zu planted\n", FormName(sample.form),
              static_cast<unsigned long long>(seed), sample.labels.size());
  for (size_t i = 0; i < sample.labels.size(); ++i) {
    const Label& label = sample.labels[i];
    std::printf("planted %s line %d T%d %s / %s: %s -> %s (%s%s); seen by", label.kind.c_str(),
                label.line, label.table, label.row.c_str(), label.column.c_str(),
                label.before.c_str(), label.printed.c_str(),
                score.labels[i].detected ? "detected" : "MISSED",
                score.labels[i].in_top_three ? ", in top three" : "");
    for (const std::string& rule : label.rules) std::printf(" %s", rule.c_str());
    std::printf("\n");
    for (const Place& place : label.also)
      std::printf("    also line %d: %s\n", place.line, place.printed.c_str());
  }
  if (!report.ok()) {
    std::printf("refused: %s\n", report.status().ToString().c_str());
    return 1;
  }
  for (const articulation::RuleOutcome& outcome : report->outcomes) {
    if (outcome.outcome == articulation::Outcome::kPassed ||
        outcome.outcome == articulation::Outcome::kNotApplicable) {
      continue;
    }
    std::printf("%s %s%s: %s (expected %s, printed %s, difference %s)\n", outcome.rule.c_str(),
                OutcomeName(outcome.outcome), IsJudgement(outcome.rule) ? ", a judgement" : "",
                outcome.message.c_str(), outcome.expected.c_str(), outcome.printed.c_str(),
                outcome.difference.c_str());
    if (outcome.outcome != articulation::Outcome::kFailed) continue;
    for (const articulation::CellRef& cell : outcome.cells) PrintCell("   ", cell);
    for (const articulation::Diagnosis& diagnosis : outcome.diagnoses) {
      PrintCell(("    " + diagnosis.kind + " -> " + diagnosis.suggested + ",").c_str(),
                diagnosis.cell);
    }
  }
  return 0;
}

int Main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    const std::string flag = argv[i];
    if (i + 1 == argc) {
      std::fprintf(stderr, "%s needs a value\n", flag.c_str());
      return 2;
    }
    const char* value = argv[i + 1];
    if (flag == "--documents") {
      options.documents = std::atoi(value);
    } else if (flag == "--seed") {
      options.seed = std::strtoull(value, nullptr, 10);
    } else if (flag == "--dump") {
      options.dump = value;
    } else if (flag == "--json") {
      options.json = value;
    } else if (flag == "--explain") {
      options.explains = true;
      options.explain = std::strtoull(value, nullptr, 10);
    } else {
      std::fprintf(stderr, "no flag %s; see the head of tests/bench/check_bench.cc\n",
                   flag.c_str());
      return 2;
    }
  }
  return options.explains ? Explain(options.explain) : Run(options);
}

}  // namespace
}  // namespace fiscal::corpus

int main(int argc, char** argv) { return fiscal::corpus::Main(argc, argv); }
