// What a system above gets of an event of ours.
#ifndef FISCAL_SERVICES_LEDGER_COMPARE_POSTINGS_H_
#define FISCAL_SERVICES_LEDGER_COMPARE_POSTINGS_H_

#include "absl/status/statusor.h"
#include "domain/requests.h"
#include "storage/event_log.h"

namespace fiscal::services {

// `more` is set when the next event was committed with this one.
// A posting that an operator had left out is none there either.
absl::StatusOr<domain::UpstreamRecords::Record> ToUpstreamRecord(
    const storage::LogEntry& entry, const storage::OperatorEvents& operators, bool* more);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_COMPARE_POSTINGS_H_
