// Servers as processes of their own, so that memory, processor time and start-up are theirs alone.
#ifndef FISCAL_TESTS_BENCH_PROCESSES_H_
#define FISCAL_TESTS_BENCH_PROCESSES_H_

#include <sys/types.h>

#include <string>
#include <thread>
#include <vector>

namespace fiscal::bench {

class ServerProcess {
 public:
  // Runs `command` and waits until it says on which port it serves. Exits when it doesn't.
  explicit ServerProcess(const std::vector<std::string>& command);
  ~ServerProcess() { Stop(); }

  int port() const { return port_; }
  pid_t pid() const { return pid_; }
  // False once it ended, by itself or killed by others.
  bool running() const;
  // From the start of the process to the line that said it serves.
  double seconds_to_ready() const { return seconds_to_ready_; }
  // Ends it and waits: gracefully, or as a crash would.
  void Stop() { End(15); }
  void Kill() { End(9); }

  // User and system time so far, in seconds.
  double cpu_seconds() const;
  // Resident memory, in MB.
  double resident_mb() const;

 private:
  void End(int signal);

  pid_t pid_ = -1;
  int port_ = 0;
  double seconds_to_ready_ = 0;
  std::thread reader_;
};

// Bytes of all files below a directory.
double DirectoryBytes(const std::string& path);

}  // namespace fiscal::bench

#endif  // FISCAL_TESTS_BENCH_PROCESSES_H_
