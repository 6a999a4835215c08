#include "services/ledger/fold/projector.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "storage/catalog_events.h"
#include "storage/posting_codec.h"
#include "storage/record_codec.h"

namespace fiscal::services {
namespace {

// Cells of postings that are added under the lock at once.
constexpr size_t kCellsPerApply = 4096;
// Events that are read at once, and bytes of their records after which no further one is begun: an
// event may be large.
constexpr size_t kEventsAheadMax = 64;
constexpr size_t kBytesAheadMax = 8 << 20;

std::vector<domain::Position> LeftOutBefore(const storage::OperatorEvents& operators,
                                            domain::Position last) {
  std::vector<domain::Position> positions;
  for (const auto& [position, quarantined] : operators.quarantined()) {
    if (position <= last) positions.push_back(position);
  }
  return positions;
}

}  // namespace

Projector::Projector(const storage::EventLog& log, storage::TotalsStore& store, Options options)
    : log_(log),
      store_(store),
      options_(options),
      // Nothing of a node that is not in memory is unwritten.
      fold_([this](
                const domain::NodeId& id) { return store_.LoadNode(id, written(), options_.rule); },
            options.rule) {
  UseParts(options_.parts);
}

absl::StatusOr<std::unique_ptr<Projector>> Projector::Open(const storage::EventLog& log,
                                                           storage::TotalsStore& store,
                                                           Options options) {
  FISCAL_ASSIGN_OR_RETURN(storage::Watermark watermark, store.ReadWatermark());
  if (!watermark.position.zero()) {
    if (watermark.log_id != log.log_id())
      return absl::DataLossError("totals: folded from another log");
    if (watermark.position > log.head().position) {
      return absl::DataLossError(absl::StrCat("totals: folded up to ", watermark.position.value(),
                                              " but the log ends at ", log.head().position.value(),
                                              ": it went back"));
    }
    FISCAL_ASSIGN_OR_RETURN(storage::LogEntry entry, log.Read(watermark.position));
    if (entry.chain_hash != watermark.chain_hash)
      return absl::DataLossError("totals: folded from another history");
    const absl::StatusOr<std::vector<domain::Position>> left_out = store.ReadLeftOut();
    if (absl::IsNotFound(left_out.status()))
      return absl::DataLossError("totals: what was left out is missing");
    FISCAL_RETURN_IF_ERROR(left_out.status());
    if (*left_out != LeftOutBefore(*log.operators(), watermark.position))
      return absl::AbortedError("totals: folded before an operator had an event left out");
  }
  std::unique_ptr<Projector> projector(new Projector(log, store, options));
  FISCAL_ASSIGN_OR_RETURN(std::shared_ptr<const domain::Catalog> catalog,
                          storage::LoadCatalog(log, watermark.position));
  absl::MutexLock lock(&projector->mu_);
  projector->position_ = projector->opened_at_ = projector->written_ = watermark.position;
  projector->forgotten_ = projector->forgot_postings_ = watermark.position;
  projector->chain_hash_ = watermark.chain_hash;
  projector->left_out_ = LeftOutBefore(*log.operators(), watermark.position);
  projector->catalog_ = std::move(catalog);
  return projector;
}

struct Projector::Read {
  storage::LogEntry entry;
  storage::Foldable what;
  std::shared_ptr<const domain::CatalogEvent> catalog;
  // Why it can't be folded.
  absl::Status fault;
};

absl::StatusOr<Projector::Read> Projector::ReadEvent(
    domain::Position position, const storage::OperatorEvents& operators) const {
  Read read;
  FISCAL_ASSIGN_OR_RETURN(read.entry, log_.Read(position));
  absl::string_view payload;
  FISCAL_ASSIGN_OR_RETURN(const domain::EventHeader header,
                          storage::DecodeHeader(*read.entry.record, &payload));
  absl::StatusOr<storage::Foldable> what =
      storage::ReadFoldable(header, payload, read.entry.record, operators);
  if (what.ok()) {
    read.what = *std::move(what);
  } else {
    read.fault = what.status();
  }
  if (header.kind == domain::EventKind::kCatalog) {
    FISCAL_ASSIGN_OR_RETURN(domain::CatalogEvent catalog, storage::DecodeCatalog(payload));
    read.catalog = std::make_shared<const domain::CatalogEvent>(std::move(catalog));
  }
  return read;
}

// Reads as many at once as are worth it.
class Projector::Ahead {
 public:
  Ahead(Projector& projector, const storage::OperatorEvents& operators)
      : projector_(projector), operators_(operators) {}

  // The event at `position`, one after that of the call before; `last` is where reading ends.
  absl::StatusOr<Read> Next(domain::Position position, domain::Position last) {
    if (next_ == reads_.size()) ReadAt(position, last);
    return *std::move(reads_[next_++]);
  }

 private:
  void ReadAt(domain::Position position, domain::Position last) {
    const size_t parts = projector_.parts_;
    size_t count = 1;
    if (parts > 1 && last > position) {
      count = std::clamp(
          2 * parts * projector_.options_.cells_of_part / (projector_.cells_of_event_ + 1), parts,
          std::max(parts, kEventsAheadMax));
      count = std::min<size_t>(count, last - position + 1);
    }
    reads_.clear();
    reads_.resize(count);
    next_ = 0;
    std::atomic<size_t> bytes{0};
    const auto read = [&](size_t i) {
      if (i > 0 && bytes > kBytesAheadMax) return;
      reads_[i] = projector_.ReadEvent(position + i, operators_);
      if (reads_[i]->ok()) bytes += (*reads_[i])->entry.record->size();
    };
    if (count > 1) {
      projector_.options_.beside(count, read);
    } else {
      read(0);
    }
    reads_.erase(std::find(reads_.begin() + 1, reads_.end(), std::nullopt), reads_.end());
    size_t cells = 0;
    for (const auto& event : reads_) {
      if (event->ok() && (*event)->what.posting != nullptr)
        cells += (*event)->what.posting->cells.items.size();
    }
    projector_.cells_of_event_ = cells / reads_.size();
  }

  Projector& projector_;
  const storage::OperatorEvents& operators_;
  std::vector<std::optional<absl::StatusOr<Read>>> reads_;
  size_t next_ = 0;
};

void Projector::UseParts(size_t parts) {
  FISCAL_CHECK(parts == 1 || options_.beside != nullptr, "parts are done by somebody");
  parts_ = parts;
  if (options_.beside != nullptr) fold_.DoBeside(parts, options_.cells_of_part, options_.beside);
}

absl::StatusOr<int> Projector::Step(int events_max) {
  const std::shared_ptr<const storage::OperatorEvents> operators = log_.operators();
  domain::Position position;
  {
    absl::ReaderMutexLock lock(&mu_);
    FISCAL_RETURN_IF_ERROR(write_error_);
    position = position_;
  }
  const domain::Position head = log_.head().position;
  Ahead ahead(*this, *operators);
  int done = 0;
  Postings postings;
  size_t cells = 0;
  std::vector<domain::Position> left_out;
  // Events committed as one are folded as one, and no step ends within them: `more` until the last.
  // Their start: the event before them, their places in `postings` and `left_out`.
  bool more = false;
  storage::LogEntry before;
  before.position = position;
  size_t group = 0, left_out_before = 0;
  std::shared_ptr<domain::Posting> last;
  while ((more || done < events_max) && position < head) {
    // No further than this step goes, but where a group goes on.
    const domain::Position last_wanted =
        std::min(head, position + static_cast<uint64_t>(std::max(1, events_max - done)));
    FISCAL_ASSIGN_OR_RETURN(Read read, ahead.Next(position.Next(), last_wanted));
    if (!read.fault.ok()) {
      postings.resize(group);
      left_out.resize(left_out_before);
      if (before.position > folded())
        FISCAL_RETURN_IF_ERROR(Apply(postings, before, nullptr, left_out));
      SayStopped(position.Next(), read.fault);
      return done - static_cast<int>(position - before.position);
    }
    ++position;
    ++done;
    if (operators->LeavesOut(position)) left_out.push_back(position);
    if (read.what.posting != nullptr) {
      last = std::move(read.what.posting);
      cells += last->cells.items.size();
      postings.push_back(last);
    } else if (more && !read.what.more && postings.size() > group) {
      // The end of the group is left out: the one before it is the end.
      last->more = false;
    }
    more = read.what.more;
    if (more && position < head) continue;
    group = postings.size();
    left_out_before = left_out.size();
    before = std::move(read.entry);
    if (read.catalog == nullptr && cells < kCellsPerApply && done < events_max && position < head)
      continue;
    FISCAL_RETURN_IF_ERROR(Apply(postings, before, read.catalog.get(), left_out));
    postings.clear();
    left_out.clear();
    group = left_out_before = cells = 0;
    FISCAL_RETURN_IF_ERROR(MakeRoom());
  }
  return done;
}

absl::Status Projector::MakeRoom() {
  const bool shrink = fold_.cell_count() > options_.live_cells_max;
  bool due;
  {
    absl::ReaderMutexLock lock(&mu_);
    due = WriteDue(options_.written_beside ? 4 : 1);
  }
  if (due || shrink) FISCAL_RETURN_IF_ERROR(Write());
  if (!shrink) return absl::OkStatus();
  // Everything is written: nodes can be loaded again. They are looked for before the lock, and
  // freed after it.
  const std::vector<domain::NodeId> unused = fold_.Unused(options_.live_cells_max);
  std::vector<std::unique_ptr<domain::Fold::Node>> dropped;
  absl::MutexLock lock(&mu_);
  dropped = fold_.Drop(unused);
  forgotten_ = position_;
  return absl::OkStatus();
}

absl::Status Projector::Apply(const Postings& postings, const storage::LogEntry& last,
                              const domain::CatalogEvent* catalog,
                              const std::vector<domain::Position>& left_out) {
  std::vector<const domain::Posting*> pointers;
  pointers.reserve(postings.size());
  for (const auto& p : postings) pointers.push_back(p.get());
  FISCAL_RETURN_IF_ERROR(fold_.Prepare(pointers, *this->catalog()));
  absl::MutexLock lock(&mu_);
  fold_.Apply(&states_);
  unwritten_.insert(unwritten_.end(), postings.begin(), postings.end());
  for (const auto& p : postings) unwritten_cells_ += p->cells.items.size();
  left_out_.insert(left_out_.end(), left_out.begin(), left_out.end());
  Remember(postings);
  // After the statements before it and before those behind it.
  if (catalog != nullptr) catalog_ = catalog_->With(*catalog, last.position);
  position_ = last.position;
  chain_hash_ = last.chain_hash;
  stopped_at_ = domain::Position();
  stop_ = absl::OkStatus();
  return absl::OkStatus();
}

absl::Status Projector::Write() {
  absl::MutexLock writing(&write_mu_);
  Postings postings;
  std::vector<domain::Fold::State> states;
  storage::Watermark watermark;
  std::vector<domain::Position> left_out;
  size_t cells;
  {
    absl::MutexLock lock(&mu_);
    FISCAL_RETURN_IF_ERROR(write_error_);
    if (written_ == position_) return absl::OkStatus();
    // Readers find them in memory until they are in the store.
    postings = unwritten_;
    states = std::move(states_);
    states_.clear();
    cells = std::exchange(unwritten_cells_, 0);
    watermark = {position_, chain_hash_, log_.log_id()};
    left_out = left_out_;
  }
  const absl::Status committed =
      store_.Commit(postings, states, options_.rule, watermark, left_out);
  {
    absl::MutexLock lock(&mu_);
    write_error_ = committed;
    FISCAL_RETURN_IF_ERROR(committed);
    unwritten_.erase(unwritten_.begin(),
                     unwritten_.begin() + static_cast<ptrdiff_t>(postings.size()));
    written_ = watermark.position;
    ForgetRecent();
  }
  cells_since_flush_ += cells;
  if (cells_since_flush_ < options_.flush_cells) return absl::OkStatus();
  cells_since_flush_ = 0;
  return store_.Flush();
}

absl::Status Projector::Flush() {
  FISCAL_RETURN_IF_ERROR(Write());
  return store_.Flush();
}

absl::Status Projector::WriteWhenDue() {
  auto due = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return WriteDue(1) || writing_stopped_; };
  while (true) {
    {
      absl::ReaderMutexLock lock(&mu_);
      mu_.Await(absl::Condition(&due));
      if (writing_stopped_) return absl::OkStatus();
    }
    FISCAL_RETURN_IF_ERROR(Write());
  }
}

void Projector::StopWriting() {
  absl::MutexLock lock(&mu_);
  writing_stopped_ = true;
}

domain::Position Projector::written() const {
  absl::ReaderMutexLock lock(&mu_);
  return written_;
}

void Projector::SayStopped(domain::Position position, const absl::Status& why) {
  {
    absl::MutexLock lock(&mu_);
    if (stopped_at_ == position) return;
    stopped_at_ = position;
    stop_ = why;
  }
  logging::Critical("totals are stopped before an event that can't be folded",
                    {{"position", position.value()}, {"why", std::string(why.message())}});
}

absl::Status Projector::stop() const {
  const std::shared_ptr<const storage::OperatorEvents> operators = log_.operators();
  absl::ReaderMutexLock lock(&mu_);
  return operators->LeavesOut(stopped_at_) ? absl::OkStatus() : stop_;
}

domain::Position Projector::stopped_at() const {
  const std::shared_ptr<const storage::OperatorEvents> operators = log_.operators();
  absl::ReaderMutexLock lock(&mu_);
  return operators->LeavesOut(stopped_at_) ? domain::Position() : stopped_at_;
}

// Postings and cells kept for watchers.
constexpr size_t kRecentPostings = 8192;
constexpr size_t kRecentCells = 65536;

void Projector::Remember(const Postings& postings) {
  for (const auto& p : postings) {
    recent_.push_back(p);
    recent_cells_ += p->cells.items.size();
  }
  ForgetRecent();
}

void Projector::ForgetRecent() {
  while ((recent_.size() > kRecentPostings || recent_cells_ > kRecentCells) &&
         recent_.front()->position <= written_) {
    recent_cells_ -= recent_.front()->cells.items.size();
    forgot_postings_ = recent_.front()->position;
    recent_.pop_front();
  }
}

domain::Position Projector::remembered() const {
  absl::ReaderMutexLock lock(&mu_);
  return forgot_postings_.Next();
}

absl::StatusOr<domain::Position> Projector::ReadPostings(domain::Position after,
                                                         domain::Position to, size_t max,
                                                         const Wanted& wanted,
                                                         std::vector<Delivered>* out) const {
  const size_t start = out->size();
  // Where the group that is not over starts in `out`.
  size_t group = start;
  auto end_group = [&](domain::Position position) {
    for (; group < out->size(); ++group) (*out)[group].end = position;
  };
  domain::Position stored_to;
  {
    absl::ReaderMutexLock lock(&mu_);
    if (after >= forgot_postings_) {
      auto it = std::lower_bound(
          recent_.begin(), recent_.end(), after.Next(),
          [](const auto& p, domain::Position position) { return p->position < position; });
      for (; it != recent_.end() && (*it)->position <= to; ++it) {
        if (wanted(**it)) out->push_back({*it, {}});
        if ((*it)->more) continue;
        end_group((*it)->position);
        if (out->size() - start >= max) return (*it)->position;
      }
      return to;
    }
    stored_to = std::min(written_, to);
  }
  // As many positions as may be wanted, so that a walk over what is not wanted is bounded too.
  domain::Position read_to = std::min(stored_to, after + 4 * max);
  domain::Position full;
  FISCAL_RETURN_IF_ERROR(store_.ForEachPosting(
      after, read_to,
      [&](const storage::StoredPosting& stored, absl::string_view bytes) -> absl::Status {
        if (!full.zero()) return absl::OkStatus();
        const domain::Position position = stored.posting.position;
        if (wanted(stored.posting)) {
          auto owner = std::make_shared<const std::string>(bytes);
          FISCAL_ASSIGN_OR_RETURN(domain::Posting posting,
                                  storage::DecodeWholePosting(position, *owner, owner));
          out->push_back({std::make_shared<const domain::Posting>(std::move(posting)), {}});
        }
        if (stored.posting.more) return absl::OkStatus();
        end_group(position);
        if (out->size() - start >= max) full = position;
        return absl::OkStatus();
      }));
  if (!full.zero()) return full;
  // The range ended inside a group: it is read the next time.
  if (group < out->size()) {
    read_to = (*out)[group].posting->position.Prev();
    out->resize(group);
  }
  return read_to;
}

absl::StatusOr<domain::Position> Projector::EndOfGroup(domain::Position position) const {
  {
    absl::ReaderMutexLock lock(&mu_);
    if (position > forgot_postings_) {
      auto it = std::lower_bound(
          recent_.begin(), recent_.end(), position,
          [](const auto& p, domain::Position asked) { return p->position < asked; });
      if (it == recent_.end() || (*it)->position != position) return position;
      // Others between them may be left out.
      while ((*it)->more) ++it;
      return (*it)->position;
    }
  }
  return store_.EndOfGroup(position);
}

size_t Projector::live_cells() const {
  absl::ReaderMutexLock lock(&mu_);
  return fold_.cell_count();
}

int64_t Projector::events_folded() const {
  absl::ReaderMutexLock lock(&mu_);
  return static_cast<int64_t>(position_ - opened_at_);
}

domain::Position Projector::folded() const {
  absl::ReaderMutexLock lock(&mu_);
  return position_;
}

std::shared_ptr<const domain::Catalog> Projector::catalog() const {
  absl::ReaderMutexLock lock(&mu_);
  return catalog_;
}

bool Projector::WaitFolded(domain::Position position, absl::Time deadline) const {
  absl::ReaderMutexLock lock(&mu_);
  auto reached = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return position_ >= position || stopped_; };
  mu_.AwaitWithDeadline(absl::Condition(&reached), deadline);
  return position_ >= position;
}

void Projector::StopWaiting() {
  absl::MutexLock lock(&mu_);
  stopped_ = true;
}

void Projector::ReadLive(const std::function<void(const Live&)>& visit) const {
  absl::ReaderMutexLock lock(&mu_);
  visit({position_, written_, forgotten_, fold_.nodes(), unwritten_, catalog_});
}

}  // namespace fiscal::services
