// The log: what happened, in order, for ever. Ground truth; everything else can be computed from
// it.
//
//   Intake --(Group: Append*, Commit)--> EventLog --> Kv, then Anchor --> readers: projector,
//   EventLogService, Verify
//
// A commit is one synced batch of the store, a group, and then one write of the anchor; only then
// may anything be acknowledged. The anchor notices what no recovery mode of the store does: a log
// that lost its end, or something before its end that was not in table files yet. One writer;
// readers from any thread.
#ifndef FISCAL_STORAGE_EVENT_LOG_H_
#define FISCAL_STORAGE_EVENT_LOG_H_

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/sha256.h"
#include "domain/event.h"
#include "storage/anchor.h"
#include "storage/group_record.h"
#include "storage/kv.h"
#include "storage/merkle.h"
#include "storage/operator_events.h"

namespace fiscal::storage {

struct LogEntry {
  domain::Position position = 0;
  Digest chain_hash{};
  // LeafHash of the record; only Commit needs it.
  Digest leaf_hash{};
  std::shared_ptr<const std::string> record;
};

// Bytes of the record at `position`, from a store or something that reads like one. OUT_OF_RANGE
// when the record doesn't have them.
using GetValue = std::function<absl::StatusOr<std::string>(const std::string& key)>;
absl::StatusOr<std::string> ReadRecordBytes(const GetValue& get, domain::Position position,
                                            uint64_t offset, uint64_t size);
// The whole record. NOT_FOUND when there is none.
absl::StatusOr<LogEntry> ReadRecord(const GetValue& get, domain::Position position);

// The records `from` to `to` are whole and continue `chain`, which becomes the chain after them.
// DATA_LOSS names the first that is not.
absl::Status CheckRecords(const Kv& kv, domain::Position from, domain::Position to, Digest* chain);

class EventLog {
 public:
  struct Head {
    domain::Position position = 0;
    Digest chain_hash{};
    int64_t commit_time_us = 0;
    // The last group, and the chain over all groups.
    uint64_t group = 0;
    Digest groups_hash{};
  };

  // Where a store's log comes from. kWritten: this process writes it, with a ledger beside it.
  // kCopied: another process does; the copy has no ledger but revisions. Numbers are on disk.
  enum class Origin : uint8_t { kWritten = 1, kCopied = 2 };

  // Opens the log in `kv`, making it when both are new; `new_log_id` (16 bytes) names it then.
  // DATA_LOSS when the log does not reach the anchor or does not fit it, or when a group that was
  // not in table files at the last commit is missing or incomplete. FAILED_PRECONDITION when the
  // store was made with the other origin, as a copy that took statements would count them twice, or
  // by version 0.1 (upgrade.h).
  static absl::StatusOr<std::unique_ptr<EventLog>> Open(Kv& kv, Anchor& anchor,
                                                        absl::string_view new_log_id,
                                                        Origin origin = Origin::kWritten);

  // 16 bytes, fixed for the life of the log.
  const std::string& log_id() const { return log_id_; }
  // True for a copy. A copy may be behind its original, so a position past its head may exist
  // there.
  bool copied() const { return origin_ == Origin::kCopied; }
  Head head() const ABSL_LOCKS_EXCLUDED(mu_);

  // The values a record is kept as. Positions and times are the caller's: each the next one, times
  // never decreasing.
  static void Stage(const LogEntry& entry, domain::EventKind kind,
                    const std::function<void(std::string key, std::string value)>& put);

  // Writes `batch`, in which `entries` were staged, durably, with the tiles of the tree that they
  // fill, as the next group: store, then anchor. `commit_time_us` is that of the last entry; of
  // `group` the events are filled in. With it goes the mark that says that what is in `batch` of
  // the ledger includes this group. RESOURCE_EXHAUSTED: nothing changed. Any other error: the
  // outcome is unknown and the process must end.
  absl::Status Commit(Batch batch, std::vector<LogEntry> entries, int64_t commit_time_us,
                      GroupRecord group = {}) ABSL_LOCKS_EXCLUDED(mu_);

  // Moves what is only in write-ahead files into table files and anchors that: after it no file can
  // be lost unnoticed. For a clean end.
  absl::Status Settle() ABSL_LOCKS_EXCLUDED(mu_);

  // NOT_FOUND past the last group.
  absl::StatusOr<GroupRecord> ReadGroup(uint64_t group) const;
  // The chain over the groups up to this one; all zeros for 0.
  absl::StatusOr<Digest> GroupsHashAt(uint64_t group) const;

  // NOT_FOUND past the head. The last records committed come from memory.
  absl::StatusOr<LogEntry> Read(domain::Position position) const ABSL_LOCKS_EXCLUDED(mu_);
  // The chain after `position`; all zeros for 0.
  absl::StatusOr<Digest> ChainAt(domain::Position position) const ABSL_LOCKS_EXCLUDED(mu_);
  // The record at `position` up to its payload: what its leaf hash is of. From the store.
  absl::StatusOr<std::string> ReadRecordHead(domain::Position position,
                                             domain::EventHeader* header) const;
  // Over the committed events; its size is never less than the head's position.
  const MerkleTree& tree() const { return *tree_; }
  // For verification, which compares bytes.
  const Kv& kv() const { return kv_; }
  // The last position whose commit time is not after `time_us`; 0 when all are later.
  absl::StatusOr<domain::Position> AsOf(int64_t time_us) const;
  // Positions of catalog events up to `last`, in order.
  absl::StatusOr<std::vector<domain::Position>> CatalogEvents(domain::Position last) const;

  // Operators' decisions up to the head; while a commit is under way, perhaps those in it too.
  std::shared_ptr<const OperatorEvents> operators() const ABSL_LOCKS_EXCLUDED(mu_);

  // Blocks until the head is past `position` or `deadline` comes; true when it is past.
  bool WaitPast(domain::Position position, absl::Time deadline) const ABSL_LOCKS_EXCLUDED(mu_);
  bool stopped() const ABSL_LOCKS_EXCLUDED(mu_);
  // Ends all waits at once, now and later.
  void StopWaiting() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  EventLog(Kv& kv, Anchor& anchor, std::string log_id, Origin origin)
      : kv_(kv), anchor_(anchor), log_id_(std::move(log_id)), origin_(origin) {}

  absl::StatusOr<Head> FindHead() const;
  // Checks that everything after the last group known to be in table files is there and fits the
  // anchor.
  absl::Status CheckAgainst(const AnchorState& anchored, const Head& head) const;
  // The anchor's part of a commit that made `head`.
  absl::Status AnchorNow(const Head& head);
  // The anchor's state for `head`.
  absl::StatusOr<AnchorState> StateOf(const Head& head);
  absl::Status LoadOperatorEvents(domain::Position last) ABSL_LOCKS_EXCLUDED(mu_);

  Kv& kv_;
  Anchor& anchor_;
  const std::string log_id_;
  const Origin origin_;
  std::unique_ptr<MerkleTree> tree_;
  // The committing thread's: groups not known to be in table files yet, with the store's sequence
  // after each, and the last that is.
  std::deque<std::pair<uint64_t, uint64_t>> unsettled_;
  uint64_t group_in_tables_ = 0;
  mutable absl::Mutex mu_;
  Head head_ ABSL_GUARDED_BY(mu_);
  // The last records, for the projector, which is rarely far behind.
  std::deque<LogEntry> recent_ ABSL_GUARDED_BY(mu_);
  size_t recent_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::shared_ptr<const OperatorEvents> operators_ ABSL_GUARDED_BY(mu_) =
      std::make_shared<OperatorEvents>();
};

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_EVENT_LOG_H_
