#include "services/ledger/moments.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/reason.h"

namespace fiscal::services {

using domain::Moment;
using domain::Reason;

absl::StatusOr<Moment> MomentAt(const storage::EventLog& log, domain::Position position) {
  FISCAL_ASSIGN_OR_RETURN(const Digest chain, log.ChainAt(position));
  return Moment(position, log.log_id(), chain);
}

Moment MomentOf(const storage::EventLog& log, const storage::EventLog::Head& head) {
  return Moment(head.position, log.log_id(), head.chain_hash);
}

Moment MomentOf(const storage::EventLog& log, const domain::Receipt& receipt) {
  if (receipt.result != domain::Result::kUnchanged)
    return Moment(receipt.position, log.log_id(), receipt.chain_hash);
  // It names an event that stood already; its hash is of the log as it was answered.
  const absl::StatusOr<Moment> stood = MomentAt(log, receipt.position);
  return stood.ok() ? *stood : Moment(receipt.position);
}

absl::Status CheckMoment(const storage::EventLog& log, const Moment& asked) {
  if (!asked.MayBeOf(log.log_id())) {
    return domain::Refuse(Reason::kPositionOfOtherHistory,
                          absl::StrCat("position ", asked.Text(), " is of another log"));
  }
  const domain::Position head = log.head().position;
  if (asked.position() > head) {
    if (asked.bound() && !log.copied()) {
      return domain::Refuse(
          Reason::kPositionOfOtherHistory,
          absl::StrCat("position ", asked.Text(),
                       " is of a history that was lost: the log ends at ", head.value()));
    }
    return PastHead(
        log, absl::StrCat("the log ends at ", head.value(), ", before ", asked.position().value()));
  }
  if (!asked.bound()) return absl::OkStatus();
  FISCAL_ASSIGN_OR_RETURN(const Digest chain, log.ChainAt(asked.position()));
  if (!asked.MayHave(chain)) {
    return domain::Refuse(
        Reason::kPositionOfOtherHistory,
        absl::StrCat("position ", asked.Text(), " is of another history than the log has there"));
  }
  return absl::OkStatus();
}

absl::Status PastHead(const storage::EventLog& log, std::string message) {
  return domain::Refuse(log.copied() ? Reason::kReplicaBehind : Reason::kPositionAhead,
                        std::move(message));
}

}  // namespace fiscal::services
