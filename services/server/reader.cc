#include "services/server/reader.h"

#include <algorithm>
#include <thread>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "services/aggregation/aggregation_rpc.h"
#include "services/disclosure/disclosure_rpc.h"

namespace fiscal::services {
namespace {

// Events folded between two words about how far recovery is.
constexpr int kEventsPerStep = 1024;
// How often coverage deadlines are looked at.
constexpr absl::Duration kCoverageInterval = absl::Minutes(1);

}  // namespace

absl::StatusOr<std::unique_ptr<Reader>> Reader::Open(const config::v1::AggregationConfig& config,
                                                     Process& process, Stores& stores, Edge& edge) {
  auto reader = absl::WrapUnique(new Reader(config, process, stores));
  FISCAL_RETURN_IF_ERROR(reader->Recover());
  reader->MakeParts();
  edge.Add(MakeAggregationService(edge.calls(), *reader->runner_, *reader->reader_, stores.heads(),
                                  *reader->hub_));
  edge.Add(MakeDisclosureService(edge.calls(), *reader->runner_, *reader->reader_, stores.heads()));
  return reader;
}

absl::Status Reader::Recover() {
  absl::Status totals = MakeTotals();
  if (absl::IsDataLoss(totals) || absl::IsAborted(totals)) {
    // Damage of the log itself is met again, and ends the start.
    FISCAL_RETURN_IF_ERROR(stores_.DropTotals(totals.message()));
    totals = MakeTotals();
  }
  // Keeps the part that was folded before the error.
  if (!totals.ok() && totals_ != nullptr) Stop();
  return totals;
}

absl::Status Reader::MakeTotals() {
  totals_.reset();
  FISCAL_ASSIGN_OR_RETURN(totals_, OpenTotals());
  return FoldWhatIsLeft();
}

size_t Reader::ThreadsOf(const config::v1::AggregationConfig& config, size_t processors) {
  if (config.fold_threads() > 0) return static_cast<size_t>(config.fold_threads());
  return std::clamp<size_t>(std::thread::hardware_concurrency() / processors, 1, 8);
}

absl::StatusOr<std::unique_ptr<Reader::Totals>> Reader::OpenTotals() {
  auto totals = std::make_unique<Totals>();
  FISCAL_ASSIGN_OR_RETURN(totals->kv, stores_.OpenTotals());
  totals->store = std::make_unique<storage::TotalsStore>(*totals->kv);
  Projector::Options options;
  options.live_cells_max = static_cast<size_t>(config_.live_cells_max());
  options.written_beside = true;
  // All of them while nobody else has work for them.
  options.parts = crew_.threads();
  options.beside = [this](size_t parts, const std::function<void(size_t)>& part) {
    crew_.Run(parts, part);
  };
  FISCAL_ASSIGN_OR_RETURN(totals->projector,
                          Projector::Open(stores_.log(), *totals->store, options));
  totals->writer = std::make_unique<TotalsWriter>(*totals->projector);
  return totals;
}

absl::Status Reader::FoldWhatIsLeft() {
  Projector& projector = *totals_->projector;
  const domain::Position to = stores_.log().head().position;
  const uint64_t left = to - projector.folded();
  while (projector.folded() < to) {
    FISCAL_RETURN_IF_ERROR(projector.Step(kEventsPerStep).status());
    process_.SayProgress("folding", projector.folded().value(), to.value());
    // Everything but totals is served; an operator says how to go on.
    if (!projector.stopped_at().zero()) break;
  }
  // Submissions and reads have the other half from now on.
  projector.UseParts(ThreadsOf(config_, 2));
  // Damage that only writing meets must be met here, where totals are made again.
  FISCAL_RETURN_IF_ERROR(projector.Write());
  if (left > 0) logging::Info("recovered", {{"events_folded", left}});
  return absl::OkStatus();
}

void Reader::MakeParts() {
  Projector& projector = *totals_->projector;
  runner_ = std::make_unique<Runner>(
      stores_.log(), projector,
      Runner::Options{static_cast<size_t>(config_.reads_waiting_max()),
                      static_cast<size_t>(config_.reads_waiting_per_caller_max())},
      [this](const absl::Status& status) {
        process_.End(StopReason::kFoldFailed,
                     absl::StrCat("folding the log failed: ", status.ToString()));
      });
  reader_ = std::make_unique<TotalsReader>(projector);
  hub_ = std::make_unique<WatchHub>(projector,
                                    WatchHub::Options{static_cast<size_t>(config_.watchers_max())});
  if (config_.coverage_deadlines_size() > 0)
    coverage_ = std::make_unique<CoverageWatch>(projector, config_);
  verifier_ = std::make_unique<Verifier>(projector, stores_.directory().log_store(),
                                         process_.clock(), OptionsOfVerify());
}

VerifyOptions Reader::OptionsOfVerify() {
  VerifyOptions options;
  options.memory_bytes_max = static_cast<size_t>(process_.config().storage().verify_memory_bytes());
  options.ledger = &stores_.directory().ledger_store();
  options.new_store = [this] { return stores_.OpenScratch(); };
  return options;
}

void Reader::Start() {
  if (coverage_ == nullptr) return;
  coverage_->Refresh();
  coverage_period_ =
      std::make_unique<Periodic>(kCoverageInterval, [this] { coverage_->Refresh(); });
}

void Reader::Drain() {
  runner_->Drain();
  hub_->Drain();
}

void Reader::StopFolding() { runner_->Stop(); }

void Reader::StopWatches() {
  hub_->Stop();
  coverage_period_.reset();
}

void Reader::Stop() {
  const absl::Status flushed = totals_->projector->Flush();
  if (!flushed.ok())
    logging::Warning("totals were not flushed and will be folded again",
                     {{"status", flushed.ToString()}});
}

void Reader::Show(SystemParts* parts) const {
  parts->totals_store = totals_->kv.get();
  parts->projector = totals_->projector.get();
  parts->runner = runner_.get();
  parts->hub = hub_.get();
  parts->coverage = coverage_.get();
  parts->verifier = verifier_.get();
}

}  // namespace fiscal::services
