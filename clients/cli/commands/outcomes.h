// Prints and counts the answers to submitted budgets.
#ifndef FISCAL_CLIENTS_CLI_COMMANDS_OUTCOMES_H_
#define FISCAL_CLIENTS_CLI_COMMANDS_OUTCOMES_H_

#include <cstdint>
#include <ostream>
#include <string>

#include "clients/cli/shell/context.h"
#include "fiscal/submission/v1/submission_service.pb.h"

namespace fiscal::cli {

// One line for a person with its findings on stderr; with -o json the message.
void PrintReceipt(const Context& context, const submission::v1::SubmitBudgetResponse& receipt);

// A finding in both languages, by severity, with its place.
void PrintFinding(const budget::v1::Finding& finding, std::ostream& out);

// The worst outcome so far decides the exit code.
class Outcomes {
 public:
  // Takes the exit code of one of them.
  void Add(int code) {
    ++count_;
    if (code != kOk) ++refused_;
    if (code == kRejected || worst_ == kOk) worst_ = code == kOk ? worst_ : code;
  }
  int code() const { return worst_; }
  int64_t count() const { return count_; }
  int64_t refused() const { return refused_; }

 private:
  int worst_ = kOk;
  int64_t count_ = 0;
  int64_t refused_ = 0;
};

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_COMMANDS_OUTCOMES_H_
