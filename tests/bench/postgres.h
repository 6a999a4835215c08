// PostgreSQL doing the same job, for comparison: lines by COPY, and a statement trigger that keeps
// the same cells (leaf cells of agencies; unclassified, functional and economic cells of
// department, own level and every division above) in a table, durably.
#ifndef FISCAL_TESTS_BENCH_POSTGRES_H_
#define FISCAL_TESTS_BENCH_POSTGRES_H_

#include <memory>
#include <string>
#include <vector>

#include "fiscal/submission/v1/submission_service.pb.h"
#include "tests/bench/province.h"

namespace fiscal::bench {

class Postgres {
 public:
  virtual ~Postgres() = default;
  // Makes the tables in the cluster whose socket is in `directory`. Exits when it can't.
  static std::unique_ptr<Postgres> Connect(const std::string& directory, const Province& province);

  // Each budget is one COPY in a transaction of its own. Returns the seconds it took.
  virtual double Copy(const std::vector<submission::v1::SubmitBudgetRequest>& budgets) = 0;
  // The sum of a division's expenditure by its unclassified cells, for a check.
  virtual int64_t Expenditure(const std::string& division, int year, int stage) = 0;
  virtual std::string version() const = 0;
};

}  // namespace fiscal::bench

#endif  // FISCAL_TESTS_BENCH_POSTGRES_H_
