// Moments of a log, and the refusal of those that are not of it.
//
//   a position's text --(wire)--> Moment --(CheckMoment)--> a position of this log
#ifndef FISCAL_SERVICES_LEDGER_MOMENTS_H_
#define FISCAL_SERVICES_LEDGER_MOMENTS_H_

#include <string>

#include "absl/status/statusor.h"
#include "domain/moment.h"
#include "domain/receipt.h"
#include "storage/event_log.h"

namespace fiscal::services {

// The state of `log` after the event at `position`, which must be in it.
absl::StatusOr<domain::Moment> MomentAt(const storage::EventLog& log, domain::Position position);
// The end of the log.
domain::Moment MomentOf(const storage::EventLog& log, const storage::EventLog::Head& head);
// After the event that `receipt` names; position 0 when it names none. Unbound when the log can't
// be read there: what is committed is answered in any case.
domain::Moment MomentOf(const storage::EventLog& log, const domain::Receipt& receipt);

// OK when the log reaches `asked` and, where that is bound, has its history.
// POSITION_OF_OTHER_HISTORY: it is another log's, or the log has another chain hash there. So is a
// bound position past the head where the log is written: only a lost history can have given it.
// POSITION_AHEAD: unbound and past the head, where the log is written.
// REPLICA_BEHIND: past the head of a copy, which may reach it.
absl::Status CheckMoment(const storage::EventLog& log, const domain::Moment& asked);

// The refusal of what is past the head and not bound to a history.
absl::Status PastHead(const storage::EventLog& log, std::string message);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_MOMENTS_H_
