// What a client sends, timed.
#ifndef FISCAL_TESTS_BENCH_LOAD_H_
#define FISCAL_TESTS_BENCH_LOAD_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "fiscal/submission/v1/submission_service.pb.h"
#include "grpcpp/grpcpp.h"
#include "tests/bench/province.h"
#include "tests/bench/results.h"

namespace fiscal::bench {

using Frames = std::vector<submission::v1::StreamBudgetsRequest>;

// Ends the benchmark: what it measures must not go wrong.
[[noreturn]] void Die(const std::string& what);

double SecondsSince(absl::Time start);
// A connection of its own.
std::shared_ptr<grpc::Channel> Connect(int port);

// Sends the budgets over some streams at once; seconds until the last answer. With `rate` above 0,
// so many lines a second and no more.
double Stream(int port, const Frames& frames, double rate = 0);
// Keeps `in_flight` unary submits running; calls a second, and each one's milliseconds in
// `latency`.
double Unary(int port, const std::vector<submission::v1::SubmitBudgetRequest>& requests,
             int in_flight, Sample* latency = nullptr);
// Microseconds of `count` calls one after the other.
Sample Latencies(int count, const std::function<bool(int)>& call);
// "1.23 M/s".
std::string Rate(double per_second);

}  // namespace fiscal::bench

#endif  // FISCAL_TESTS_BENCH_LOAD_H_
