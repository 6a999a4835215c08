#include "tests/corpus/corpus.h"

#include <cstdio>
#include <fstream>

#include "tests/corpus/layout.h"

namespace fiscal::corpus {
namespace {

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\t') {
      quoted += "\\t";
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

Label LabelOf(const Document& document, const Rendered& rendered, const Planted& planted) {
  const Cell& cell = document.cells[size_t(planted.cells[0])];
  const auto line_of = [&](const Cell& at) { return rendered.line_numbers[size_t(at.line)]; };
  Label label;
  label.kind = planted.kind;
  label.line = line_of(cell);
  label.printed = cell.gone ? "" : cell.printed;
  label.before = planted.before;
  label.table = cell.table;
  label.row = cell.row;
  label.column = cell.column;
  label.rules = planted.rules;
  for (size_t i = 1; i < planted.cells.size() && !cell.gone; ++i) {
    const Cell& other = document.cells[size_t(planted.cells[i])];
    label.also.push_back({line_of(other), other.printed});
  }
  return label;
}

}  // namespace

const char* FormName(Form form) { return form == Form::kShanxi13 ? "shanxi-13" : "shanghai-9"; }

Clean MakeClean(uint64_t seed) {
  Random random(seed);
  const Form form = random.Chance(50) ? Form::kShanxi13 : Form::kShanghai9;
  Clean clean;
  clean.ledger = MakeLedger(form, random);
  clean.document = form == Form::kShanxi13 ? LayOutShanxi(clean.ledger, random)
                                           : LayOutShanghai(clean.ledger, random);
  return clean;
}

Sample MakeSample(uint64_t seed) {
  Clean clean = MakeClean(seed);
  // A stream of its own: what is planted does not depend on how much the layout drew.
  Random random(seed ^ 0x5EEDED5EEDED5EEDull);
  std::vector<Planted> planted;
  if (!random.Chance(33)) {
    planted = Plant(clean.document, random, int(random.Between(1, 3)));
  }
  const Rendered rendered = Render(clean.document);
  Sample sample;
  sample.seed = seed;
  sample.form = clean.ledger.form;
  sample.text = rendered.text;
  for (const Planted& one : planted)
    sample.labels.push_back(LabelOf(clean.document, rendered, one));
  return sample;
}

uint64_t SampleSeed(uint64_t run_seed, uint64_t index) {
  return Random(run_seed * 1000003 + index).Next() >> 16;
}

std::string LabelsJson(const std::vector<Sample>& samples, const std::vector<std::string>& names) {
  std::string json = "[\n";
  for (size_t i = 0; i < samples.size(); ++i) {
    const Sample& sample = samples[i];
    json += " {\"file\": " + Quoted(names[i]) + ", \"seed\": " + std::to_string(sample.seed) +
            ", \"form\": \"" + FormName(sample.form) + "\", \"labels\": [";
    for (size_t j = 0; j < sample.labels.size(); ++j) {
      const Label& label = sample.labels[j];
      json += (j == 0 ? "\n  " : ",\n  ");
      json += "{\"kind\": " + Quoted(label.kind) + ", \"line\": " + std::to_string(label.line) +
              ", \"printed\": " + Quoted(label.printed) + ", \"before\": " + Quoted(label.before) +
              ", \"table\": " + std::to_string(label.table) + ", \"row\": " + Quoted(label.row) +
              ", \"column\": " + Quoted(label.column) + ", \"also\": [";
      for (size_t k = 0; k < label.also.size(); ++k) {
        json += std::string(k == 0 ? "" : ", ") +
                "{\"line\": " + std::to_string(label.also[k].line) +
                ", \"printed\": " + Quoted(label.also[k].printed) + "}";
      }
      json += "], \"rules\": [";
      for (size_t k = 0; k < label.rules.size(); ++k) {
        json += std::string(k == 0 ? "" : ", ") + Quoted(label.rules[k]);
      }
      json += "]}";
    }
    json += i + 1 < samples.size() ? "]},\n" : "]}\n";
  }
  return json + "]\n";
}

bool DumpSamples(const std::string& folder, uint64_t run_seed, int documents) {
  std::vector<Sample> samples;
  std::vector<std::string> names;
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream file(folder + "/" + name, std::ios::binary);
    file << text;
    return file.good();
  };
  for (int i = 0; i < documents; ++i) {
    samples.push_back(MakeSample(SampleSeed(run_seed, uint64_t(i))));
    names.push_back(std::string(FormName(samples.back().form)) + "-" +
                    std::to_string(samples.back().seed) + ".txt");
    if (!write(names.back(), samples.back().text)) return false;
  }
  return write("labels.json", LabelsJson(samples, names));
}

}  // namespace fiscal::corpus
