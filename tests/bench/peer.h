// Another system doing the same job, for comparison: tests/bench/peers.py in a process of its own.
#ifndef FISCAL_TESTS_BENCH_PEER_H_
#define FISCAL_TESTS_BENCH_PEER_H_

#include <string>
#include <vector>

#include "fiscal/submission/v1/submission_service.pb.h"
#include "tests/bench/processes.h"
#include "tests/bench/province.h"

namespace fiscal::bench {

// Rows of tab-separated columns: the nodes that count each agency's money, as division, agency,
// type, node's division and code; and a budget's lines.
std::string PathRows(const Province& province);
std::string LineRows(const submission::v1::SubmitBudgetRequest& budget);

class Peer {
 public:
  // Starts `engine` with a Python that has its package, its data in `directory`. Exits when it
  // can't.
  Peer(const std::string& python, const std::string& engine, const std::string& directory,
       const Province& province);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  struct Spent {
    double seconds = 0, cpu_seconds = 0;
  };
  // Each budget is a durable insert of its own, and in the cells when it ends.
  Spent Load(const std::vector<submission::v1::SubmitBudgetRequest>& budgets);
  // The sum of a division's expenditure by its unclassified cells, for a check.
  std::string Expenditure(const std::string& division, int year, int stage);
  std::string version() { return Ask("version"); }

 private:
  std::string Ask(const std::string& line);

  const std::string directory_;
  ServerProcess process_;
  int connection_ = -1;
};

}  // namespace fiscal::bench

#endif  // FISCAL_TESTS_BENCH_PEER_H_
