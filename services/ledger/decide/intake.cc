#include "services/ledger/decide/intake.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "services/ledger/decide/grant_orders.h"
#include "services/ledger/decide/group.h"
#include "services/ledger/decide/permitted.h"
#include "services/ledger/decide/reallocation.h"
#include "storage/catalog_events.h"
#include "storage/ledger.h"

namespace fiscal::services {
namespace {

using domain::Reason;
using domain::Refuse;
using domain::RequestReceipt;

absl::StatusOr<RequestReceipt> Apply(domain::Submission& s, Group& group) {
  FISCAL_ASSIGN_OR_RETURN(StatementDecision d, Decide(s, group.standing()));
  return group.Keep(s, std::move(d));
}

absl::StatusOr<RequestReceipt> Apply(const domain::CatalogImport& import, Group& group) {
  FISCAL_ASSIGN_OR_RETURN(ImportDecision d, Decide(import, group.standing()));
  return group.Keep(import, std::move(d));
}

template <typename Order>
absl::StatusOr<RequestReceipt> ApplyOrder(const Order& order, Group& group) {
  FISCAL_ASSIGN_OR_RETURN(OrderDecision d, Decide(order, group.standing()));
  return group.Keep(order.principal, std::move(d));
}
absl::StatusOr<RequestReceipt> Apply(const domain::QuarantineOrder& order, Group& group) {
  return ApplyOrder(order, group);
}
absl::StatusOr<RequestReceipt> Apply(const domain::KeyOrder& order, Group& group) {
  return ApplyOrder(order, group);
}
absl::StatusOr<RequestReceipt> Apply(const domain::GrantOrder& order, Group& group) {
  return ApplyOrder(order, group);
}
absl::StatusOr<RequestReceipt> Apply(const domain::ApprovalOrder& order, Group& group) {
  return ApplyOrder(order, group);
}
absl::StatusOr<RequestReceipt> Apply(const domain::RevocationOrder& order, Group& group) {
  return ApplyOrder(order, group);
}

absl::StatusOr<RequestReceipt> Apply(const domain::ClockOrder& order, Group& group) {
  return ApplyOrder(order, group);
}

bool IsAboutGrants(const Intake::Request& request) {
  return std::holds_alternative<domain::GrantOrder>(request) ||
         std::holds_alternative<domain::ApprovalOrder>(request) ||
         std::holds_alternative<domain::RevocationOrder>(request);
}

// The first `count` requests that may be one group.
size_t GroupSize(absl::Span<Intake::Request* const> requests) {
  size_t size = 1;
  const auto alone = [&](size_t i) {
    return std::holds_alternative<domain::ClockOrder>(*requests[i]);
  };
  while (size < requests.size() && !IsAboutGrants(*requests[size - 1]) && !alone(size - 1) &&
         !alone(size)) {
    ++size;
  }
  return size;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Intake>> Intake::Open(storage::Kv& kv, storage::EventLog& log,
                                                     Clock& clock, RulesCheck check,
                                                     const Authority* authority,
                                                     ClockBounds clock_bounds) {
  std::unique_ptr<Intake> intake(new Intake(kv, log, clock, check, authority, clock_bounds));
  FISCAL_ASSIGN_OR_RETURN(std::shared_ptr<const domain::Catalog> catalog,
                          storage::LoadCatalog(log, log.head().position));
  FISCAL_ASSIGN_OR_RETURN(const auto owners, storage::ReadOwners(kv));
  // What the clock says now is what it is compared with later.
  intake->LookAtClock();
  absl::MutexLock lock(&intake->mu_);
  intake->catalog_ = std::move(catalog);
  intake->owners_ = std::make_shared<const Owners>(owners.begin(), owners.end());
  return intake;
}

std::shared_ptr<const domain::Catalog> Intake::catalog() const {
  absl::MutexLock lock(&mu_);
  return catalog_;
}

absl::StatusOr<storage::UpstreamState> Intake::ReadUpstream(absl::string_view name) const {
  return storage::ReadUpstreamState(kv_, name);
}

Owners Intake::UpstreamDivisions() const {
  absl::MutexLock lock(&mu_);
  return *owners_;
}

std::vector<absl::StatusOr<RequestReceipt>> Intake::Commit(absl::Span<Request* const> requests) {
  std::vector<absl::StatusOr<RequestReceipt>> outcomes;
  outcomes.reserve(requests.size());
  while (!requests.empty()) {
    const ClockGuard::Reading clock = LookAtClock();
    // While it is not believed each request is refused, or not, by itself.
    const size_t size = clock.refusal.ok() ? GroupSize(requests) : 1;
    for (absl::StatusOr<RequestReceipt>& outcome : CommitGroup(requests.subspan(0, size), clock))
      outcomes.push_back(std::move(outcome));
    requests.remove_prefix(size);
  }
  return outcomes;
}

std::vector<absl::StatusOr<RequestReceipt>> Intake::CommitGroup(absl::Span<Request* const> requests,
                                                                const ClockGuard::Reading& clock) {
  std::vector<absl::StatusOr<RequestReceipt>> outcomes;
  outcomes.reserve(requests.size());
  if (failed_) {
    outcomes.assign(requests.size(), Refuse(Reason::kOutcomeUnknown,
                                            "an earlier write failed; the service must restart"));
    return outcomes;
  }
  std::shared_ptr<const Owners> owners;
  {
    absl::MutexLock lock(&mu_);
    owners = owners_;
  }
  const int64_t now_us = absl::ToUnixMicros(clock.wall);
  Group group(kv_, log_, now_us, catalog(), owners, check_);
  for (Request* request : requests) {
    auto* order = std::get_if<domain::ClockOrder>(request);
    if (order != nullptr) {
      order->clock_us = now_us;
      order->refused = !clock.refusal.ok();
    }
    outcomes.push_back(std::visit(
        [&](auto& r) -> absl::StatusOr<RequestReceipt> {
          // Before what was answered to an earlier request of the same id is looked at.
          if (authority_ != nullptr)
            FISCAL_RETURN_IF_ERROR(Permitted(*authority_, r, group.standing()));
          // Of an upstream's events it is asked how far they are ahead of the clock.
          if (std::holds_alternative<domain::UpstreamRecords>(*request))
            FISCAL_RETURN_IF_ERROR(clock.refusal);
          return Apply(r, group);
        },
        *request));
    if (!group.broken().ok()) break;
  }
  const bool accepts = std::holds_alternative<domain::ClockOrder>(*requests[0]);
  // What makes no event has no commit time: the answer to a retry, a validation.
  if (!clock.refusal.ok() && !accepts && group.has_events()) return {clock.refusal};
  absl::Status status = group.broken();
  if (status.ok()) {
    status = group.WriteTo(log_);
    if (status.ok()) {
      if (accepts && outcomes[0].ok()) clock_guard_.Accept(clock);
      if (!group.claimed().empty()) {
        auto more = std::make_shared<Owners>(*owners);
        more->insert(group.claimed().begin(), group.claimed().end());
        owners = std::move(more);
      }
      absl::MutexLock lock(&mu_);
      catalog_ = group.catalog();
      owners_ = std::move(owners);
      return outcomes;
    }
    if (absl::IsResourceExhausted(status)) {
      status = Refuse(Reason::kDiskFull, "the store is full; nothing was kept");
    } else {
      failed_ = true;
      status = Refuse(Reason::kOutcomeUnknown, absl::StrCat("a write failed: ", status.message()));
    }
  }
  // Nothing of the group is acknowledged.
  outcomes.assign(requests.size(), status);
  return outcomes;
}

}  // namespace fiscal::services
