// What watchers cost and how soon they hear.
#ifndef FISCAL_TESTS_BENCH_WATCHERS_H_
#define FISCAL_TESTS_BENCH_WATCHERS_H_

#include "tests/bench/processes.h"
#include "tests/bench/province.h"
#include "tests/bench/results.h"

namespace fiscal::bench {

// REQUIRES: `server` was started with the first budget of every agency in its store, `lines` lines
// each, as Province fills them without salt. The number of lines stays the same. Exits when a
// watcher misses a change.
void MeasureWatchers(const Province& province, const ServerProcess& server, int lines, bool quick,
                     Results* results);

}  // namespace fiscal::bench

#endif  // FISCAL_TESTS_BENCH_WATCHERS_H_
