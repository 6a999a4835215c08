// Says on a terminal how far long work is. What is no terminal, a file or a log, gets nothing.
#ifndef FISCAL_CLIENTS_CLI_PRINT_PROGRESS_H_
#define FISCAL_CLIENTS_CLI_PRINT_PROGRESS_H_

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>

#include "absl/time/time.h"

namespace fiscal::cli {

class Progress {
 public:
  // Says `what` on stderr once the work has gone on for a second, then now and then.
  explicit Progress(std::string what);
  // As that, with another terminal, or none, and another clock.
  Progress(std::string what, bool terminal, std::ostream& out, std::function<absl::Time()> now);
  ~Progress();
  void Count(int64_t done);

 private:
  const std::string what_;
  const bool terminal_;
  std::ostream& out_;
  const std::function<absl::Time()> now_;
  const absl::Time start_;
  absl::Time last_;
  bool said_ = false;
};

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_PRINT_PROGRESS_H_
