#include "tests/bench/hostile/report.h"

#include <cmath>
#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "tests/bench/results.h"

namespace fiscal::bench {
namespace {

std::string Figure(double v) {
  const double a = std::fabs(v);
  return absl::StrFormat(a >= 100 || v == 0 ? "%.0f" : a >= 10 ? "%.1f" : "%.2f", v);
}

std::string Goal(const Row& row) {
  return absl::StrCat(row.at_least ? "≥ " : "≤ ", Figure(row.goal));
}

constexpr char kHow[] =
    R"(Each row is a call or a caller that the rules allow, or a flood that no rule stops, and what
it costs others. The server is a process of its own with default settings over 210,000 lines of
10,000 agencies; each hostile caller is another process; all of it shares the same two cores, over
loopback. Ordinary callers read one total, or state 20 lines, one call after the other, each with 5
seconds. Ratios are of one run. Memory is the process's highest over what it took when it was warm;
one that takes more than 3,000 MB is killed there, so that such a figure means "more". "Before" are
figures of the commit f29f5eb, by the same program (`tests/bench/hostile/before.tsv`).
)";

}  // namespace

void Report::Situation(std::string title) {
  std::printf("\n%s\n", title.c_str());
  std::fflush(stdout);
  sections_.push_back({std::move(title), {}});
}

void Report::Add(Row row) {
  std::printf("  %-4s %s: %s, goal %s  (%s)\n", row.reached() ? "ok" : "RED", row.what.c_str(),
              Figure(row.figure).c_str(), Goal(row).c_str(), row.detail.c_str());
  std::fflush(stdout);
  sections_.back().rows.push_back(std::move(row));
}

bool Report::all_reached(bool timed) const {
  for (const Section& s : sections_) {
    for (const Row& row : s.rows) {
      if (!row.reached() && (timed || !row.timed)) return false;
    }
  }
  return true;
}

void Report::WriteFigures(const std::string& file) const {
  std::ofstream out(file);
  for (const Section& s : sections_) {
    for (const Row& row : s.rows) out << row.key << '\t' << Figure(row.figure) << '\n';
  }
}

void Report::ReadBefore(const std::string& file) {
  std::ifstream in(file);
  for (std::string key, figure; std::getline(in, key, '\t') && std::getline(in, figure);)
    before_[key] = figure;
}

void Report::WritePage(const std::string& file, const std::string& commit) const {
  std::ofstream out(file);
  out << "# Hostile callers\n\n    scripts/hostile.sh            # the full run, which writes this "
         "page\n    scripts/hostile.sh --quick    # less of each, under two minutes\n\nMade by "
         "the benchmark itself on "
      << absl::FormatTime("%Y-%m-%d", absl::Now(), absl::UTCTimeZone()) << " from commit " << commit
      << "; " << DescribeMachine() << ".\n\n"
      << kHow;
  for (const Section& s : sections_) {
    out << "\n## " << s.title
        << "\n\n| what | goal | figure | ok | before | how |\n|---|---|---|---|---|---|\n";
    for (const Row& row : s.rows) {
      const auto before = before_.find(row.key);
      out << "| " << row.what << " | " << Goal(row) << " | " << Figure(row.figure) << " | "
          << (row.reached() ? "yes" : "**no**") << " | "
          << (before == before_.end() ? "" : before->second) << " | " << row.detail << " |\n";
    }
  }
}

}  // namespace fiscal::bench
