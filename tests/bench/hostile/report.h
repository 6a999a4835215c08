// What one run found: a line at a time on stdout, and docs/benchmarks-hostile.md.
#ifndef FISCAL_TESTS_BENCH_HOSTILE_REPORT_H_
#define FISCAL_TESTS_BENCH_HOSTILE_REPORT_H_

#include <map>
#include <string>
#include <vector>

namespace fiscal::bench {

struct Row {
  // A word of its own, by which figures of two commits meet.
  std::string key;
  std::string what;
  double figure = 0;
  double goal = 0;
  bool at_least = false;  // otherwise at most
  // How it came about: absolute figures, and how the hostile calls ended.
  std::string detail;
  // Depends on what else the machine does.
  bool timed = false;
  bool reached() const { return at_least ? figure >= goal : figure <= goal; }
};

class Report {
 public:
  // The rows of a situation follow.
  void Situation(std::string title);
  void Add(Row row);

  // `timed`: those that depend on the machine's other work too.
  bool all_reached(bool timed) const;
  // Keys and figures, for ReadBefore of another run.
  void WriteFigures(const std::string& file) const;
  // Figures of an earlier commit stand beside these in the page.
  void ReadBefore(const std::string& file);
  void WritePage(const std::string& file, const std::string& commit) const;

 private:
  struct Section {
    std::string title;
    std::vector<Row> rows;
  };
  std::vector<Section> sections_;
  std::map<std::string, std::string> before_;
};

}  // namespace fiscal::bench

#endif  // FISCAL_TESTS_BENCH_HOSTILE_REPORT_H_
