#include "services/ledger/decide/operator_orders.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "storage/operator_events.h"
#include "storage/record_codec.h"

namespace fiscal::services {

using domain::EventKind;
using domain::Reason;
using domain::Refuse;

absl::StatusOr<OrderDecision> Decide(const domain::QuarantineOrder& order,
                                     const Standing& standing) {
  OrderDecision d;
  const std::shared_ptr<const storage::OperatorEvents> operators = standing.log.operators();
  const auto earlier = operators->quarantined().find(order.position);
  if (earlier != operators->quarantined().end()) {
    d.in_force_at = earlier->second.position;
    return d;
  }
  const domain::Position head = standing.log.head().position;
  if (order.position.zero() || order.position > head)
    return Refuse(Reason::kPositionAhead, absl::StrCat("the log ends at ", head.value()));
  FISCAL_ASSIGN_OR_RETURN(const storage::LogEntry entry, standing.log.Read(order.position));
  absl::string_view payload;
  FISCAL_ASSIGN_OR_RETURN(const domain::EventHeader at,
                          storage::DecodeHeader(*entry.record, &payload));
  if (at.kind != EventKind::kStatement && at.kind != EventKind::kUpstream) {
    return Refuse(Reason::kQuarantineNotNeeded,
                  absl::StrCat("event ", order.position.value(), " changes no totals"));
  }
  storage::Examined examined = storage::Examine(at, payload);
  if (examined.fault.empty() && order.stopped_at != order.position) {
    return Refuse(Reason::kQuarantineNotNeeded,
                  absl::StrCat("event ", order.position.value(), " is one that totals can take"));
  }
  d.kind = EventKind::kQuarantine;
  d.payload = storage::EncodeQuarantine({order.position, std::move(examined.budget), order.reason});
  return d;
}

absl::StatusOr<OrderDecision> Decide(const domain::KeyOrder& order, const Standing& standing) {
  OrderDecision d;
  const std::shared_ptr<const storage::OperatorEvents> operators = standing.log.operators();
  if (!operators->keys().empty() &&
      operators->keys().back().event.public_key_pem == order.event.public_key_pem) {
    d.in_force_at = operators->keys().back().position;
    return d;
  }
  d.kind = EventKind::kKey;
  d.payload = storage::EncodeKeyEvent(order.event);
  return d;
}

absl::StatusOr<OrderDecision> Decide(const domain::ClockOrder& order, const Standing& standing) {
  OrderDecision d;
  const storage::EventLog::Head& head = standing.head;
  if (!order.refused && order.clock_us >= head.commit_time_us && !head.position.zero()) {
    d.in_force_at = head.position;
    return d;
  }
  d.kind = EventKind::kClock;
  d.payload = storage::EncodeClock({head.commit_time_us, order.note});
  d.commit_time_us = order.clock_us;
  return d;
}

}  // namespace fiscal::services
