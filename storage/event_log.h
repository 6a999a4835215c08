// The log: what happened, in order, for ever. Ground truth; everything else can be computed from
// it.
//
//   Intake, LogCopier --(LogGroup: Append)--> EventLog --> readers: projector, EventLogService,
//                                                 |        CatchUp of the ledger
//                                                 +--> local_log.h: a store and its anchor
//
// This is the log wherever it lives. What is committed at once is a group; when Append returns OK
// it is there for ever, and only then may anything be acknowledged. A group carries the changes of
// the ledger that it makes: a log beside its ledger writes them with it, any other lets the ledger
// follow (CatchUp of ledger.h), to the same bytes. Every log passes
// tests/contract/log_contract_test.cc. One writer; readers from any thread.
#ifndef FISCAL_STORAGE_EVENT_LOG_H_
#define FISCAL_STORAGE_EVENT_LOG_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/sha256.h"
#include "domain/event.h"
#include "storage/group_record.h"
#include "storage/kv.h"
#include "storage/merkle.h"
#include "storage/operator_events.h"

namespace fiscal::storage {

// An event.
struct LogEntry {
  domain::Position position;
  // The chain over all events up to this one.
  Digest chain_hash{};
  // LeafHash of the record; only Append needs it.
  Digest leaf_hash{};
  std::shared_ptr<const std::string> record;
};

// What becomes durable at once.
struct LogGroup {
  // Each follows the one before it; the first follows the head.
  std::vector<LogEntry> entries;
  // Of the last entry. Not before that of the head, unless it corrects the clock
  // (operator_events.h).
  int64_t commit_time_us = 0;
  // The answers. The log fills in which events they go with.
  GroupRecord record;
  // What the entries and the answers change of the ledger.
  Batch ledger;
};

class EventLog {
 public:
  struct Head {
    domain::Position position;
    Digest chain_hash{};
    int64_t commit_time_us = 0;
    // The last group, and the chain over all groups.
    uint64_t group = 0;
    Digest groups_hash{};
  };

  // Where a log comes from. kWritten: this process writes it, with a ledger beside it. kCopied:
  // another process does; the copy has no ledger but revisions. Numbers are on disk.
  enum class Origin : uint8_t { kWritten = 1, kCopied = 2 };

  virtual ~EventLog() = default;

  // 16 bytes, fixed for the life of the log.
  virtual const std::string& log_id() const = 0;
  virtual Origin origin() const = 0;
  // True for a copy. A copy may be behind its original, so a position past its head may exist
  // there.
  bool copied() const { return origin() == Origin::kCopied; }
  virtual Head head() const = 0;

  // Makes `group` durable and then shows it to readers. A group without entries is one, too.
  // RESOURCE_EXHAUSTED: nothing changed. Any other error: the outcome is unknown and the process
  // must end. REQUIRES: one call at a time.
  virtual absl::Status Append(LogGroup group) = 0;

  // NOT_FOUND past the head. The last events come from memory.
  virtual absl::StatusOr<LogEntry> Read(domain::Position position) const = 0;
  // `size` bytes of a record from `offset` on. OUT_OF_RANGE when it does not have them, NOT_FOUND
  // past the head.
  virtual absl::StatusOr<std::string> ReadBytes(domain::Position position, uint64_t offset,
                                                uint64_t size) const = 0;
  // The record up to its payload: what its leaf hash is of. NOT_FOUND past the head.
  virtual absl::StatusOr<std::string> ReadRecordHead(domain::Position position,
                                                     domain::EventHeader* header) const = 0;
  // The chain after `position`; all zeros for 0. NOT_FOUND past the head.
  virtual absl::StatusOr<Digest> ChainAt(domain::Position position) const = 0;

  // Groups count from 1. NOT_FOUND past the last.
  virtual absl::StatusOr<GroupRecord> ReadGroup(uint64_t group) const = 0;
  // The chain over the groups up to this one; all zeros for 0.
  virtual absl::StatusOr<Digest> GroupsHashAt(uint64_t group) const = 0;

  // Over the committed events; its size is never less than the head's position.
  virtual const MerkleTree& tree() const = 0;
  // Positions of catalog events up to `last`, in order.
  virtual absl::StatusOr<std::vector<domain::Position>> CatalogEvents(
      domain::Position last) const = 0;
  // Operators' decisions up to the head; while a commit is under way, perhaps those in it too.
  virtual std::shared_ptr<const OperatorEvents> operators() const = 0;
  // The last position whose commit time, as corrected (OperatorEvents::TimeOf), is not after
  // `time_us`; 0 when all are later.
  absl::StatusOr<domain::Position> AsOf(int64_t time_us) const;

  // Blocks until the head is past `position`, `deadline` comes or waiting was stopped; true when it
  // is past.
  virtual bool WaitPast(domain::Position position, absl::Time deadline) const = 0;
  virtual bool stopped() const = 0;
  // Ends all waits at once, now and later. Reading and appending go on.
  virtual void StopWaiting() = 0;

  // Makes the next start cheap and safe whatever is lost of what only a crash needs. For a clean
  // end.
  virtual absl::Status Settle() = 0;
};

// The event that follows `head`, which becomes it. Sets the header's position. REQUIRES: the header
// has the digest of `payload`, and a time that is not before that of `head`, unless it corrects
// the clock.
LogEntry NextEntry(domain::EventHeader header, std::string payload, EventLog::Head* head);

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_EVENT_LOG_H_
