#include "tests/bench/results.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace fiscal::bench {
namespace {

std::string Figure(double v) {
  if (v == 0) return "0";
  const double a = std::fabs(v);
  return absl::StrFormat(a >= 100 ? "%.0f" : a >= 10 ? "%.1f" : a >= 1 ? "%.2f" : "%.3f", v);
}

std::string Quoted(const std::string& s) {
  return absl::StrCat("\"", absl::StrReplaceAll(s, {{"\\", "\\\\"}, {"\"", "\\\""}}), "\"");
}

std::string Goal(const Measure& m) {
  std::string goal = absl::StrCat(m.at_least ? "≥ " : "≤ ", Figure(m.goal));
  if (m.floor != 0) absl::StrAppend(&goal, " (floor ", Figure(m.floor), ")");
  return goal;
}

constexpr char kHow[] =
    R"(The servers are processes of their own, the client another, over loopback TCP on the same
two cores. Ours and the yardsticks take turns in one run, so only ratios count: a shared machine
drifts. Durability is the product's own, log and anchor are synced before each receipt; all checks,
the hash chain, history and the catalog are on; `admin verify` recomputed every total and agreed
before these figures were written. Every bulk statement is a new one.

The data is a province made from numbers (`tests/bench/province.cc`): 11 cities, 117 counties,
20,000 agencies, the shipped code lists, 5 to 200 lines a budget where nothing else is said, about
68 bytes a line. Nearly every line of a small budget is a cell of its own. Agencies report county by
county, the kindest order there is, but where a row says otherwise: from four places at once, each
county by county, or in random order, as it happens.

- **null sink**: the same gRPC method with nothing behind it: it parses each frame on an arena,
  forgets it and answers. **A sink that doesn't parse** takes the bytes and answers; it stands
  beside it as the stricter yardstick. The limits the goals were set against (docs/adr/0006) are
  those of the first.
- Bulk is timed until the last line is in the totals, not only until the last receipt.
- **PostgreSQL**: one COPY and one transaction a budget of 1,000 lines, a statement trigger that
  keeps the same cells. **ClickHouse, DuckDB** (`--peers`): in a process of their own, without a
  network, each such budget a durable insert from a file of tab-separated rows that also brings its
  cells up to date (`tests/bench/peers.py`).
- **raw RocksDB**: the frames' bytes as values, a sync for every 16.
- **disk against wire**: everything on disk after a full compaction, log, heads, postings and every
  state of every total, against the serialised requests.
- A cost per line is the server's processor time, flushes and compactions included, over all lines
  since the point before; as the machine drifts between the points, the ratio compares it in arena
  parses of a line, timed at each point. Submits at half load are timed one at a time beside a
  stream paced at half the rate just measured, so compactions of that load fall among them.
- **Pages** of 10 lines are asked for one after the other, on from the place before. The readers
  beside submits and point totals are on 16 connections, on the same two cores, and ask as fast as
  they are answered.
- **Watchers** look at all divisions and some 870 departments by functional code of three levels, so
  each change concerns three or four of them, the province's every one. Their memory is the growth
  of the server's resident memory by 1,000 more that are level and hear nothing. 2,000 lines change
  a second, in whole budgets or each by itself; every delivery is timed, and none may be missing.
)";

}  // namespace

void Results::Add(Measure m) {
  std::string line = absl::StrCat(m.what, ": ", Figure(m.ratio.median()));
  if (m.ratio.values.size() > 1) {
    absl::StrAppend(&line, " (min ", Figure(m.ratio.Quantile(0)), ", max ",
                    Figure(m.ratio.Quantile(1)), ")");
  }
  if (!m.ours.empty()) absl::StrAppend(&line, "  ", m.ours);
  if (!m.yardstick.empty()) absl::StrAppend(&line, " against ", m.yardstick);
  if (m.goal != 0) absl::StrAppend(&line, "; goal ", Goal(m), m.reached() ? "" : ": NOT REACHED");
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
  measures.push_back(std::move(m));
}

void Results::Note(std::string what, std::string figure) {
  std::printf("  %s: %s\n", what.c_str(), figure.c_str());
  std::fflush(stdout);
  notes.emplace_back(std::move(what), std::move(figure));
}

void Results::WriteJson(const std::string& file) const {
  std::ofstream out(file);
  out << "{\n  \"quick\": " << (quick ? "true" : "false") << ",\n  \"date\": " << Quoted(date)
      << ",\n  \"commit\": " << Quoted(commit) << ",\n  \"machine\": " << Quoted(machine)
      << ",\n  \"durability\": \"fdatasync of the log and of the anchor before each receipt\""
      << ",\n  \"ratios\": {";
  const char* separator = "\n";
  for (const Measure& m : measures) {
    out << separator << "    " << Quoted(m.key) << ": "
        << absl::StrFormat("%.6g", m.ratio.median());
    separator = ",\n";
  }
  out << "\n  },\n  \"measures\": [";
  separator = "\n";
  for (const Measure& m : measures) {
    out << separator
        << absl::StrFormat(
               "    {\"key\": %s, \"what\": %s, \"min\": %.6g, \"median\": %.6g, \"max\": %.6g, "
               "\"goal\": %.6g, \"reached\": %s, \"ours\": %s, \"yardstick\": %s}",
               Quoted(m.key), Quoted(m.what), m.ratio.Quantile(0), m.ratio.median(),
               m.ratio.Quantile(1), m.goal, m.goal == 0 || m.reached() ? "true" : "false",
               Quoted(m.ours), Quoted(m.yardstick));
    separator = ",\n";
  }
  out << "\n  ],\n  \"growth\": [";
  separator = "\n";
  for (const GrowthPoint& g : growth) {
    out << separator
        << absl::StrFormat(
               "    {\"lines\": %.0f, \"cpu_us_per_line\": %.4g, \"parses_per_line\": %.4g, "
               "\"lines_per_second\": %.6g, "
               "\"submit_p50_ms\": %.4g, \"submit_p999_ms\": %.4g, \"resident_mb\": %.4g, "
               "\"disk_bytes_per_line\": %.4g, \"compacted_bytes_per_line\": %.4g, "
               "\"wire_bytes_per_line\": %.4g, \"restart_seconds\": %.4g, "
               "\"restart_after_kill_seconds\": %.4g, \"rebuild_lines_per_second\": %.6g}",
               g.lines, g.cpu_us_per_line, g.parses_per_line, g.wall_rate, g.submit_p50_ms,
               g.submit_p999_ms, g.resident_mb, g.disk_bytes_per_line, g.compacted_bytes_per_line,
               g.wire_bytes_per_line, g.restart_seconds, g.restart_after_kill_seconds,
               g.rebuild_rate);
    separator = ",\n";
  }
  out << "\n  ],\n  \"notes\": {";
  separator = "\n";
  for (const auto& [what, figure] : notes) {
    out << separator << "    " << Quoted(what) << ": " << Quoted(figure);
    separator = ",\n";
  }
  out << "\n  }\n}\n";
}

void Results::WriteReport(const std::string& directory) const {
  std::ofstream out(directory + "/benchmarks.md");
  out << "# Benchmarks\n\n    scripts/bench.sh            # "
      << "the full run, which writes this page\n"
      << "    scripts/bench.sh --quick    # smaller sizes, a few minutes\n\n"
      << "Made by the benchmark itself on " << date << " from commit " << commit << "; " << machine
      << (quick ? ". **A quick run: sizes are scaled down.**" : ".") << "\n\n"
      << kHow << "\n## Goals\n\n| what | median | min … max | goal | reached | ours | against |\n"
      << "|---|---|---|---|---|---|---|\n";
  for (const Measure& m : measures) {
    out << "| " << m.what << " | " << Figure(m.ratio.median()) << " | "
        << (m.ratio.values.size() > 1
                ? absl::StrCat(Figure(m.ratio.Quantile(0)), " … ", Figure(m.ratio.Quantile(1)))
                : "")
        << " | " << (m.goal == 0 ? "" : Goal(m)) << " | "
        << (m.goal == 0   ? ""
            : m.reached() ? "yes"
                          : "**no**")
        << " | " << m.ours << " | " << m.yardstick << " |\n";
  }
  out << "\n## Growth\n\n![cost, memory and disk as the store grows](benchmarks-growth.svg)\n\n"
      << "| lines | server µs/line (parses) | M lines/s | submit at half load p50 / p99.9 ms | "
         "resident MB "
         "| "
         "disk B/line, compacted, wire | restart s, after kill -9 | rebuild M lines/s |\n"
      << "|---|---|---|---|---|---|---|---|\n";
  for (const GrowthPoint& g : growth) {
    out << "| " << Figure(g.lines / 1e6) << " M | " << Figure(g.cpu_us_per_line) << " ("
        << Figure(g.parses_per_line) << ") | " << Figure(g.wall_rate / 1e6) << " | "
        << Figure(g.submit_p50_ms) << " / " << Figure(g.submit_p999_ms) << " | "
        << Figure(g.resident_mb) << " | " << Figure(g.disk_bytes_per_line) << ", "
        << (g.compacted_bytes_per_line == 0 ? "–" : Figure(g.compacted_bytes_per_line)) << ", "
        << Figure(g.wire_bytes_per_line) << " | " << Figure(g.restart_seconds) << ", "
        << Figure(g.restart_after_kill_seconds) << " | "
        << (g.rebuild_rate == 0 ? "–" : Figure(g.rebuild_rate / 1e6)) << " |\n";
  }
  out << "\n## Beside the goals\n\n| what | figure |\n|---|---|\n";
  for (const auto& [what, figure] : notes) out << "| " << what << " | " << figure << " |\n";
  out << "\nWhat was tried to get here, with figures: docs/adr/0006-cost-of-a-line.md.\n"
         "Reading and checking disclosures: docs/benchmarks-checking.md.\n";

  // Three small plots side by side, each from 0 to its largest value.
  struct Curve {
    const char* title;
    double GrowthPoint::*value;
  };
  const Curve curves[] = {{"server µs per line", &GrowthPoint::cpu_us_per_line},
                          {"resident MB", &GrowthPoint::resident_mb},
                          {"bytes on disk per line", &GrowthPoint::disk_bytes_per_line},
                          {"restart, seconds", &GrowthPoint::restart_seconds}};
  std::ofstream svg(directory + "/benchmarks-growth.svg");
  svg << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"960\" height=\"240\" "
         "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"960\" height=\"240\" "
         "fill=\"white\"/>\n";
  double most = 1;
  for (const GrowthPoint& g : growth) most = std::max(most, g.lines);
  for (size_t c = 0; c < 4; ++c) {
    const double left = 40 + 240 * static_cast<double>(c), top = 40, width = 170, height = 150;
    double largest = 1e-9;
    for (const GrowthPoint& g : growth) largest = std::max(largest, g.*curves[c].value);
    svg << absl::StrFormat("<text x=\"%.0f\" y=\"22\" font-weight=\"bold\">%s</text>\n", left,
                           curves[c].title)
        << absl::StrFormat("<path d=\"M%.0f %.0fV%.0fH%.0f\" fill=\"none\" stroke=\"#444\"/>\n",
                           left, top, top + height, left + width)
        << absl::StrFormat("<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\">%s</text>\n", left - 4,
                           top + 8, Figure(largest))
        << absl::StrFormat("<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\">0</text>\n", left - 4,
                           top + height)
        << absl::StrFormat("<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\">%s M lines</text>\n",
                           left + width, top + height + 18, Figure(most / 1e6));
    std::string points;
    for (const GrowthPoint& g : growth) {
      const double x = left + width * g.lines / most,
                   y = top + height * (1 - g.*curves[c].value / largest);
      absl::StrAppend(&points, points.empty() ? "" : " ", absl::StrFormat("%.1f,%.1f", x, y));
      svg << absl::StrFormat("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"#1f5fa8\"/>\n", x, y);
    }
    svg << "<polyline points=\"" << points
        << "\" fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"2\"/>\n";
  }
  svg << "</svg>\n";
}

std::string DescribeMachine() {
  std::string model = "unknown processor";
  std::ifstream cpu("/proc/cpuinfo");
  for (std::string line; std::getline(cpu, line);) {
    if (line.rfind("model name", 0) == 0) {
      model = line.substr(line.find(':') + 2);
      break;
    }
  }
  const double gib = static_cast<double>(sysconf(_SC_PHYS_PAGES)) *
                     static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 30);
  return absl::StrFormat("%d cores of %s, %.0f GiB", sysconf(_SC_NPROCESSORS_ONLN), model, gib);
}

}  // namespace fiscal::bench
