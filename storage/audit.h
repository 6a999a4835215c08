// The audit log: who asked for what and whether he was let, in the order in which it was written
// down.
//
//   services/audit --(Append, List, Prune)--> AuditLog --> Kv of its own (entries, tiles, start)
//
// Entries are the leaves of a Merkle tree like that over the event log (merkle.h): the entry with
// sequence i + 1 is leaf i, and its hash is SHA256(0x00 || its bytes). Old days go: their entries
// are removed, their hashes stay, so that the root still stands for them and a proof can be made
// for whoever kept an entry elsewhere. A batch is written with its tiles and without a sync: a
// power loss may take entries from the end, never some from the middle, and the tree is always that
// of the entries. One writer (Append, Prune); readers from any thread.
#ifndef FISCAL_STORAGE_AUDIT_H_
#define FISCAL_STORAGE_AUDIT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/sha256.h"
#include "domain/audit.h"
#include "storage/kv.h"
#include "storage/merkle.h"
#include "storage/schema.h"

namespace fiscal::storage {

// Kinds whose keys are only ever added at their end.
constexpr KeyKind kAuditOrderedKinds[] = {KeyKind::kAuditEntry};

// All of an entry but its sequence, which its key has. docs/storage-format.md.
std::string EncodeAuditEntry(const domain::AuditEntry& entry);
// DATA_LOSS when malformed.
absl::StatusOr<domain::AuditEntry> DecodeAuditEntry(uint64_t sequence, absl::string_view bytes);
Digest AuditLeafHash(absl::string_view bytes);

// What is asked of the entries; empty texts ask for nothing.
struct AuditQuery {
  // `from` <= time < `to`.
  absl::Time from = absl::InfinitePast(), to = absl::InfiniteFuture();
  std::string principal;
  // Principals that begin with `principal`.
  bool principal_prefix = false;
  std::optional<domain::AuditOutcome> outcome;
  std::string method;
  // Else the newest first.
  bool oldest_first = false;
  // Goes on behind this sequence, in the direction asked for; 0: from the end it begins at.
  uint64_t after = 0;
  size_t limit = 100;
};

struct AuditPage {
  struct Row {
    domain::AuditEntry entry;
    Digest leaf_hash{};
  };
  std::vector<Row> rows;
  // Where the next page goes on (AuditQuery::after); 0 when there is none. A page may have fewer
  // rows than asked for, or none, and still have a next one: it also ends after some 65,000 entries
  // looked at.
  uint64_t next = 0;
};

class AuditLog {
 public:
  // The tree's head, and the first entry that is still there.
  struct Head {
    uint64_t size = 0;
    Digest root{};
    // size + 1 when no entry is.
    uint64_t first = 1;
  };

  // REQUIRES: `kv` outlives it and holds nothing else. DATA_LOSS: entries or tiles are missing or
  // damaged.
  static absl::StatusOr<std::unique_ptr<AuditLog>> Open(Kv& kv);

  // Gives the entries their sequences, and times that are not before the last one's; writes all or
  // none. After RESOURCE_EXHAUSTED it can be tried again; after any other error the store must be
  // opened anew.
  absl::Status Append(absl::Span<domain::AuditEntry> entries);

  // Spends 1 for each entry looked at; an error of `spend` ends it. DATA_LOSS for damage.
  absl::StatusOr<AuditPage> List(const AuditQuery& query,
                                 absl::FunctionRef<absl::Status(uint64_t)> spend) const;

  // Removes entries of days that ended by `before` (days of Asia/Shanghai), the oldest first and
  // some thousands at a time. True: there are more. Errors as Append's.
  absl::StatusOr<bool> Prune(absl::Time before);

  absl::StatusOr<Head> head() const;
  // Proofs are made of it; it has all leaves, also those of entries that are gone.
  const MerkleTree& tree() const { return *tree_; }

 private:
  // What is left of the entries that were removed.
  struct Start {
    // The first entry that is there.
    uint64_t first = 1;
    // The time of the last one removed.
    int64_t time_us = 0;
    // The last leaves before `first`, as far as no full tile had them.
    std::vector<Digest> leaves;
  };

  explicit AuditLog(Kv& kv) : kv_(kv) {}
  static std::string EncodeStart(const Start& start);
  // `bytes` as they were found, or not: a Start of its own then.
  static absl::StatusOr<Start> DecodeStart(const absl::StatusOr<std::string>& bytes);
  absl::Status OpenTree();
  // What Start is to be once the entries before `first` are removed too.
  absl::StatusOr<Start> StartAt(uint64_t first) const;
  // The first sequence of [first, end) whose entry is not before `time`; `end` when none is.
  static absl::StatusOr<uint64_t> FirstNotBefore(const KvSnapshot& snapshot, uint64_t first,
                                                 uint64_t end, absl::Time time);
  // The hash of a leaf, whose entry stands or is among Start's.
  absl::StatusOr<Digest> LeafOf(uint64_t index) const;
  // DATA_LOSS when it is not there.
  absl::StatusOr<domain::AuditEntry> Get(uint64_t sequence) const;
  Start start() const ABSL_LOCKS_EXCLUDED(mu_);

  Kv& kv_;
  std::unique_ptr<MerkleTree> tree_;
  // The writer's.
  int64_t last_time_us_ = 0;
  mutable absl::Mutex mu_;
  // Changed by the writer alone.
  Start start_ ABSL_GUARDED_BY(mu_);
};

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_AUDIT_H_
