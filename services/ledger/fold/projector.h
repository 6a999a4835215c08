// Keeps totals level with the log.
//
//   EventLog --(Step: read, sum, fold)--> nodes in memory, unwritten postings and states
//   unwritten postings and states --(Write)--> TotalsStore
//
// Nodes in memory are as of folded(); one that is not in memory is in the store, as of written(),
// and did not change since. Agencies' cells are never in memory: they are in the store as of
// written(), and the unwritten postings are their changes since. Events are folded many at a time
// when many wait. Step by one thread, Write by any, readers from any: the lock is held shared while
// nodes in memory are looked at, and alone while they change, never while the store is read or
// written.
#ifndef FISCAL_SERVICES_LEDGER_FOLD_PROJECTOR_H_
#define FISCAL_SERVICES_LEDGER_FOLD_PROJECTOR_H_

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "domain/catalog.h"
#include "domain/fold.h"
#include "storage/event_log.h"
#include "storage/totals_store.h"

namespace fiscal::services {

class Projector {
 public:
  struct Options {
    // Cells in memory above which the nodes that were not used for longest are dropped. About 64
    // bytes each.
    size_t live_cells_max = 1500000;
    // Cells written between flushes of the store. By default none: the store writes what it
    // gathered by itself, and a crash makes us fold at most that again.
    size_t flush_cells = SIZE_MAX;
    // Events, and cells of their postings, that are worth a batch of the store.
    size_t write_events = 256;
    size_t write_cells = 16384;
    // How many parts events are read and folded in beside each other, and by what: nothing for one.
    // Posted cells that are worth a part: some 100 us of work, beside which waking a thread is
    // little.
    size_t parts = 1;
    domain::Fold::Beside beside;
    size_t cells_of_part = 512;
    // True where another thread calls Write when it is due. Step writes then only what lies there
    // for four batches.
    bool written_beside = false;
    // Another than this is for tests, in which whole states must come soon.
    domain::WholeRule rule;
  };

  // DATA_LOSS when the totals were folded from another log, or from more of it than there is: the
  // log went back. ABORTED when they must be folded again: they count an event that an operator has
  // had left out since, or are of another format.
  static absl::StatusOr<std::unique_ptr<Projector>> Open(const storage::EventLog& log,
                                                         storage::TotalsStore& store,
                                                         Options options);

  // Folds at most `events_max` events that are in the log, and those committed with the last of
  // them, and writes when that is due; returns how many. After an error nothing more is folded.
  absl::StatusOr<int> Step(int events_max) ABSL_LOCKS_EXCLUDED(mu_, write_mu_);

  // From now on Step works in so many parts. REQUIRES: no Step is under way; one, or Options has
  // what does them beside each other.
  void UseParts(size_t parts);

  // Writes what is folded and not written. Calls wait for each other.
  absl::Status Write() ABSL_LOCKS_EXCLUDED(mu_, write_mu_);
  // Writes each time it is due, until StopWriting or an error, after which Step fails too.
  absl::Status WriteWhenDue() ABSL_LOCKS_EXCLUDED(mu_, write_mu_);
  void StopWriting() ABSL_LOCKS_EXCLUDED(mu_);

  // TOTALS_STOPPED, naming its position, while the event after folded() can't be folded
  // (OperatorEvents says how it is left out); OK otherwise, and once it is left out, which the next
  // Step sees. Step folds nothing while it is stopped, and is no error.
  absl::Status stop() const ABSL_LOCKS_EXCLUDED(mu_);
  // The position of that event; 0 for none.
  domain::Position stopped_at() const ABSL_LOCKS_EXCLUDED(mu_);
  domain::Position folded() const ABSL_LOCKS_EXCLUDED(mu_);
  std::shared_ptr<const domain::Catalog> catalog() const ABSL_LOCKS_EXCLUDED(mu_);
  // Blocks until `position` is folded or the deadline comes; true when it is folded.
  bool WaitFolded(domain::Position position, absl::Time deadline) const ABSL_LOCKS_EXCLUDED(mu_);
  void StopWaiting() ABSL_LOCKS_EXCLUDED(mu_);

  using Postings = std::vector<std::shared_ptr<const domain::Posting>>;
  // The state at folded(): `visit` sees the nodes in memory under the shared lock; the rest is in
  // the store.
  struct Live {
    domain::Position position;
    domain::Position written;
    // Where nodes were last forgotten: one that is not in memory did not change since.
    domain::Position forgotten;
    const domain::Fold::Nodes& nodes;
    // Postings after `written`, in order.
    const Postings& unwritten;
    const std::shared_ptr<const domain::Catalog>& catalog;
  };
  void ReadLive(const std::function<void(const Live&)>& visit) const ABSL_LOCKS_EXCLUDED(mu_);

  // Cells in memory.
  size_t live_cells() const ABSL_LOCKS_EXCLUDED(mu_);
  size_t live_cells_max() const { return options_.live_cells_max; }
  // Events folded since it was opened.
  int64_t events_folded() const ABSL_LOCKS_EXCLUDED(mu_);

  // A posting, and the last position of what was committed with it.
  struct Delivered {
    std::shared_ptr<const domain::Posting> posting;
    domain::Position end;
  };
  using Wanted = std::function<bool(const domain::Posting&)>;
  // Postings with `after` < position <= `to` that are `wanted` (by their keys: cells may not be
  // there yet), in order, about `max`: the last ones from memory, older ones from the store; a
  // group committed at once is never cut. Returns the position up to which they are all. REQUIRES:
  // `to` was folded.
  absl::StatusOr<domain::Position> ReadPostings(domain::Position after, domain::Position to,
                                                size_t max, const Wanted& wanted,
                                                std::vector<Delivered>* out) const
      ABSL_LOCKS_EXCLUDED(mu_);
  // The last position of what was committed with the event at `position`, mostly itself. REQUIRES:
  // `position` was folded.
  absl::StatusOr<domain::Position> EndOfGroup(domain::Position position) const
      ABSL_LOCKS_EXCLUDED(mu_);
  // The first position ReadPostings finds in memory.
  domain::Position remembered() const ABSL_LOCKS_EXCLUDED(mu_);

  // The position up to which the store has everything.
  domain::Position written() const ABSL_LOCKS_EXCLUDED(mu_);
  const storage::TotalsStore& store() const { return store_; }
  const storage::EventLog& log() const { return log_; }
  const domain::WholeRule& rule() const { return options_.rule; }

  // Makes everything folded durable, so that the next start folds little again.
  absl::Status Flush() ABSL_LOCKS_EXCLUDED(mu_, write_mu_);

 private:
  Projector(const storage::EventLog& log, storage::TotalsStore& store, Options options);
  void Remember(const Postings& postings) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Those that are too many, and written.
  void ForgetRecent() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Writes when that is due, and drops nodes when there are too many.
  absl::Status MakeRoom() ABSL_LOCKS_EXCLUDED(mu_, write_mu_);
  struct Read;
  absl::StatusOr<Read> ReadEvent(domain::Position position,
                                 const storage::OperatorEvents& operators) const;
  // Events that were read and not folded yet, in order.
  class Ahead;
  // Folds `postings`, up to the event `last`, which is a catalog's where one is given, and takes
  // over the positions left out among them.
  absl::Status Apply(const Postings& postings, const storage::LogEntry& last,
                     const domain::CatalogEvent* catalog,
                     const std::vector<domain::Position>& left_out) ABSL_LOCKS_EXCLUDED(mu_);
  void SayStopped(domain::Position position, const absl::Status& why) ABSL_LOCKS_EXCLUDED(mu_);
  bool WriteDue(size_t batches) const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return position_ - written_ >= options_.write_events * batches ||
           unwritten_cells_ >= options_.write_cells * batches;
  }

  const storage::EventLog& log_;
  storage::TotalsStore& store_;
  const Options options_;
  mutable absl::Mutex mu_;
  // Held while the store is written; before mu_ where both are.
  absl::Mutex write_mu_ ABSL_ACQUIRED_BEFORE(mu_);
  domain::Position position_ ABSL_GUARDED_BY(mu_);
  // Of the event there.
  Digest chain_hash_ ABSL_GUARDED_BY(mu_){};
  // folded() when it was opened.
  domain::Position opened_at_ ABSL_GUARDED_BY(mu_);
  domain::Position written_ ABSL_GUARDED_BY(mu_);
  domain::Position forgotten_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<const domain::Catalog> catalog_ ABSL_GUARDED_BY(mu_);
  // Postings after `written_`, their cells, and the states they made.
  Postings unwritten_ ABSL_GUARDED_BY(mu_);
  size_t unwritten_cells_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<domain::Fold::State> states_ ABSL_GUARDED_BY(mu_);
  // Positions up to position_ that were left out.
  std::vector<domain::Position> left_out_ ABSL_GUARDED_BY(mu_);
  // Postings after `forgot_postings_`, all unwritten ones among them: for watchers, which are
  // rarely far behind.
  std::deque<std::shared_ptr<const domain::Posting>> recent_ ABSL_GUARDED_BY(mu_);
  size_t recent_cells_ ABSL_GUARDED_BY(mu_) = 0;
  domain::Position forgot_postings_ ABSL_GUARDED_BY(mu_);
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  bool writing_stopped_ ABSL_GUARDED_BY(mu_) = false;
  // Of a Write: what it was to write is gone.
  absl::Status write_error_ ABSL_GUARDED_BY(mu_);
  absl::Status stop_ ABSL_GUARDED_BY(mu_);
  domain::Position stopped_at_ ABSL_GUARDED_BY(mu_);
  size_t cells_since_flush_ ABSL_GUARDED_BY(write_mu_) = 0;
  size_t parts_ = 1;
  // Cells of an event, as the last ones had them: says how many are read at once.
  size_t cells_of_event_ = 0;
  // What others read of it is changed only by Step, under mu_.
  domain::Fold fold_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_FOLD_PROJECTOR_H_
