// The log: what happened, in order, for ever. Ground truth; everything else can be computed from
// it.
//
//   Intake --(Group: Append*, Commit)--> EventLog --> Kv, then Anchor --> readers: projector,
//   EventLogService, Verify
//
// A commit is one synced batch of the store and then one write of the anchor; only then may
// anything be acknowledged. The anchor notices what no recovery mode of the store does: a log that
// lost its end. One writer; readers from any thread.
#ifndef FISCAL_STORAGE_EVENT_LOG_H_
#define FISCAL_STORAGE_EVENT_LOG_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/sha256.h"
#include "domain/event.h"
#include "storage/anchor.h"
#include "storage/kv.h"

namespace fiscal::storage {

struct LogEntry {
  domain::Position position = 0;
  Digest chain_hash{};
  std::shared_ptr<const std::string> record;
};

class EventLog {
 public:
  struct Head {
    domain::Position position = 0;
    Digest chain_hash{};
    int64_t commit_time_us = 0;
  };

  // Opens the log in `kv`, making it when both are new; `new_log_id` (16 bytes) names it then.
  // DATA_LOSS when the log does not reach the anchor or does not fit it.
  static absl::StatusOr<std::unique_ptr<EventLog>> Open(Kv& kv, Anchor& anchor,
                                                        absl::string_view new_log_id);

  // 16 bytes, fixed for the life of the log.
  const std::string& log_id() const { return log_id_; }
  Head head() const ABSL_LOCKS_EXCLUDED(mu_);

  // Adds one record to `batch`, which becomes durable with Commit. Positions and times are the
  // caller's: each the next one, times never decreasing.
  static void Stage(const LogEntry& entry, domain::EventKind kind, Batch* batch);

  // Writes `batch`, whose last record is `head`, durably: store, then anchor. RESOURCE_EXHAUSTED:
  // nothing changed. Any other error: the outcome is unknown and the process must end. A head equal
  // to the present one only writes the batch.
  absl::Status Commit(const Batch& batch, const Head& head) ABSL_LOCKS_EXCLUDED(mu_);

  // NOT_FOUND past the head.
  absl::StatusOr<LogEntry> Read(domain::Position position) const;
  // The last position whose commit time is not after `time_us`; 0 when all are later.
  absl::StatusOr<domain::Position> AsOf(int64_t time_us) const;
  // Positions of catalog events up to `last`, in order.
  absl::StatusOr<std::vector<domain::Position>> CatalogEvents(domain::Position last) const;

  // Blocks until the head is past `position` or `deadline` comes; true when it is past.
  bool WaitPast(domain::Position position, absl::Time deadline) const ABSL_LOCKS_EXCLUDED(mu_);
  bool stopped() const ABSL_LOCKS_EXCLUDED(mu_);
  // Ends all waits at once, now and later.
  void StopWaiting() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  EventLog(Kv& kv, Anchor& anchor, std::string log_id)
      : kv_(kv), anchor_(anchor), log_id_(std::move(log_id)) {}

  Kv& kv_;
  Anchor& anchor_;
  const std::string log_id_;
  mutable absl::Mutex mu_;
  Head head_ ABSL_GUARDED_BY(mu_);
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_EVENT_LOG_H_
