// Data directories made by a served process under load, with everything that was acknowledged.
//
//   MakeBase --(load over gRPC, a kill or a clean end)--> Base: directory, exchanges, log, reads
//     --> Judge
//
// No request is in flight when a process is killed, so that what must be there afterwards is exact;
// crash_test kills with requests in flight.
#ifndef FISCAL_TESTS_CRASH_DAMAGE_BASES_H_
#define FISCAL_TESTS_CRASH_DAMAGE_BASES_H_

#include <memory>
#include <string>
#include <vector>

#include "tests/crash/damage/exchange.h"
#include "tests/crash/damage/log_copy.h"
#include "tests/crash/damage/server_process.h"

namespace fiscal::damage {

struct Base {
  std::string name;
  // <root>/data, as the end of the process left it; <root>/earlier, as it was half-way; nothing
  // writes to either.
  std::string root;
  std::string data() const { return root + "/data"; }
  std::string earlier() const { return root + "/earlier"; }

  // Every acknowledged request with its receipt.
  std::vector<Exchange> acknowledged;
  // Totals, statements, lines and catalogs as of the last position.
  std::vector<Exchange> reads;
  std::string public_key_pem;
  LogCopy log;
  // A statement that was never sent, for the revision that stands.
  Exchange next;
  // What it adds to the grand total of the first of `reads`.
  int64_t next_fen = 0;
  // What a server on a whole copy warns of.
  std::vector<std::string> warnings;
  // Where the system below is served, which must go on as long as the base is asked; 0 for a base
  // without one.
  int upstream_port = 0;
  // What a server on a copy of it in `directory` is started with.
  ServerSettings Settings(const std::string& directory) const;
};

// Warnings and worse among log lines, without what differs from start to start.
std::vector<std::string> WarningsIn(const std::string& said);

// The names MakeBase knows.
std::vector<std::string> BaseNames();
// Makes it below `root`, or takes what an earlier run made there. Aborts with a sentence when a
// base can't be made.
Base MakeBase(const std::string& name, const std::string& root);
// Serves the system below `base` from a copy in `directory`; null for a base without one.
std::unique_ptr<ServerProcess> ServeUpstream(Base& base, const std::string& directory);
// Waits until everything of the systems below is taken over, `at_least` events of each, or one of
// them is not followed, which is said.
std::string AwaitUpstreams(ServerProcess& server, uint64_t at_least = 0);

}  // namespace fiscal::damage

#endif  // FISCAL_TESTS_CRASH_DAMAGE_BASES_H_
