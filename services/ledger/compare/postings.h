// An event of this log as a system above gets it.
#ifndef FISCAL_SERVICES_LEDGER_COMPARE_POSTINGS_H_
#define FISCAL_SERVICES_LEDGER_COMPARE_POSTINGS_H_

#include "absl/status/statusor.h"
#include "domain/requests.h"
#include "storage/event_log.h"

namespace fiscal::services {

// Sets `more` when the next event was committed with this one. A posting that an operator had left
// out is left out there too.
absl::StatusOr<domain::UpstreamRecords::Record> ToUpstreamRecord(
    const storage::LogEntry& entry, const storage::OperatorEvents& operators, bool* more);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_COMPARE_POSTINGS_H_
