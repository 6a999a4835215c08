#include "tests/corpus/corpus.h"

#include <cmath>
#include <map>
#include <set>

#include "gtest/gtest.h"

namespace fiscal::corpus {
namespace {

constexpr uint64_t kRun = 7;
constexpr int kDocuments = 300;

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  return lines;
}

std::vector<std::string> FieldsOf(const std::string& line) {
  std::vector<std::string> fields(1);
  for (const char c : line) {
    if (c == '\t') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

TEST(CorpusTest, SameSeedSameBytes) {
  for (uint64_t i = 0; i < 20; ++i) {
    const uint64_t seed = SampleSeed(kRun, i);
    const Sample first = MakeSample(seed), second = MakeSample(seed);
    EXPECT_EQ(first.text, second.text);
    EXPECT_EQ(LabelsJson({first}, {"a"}), LabelsJson({second}, {"a"}));
    EXPECT_NE(first.text, MakeSample(seed + 1).text);
  }
}

TEST(CorpusTest, CleanFiguresMeetEveryRelationWithinRounding) {
  int relations = 0;
  for (int i = 0; i < kDocuments; ++i) {
    const Clean clean = MakeClean(SampleSeed(kRun, uint64_t(i)));
    for (const Relation& relation : clean.document.relations) {
      ++relations;
      ASSERT_LE(clean.document.Excess(relation), 0)
          << relation.rule << " in " << SampleSeed(kRun, uint64_t(i));
    }
  }
  EXPECT_GT(relations, 10000);
}

// Adds the leaf lines up again, apart from the layouts, and compares them with what T3 prints.
TEST(CorpusTest, PrintedExpenditureIsTheSumOfTheLeafLines) {
  int rows = 0;
  for (int i = 0; i < kDocuments; ++i) {
    const uint64_t seed = SampleSeed(kRun, uint64_t(i));
    const Clean clean = MakeClean(seed);
    std::map<std::string, int64_t> sums;  // code and column -> fen
    for (const Leaf& leaf : clean.ledger.leaves) {
      for (const std::string& code : {std::string("合计"), leaf.functional.substr(0, 3),
                                      leaf.functional.substr(0, 5), leaf.functional}) {
        sums[code + "合计"] += leaf.fen;
        sums[code + (leaf.category == Category::kProject ? "项目支出" : "基本支出")] += leaf.fen;
      }
    }
    for (size_t at = 0; at < clean.document.cells.size(); ++at) {
      const Cell& cell = clean.document.cells[at];
      if (cell.table != 3) continue;
      ++rows;
      const int64_t exact = sums[cell.row + cell.column];
      const int64_t off = std::abs(clean.document.PrintedValue(int(at)) - exact);
      EXPECT_LE(2 * off, cell.style.QuantumFen() > 1 ? cell.style.QuantumFen() : 0)
          << seed << " " << cell.row << " " << cell.column;
    }
  }
  EXPECT_GT(rows, 5000);
}

TEST(CorpusTest, TabbedRowsStandWhereTheirHeadersSay) {
  for (int i = 0; i < kDocuments; ++i) {
    const Clean clean = MakeClean(SampleSeed(kRun, uint64_t(i)));
    if (clean.ledger.form != Form::kShanxi13) continue;
    size_t width = 0;
    for (const std::string& line : LinesOf(Render(clean.document).text)) {
      const std::vector<std::string> fields = FieldsOf(line);
      if (fields[0] == "科目编码") width = fields.size();
      if (line.empty()) width = 0;
      if (width > 0) {
        EXPECT_EQ(fields.size(), width) << line;
      }
    }
  }
}

TEST(CorpusTest, LabelsPointAtWhatStandsThere) {
  for (int i = 0; i < kDocuments; ++i) {
    const Sample sample = MakeSample(SampleSeed(kRun, uint64_t(i)));
    const std::vector<std::string> lines = LinesOf(sample.text);
    for (const Label& label : sample.labels) {
      ASSERT_GE(label.line, 1);
      ASSERT_LE(size_t(label.line), lines.size());
      if (label.kind == "omitted_row") {
        EXPECT_TRUE(label.printed.empty());
      } else {
        EXPECT_NE(label.printed, label.before);
        EXPECT_NE(lines[size_t(label.line) - 1].find(label.printed), std::string::npos)
            << sample.seed << " " << label.kind << " " << label.line << " " << label.printed;
      }
      for (const Place& place : label.also) {
        EXPECT_NE(lines[size_t(place.line) - 1].find(place.printed), std::string::npos)
            << sample.seed << " " << label.kind << " " << place.line;
      }
      EXPECT_FALSE(label.rules.empty()) << sample.seed << " " << label.kind;
    }
  }
}

TEST(CorpusTest, PlantsChangeNothingElse) {
  for (int i = 0; i < kDocuments; ++i) {
    const uint64_t seed = SampleSeed(kRun, uint64_t(i));
    const Sample sample = MakeSample(seed);
    std::set<int> touched;
    bool lost = false;
    for (const Label& label : sample.labels) {
      lost |= label.kind == "omitted_row";
      touched.insert(label.line);
      for (const Place& place : label.also) touched.insert(place.line);
      if (label.kind == "shifted_row") touched.insert({label.line - 1, label.line + 1});
    }
    if (lost) continue;
    const std::vector<std::string> clean = LinesOf(Render(MakeClean(seed).document).text);
    const std::vector<std::string> planted = LinesOf(sample.text);
    ASSERT_EQ(clean.size(), planted.size());
    for (size_t line = 0; line < clean.size(); ++line) {
      if (touched.count(int(line) + 1) == 0) {
        EXPECT_EQ(clean[line], planted[line]) << seed;
      }
    }
  }
}

TEST(CorpusTest, BothFormsAndEveryKindOccur) {
  std::map<std::string, std::set<std::string>> kinds;  // form -> kinds
  std::map<std::string, int> clean;
  for (int i = 0; i < 3 * kDocuments; ++i) {
    const Sample sample = MakeSample(SampleSeed(kRun, uint64_t(i)));
    if (sample.labels.empty()) ++clean[FormName(sample.form)];
    for (const Label& label : sample.labels) kinds[FormName(sample.form)].insert(label.kind);
  }
  for (const char* const form : {"shanxi-13", "shanghai-9"}) {
    EXPECT_GT(clean[form], 3 * kDocuments / 10) << form;
    for (const std::string& kind : ErrorKinds()) {
      EXPECT_EQ(kinds[form].count(kind), 1u) << form << " " << kind;
    }
  }
}

}  // namespace
}  // namespace fiscal::corpus
