// What the same machine moves through gRPC into nothing: the limits the product is measured against, in the same run.
#ifndef FISCAL_TESTS_BENCH_YARDSTICKS_H_
#define FISCAL_TESTS_BENCH_YARDSTICKS_H_

#include <memory>

namespace fiscal::bench {

// Serves SubmissionService without doing anything: StreamBudgets answers each finished budget with an empty response, SubmitBudget
// answers at once. Nothing is parsed.
class NullServer {
 public:
  virtual ~NullServer() = default;
  static std::unique_ptr<NullServer> Start();
  virtual int port() const = 0;
};

}  // namespace fiscal::bench

#endif  // FISCAL_TESTS_BENCH_YARDSTICKS_H_
