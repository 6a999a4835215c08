// The intake's part for operators: makes their decisions events.
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "services/ledger/decide/intake_group.h"
#include "storage/operator_events.h"

namespace fiscal::services {

using domain::Reason;
using domain::Refuse;

absl::StatusOr<domain::RequestReceipt> Intake::Apply(domain::QuarantineOrder& order, Group& g) {
  domain::RequestReceipt out;
  const std::shared_ptr<const storage::OperatorEvents> operators = log_.operators();
  const auto earlier = operators->quarantined().find(order.position);
  if (earlier != operators->quarantined().end()) {
    out.receipt.position = earlier->second.position;
    out.receipt.result = domain::Result::kUnchanged;
    return out;
  }
  if (order.position == 0 || order.position > log_.head().position) {
    return Refuse(Reason::kPositionAhead, absl::StrCat("the log ends at ", log_.head().position));
  }
  FISCAL_ASSIGN_OR_RETURN(const storage::LogEntry entry, log_.Read(order.position));
  absl::string_view payload;
  FISCAL_ASSIGN_OR_RETURN(const domain::EventHeader at,
                          storage::DecodeHeader(*entry.record, &payload));
  if (at.kind != domain::EventKind::kStatement && at.kind != domain::EventKind::kUpstream) {
    return Refuse(Reason::kQuarantineNotNeeded,
                  absl::StrCat("event ", order.position, " changes no totals"));
  }
  storage::Examined examined = storage::Examine(at, payload);
  if (examined.fault.empty() && order.stopped_at != order.position) {
    return Refuse(Reason::kQuarantineNotNeeded,
                  absl::StrCat("event ", order.position, " is one that totals can take"));
  }
  const std::string bytes = storage::EncodeQuarantine(
      {order.position, std::move(examined.budget), std::move(order.reason)});
  domain::EventHeader header;
  header.kind = domain::EventKind::kQuarantine;
  header.principal = order.principal;
  header.payload_digest = Sha256({bytes});
  Append(std::move(header), bytes, g, &out.receipt);
  out.receipt.result = domain::Result::kCreated;
  return out;
}

absl::StatusOr<domain::RequestReceipt> Intake::Apply(domain::KeyOrder& order, Group& g) {
  domain::RequestReceipt out;
  const std::shared_ptr<const storage::OperatorEvents> operators = log_.operators();
  if (!operators->keys().empty() &&
      operators->keys().back().event.public_key_pem == order.event.public_key_pem) {
    out.receipt.position = operators->keys().back().position;
    out.receipt.result = domain::Result::kUnchanged;
    return out;
  }
  const std::string bytes = storage::EncodeKeyEvent(order.event);
  domain::EventHeader header;
  header.kind = domain::EventKind::kKey;
  header.principal = order.principal;
  header.payload_digest = Sha256({bytes});
  Append(std::move(header), bytes, g, &out.receipt);
  out.receipt.result = domain::Result::kCreated;
  return out;
}

}  // namespace fiscal::services
