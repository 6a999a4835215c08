// The refusal of a position past the head of the log.
#ifndef FISCAL_SERVICES_LEDGER_ANSWER_PAST_HEAD_H_
#define FISCAL_SERVICES_LEDGER_ANSWER_PAST_HEAD_H_

#include <string>
#include <utility>

#include "domain/reason.h"
#include "storage/event_log.h"

namespace fiscal::services {

// POSITION_AHEAD where the log is written: it went back, or never got there. REPLICA_BEHIND on a
// copy, which may only be behind the log it is of: its caller comes again and raises no alarm.
inline absl::Status PastHead(const storage::EventLog& log, std::string message) {
  return domain::Refuse(
      log.copied() ? domain::Reason::kReplicaBehind : domain::Reason::kPositionAhead,
      std::move(message));
}

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_ANSWER_PAST_HEAD_H_
