// The situations, each in a file of its own. A situation restarts the server as it needs it and
// adds its rows.
#ifndef FISCAL_TESTS_BENCH_HOSTILE_SITUATIONS_H_
#define FISCAL_TESTS_BENCH_HOSTILE_SITUATIONS_H_

#include "tests/bench/hostile/arena.h"
#include "tests/bench/hostile/report.h"

namespace fiscal::bench {

struct Scene {
  Arena& arena;
  Report& report;
  // Less of each.
  bool quick = false;
  // A server that takes everything and does nothing.
  int sink_port = 0;
};

void HeavyReads(Scene& scene);
void GreatStatements(Scene& scene);
void SingleCalls(Scene& scene);
void Crowd(Scene& scene);
void Descriptors(Scene& scene);
void ShutOut(Scene& scene);
void Http2Floods(Scene& scene);

}  // namespace fiscal::bench

#endif  // FISCAL_TESTS_BENCH_HOSTILE_SITUATIONS_H_
