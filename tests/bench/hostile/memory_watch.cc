#include "tests/bench/hostile/memory_watch.h"

#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"

namespace fiscal::bench {
namespace {

// A figure of /proc/PID/status; 0 when the process is gone.
double StatusOf(pid_t pid, absl::string_view name) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, name.size(), name.data(), name.size()) == 0)
      return std::atof(line.c_str() + name.size());
  }
  return 0;
}

}  // namespace

MemoryWatch::MemoryWatch(pid_t pid, double cap_mb)
    : pid_(pid),
      cap_mb_(cap_mb),
      before_mb_(StatusOf(pid, "VmRSS:") / 1024),
      peak_mb_(before_mb_),
      thread_([this] {
        while (!ends_) {
          Look();
          absl::SleepFor(absl::Milliseconds(10));
        }
        Look();
      }) {
  // The kernel's own high-water mark starts again here, so that nothing between two looks is
  // missed.
  std::ofstream(absl::StrCat("/proc/", pid, "/clear_refs")) << "5";
}

MemoryWatch::~MemoryWatch() {
  ends_ = true;
  thread_.join();
}

void MemoryWatch::Look() {
  const double now = StatusOf(pid_, "VmRSS:") / 1024;
  peak_mb_ = std::max<double>(peak_mb_, now);
  threads_ = std::max<double>(threads_, StatusOf(pid_, "Threads:"));
  if (now > cap_mb_ && !killed_) {
    killed_ = true;
    kill(pid_, SIGKILL);
  }
}

}  // namespace fiscal::bench
