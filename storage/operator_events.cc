#include "storage/operator_events.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "storage/posting_codec.h"
#include "storage/record_codec.h"

namespace fiscal::storage {
namespace {

using domain::EventKind;

bool Posts(EventKind kind) { return kind == EventKind::kStatement || kind == EventKind::kUpstream; }

absl::Status Stopped(domain::Position position, absl::string_view fault) {
  domain::Refusal refusal;
  refusal.reason = domain::Reason::kTotalsStopped;
  refusal.message =
      absl::StrCat("event ", position.value(), " can't be folded into totals: ", fault);
  refusal.metadata = {{"position", absl::StrCat(position.value())}};
  return domain::ToStatus(refusal);
}

}  // namespace

absl::Status OperatorEvents::Add(const domain::EventHeader& header, absl::string_view payload) {
  if (header.kind == EventKind::kKey) {
    FISCAL_ASSIGN_OR_RETURN(domain::KeyEvent event, DecodeKeyEvent(payload));
    keys_.push_back({header.position, header.commit_time_us, header.principal, std::move(event)});
  } else if (header.kind == EventKind::kQuarantine) {
    FISCAL_ASSIGN_OR_RETURN(domain::QuarantineEvent event, DecodeQuarantine(payload));
    if (event.budget.has_value()) {
      const auto [it, added] = budgets_.emplace(*event.budget, event.position);
      if (!added) it->second = std::min(it->second, event.position);
    }
    const domain::Position position = event.position;
    quarantined_.emplace(position, Quarantined{header.position, std::move(event)});
  } else if (header.kind == EventKind::kGrant) {
    FISCAL_ASSIGN_OR_RETURN(authority::GrantEvent event, DecodeGrant(payload));
    if (authority::FindRole(event.role) == nullptr) {
      return absl::DataLossError(absl::StrCat("event ", header.position.value(),
                                              " grants the role ", event.role,
                                              ", which a newer version has"));
    }
    authority::Grant::Act act{header.position, header.commit_time_us, header.principal, event.note};
    ChangeGrants().Add(std::move(act), std::move(event));
  } else if (header.kind == EventKind::kGrantApproval ||
             header.kind == EventKind::kGrantRevocation) {
    FISCAL_ASSIGN_OR_RETURN(authority::GrantOrderEvent event, DecodeGrantOrder(payload));
    authority::Grant::Act act{header.position, header.commit_time_us, header.principal, event.note};
    // What is in force already is no error: a log is as it is.
    if (header.kind == EventKind::kGrantApproval) {
      ChangeGrants().Approve(event.grant, std::move(act));
    } else {
      ChangeGrants().Revoke(event.grant, std::move(act));
    }
  } else if (header.kind == EventKind::kClock) {
    FISCAL_ASSIGN_OR_RETURN(const domain::ClockEvent event, DecodeClock(payload));
    if (header.commit_time_us < event.before_us) {
      for (Correction& earlier : corrections_)
        earlier.time_us = std::min(earlier.time_us, header.commit_time_us);
      corrections_.push_back({header.position, header.commit_time_us});
    }
  }
  return absl::OkStatus();
}

int64_t OperatorEvents::TimeOf(domain::Position position, int64_t commit_time_us) const {
  const auto next = std::upper_bound(
      corrections_.begin(), corrections_.end(), position,
      [](domain::Position p, const Correction& correction) { return p < correction.position; });
  return next == corrections_.end() ? commit_time_us : std::min(commit_time_us, next->time_us);
}

authority::Grants& OperatorEvents::ChangeGrants() {
  if (grants_.use_count() > 1) grants_ = std::make_shared<authority::Grants>(*grants_);
  return *grants_;
}

absl::StatusOr<Foldable> ReadFoldable(const domain::EventHeader& header, absl::string_view payload,
                                      std::shared_ptr<const void> owner,
                                      const OperatorEvents& operators) {
  Foldable out;
  if (!Posts(header.kind)) return out;
  const bool left_out = operators.LeavesOut(header.position);
  absl::StatusOr<domain::Posting> posting =
      left_out ? absl::StatusOr<domain::Posting>(absl::CancelledError())
               : ReadPosting(header, payload, std::move(owner));
  if (left_out) {
    const absl::StatusOr<bool> more = IsContinued(header, payload);
    out.more = more.ok() && *more;
    return out;
  }
  if (!posting.ok()) return Stopped(header.position, posting.status().message());
  out.more = posting->more;
  if (operators.LeavesOut(header.position, posting->key)) return out;
  const std::string fault = domain::FoldFault(*posting);
  if (!fault.empty()) return Stopped(header.position, fault);
  out.posting = std::make_shared<domain::Posting>(*std::move(posting));
  return out;
}

Examined Examine(const domain::EventHeader& header, absl::string_view payload) {
  Examined out;
  const absl::StatusOr<domain::Posting> posting = ReadPosting(header, payload, nullptr);
  if (posting.ok()) {
    out.budget = posting->key;
    out.fault = domain::FoldFault(*posting);
    return out;
  }
  out.fault = std::string(posting.status().message());
  const absl::StatusOr<domain::BudgetKey> budget = ReadBudgetKey(header, payload);
  if (budget.ok()) out.budget = *budget;
  return out;
}

}  // namespace fiscal::storage
