#include "tests/bench/processes.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/time/clock.h"

namespace fiscal::bench {

ServerProcess::ServerProcess(const std::vector<std::string>& command) {
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  const absl::Time start = absl::Now();
  pid_ = fork();
  if (pid_ == 0) {
    // It must not outlive the benchmark, however that ends.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(ends[1], 2);
    close(ends[0]);
    close(ends[1]);
    std::vector<char*> arguments;
    for (const std::string& a : command) arguments.push_back(const_cast<char*>(a.c_str()));
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  close(ends[1]);
  FILE* lines = fdopen(ends[0], "r");
  char line[4096];
  std::string said;
  while (port_ == 0 && std::fgets(line, sizeof(line), lines) != nullptr) {
    said += line;
    // The yardsticks' words, and a field of the server's log.
    for (const char* before : {" on port ", "\"port\":"}) {
      if (const char* at = std::strstr(line, before)) port_ = std::atoi(at + std::strlen(before));
    }
  }
  if (port_ == 0) {
    std::fprintf(stderr, "fiscal-bench: %s did not start:\n%s", command[0].c_str(), said.c_str());
    std::exit(1);
  }
  seconds_to_ready_ = absl::ToDoubleSeconds(absl::Now() - start);
  reader_ = std::thread([lines] {
    char more[4096];
    while (std::fgets(more, sizeof(more), lines) != nullptr) {
      if (std::strstr(more, "critical") != nullptr) std::fputs(more, stderr);
    }
    std::fclose(lines);
  });
}

void ServerProcess::End(int signal) {
  if (pid_ < 0) return;
  kill(pid_, signal);
  int status;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  reader_.join();
}

bool ServerProcess::running() const {
  siginfo_t ended = {};
  return pid_ >= 0 &&
         waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         ended.si_pid == 0;
}

double ServerProcess::cpu_seconds() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skip;
  for (int i = 0; i < 11; ++i) fields >> skip;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double ServerProcess::resident_mb() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("VmRSS:", 0) == 0) return std::atof(line.c_str() + 6) / 1024;
  }
  return 0;
}

double DirectoryBytes(const std::string& path) {
  double bytes = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path, error)) {
    std::error_code gone;
    const auto size = entry.is_regular_file(gone) ? entry.file_size(gone) : 0;
    if (!gone) bytes += static_cast<double>(size);
  }
  return bytes;
}

}  // namespace fiscal::bench
