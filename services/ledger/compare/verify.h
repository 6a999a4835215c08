// Computes everything that is derived once more from the first event and compares it with the
// stores, byte by byte. Readers and the writer go on meanwhile.
//
//   EventLog --(every event)--> LogCheck, TotalsCheck, LedgerCheck --> Differences
#ifndef FISCAL_SERVICES_LEDGER_COMPARE_VERIFY_H_
#define FISCAL_SERVICES_LEDGER_COMPARE_VERIFY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/ledger/fold/projector.h"
#include "storage/kv.h"

namespace fiscal::services {

struct VerifyProgress {
  // Counted from 1.
  int pass = 0;
  // Events of this pass.
  uint64_t events_done = 0;
  uint64_t events_total = 0;
};

struct VerifyOptions {
  // The most that computed totals may take. Those of one year, stage and division are computed
  // together, however large they are; those that find no room are computed in further passes over
  // their own events.
  size_t memory_bytes_max = size_t{256} << 20;
  // The ledger's store, and an empty one in which it is made anew; without them the ledger is not
  // compared.
  const storage::Kv* ledger = nullptr;
  std::function<absl::StatusOr<std::unique_ptr<storage::Kv>>()> new_store;
  // Asked every few events; may be empty.
  std::function<bool()> cancelled;
  // Told every few thousand events; may be empty.
  std::function<void(const VerifyProgress&)> progress;
};

struct VerifyResult {
  domain::Position position;
  int64_t event_count = 0;
  int64_t line_count = 0;
  int64_t cell_count = 0;
  // Passes over events, and how many events they read together.
  int pass_count = 0;
  int64_t events_read = 0;
  // At most 100; empty when everything agrees.
  std::vector<std::string> differences;
};

// `log_store` is the store that the projector's log is in. CANCELLED when `cancelled` said so; any
// other error only when something could not be read.
absl::StatusOr<VerifyResult> Verify(const Projector& projector, const storage::Kv& log_store,
                                    const VerifyOptions& options = {});

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_COMPARE_VERIFY_H_
