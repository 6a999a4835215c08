// fiscal-read-bench FILE [RUNS]: the processor time of reading and checking one disclosure, in
// milliseconds.
//
// The first run is cold: it parses the forms, the rules and the lists that ship, compiles the
// forms' patterns, and faults memory in. The warm figure is the median of RUNS further ones (101 if
// not said). Time is the process's own, user and system, so that a busy machine changes it little.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "clients/importer/pdf.h"
#include "clients/importer/reader.h"
#include "domain/articulation/check.h"

namespace {

double CpuMilliseconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) / 1e3;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

struct Spent {
  double read = 0, check = 0;
  double total() const { return read + check; }
};

// False when the document is refused; why is printed.
bool Run(const std::string& bytes, Spent* spent) {
  const double start = CpuMilliseconds();
  std::string text = bytes;
  if (fiscal::importer::IsPdf(bytes)) {
    auto laid_out = fiscal::importer::PdfToText(bytes);
    if (!laid_out.ok()) {
      std::fprintf(stderr, "%s\n", laid_out.status().ToString().c_str());
      return false;
    }
    text = *std::move(laid_out);
  }
  const auto disclosure = fiscal::importer::Read(text);
  if (!disclosure.ok()) {
    std::fprintf(stderr, "%s\n", disclosure.status().ToString().c_str());
    return false;
  }
  const double read = CpuMilliseconds();
  const fiscal::articulation::Report report = fiscal::articulation::Check(*disclosure);
  spent->read = read - start;
  spent->check = CpuMilliseconds() - read;
  return !report.outcomes.empty();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: fiscal-read-bench FILE [RUNS]\n");
    return 2;
  }
  std::ifstream file(argv[1], std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "%s can't be opened\n", argv[1]);
    return 2;
  }
  std::stringstream bytes;
  bytes << file.rdbuf();
  const int runs = argc == 3 ? std::max(1, std::atoi(argv[2])) : 101;

  Spent cold;
  if (!Run(bytes.str(), &cold)) return 1;
  std::vector<Spent> warm(static_cast<size_t>(runs));
  for (Spent& spent : warm) Run(bytes.str(), &spent);
  std::sort(warm.begin(), warm.end(),
            [](const Spent& a, const Spent& b) { return a.total() < b.total(); });
  const Spent& median = warm[warm.size() / 2];
  std::printf("cold %.2f ms (read %.2f, check %.2f)\n", cold.total(), cold.read, cold.check);
  std::printf("warm %.2f ms (read %.2f, check %.2f), median of %d, least %.2f, most %.2f\n",
              median.total(), median.read, median.check, runs, warm.front().total(),
              warm.back().total());
  return 0;
}
