// The ledger's store, against one made anew from the log: heads, blocks, projects, revisions,
// answers, gross, scopes, upstreams, owners.
//
//   Verify --> LedgerCheck --(events and group records, by storage::Ledger)--> a scratch store
//          --(key by key)--> Differences
//
// Compares a snapshot of the moment when the check begins.
#ifndef FISCAL_SERVICES_LEDGER_COMPARE_VERIFY_LEDGER_H_
#define FISCAL_SERVICES_LEDGER_COMPARE_VERIFY_LEDGER_H_

#include <functional>
#include <memory>

#include "services/ledger/compare/key_check.h"
#include "services/ledger/compare/log_scan.h"
#include "storage/event_log.h"
#include "storage/kv.h"
#include "storage/ledger_mark.h"

namespace fiscal::services {

// Not thread-safe.
class LedgerCheck {
 public:
  // `log_store` is the store that `log` is in, `ledger` that of its ledger.
  LedgerCheck(const storage::EventLog& log, const storage::Kv& log_store, const storage::Kv& ledger,
              Differences& differences);

  // The last group that is compared.
  absl::StatusOr<uint64_t> Open();
  // Makes the ledger of one more group in `scratch`; returns how many events it has. REQUIRES:
  // groups in order, from the first on.
  absl::StatusOr<uint64_t> See(uint64_t group, storage::Kv& scratch,
                               const std::function<absl::Status()>& cancelled);
  // Compares. REQUIRES: every group was seen.
  absl::Status Finish(const storage::Kv& scratch, const std::function<absl::Status()>& cancelled);

 private:
  const storage::EventLog& log_;
  const storage::Kv& ledger_;
  Differences& differences_;
  std::unique_ptr<storage::KvSnapshot> snapshot_;
  storage::LedgerMark mark_;
  LogScan scan_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_COMPARE_VERIFY_LEDGER_H_
