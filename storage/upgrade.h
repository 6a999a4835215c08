// A log's store of version 0.1, brought to this version.
//
// There the ledger's keys stood beside the events in one store, flushed apart, and answers were
// nowhere else. What is there is checked whole first: every event, and the answer to each request
// that made one. Then the answers are put into groups, the anchor speaks of groups, and the old
// keys go; the ledger is made from the log (ledger.h). Cut short at any moment it is begun anew or
// gone on with at the next start. Once brought here, version 0.1 refuses the anchor.
#ifndef FISCAL_STORAGE_UPGRADE_H_
#define FISCAL_STORAGE_UPGRADE_H_

#include <functional>

#include "absl/status/status.h"
#include "domain/event.h"
#include "storage/anchor.h"
#include "storage/kv.h"

namespace fiscal::storage {

// `log` is the log's own store, without a ledger beside it. Does nothing when there is nothing to
// do. DATA_LOSS: an event, or the answer to an acknowledged request, is damaged or missing; nothing
// was changed.
absl::Status Upgrade(Kv& log, Anchor& anchor,
                     const std::function<void(domain::Position at, domain::Position of)>& progress);

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_UPGRADE_H_
