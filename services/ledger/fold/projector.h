// Keeps totals level with the log.
//
//   EventLog --(Step: read, sum, fold)--> live chunks --(at the end of a stride)--> TotalsStore
//
// Live chunks are the state at folded(); a chunk that is not live is in the store as of the last
// whole stride and did not change since. Agencies' chunks are never live: they are in the store as
// of the last whole stride, and the open stride's postings are their changes since. Events are
// folded many at a time when many wait. Step and Open by one thread; readers from any. Readers hold
// mu_ shared while they look at live chunks, never while they read the store.
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
    // Live cells above which chunks are dropped at the end of a stride. About 80 bytes each.
    size_t live_cells_max = 1500000;
    // Cells folded between flushes of the store, in which nothing else is folded. By default none:
    // the store writes what it gathered by itself, and a crash makes us fold at most that again.
    size_t flush_cells = SIZE_MAX;
    // Others than these are for tests, in which many strides must end soon.
    storage::StrideBounds stride;
  };

  // DATA_LOSS when the totals were folded from another log, or from more of it than there is: the
  // log went back. ABORTED when they must be folded again: they count an event that an operator has
  // had left out since, or were folded by a version that left nothing out.
  static absl::StatusOr<std::unique_ptr<Projector>> Open(const storage::EventLog& log,
                                                         storage::TotalsStore& store,
                                                         Options options);

  // Folds at most `events_max` events that are in the log, and those committed with the last of
  // them; returns how many. After an error nothing more is folded.
  absl::StatusOr<int> Step(int events_max) ABSL_LOCKS_EXCLUDED(mu_);

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
  // The state at folded(): `visit` sees the live chunks under the shared lock; the rest is in the
  // store after `stride`.
  struct Live {
    domain::Position position;
    domain::Position stride;
    // The stride after which live chunks were last forgotten: a chunk not live now did not change
    // since.
    domain::Position forgotten;
    const domain::Fold::Chunks& chunks;
    // Postings since the stride, in order.
    const Postings& postings;
  };
  void ReadLive(const std::function<void(const Live&)>& visit) const ABSL_LOCKS_EXCLUDED(mu_);

  // Cells in memory, as of the end of the last stride.
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

  const storage::TotalsStore& store() const { return store_; }
  const storage::EventLog& log() const { return log_; }
  const storage::StrideBounds& stride_bounds() const { return options_.stride; }

  // Makes whole strides durable, so that the next start folds little again.
  absl::Status Flush() { return store_.Flush(); }

 private:
  Projector(const storage::EventLog& log, storage::TotalsStore& store, Options options);
  void Remember(const Postings& postings) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The part that an event adds to the open stride.
  struct Read;
  absl::StatusOr<Read> ReadEvent(domain::Position position,
                                 const storage::OperatorEvents& operators) const;
  // Folds `postings`, up to the event at `position`, which is a catalog's where one is given.
  absl::Status Apply(const Postings& postings, domain::Position position,
                     const domain::CatalogEvent* catalog) ABSL_LOCKS_EXCLUDED(mu_);
  void SayStopped(domain::Position position, const absl::Status& why) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status EndStride(const storage::LogEntry& last, const storage::OperatorEvents& operators)
      ABSL_LOCKS_EXCLUDED(mu_);

  const storage::EventLog& log_;
  storage::TotalsStore& store_;
  const Options options_;
  size_t cells_since_flush_ = 0;
  mutable absl::Mutex mu_;
  domain::Position position_ ABSL_GUARDED_BY(mu_);
  // folded() when it was opened.
  domain::Position opened_at_ ABSL_GUARDED_BY(mu_);
  domain::Position stride_ ABSL_GUARDED_BY(mu_);
  domain::Position forgotten_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<const domain::Catalog> catalog_ ABSL_GUARDED_BY(mu_);
  // Postings of the open stride.
  Postings open_ ABSL_GUARDED_BY(mu_);
  // Postings after `forgot_postings_`, all of `open_` among them: for watchers, which are rarely
  // far behind.
  std::deque<std::shared_ptr<const domain::Posting>> recent_ ABSL_GUARDED_BY(mu_);
  size_t recent_cells_ ABSL_GUARDED_BY(mu_) = 0;
  domain::Position forgot_postings_ ABSL_GUARDED_BY(mu_);
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status stop_ ABSL_GUARDED_BY(mu_);
  domain::Position stopped_at_ ABSL_GUARDED_BY(mu_);
  // Events and cells of the open stride.
  storage::StrideBounds open_stride_{0, 0};
  // Changed only by the stepping thread, under mu_.
  domain::Fold fold_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_FOLD_PROJECTOR_H_
