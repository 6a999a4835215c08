// A server that takes every call's bytes and does nothing with them.
#ifndef FISCAL_TESTS_BENCH_HOSTILE_SINK_H_
#define FISCAL_TESTS_BENCH_HOSTILE_SINK_H_

namespace fiscal::bench {

// For ever: any method; reads until the caller ends, then answers OK with nothing. Says on stderr
// on which port.
int ServeSink();

}  // namespace fiscal::bench

#endif  // FISCAL_TESTS_BENCH_HOSTILE_SINK_H_
