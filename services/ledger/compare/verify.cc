#include "services/ledger/compare/verify.h"

#include "base/status_macros.h"
#include "services/ledger/compare/log_scan.h"
#include "services/ledger/compare/verify_ledger.h"
#include "services/ledger/compare/verify_log.h"
#include "services/ledger/compare/verify_totals.h"
#include "storage/record_codec.h"

namespace fiscal::services {
namespace {

constexpr uint64_t kEventsPerLook = 16;
constexpr uint64_t kEventsPerWord = 4096;
constexpr uint64_t kGroupsPerWord = 256;

class Verification {
 public:
  Verification(const Projector& projector, const storage::Kv& log_store,
               const VerifyOptions& options)
      : log_(projector.log()),
        log_store_(log_store),
        options_(options),
        totals_(projector, options.memory_bytes_max, differences_),
        events_(log_, log_store, totals_.to(), differences_) {}

  absl::StatusOr<VerifyResult> Run() {
    FISCAL_RETURN_IF_ERROR(events_.Open());
    StartPass(totals_.to().value());
    for (domain::Position p(1); p <= totals_.to(); ++p) FISCAL_RETURN_IF_ERROR(See(p));
    FISCAL_RETURN_IF_ERROR(events_.Finish());
    FISCAL_RETURN_IF_ERROR(EndPass());
    while (totals_.StartPass()) {
      StartPass(totals_.next_positions().size());
      for (domain::Position p : totals_.next_positions()) FISCAL_RETURN_IF_ERROR(See(p));
      FISCAL_RETURN_IF_ERROR(EndPass());
    }
    if (options_.ledger != nullptr) FISCAL_RETURN_IF_ERROR(CheckLedger());
    result_.position = totals_.to();
    result_.event_count = static_cast<int64_t>(totals_.to().value());
    result_.line_count = totals_.line_count();
    result_.cell_count = totals_.cell_count();
    result_.differences = differences_.list();
    return std::move(result_);
  }

 private:
  void StartPass(uint64_t events) {
    progress_ = {++result_.pass_count, 0, events};
    if (options_.progress) options_.progress(progress_);
  }

  absl::Status EndPass() {
    FISCAL_RETURN_IF_ERROR(totals_.EndPass([this] { return Look(); }));
    if (options_.progress) options_.progress(progress_);
    return absl::OkStatus();
  }

  // In a pass of its own.
  absl::Status CheckLedger() {
    LedgerCheck check(log_, log_store_, *options_.ledger, differences_);
    FISCAL_ASSIGN_OR_RETURN(const uint64_t groups, check.Open());
    // Without a usable mark, there is nothing to compare the ledger at.
    if (groups == 0 && log_.head().group > 0) return absl::OkStatus();
    FISCAL_ASSIGN_OR_RETURN(const std::unique_ptr<storage::Kv> scratch, options_.new_store());
    StartPass(log_.head().position.value());
    const auto look = [this] { return Look(); };
    for (uint64_t group = 1; group <= groups; ++group) {
      FISCAL_RETURN_IF_ERROR(Look());
      FISCAL_ASSIGN_OR_RETURN(const uint64_t events, check.See(group, *scratch, look));
      progress_.events_done += events;
      result_.events_read += static_cast<int64_t>(events);
      if (group % kGroupsPerWord == 0 && options_.progress) options_.progress(progress_);
    }
    FISCAL_RETURN_IF_ERROR(check.Finish(*scratch, look));
    if (options_.progress) options_.progress(progress_);
    return absl::OkStatus();
  }

  absl::Status Look() const {
    if (options_.cancelled && options_.cancelled())
      return absl::CancelledError("nobody waits for it any more");
    return absl::OkStatus();
  }

  absl::Status See(domain::Position p) {
    FISCAL_ASSIGN_OR_RETURN(const storage::LogEntry entry, scan_.Read(p));
    absl::string_view payload;
    FISCAL_ASSIGN_OR_RETURN(const domain::EventHeader header,
                            storage::DecodeHeader(*entry.record, &payload));
    if (result_.pass_count == 1) FISCAL_RETURN_IF_ERROR(events_.See(entry, header));
    FISCAL_RETURN_IF_ERROR(totals_.See(entry, header, payload));
    ++result_.events_read;
    if (++progress_.events_done % kEventsPerLook == 0) FISCAL_RETURN_IF_ERROR(Look());
    if (progress_.events_done % kEventsPerWord == 0 && options_.progress)
      options_.progress(progress_);
    return absl::OkStatus();
  }

  const storage::EventLog& log_;
  const storage::Kv& log_store_;
  LogScan scan_{log_store_};
  const VerifyOptions& options_;
  Differences differences_;
  TotalsCheck totals_;
  LogCheck events_;
  VerifyProgress progress_;
  VerifyResult result_;
};

}  // namespace

absl::StatusOr<VerifyResult> Verify(const Projector& projector, const storage::Kv& log_store,
                                    const VerifyOptions& options) {
  absl::StatusOr<VerifyResult> result = Verification(projector, log_store, options).Run();
  const absl::Status stop = projector.stop();
  if (result.ok() && !stop.ok()) result->differences.emplace_back(stop.message());
  return result;
}

}  // namespace fiscal::services
