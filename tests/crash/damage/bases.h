// Data directories made by a served process under load, with everything that was acknowledged.
//
//   MakeBase --(load over gRPC, a kill or a clean end)--> Base: directory, exchanges, log, reads --> Judge
//
// No request is in flight when a process is killed, so that what must be there afterwards is exact; crash_test kills with
// requests in flight.
#ifndef FISCAL_TESTS_CRASH_DAMAGE_BASES_H_
#define FISCAL_TESTS_CRASH_DAMAGE_BASES_H_

#include <string>
#include <vector>

#include "tests/crash/damage/exchange.h"
#include "tests/crash/damage/log_copy.h"

namespace fiscal::damage {

struct Base {
  std::string name;
  // <root>/data, as the end of the process left it; <root>/earlier, as it was half-way; nothing writes to either.
  std::string root;
  std::string data() const { return root + "/data"; }
  std::string earlier() const { return root + "/earlier"; }

  // Every acknowledged request with its receipt.
  std::vector<Exchange> acknowledged;
  // Totals, statements, lines and catalogs as of the last position.
  std::vector<Exchange> reads;
  std::string public_key_pem;
  LogCopy log;
  // A statement that was never sent, for the revision that stands; it adds this much to the total of `total_read`.
  Exchange next;
  int64_t next_fen = 0;
  // Of the system below, empty for a base without one.
  std::string upstream_data;
};

// The names MakeBase knows.
std::vector<std::string> BaseNames();
// Makes it below `root`, or takes what an earlier run made there. Aborts with a sentence when a base can't be made.
Base MakeBase(const std::string& name, const std::string& root);

}  // namespace fiscal::damage

#endif  // FISCAL_TESTS_CRASH_DAMAGE_BASES_H_
