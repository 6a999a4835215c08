// The writer's derived state: standing statements, answers by request, sums of |amount| that are
// bounded, scopes, owners of divisions, progress through upstreams' logs.
//
//   Intake --(Apply..., Keep...)--> Ledger over Staged --> LogGroup::ledger
//   CatchUp --(the log again)-----> Ledger over Staged --> the same bytes
//
// The intake and CatchUp make the same calls, and what a call writes depends on events and group
// records alone: the same log gives the same bytes. Catalogs are not in it: they are read from the
// log (event_log.h). Not thread-safe; lives for one group.
#ifndef FISCAL_STORAGE_LEDGER_H_
#define FISCAL_STORAGE_LEDGER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "domain/event.h"
#include "storage/event_log.h"
#include "storage/group_record.h"
#include "storage/heads.h"
#include "storage/ledger_mark.h"
#include "storage/posting_codec.h"
#include "storage/record_codec.h"
#include "storage/staged.h"

namespace fiscal::storage {

// Statements of a department's year and stage that count, by scope.
struct ScopeCounts {
  int64_t own = 0;
  int64_t department = 0;
};

// A statement as it becomes part of the ledger. Views and references outlive the call.
struct StatementChange {
  const domain::StatementMeta& meta;
  // The blocks put, as they stand in the record of the event from `put_offset` on, and how many
  // lines are in them.
  const domain::EncodedBlocks& put_blocks;
  uint64_t put_offset = 0;
  uint64_t put_count = 0;
  // The same lines, and the lines removed; read only when the statement is not put whole.
  const std::vector<domain::Line>& put;
  const std::vector<domain::Line>& removed;
  // The projects put, in blocks as they stand in the record, and as they are.
  const domain::EncodedBlocks& project_blocks;
  uint64_t projects_offset = 0;
  const std::vector<domain::ProjectEntry>& projects_put;
  const std::vector<domain::ProjectEntry>& projects_removed;
};

class Ledger {
 public:
  // `kv`: the store below what the group stages. `log`: the one that the group goes to or comes
  // from; `group`: the number that it will have, or has.
  Ledger(const Kv& kv, const EventLog& log, uint64_t group);
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  const Heads& heads() const { return heads_; }

  // The answer to an earlier request, with the digest of its body; nullopt when there was none.
  struct Answered {
    Digest body{};
    domain::Receipt receipt;
  };
  absl::StatusOr<std::optional<Answered>> FindAnswer(absl::string_view principal,
                                                     absl::string_view request_id) const;
  // The sum of |amount| over the lines that stand of the division's own agencies, of the budget's
  // year and stage.
  absl::StatusOr<int64_t> Gross(const domain::BudgetKey& budget) const;
  absl::StatusOr<ScopeCounts> Scopes(domain::Code division, uint16_t year, domain::Stage stage,
                                     absl::string_view department) const;
  // Position 0 when nothing was taken over.
  absl::StatusOr<UpstreamState> Upstream(absl::string_view name) const;
  // True when the budget had this revision.
  absl::StatusOr<bool> HasRevision(const domain::BudgetKey& budget, uint64_t revision) const;
  // True when an agency of the division, or any of them where `agency` is empty, ever stated
  // something for the year, here or at an upstream. Withdrawn statements count: the totals of old
  // positions have them.
  absl::StatusOr<bool> HasRevisions(domain::Code division, uint16_t year,
                                    absl::string_view agency) const;
  // True when something was stated for the division here.
  absl::StatusOr<bool> HasStatements(domain::Code division) const;

  // Lets heads refer to an event of the group that is not in the log yet. REQUIRES: positions
  // follow each other.
  void AddRecord(const LogEntry& entry) { pending_.push_back(entry); }
  void KeepAnswer(absl::string_view principal, absl::string_view request_id, const Digest& body,
                  const domain::Receipt& receipt);
  void SetUpstream(absl::string_view name, const UpstreamState& state);
  void SetOwner(domain::Code division, absl::string_view upstream);
  absl::Status ApplyStatement(const StatementChange& change);
  // Applies an upstream's posting that became the event at `position`.
  absl::Status ApplyPosting(const domain::Posting& posting, domain::Position position);

  // Applies one event, from its record alone. Of a copied log only revisions are kept.
  absl::Status ApplyEvent(const LogEntry& entry);
  // Applies what a group's record says beside its events.
  absl::Status ApplyGroup(const GroupRecord& record);

  // From Begin on changes can be undone: Rollback undoes them, Keep lets them stand.
  void Begin();
  void Keep() { staged_.Keep(); }
  void Rollback();

  // Moves what changed so far into `batch`.
  void MoveTo(Batch* batch) { staged_.MoveTo(batch); }
  // The record of the group in the making; the ledger is of no use afterwards.
  GroupRecord TakeRecord() { return std::move(record_); }

 private:
  struct Savepoint {
    size_t answers = 0, upstreams = 0, owners = 0, pending = 0;
  };

  // True when there is a key in the range.
  absl::StatusOr<bool> HasAny(const KeyRange& range) const;
  // As EventLog::ReadBytes; also of events that are not in the log yet.
  absl::StatusOr<std::string> ReadPart(domain::Position position, uint64_t offset,
                                       uint64_t size) const;

  const EventLog& log_;
  Staged staged_;
  Heads heads_;
  const uint64_t group_;
  std::vector<LogEntry> pending_;
  GroupRecord record_;
  Savepoint savepoint_;
};

// Brings the ledger in `kv` level with `log`: applies the groups after its mark. `progress`, when
// given, hears now and then how far it is. DATA_LOSS: the ledger is another log's, or is damaged;
// it can be made again from nothing.
absl::Status CatchUp(
    const EventLog& log, Kv& kv,
    const std::function<void(domain::Position at, domain::Position of)>& progress = nullptr);

// Upstreams that own divisions, by division.
absl::StatusOr<std::vector<std::pair<domain::Code, std::string>>> ReadOwners(const Kv& kv);
absl::StatusOr<UpstreamState> ReadUpstreamState(const Kv& kv, absl::string_view name);

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_LEDGER_H_
