// The ledger that is attacked: 210,000 lines of 10,000 agencies, served by a process of its own.
#ifndef FISCAL_TESTS_BENCH_HOSTILE_ARENA_H_
#define FISCAL_TESTS_BENCH_HOSTILE_ARENA_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/hostile/memory_watch.h"
#include "tests/bench/hostile/victim.h"
#include "tests/bench/processes.h"
#include "tests/bench/province.h"

namespace fiscal::bench {

class Arena {
 public:
  // Loads `agencies` statements of 21 lines, after the catalog.
  explicit Arena(uint64_t agencies);
  ~Arena();

  struct How {
    // RLIMIT_NOFILE; 0 leaves it.
    int descriptors = 0;
    std::vector<std::string> flags;
  };
  // Another process over the same data, warm: it has answered reads and taken statements. The one
  // before is killed, which also is what an operator would do.
  ServerProcess& Restart(const How& how);
  ServerProcess& Restart() { return Restart(How()); }
  ServerProcess& server() { return *server_; }
  int port() const { return server_->port(); }

  const Province& province() const { return province_; }
  const Victims& victims() const { return victims_; }
  // The next budget nobody stated yet.
  uint64_t TakeBudget() { return next_++; }
  // Memory above which a server is killed.
  double cap_mb() const { return 3000; }

 private:
  const Province province_;
  std::atomic<uint64_t> next_{0};
  const Victims victims_;
  std::string directory_;
  std::unique_ptr<ServerProcess> server_;
};

}  // namespace fiscal::bench

#endif  // FISCAL_TESTS_BENCH_HOSTILE_ARENA_H_
