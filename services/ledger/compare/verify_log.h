// The rest of the log's store, against the events: the hash chain, the tree's tiles and root, the
// lists of catalogs and of operators' events.
//
//   Verify --(See: every event from the first)--> LogCheck --> Differences
#ifndef FISCAL_SERVICES_LEDGER_COMPARE_VERIFY_LOG_H_
#define FISCAL_SERVICES_LEDGER_COMPARE_VERIFY_LOG_H_

#include <memory>
#include <utility>
#include <vector>

#include "services/ledger/compare/key_check.h"
#include "storage/event_log.h"
#include "storage/memory/memory_kv.h"

namespace fiscal::services {

// Not thread-safe.
class LogCheck {
 public:
  // Of the events up to `last`. `log_store` is the store that `log` is in.
  LogCheck(const storage::EventLog& log, const storage::Kv& log_store, domain::Position last,
           Differences& differences);

  absl::Status Open();
  absl::Status See(const storage::LogEntry& entry, const domain::EventHeader& header);
  // Compares. REQUIRES: every event was seen.
  absl::Status Finish();

 private:
  // Stages the tiles that `leaves_` fill.
  absl::Status Grow();

  const storage::EventLog& log_;
  const domain::Position last_;
  Differences& differences_;
  Digest chain_{};
  // Sizes and roots of the full subtrees so far, the largest first.
  std::vector<std::pair<uint64_t, Digest>> peaks_;
  // Grows as the log's tree did; never reads its store.
  storage::MemoryDisk disk_;
  std::unique_ptr<storage::MemoryKv> empty_;
  std::unique_ptr<storage::MerkleTree> tree_;
  std::vector<Digest> leaves_;
  // By level.
  std::vector<OrderedKeys> tiles_;
  OrderedKeys catalogs_, operators_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_COMPARE_VERIFY_LOG_H_
