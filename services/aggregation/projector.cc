#include "services/aggregation/projector.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "services/submission/intake.h"
#include "storage/record_codec.h"

namespace fiscal::services {

Projector::Projector(const storage::EventLog& log, storage::TotalsStore& store, Options options)
    : log_(log),
      store_(store),
      options_(options),
      // Loads happen while stepping only, when stride_ does not change.
      fold_([this](const domain::ChunkId& id)
                ABSL_NO_THREAD_SAFETY_ANALYSIS { return store_.Load(id, stride_); }) {}

absl::StatusOr<std::unique_ptr<Projector>> Projector::Open(const storage::EventLog& log,
                                                           storage::TotalsStore& store,
                                                           Options options) {
  FISCAL_ASSIGN_OR_RETURN(storage::Watermark watermark, store.ReadWatermark());
  if (watermark.position > 0) {
    if (watermark.log_id != log.log_id())
      return absl::DataLossError("totals: folded from another log");
    if (watermark.position > log.head().position) {
      return absl::DataLossError(absl::StrCat("totals: folded up to ", watermark.position,
                                              " but the log ends at ", log.head().position,
                                              ": it went back"));
    }
    FISCAL_ASSIGN_OR_RETURN(storage::LogEntry entry, log.Read(watermark.position));
    if (entry.chain_hash != watermark.chain_hash)
      return absl::DataLossError("totals: folded from another history");
  }
  std::unique_ptr<Projector> projector(new Projector(log, store, options));
  FISCAL_ASSIGN_OR_RETURN(std::shared_ptr<const domain::Catalog> catalog,
                          LoadCatalog(log, watermark.position));
  FISCAL_ASSIGN_OR_RETURN(storage::TotalsStore::ProjectNames names, store.ReadProjectNames());
  absl::MutexLock lock(&projector->mu_);
  projector->names_ = std::move(names);
  projector->position_ = watermark.position;
  projector->stride_ = storage::WholeStridesAt(watermark.position);
  projector->catalog_ = std::move(catalog);
  return projector;
}

absl::StatusOr<int> Projector::Step(int events_max) {
  domain::Position position = folded();
  const domain::Position head = log_.head().position;
  int done = 0;
  for (; done < events_max && position < head; ++done) {
    ++position;
    FISCAL_ASSIGN_OR_RETURN(storage::LogEntry entry, log_.Read(position));
    FISCAL_ASSIGN_OR_RETURN(domain::Event event, storage::DecodeRecord(entry.record));
    {
      absl::MutexLock lock(&mu_);
      if (event.header.kind == domain::EventKind::kCatalog) {
        catalog_ = catalog_->With(event.catalog);
      } else {
        FISCAL_RETURN_IF_ERROR(fold_.Apply(event.statement, *catalog_));
        for (const domain::ProjectEntry& p : event.statement.projects_put) {
          const std::string key = storage::ProjectNameKey(event.statement.meta.key.year, p.code);
          names_[key] = stated_[key] = p.name;
        }
      }
      position_ = position;
    }
    lines_since_flush_ += event.statement.put.lines.size() + event.statement.removed.lines.size();
    if (position % storage::kStridePositions == 0) FISCAL_RETURN_IF_ERROR(EndStride(entry));
  }
  return done;
}

absl::Status Projector::EndStride(const storage::LogEntry& last) {
  const uint64_t stride = storage::WholeStridesAt(last.position);
  FISCAL_RETURN_IF_ERROR(store_.CommitStride(
      stride, fold_.chunks(), {last.position, last.chain_hash, log_.log_id()}, stated_));
  stated_.clear();
  {
    absl::MutexLock lock(&mu_);
    stride_ = stride;
    size_t cells = 0;
    for (auto& [node, numbered] : fold_.chunks()) {
      for (auto& [number, entry] : numbered) {
        entry->dirty = false;
        cells += entry->chunk.cells().size();
      }
    }
    // Everything live is in the store now; what is needed again is loaded again.
    if (cells > options_.live_cells_max) fold_.chunks().clear();
  }
  if (lines_since_flush_ >= options_.flush_lines) {
    lines_since_flush_ = 0;
    return store_.Flush();
  }
  return absl::OkStatus();
}

std::string Projector::ProjectName(uint16_t year, absl::string_view code) const {
  absl::ReaderMutexLock lock(&mu_);
  auto it = names_.find(storage::ProjectNameKey(year, code));
  return it == names_.end() ? std::string() : it->second;
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
  visit({position_, stride_, fold_.chunks()});
}

}  // namespace fiscal::services
