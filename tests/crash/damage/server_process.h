// A server as a child of this program, with what it writes on stderr.
#ifndef FISCAL_TESTS_CRASH_DAMAGE_SERVER_PROCESS_H_
#define FISCAL_TESTS_CRASH_DAMAGE_SERVER_PROCESS_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/crash/damage/exchange.h"

namespace fiscal::damage {

struct ServerSettings {
  std::string data_dir;
  // Small, so that a few megabytes make many files.
  int64_t write_buffer_bytes = 1 << 20;
  // NAME and port of the systems below.
  std::vector<std::pair<std::string, int>> upstreams;
};

class ServerProcess {
 public:
  // Starts one and waits until it serves or has ended, or until `enough`, asked all the time.
  explicit ServerProcess(const ServerSettings& settings,
                         const std::function<bool()>& enough = nullptr);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  bool serves() const { return port_ > 0; }
  int port() const { return port_; }
  // It neither served nor ended in time.
  bool hung() const { return hung_; }
  Caller& caller() { return *caller_; }

  // The status as of waitpid when it has ended, by itself or by End.
  std::optional<int> ended();
  // Waits until it has ended by itself; false when it goes on for longer than it takes to end.
  bool AwaitEnd();
  // Sends the signal, waits, and returns the status as of waitpid. Idempotent.
  int End(int signal);
  // All it wrote so far.
  const std::string& said();

 private:
  void ReadUntilServing(const std::function<bool()>& enough);
  // True until the other side closed.
  bool ReadSome(int timeout_ms);

  pid_t pid_ = -1;
  int stderr_ = -1;
  int port_ = 0;
  bool hung_ = false;
  std::optional<int> status_;
  std::string said_;
  std::unique_ptr<Caller> caller_;
};

}  // namespace fiscal::damage

#endif  // FISCAL_TESTS_CRASH_DAMAGE_SERVER_PROCESS_H_
