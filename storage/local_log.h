// The log in a store of this process, with its ledger beside it and an anchor as its witness.
//
//   Append --(one synced batch: records, group, tiles, ledger)--> Kv, then Anchor --> readers
//
// A commit is one synced batch of the store and then one write of the anchor. The anchor notices
// what no recovery mode of the store does: a log that lost its end, or something before its end
// that was not in table files yet. Promises and threads: event_log.h.
#ifndef FISCAL_STORAGE_LOCAL_LOG_H_
#define FISCAL_STORAGE_LOCAL_LOG_H_

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "storage/anchor.h"
#include "storage/event_log.h"
#include "storage/kv.h"

namespace fiscal::storage {

class LocalLog final : public EventLog {
 public:
  // Opens the log in `kv`, making it when both are new; `new_log_id` (16 bytes) names it then.
  // DATA_LOSS when the log does not reach the anchor or does not fit it, or when a group that was
  // not in table files at the last commit is missing or incomplete. FAILED_PRECONDITION when the
  // store was made with the other origin, as a copy that took statements would count them twice, or
  // by version 0.1 (upgrade.h). REQUIRES: `kv` and `anchor` outlive it.
  static absl::StatusOr<std::unique_ptr<LocalLog>> Open(Kv& kv, Anchor& anchor,
                                                        absl::string_view new_log_id,
                                                        Origin origin = Origin::kWritten);

  const std::string& log_id() const override { return log_id_; }
  Origin origin() const override { return origin_; }
  Head head() const override ABSL_LOCKS_EXCLUDED(mu_);

  // The ledger's part of the batch gets the mark that says that it includes this group.
  absl::Status Append(LogGroup group) override ABSL_LOCKS_EXCLUDED(mu_);

  absl::StatusOr<LogEntry> Read(domain::Position position) const override ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<std::string> ReadBytes(domain::Position position, uint64_t offset,
                                        uint64_t size) const override ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<std::string> ReadRecordHead(domain::Position position,
                                             domain::EventHeader* header) const override;
  absl::StatusOr<Digest> ChainAt(domain::Position position) const override ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<GroupRecord> ReadGroup(uint64_t group) const override;
  absl::StatusOr<Digest> GroupsHashAt(uint64_t group) const override;

  const MerkleTree& tree() const override { return *tree_; }
  absl::StatusOr<std::vector<domain::Position>> CatalogEvents(domain::Position last) const override;
  std::shared_ptr<const OperatorEvents> operators() const override ABSL_LOCKS_EXCLUDED(mu_);

  bool WaitPast(domain::Position position, absl::Time deadline) const override
      ABSL_LOCKS_EXCLUDED(mu_);
  bool stopped() const override ABSL_LOCKS_EXCLUDED(mu_);
  void StopWaiting() override ABSL_LOCKS_EXCLUDED(mu_);

  // Moves what is only in write-ahead files into table files and anchors that: after it no file can
  // be lost unnoticed.
  absl::Status Settle() override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  LocalLog(Kv& kv, Anchor& anchor, std::string log_id, Origin origin)
      : kv_(kv), anchor_(anchor), log_id_(std::move(log_id)), origin_(origin) {}

  absl::StatusOr<Head> FindHead() const;
  // Checks that everything after the last group known to be in table files is there and fits the
  // anchor.
  absl::Status CheckAgainst(const AnchorState& anchored, const Head& head) const;
  // The tree, whose last leaves must be those of the chain.
  absl::Status OpenTree(const Head& head);
  // The anchor's part of a commit that made `head`.
  absl::Status AnchorNow(const Head& head);
  // The anchor's state for `head`.
  absl::StatusOr<AnchorState> StateOf(const Head& head);
  absl::Status LoadOperatorEvents(domain::Position last) ABSL_LOCKS_EXCLUDED(mu_);
  // Null when the entry is not in memory.
  const LogEntry* Recent(domain::Position position) const ABSL_SHARED_LOCKS_REQUIRED(mu_);

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
  // Chain hashes as they were last read from the store, each in the place of its position: pages
  // and reads at an old position ask for one again and again.
  struct Link {
    domain::Position position;
    Digest chain_hash{};
  };
  mutable absl::Mutex links_mu_;
  mutable std::array<Link, 256> links_ ABSL_GUARDED_BY(links_mu_);
  std::shared_ptr<const OperatorEvents> operators_ ABSL_GUARDED_BY(mu_) =
      std::make_shared<OperatorEvents>();
};

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_LOCAL_LOG_H_
