// Decides a statement or a withdrawal.
//
//   Submission, Standing --> Decide --> StatementDecision --> Group::Keep
//
// Decide is a function of what it is handed: the same submission against the same standing is
// decided the same.
#ifndef FISCAL_SERVICES_LEDGER_DECIDE_STATEMENT_H_
#define FISCAL_SERVICES_LEDGER_DECIDE_STATEMENT_H_

#include "absl/status/statusor.h"
#include "domain/receipt.h"
#include "domain/submission.h"
#include "services/ledger/decide/change.h"
#include "services/ledger/decide/standing.h"

namespace fiscal::services {

struct StatementDecision {
  enum class Outcome {
    // A request that was answered before: the receipt is that answer.
    kRepeated,
    // A request with validate_only: nothing is kept.
    kPreviewed,
    // States what stands already: only the answer is kept.
    kUnchanged,
    // Becomes an event.
    kStated
  };
  Outcome outcome = Outcome::kRepeated;
  // Complete but for position and hash where it is kUnchanged or kStated: Group::Keep knows them.
  domain::RequestReceipt receipt;
  // Of kUnchanged, the position at which that was stated.
  domain::Position stands_at;
  // The statement after it, and what it changes; the meta lacks position, time and `more`.
  Change change;
};

// Takes the projects out of `s`. Checks `s` anew where the catalog is another one than it was
// checked against; its violations and findings are then of this one. Returns the first refusal.
absl::StatusOr<StatementDecision> Decide(domain::Submission& s, const Standing& standing);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_DECIDE_STATEMENT_H_
