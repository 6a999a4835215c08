// Decides what each request does and makes it durable: the only writer of the log.
//
//   Committer --(a group of requests)--> Intake::Commit --> Decide, Group::Keep, one by one
//   --> EventLog::Append --> receipts
//
// A step function: no threads, no gRPC, time from a Clock. Commit is called by one thread at a
// time; catalog() and UpstreamDivisions() by any. Promises, tested by the simulation: a receipt
// means the event is in the log for ever; a request_id makes at most one event; a refusal changes
// nothing.
#ifndef FISCAL_SERVICES_LEDGER_DECIDE_INTAKE_H_
#define FISCAL_SERVICES_LEDGER_DECIDE_INTAKE_H_

#include <memory>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "domain/catalog.h"
#include "domain/receipt.h"
#include "domain/requests.h"
#include "domain/submission.h"
#include "services/ledger/authority.h"
#include "services/ledger/decide/clock_guard.h"
#include "services/ledger/decide/rules_check.h"
#include "services/ledger/decide/standing.h"
#include "storage/event_log.h"
#include "storage/kv.h"
#include "storage/posting_codec.h"

namespace fiscal::services {

class Intake {
 public:
  using Request = std::variant<domain::Submission, domain::CatalogImport, domain::Reallocation,
                               domain::UpstreamRecords, domain::QuarantineOrder, domain::KeyOrder,
                               domain::GrantOrder, domain::ApprovalOrder, domain::RevocationOrder,
                               domain::ClockOrder>;

  // Reads catalog and owners. `kv` is the store that the ledger of `log` is in. `check` runs the
  // articulation rules on statements not checked before queueing: certified PATCHes, and REPLACEs
  // whose catalog changed meanwhile. `authority` says who may write what; null: everybody all.
  // `clock_bounds` say when the clock is not believed. REQUIRES: all outlive the result.
  static absl::StatusOr<std::unique_ptr<Intake>> Open(storage::Kv& kv, storage::EventLog& log,
                                                      Clock& clock, RulesCheck check = CheckRules,
                                                      const Authority* authority = nullptr,
                                                      ClockBounds clock_bounds = {});

  // Applies the requests in order, as one group with one sync; an order about grants ends its
  // group, so that what follows is decided by them, and one about the clock is a group of its own.
  // When this returns, every OK answer is durable. While the clock is not believed, whatever would
  // be an event is refused.
  std::vector<absl::StatusOr<domain::RequestReceipt>> Commit(absl::Span<Request* const> requests);

  // How far an upstream's log was taken over; position 0 when nothing was.
  absl::StatusOr<storage::UpstreamState> ReadUpstream(absl::string_view name) const;
  // The divisions whose money comes from upstreams, with the upstream's name.
  Owners UpstreamDivisions() const ABSL_LOCKS_EXCLUDED(mu_);

  // True after a write with unknown outcome: the process must end, a restart finds the truth.
  bool failed() const { return failed_; }

  const storage::EventLog& log() const { return log_; }
  // Whether commits are refused for the clock.
  ClockGuard::Reading LookAtClock() const { return clock_guard_.Look(log_.head()); }
  std::shared_ptr<const domain::Catalog> catalog() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  Intake(storage::Kv& kv, storage::EventLog& log, Clock& clock, RulesCheck check,
         const Authority* authority, ClockBounds clock_bounds)
      : kv_(kv),
        log_(log),
        clock_guard_(clock, clock_bounds),
        check_(check),
        authority_(authority) {}

  // The requests as one group, at the time of `clock`. One request when that is not believed.
  std::vector<absl::StatusOr<domain::RequestReceipt>> CommitGroup(
      absl::Span<Request* const> requests, const ClockGuard::Reading& clock);

  storage::Kv& kv_;
  storage::EventLog& log_;
  mutable ClockGuard clock_guard_;
  const RulesCheck check_;
  const Authority* const authority_;
  bool failed_ = false;
  mutable absl::Mutex mu_;
  // Values as of the last group; replaced, never changed.
  std::shared_ptr<const domain::Catalog> catalog_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<const Owners> owners_ ABSL_GUARDED_BY(mu_);
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_DECIDE_INTAKE_H_
