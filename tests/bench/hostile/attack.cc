#include "tests/bench/hostile/attack.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace fiscal::bench {

AttackProcess::AttackProcess(const AttackPlan& plan, int port) {
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  const std::string self = std::filesystem::canonical("/proc/self/exe").string();
  const std::vector<std::string> words = {self,
                                          "--attack",
                                          plan.name,
                                          "--port",
                                          absl::StrCat(port),
                                          "--times",
                                          absl::StrCat(plan.times),
                                          "--every-ms",
                                          absl::StrCat(absl::ToInt64Milliseconds(plan.every)),
                                          "--within-ms",
                                          absl::StrCat(absl::ToInt64Milliseconds(plan.within))};
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    // It must not outlive the benchmark.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(ends[1], 1);
    close(ends[0]);
    close(ends[1]);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  close(ends[1]);
  output_ = ends[0];
}

AttackProcess::~AttackProcess() {
  Kill();
  if (output_ >= 0) close(output_);
}

AttackProcess::AttackProcess(AttackProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      output_(std::exchange(other.output_, -1)),
      said_(std::move(other.said_)) {}

bool AttackProcess::ReadUntil(const std::string& word, absl::Time until) {
  char bytes[4096];
  while (!absl::StrContains(said_, word)) {
    pollfd ready = {output_, POLLIN, 0};
    const auto left = absl::ToInt64Milliseconds(until - absl::Now());
    if (left <= 0 || poll(&ready, 1, static_cast<int>(left)) <= 0) return false;
    const ssize_t got = read(output_, bytes, sizeof(bytes));
    if (got <= 0) return false;
    said_.append(bytes, static_cast<size_t>(got));
  }
  return true;
}

bool AttackProcess::AwaitActing(absl::Duration limit) {
  return ReadUntil("acting\n", absl::Now() + limit);
}

std::string AttackProcess::AwaitEnd(absl::Duration limit) {
  const bool ended = ReadUntil("ended\n", absl::Now() + limit);
  Kill();
  if (!ended) return "did not end";
  std::string text = said_.substr(said_.find("acting\n") + 7);
  return text.substr(0, text.find('\n'));
}

void AttackProcess::Kill() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace fiscal::bench
